/** Lazy flags: setcc alone, and fused with the operation it follows and the branch that follows it. */
import { STATE } from '../../../ir/layout.ts';
import { OP_NAMES, OPS, Op } from '../../../ir/ops.ts';
import type { FrontEnd } from '../../../isa/front-end.ts';
import { VOID } from '../../../wasm/opcodes.ts';
import { DIRECT } from '../../../wasm/semantics.ts';
import { ENTRY, type Handlers, S0, S1 } from '../context.ts';
import { COMPARES, type Define } from './handler.ts';

/** Fused with the setcc that follows. */
export const FLAG_OPS = [Op.add, Op.sub, Op.and, Op.or, Op.xor];

export function flags(def: Define, frontEnd: FrontEnd, linkUnits: number): void {
  const cc = STATE + 8 * Math.max(0, frontEnd.ccSlot);
  const kind = (h: Handlers, unit: number): void => {
    h.code.store32(cc, () => h.u16(unit));
  };
  const put = (h: Handlers, index: number, push: () => void): void => {
    h.code.store32(cc + 8 * index, push);
  };
  // op, kind, a, b | constant(2). Only for the front end's own cc slot; other triples are written by moves.
  def('setcc', 4, (h) => {
    h.operand(2, 'i32').set(S0);
    put(h, 2, () => h.operand(3, 'i32'));
    put(h, 1, () => h.code.get(S0));
    kind(h, 1);
    h.next();
  });
  def('setcc.const', 5, (h) => {
    put(h, 1, () => h.operand(2, 'i32'));
    put(h, 2, () => h.i32(3));
    kind(h, 1);
    h.next();
  });
  for (const op of FLAG_OPS) {
    for (const constant of [false, true]) {
      const form = constant ? '.const' : '';
      const logic = op !== Op.add && op !== Op.sub;
      const b = (h: Handlers, unit: number): void => {
        if (constant) h.i32(unit);
        else h.operand(unit, 'i32');
      };
      // op, kind, d, a, b | constant(2): result to d, cc = kind, result, b (0 for logic)
      for (const keep of [true, false]) {
        const at = keep ? 3 : 2;
        def(`${OP_NAMES[op]}.cc${keep ? '' : '.only'}${form}`, at + 1 + (constant ? 2 : 1), (h) => {
          const c = h.code;
          h.operand(at, 'i32');
          b(h, at + 1);
          c.op(DIRECT[op] as number).set(S0);
          put(h, 2, () => {
            if (logic) c.i32(0);
            else b(h, at + 1);
          });
          put(h, 1, () => c.get(S0));
          kind(h, 1);
          if (keep) h.assign(2, 'i32', () => c.get(S0));
          h.next();
        });
      }
    }
  }
  // Compare, or test, and branch. op, kind, a, b | constant(2), link, link
  for (const cmp of COMPARES.filter((i) => OPS[i]?.ty === 'i32')) {
    for (const constant of [false, true]) {
      const b = (h: Handlers): void => {
        if (constant) h.i32(3);
        else h.operand(3, 'i32');
      };
      const links = 3 + (constant ? 2 : 1);
      for (const [name, op] of [
        ['cmp', Op.sub],
        ['test', Op.and],
      ] as const) {
        def(`${name}.${OP_NAMES[cmp]}${constant ? '.const' : ''}`, links + 2 * linkUnits, (h) => {
          const c = h.code;
          h.operand(2, 'i32').tee(S0);
          b(h);
          c.tee(S1)
            .op(DIRECT[op] as number)
            .set(ENTRY);
          kind(h, 1);
          put(h, 1, () => c.get(ENTRY));
          put(h, 2, () => (op === Op.sub ? c.get(S1) : c.i32(0)));
          if (op === Op.sub) c.get(S0).get(S1);
          else c.get(ENTRY).i32(0);
          c.op(DIRECT[cmp] as number).if(VOID);
          h.link(links);
          c.else();
          h.link(links + linkUnits);
          c.end();
        });
      }
    }
  }
}
