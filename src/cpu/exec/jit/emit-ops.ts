/** The ops of a block in a region: computations, guest memory, flags, helpers. How blocks hang together: emit.ts. */
import { C_BUDGET, C_FAULT, C_FAULT_CODE, C_FAULT_ERR, FAULT_EXC, STATE } from '../../ir/layout.ts';
import { OPS, type Ty } from '../../ir/ops.ts';
import type { FrontEnd } from '../../isa/front-end.ts';
import type { Code, Label } from '../../wasm/code.ts';
import { VOID, W } from '../../wasm/opcodes.ts';
import { emitComputation, type Operands, pushConst } from '../../wasm/semantics.ts';
import { emitAccess, type SlowAccess } from '../soft-tlb.ts';
import { ADDRESS, BUDGET, ENTRY, EXIT_PC, GIVE_BACK, Locals, S0, T64, typeOfA } from './locals.ts';
import { emitRememberedAccess } from './page-locals.ts';
import type { Prelude } from './prelude.ts';
import type { Node } from './region.ts';

/** Indices of the functions that a region calls. */
export interface ModuleFunctions extends SlowAccess, Prelude {
  readonly helpers: readonly number[];
  /** Type of regions. */
  readonly regionType: number;
  /** Heads of blocks in bytecode. */
  readonly opcodes: { readonly enter: number; readonly dead: number };
}

const slotAddress = (slot: number): number => STATE + 8 * slot;

export abstract class OpEmitter {
  protected readonly c: Code;
  protected readonly frontEnd: FrontEnd;
  protected readonly va: Ty;
  protected readonly fns: ModuleFunctions;
  protected readonly nodes: readonly Node[];
  protected readonly locals: Locals;
  protected readonly bank: number;
  protected fault: Label = 0;
  protected node: Node;
  /** Offset in the node's IR of the op being emitted. */
  protected p = 0;

  protected constructor(code: Code, frontEnd: FrontEnd, fns: ModuleFunctions, nodes: readonly Node[]) {
    this.c = code;
    this.frontEnd = frontEnd;
    this.va = frontEnd.va;
    this.fns = fns;
    this.nodes = nodes;
    this.node = nodes[0] as Node;
    this.bank = this.node.block.bank;
    this.locals = new Locals(frontEnd, nodes);
  }

  /** Emits the op that ends a block. */
  protected abstract end(op: number): void;

  protected word(i: number): number {
    return this.node.ir[this.p + i] as number;
  }
  protected slotTy(s: number): Ty {
    return this.frontEnd.slots[s]?.ty ?? 'i32';
  }
  protected get(operand: number, ty: Ty): void {
    this.c.get(this.locals.of(operand, ty));
  }
  protected storeSlot(s: number): void {
    const c = this.c;
    c.i32(0).get(this.locals.slot(s));
    c.mem(this.slotTy(s) === 'i64' ? W.i64Store : W.i32Store, slotAddress(s), 2);
  }
  protected loadSlot(s: number): void {
    this.c
      .i32(0)
      .mem(this.slotTy(s) === 'i64' ? W.i64Load : W.i32Load, slotAddress(s), 2)
      .set(this.locals.slot(s));
  }
  /** Push a program counter at a distance from the current block's. */
  protected pushPc(delta: number): void {
    const b = this.node.block;
    const hi = b.pcHi + Math.floor(((b.pcLo >>> 0) + delta) / 0x1_0000_0000);
    pushConst(this.c, this.va, (b.pcLo + delta) | 0, hi);
  }

  protected op(): void {
    const op = this.word(0);
    const info = OPS[op];
    const c = this.c;
    switch (info?.shape) {
      case 'bin':
      case 'cmp':
      case 'un':
      case 'bits':
      case 'dep':
      case 'sel':
      case 'mul2':
        return emitComputation(op, this.operands(op));
      case 'movi':
        pushConst(c, info.ty, this.word(4), this.word(5));
        c.set(this.locals.of(this.word(1), info.ty));
        return;
      case 'load':
      case 'store':
        return this.access(op);
      case 'getf':
        c.i32(0).mem(info.ty === 'i64' ? W.i64Load : W.i32Load, this.word(4), 2);
        c.set(this.locals.of(this.word(1), info.ty));
        return;
      case 'putf':
        c.i32(0);
        if (this.word(2) >= 0) this.get(this.word(2), info.ty);
        else pushConst(c, info.ty, this.word(6), this.word(6) >> 31);
        c.mem(info.ty === 'i64' ? W.i64Store : W.i32Store, this.word(4), 2);
        return;
      case 'setcc':
        return this.setcc();
      case 'call':
        return this.call();
      case 'raise':
        return this.raise();
      default:
        return this.end(op);
    }
  }

  private operands(op: number): Operands {
    const c = this.c;
    const info = OPS[op];
    const ty: Ty = info?.ty ?? 'i32';
    const from = typeOfA(op);
    const to: Ty = info?.shape === 'cmp' ? 'i32' : ty;
    const isSelect = info?.shape === 'sel';
    return {
      code: c,
      a: () => this.get(this.word(2), isSelect ? 'i32' : from),
      b: () => {
        if (this.word(3) >= 0) this.get(this.word(3), from);
        else pushConst(c, from, this.word(4), info?.shape === 'dep' ? this.word(4) >> 31 : this.word(5));
      },
      x: () => this.get(this.word(6), ty),
      position: this.word(5) & 0xff,
      length: this.word(5) >> 8,
      setD: (push) => {
        push();
        c.set(this.locals.of(this.word(1), to));
      },
      setX: (push) => {
        push();
        c.set(this.locals.of(this.word(6), 'i32'));
      },
      tmp32: S0,
      tmp64: T64,
    };
  }

  private setcc(): void {
    const c = this.c;
    const first = this.word(1);
    // Both sources are read before anything is written.
    this.get(this.word(2), 'i32');
    if (this.word(3) >= 0) this.get(this.word(3), 'i32');
    else c.i32(this.word(6));
    c.set(this.locals.slot(first + 2)).set(this.locals.slot(first + 1));
    c.i32(this.word(4)).set(this.locals.slot(first));
  }

  private call(): void {
    const c = this.c;
    const number = this.word(4);
    const helper = this.frontEnd.helpers[number];
    if (!helper) throw new Error(`BUG: helper ${number}`);
    for (const s of helper.reads) if (this.locals.has(s)) this.storeSlot(s);
    const args = [this.word(2), this.word(3), this.word(6), this.word(5)];
    helper.params.forEach((ty, i) => {
      this.get(args[i] as number, ty);
    });
    if (helper.readsClock) {
      const after = this.node.block.insns - this.word(7) - 1;
      c.store32(C_BUDGET, () => c.get(BUDGET).i32(after).op(W.i32Add));
    }
    c.call(this.fns.helpers[number] as number);
    const d = this.word(1);
    const wide = helper.result === 'i64';
    if (helper.result) c.set(wide ? T64 : S0);
    for (const s of helper.writes) this.loadSlot(s);
    if (helper.faults) this.checkFault();
    if (helper.result && d >= 0) c.get(wide ? T64 : S0).set(this.locals.of(d, helper.result));
  }

  private checkFault(): void {
    this.c.load32(C_FAULT).if(VOID, 0);
    this.faultHere();
    this.c.end();
  }
  /** To the fault stub, with the address of this instruction and the count of those not executed. */
  private faultHere(): void {
    const insn = this.word(7);
    this.pushPc(this.node.insnOffset[insn] as number);
    this.c
      .set(EXIT_PC)
      .i32(this.node.block.insns - insn)
      .set(GIVE_BACK)
      .br(this.fault);
  }
  private raise(): void {
    const c = this.c;
    const condition = this.word(2);
    if (condition >= 0) {
      this.get(condition, 'i32');
      c.if(VOID, 0);
    }
    c.store32(C_FAULT, () => c.i32(FAULT_EXC));
    c.store32(C_FAULT_CODE, () => c.i32(this.word(4)));
    c.store32(C_FAULT_ERR, () => c.i32(this.word(5)));
    this.faultHere();
    if (condition >= 0) c.end();
  }

  private access(op: number): void {
    const c = this.c;
    const wide = this.va === 'i64';
    const info = OPS[op];
    const ty: Ty = info?.ty ?? 'i32';
    const [base, index, disp, scale] = [this.word(2), this.word(3), this.word(4), this.word(5)];
    const address = (): void => {
      if (base >= 0) this.get(base, this.va);
      if (index >= 0) {
        this.get(index, this.va);
        if (scale > 0) {
          pushConst(c, this.va, scale, 0);
          c.op(wide ? W.i64Shl : W.i32Shl);
        }
        if (base >= 0) c.op(wide ? W.i64Add : W.i32Add);
      }
      if (disp !== 0 || (base < 0 && index < 0)) {
        pushConst(c, this.va, disp, disp >> 31);
        if (base >= 0 || index >= 0) c.op(wide ? W.i64Add : W.i32Add);
      }
    };
    const access = {
      code: c,
      op,
      va: this.va,
      address,
      value: () => {
        if (this.word(1) >= 0) this.get(this.word(1), ty);
        else pushConst(c, ty, this.word(6), this.word(6) >> 31);
      },
      result: (push: () => void) => {
        push();
        c.set(this.locals.of(this.word(1), ty));
      },
      checkFault: () => this.checkFault(),
      bank: this.bank,
      slow: this.fns,
      addressLocal: ADDRESS,
      entryLocal: ENTRY,
    };
    const isLoad = info?.shape === 'load';
    const remembers = this.frontEnd.stackSlots.includes(base) || (base < 0 && index < 0);
    if (!remembers || wide || !this.nodes.some((n) => n.isLoop)) return emitAccess(access);
    const key = `${isLoad ? 'load' : 'store'} ${base >= 0 ? base : disp >>> 12}`;
    emitRememberedAccess(access, this.locals.page(key, this.va), isLoad ? this.fns.probeLoad : this.fns.probeStore);
  }
}
