/** The opcodes of the bytecode as tables indexed by op number, so that lowering looks no name up. */
import { OP_NAMES, OPS } from '../../ir/ops.ts';
import type { FrontEnd } from '../../isa/front-end.ts';
import { USUAL_FIELDS } from './handlers/computations.ts';
import { FLAG_OPS } from './handlers/flags.ts';
import type { Handler } from './handlers/handler.ts';

/** Opcodes by op number; -1: there is none. */
export type Table = Int16Array;

/** Opcodes of a form whose last operand may be a constant. */
export interface Forms {
  readonly operand: Table;
  readonly constant: Table;
}

export class Opcodes {
  /** The op by itself. */
  readonly plain: Forms;
  /** Load or store with an index. */
  readonly index: Forms;
  /** Branch on a compare. */
  readonly br: Forms;
  /** Op and its setcc; the same with the result dropped. */
  readonly cc: Forms;
  readonly ccOnly: Forms;
  /** By compare: sub, or and, with setcc and branch. */
  readonly cmp: Forms;
  readonly test: Forms;
  /** By number of a usual field. */
  readonly fields: readonly Table[];
  /** By number of a helper. */
  readonly call: Table;
  /** By kind of an indirect jump. */
  readonly jind: Table;
  /** By op number: may it be fused with a setcc? */
  readonly fusesCc: Uint8Array;
  readonly head: number;
  readonly headGuarded: number;
  readonly push: number;
  readonly pushConst: number;
  readonly pop: number;
  readonly raise: number;
  readonly raiseIf: number;
  readonly gotoLookup: number;
  readonly gotomIrq: number;
  readonly jpc: number;
  readonly jpcIrq: number;
  readonly #byName: ReadonlyMap<string, number>;

  constructor(frontEnd: FrontEnd, handlers: readonly Handler[]) {
    this.#byName = new Map(handlers.map((h, i) => [h.name, i]));
    const table = (name: (op: string) => string): Table => Int16Array.from(OP_NAMES, (n) => this.named(name(n)));
    const forms = (name: (op: string) => string): Forms => ({
      operand: table(name),
      constant: table((n) => `${name(n)}.const`),
    });
    this.plain = forms((n) => n);
    this.index = forms((n) => `${n}.index`);
    this.br = forms((n) => `br.${n}`);
    this.cc = forms((n) => `${n}.cc`);
    this.ccOnly = forms((n) => `${n}.cc.only`);
    this.cmp = forms((n) => `cmp.${n}`);
    this.test = forms((n) => `test.${n}`);
    this.fields = USUAL_FIELDS.map(([pos, len]) => table((n) => `${n}.${pos}.${len}`));
    this.call = Int16Array.from(frontEnd.helpers, (_, i) => this.named(`call.${i}`));
    this.jind = Int16Array.from({ length: 3 }, (_, kind) => this.named(`jind.${kind}`));
    this.fusesCc = Uint8Array.from(OPS, (_, i) => (FLAG_OPS.includes(i) ? 1 : 0));
    this.head = this.named('head');
    this.headGuarded = this.named('headGuarded');
    this.push = this.named('push');
    this.pushConst = this.named('push.const');
    this.pop = this.named('pop');
    this.raise = this.named('raise');
    this.raiseIf = this.named('raise.if');
    this.gotoLookup = this.named('goto.lookup');
    this.gotomIrq = this.named('gotom.irq');
    this.jpc = this.named('jpc');
    this.jpcIrq = this.named('jpc.irq');
  }

  /** Opcode of a handler, -1 if there is none of that name. */
  named(name: string): number {
    return this.#byName.get(name) ?? -1;
  }
}
