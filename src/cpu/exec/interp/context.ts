/** How a handler of the interpreter (T1) reads its bytecode, reaches operands, goes on, and leaves. */
import {
  C_BUDGET,
  C_EXIT,
  C_EXIT_ARG,
  C_FAULT,
  C_PC,
  EXIT_FAULT,
  EXIT_LINK,
  EXIT_LOOKUP,
  HEAD_PAGE,
  JUMP_CACHE,
} from '../../ir/layout.ts';
import type { Ty } from '../../ir/ops.ts';
import type { Code, Label } from '../../wasm/code.ts';
import { VOID, W } from '../../wasm/opcodes.ts';
import type { Operands } from '../../wasm/semantics.ts';
import { emitJumpCacheHit, jumpCacheLayout } from '../jump-cache.ts';
import type { SlowAccess } from '../soft-tlb.ts';

/** Locals of the interpreter's one function. `ip` is the parameter. */
export const IP = 0;
export const BUDGET = 1;
/** Address of the head of the block being run: precise faults are computed from it. */
export const BLOCK = 2;
export const S0 = 3;
export const S1 = 4;
export const ENTRY = 5;
export const ADDR32 = 6;
/** Offset of the soft TLB's bank in use. */
export const BANK = 7;
export const T64 = 8;
export const ADDR64 = 9;
/** How many locals of each type follow the parameter. */
export const I32_LOCALS = 7;
export const I64_LOCALS = 2;

/**
 * Head of a block in bytecode, byte offsets: u16 opcode, u16 instructions, u32 heat left (or region index), u64 pc, u32 number
 * of the block, u32 page of its first byte; a guarded one goes on with u32 context, u32 second page.
 */
export const HEAD = {
  insns: 2,
  heat: 4,
  pc: 8,
  number: 16,
  page: HEAD_PAGE,
  size: 24,
  context: 24,
  page2: 28,
  guardedSize: 32,
} as const;

/** Functions that handlers call, by index in the module. */
export interface Functions extends SlowAccess {
  readonly lookup: number;
  readonly codePage: number;
  readonly helpers: readonly number[];
}

/** Where the operands of the current handler lie, in u16 units from its opcode. */
export interface Positions {
  d?: number;
  a?: number;
  b?: number;
  x?: number;
  /** Constant b: i32 or i64 in the bytecode. */
  bConst?: number;
}

export class Handlers {
  /** Units of the handler being emitted. */
  units = 0;
  readonly code: Code;
  readonly va: Ty;
  readonly fns: Functions;
  readonly loop: Label;

  constructor(code: Code, va: Ty, fns: Functions, loop: Label) {
    this.code = code;
    this.va = va;
    this.fns = fns;
    this.loop = loop;
  }

  /** Push u16 number `unit`. */
  u16(unit: number): Code {
    return this.code.get(IP).mem(W.i32Load16U, unit * 2, 1);
  }
  /** Push the u32 (i32) that starts at unit `unit`. */
  i32(unit: number): Code {
    return this.code.get(IP).mem(W.i32Load, unit * 2, 1);
  }
  i64(unit: number): Code {
    return this.code.get(IP).mem(W.i64Load, unit * 2, 1);
  }
  /** Push the value of the operand whose state address is unit `unit`. */
  operand(unit: number, ty: Ty): Code {
    return this.u16(unit).mem(ty === 'i64' ? W.i64Load : W.i32Load, 0, 2);
  }
  /** Write what `push` pushes to the operand named by unit `unit`. */
  assign(unit: number, ty: Ty, push: () => void): void {
    this.u16(unit);
    push();
    this.code.mem(ty === 'i64' ? W.i64Store : W.i32Store, 0, 2);
  }
  /** Operands for a computation, of types `ty` (result) and `from` (sources). */
  operands(at: Positions, ty: Ty, from: Ty, position = 0, length = 0): Operands {
    const unit = (u: number | undefined): number => {
      if (u === undefined) throw new Error('BUG: handler without this operand');
      return u;
    };
    return {
      code: this.code,
      a: () => this.operand(unit(at.a), from),
      b: () => {
        if (at.bConst === undefined) this.operand(unit(at.b), from);
        else if (from === 'i64') this.i64(at.bConst);
        else this.i32(at.bConst);
      },
      x: () => this.operand(unit(at.x), from),
      position,
      length,
      setD: (push) => this.assign(unit(at.d), ty, push),
      setX: (push) => this.assign(unit(at.x), ty, push),
      tmp32: S0,
      tmp64: T64,
    };
  }

  /** On to the next op (after `units` of this one). */
  next(units = this.units): void {
    this.code
      .get(IP)
      .i32(units * 2)
      .op(W.i32Add)
      .set(IP)
      .br(this.loop);
  }
  exit(reason: number): void {
    const c = this.code;
    c.store32(C_EXIT, () => c.i32(reason));
    c.store32(C_EXIT_ARG, () => c.get(IP));
    c.store32(C_BUDGET, () => c.get(BUDGET));
    c.return();
  }
  /** C_PC = what `push` pushes (a program counter of the target's width). */
  setPc(push: () => void): void {
    this.code.i32(0);
    push();
    this.code.mem(this.va === 'i64' ? W.i64Store : W.i32Store, C_PC, 2);
  }
  /** Push the program counter that starts at unit `unit`. */
  pcAt(unit: number): Code {
    return this.va === 'i64' ? this.i64(unit) : this.i32(unit);
  }
  get pcUnits(): number {
    return this.va === 'i64' ? 4 : 2;
  }
  /** Units of a link: u32 address of the target's bytecode (0: not known yet), then its program counter. */
  get linkUnits(): number {
    return 2 + this.pcUnits;
  }
  /** Go through the link at unit `unit`. */
  link(unit: number): void {
    const c = this.code;
    this.i32(unit).tee(S0).if(VOID, 1);
    c.get(S0).set(IP).br(this.loop).end();
    this.setPc(() => this.pcAt(unit + 2));
    c.get(IP)
      .i32(unit * 2)
      .op(W.i32Add)
      .set(IP);
    this.exit(EXIT_LINK);
  }
  /** Give back the count of the instructions from this op's on, set C_PC to its instruction, and leave. `unit`: its site word. */
  raise(unit: number): void {
    const c = this.code;
    this.u16(unit).set(S0);
    this.setPc(() => {
      c.get(BLOCK).mem(this.va === 'i64' ? W.i64Load : W.i32Load, HEAD.pc, 2);
      c.get(S0).i32(6).op(W.i32ShrU);
      if (this.va === 'i64') c.op(W.i64ExtendI32U, W.i64Add);
      else c.op(W.i32Add);
    });
    c.get(BUDGET).get(BLOCK).mem(W.i32Load16U, HEAD.insns, 1).op(W.i32Add);
    c.get(S0).i32(63).op(W.i32And, W.i32Sub).set(BUDGET);
    this.exit(EXIT_FAULT);
  }
  /** Push what is left of the budget once this op's instruction has retired. */
  budgetAfter(siteUnit: number): void {
    const c = this.code;
    c.get(BUDGET).get(BLOCK).mem(W.i32Load16U, HEAD.insns, 1).op(W.i32Add);
    this.u16(siteUnit).i32(63).op(W.i32And, W.i32Sub).i32(1).op(W.i32Sub);
  }
  checkFault(siteUnit: number): void {
    this.code.load32(C_FAULT).if(VOID, 0);
    this.raise(siteUnit);
    this.code.end();
  }
  /** Continue at the program counter in C_PC: jump cache, then the slow lookup, then JavaScript. */
  lookup(): void {
    const c = this.code;
    const pc = this.va === 'i64' ? T64 : S0;
    c.i32(0)
      .mem(this.va === 'i64' ? W.i64Load : W.i32Load, C_PC, 2)
      .set(pc);
    emitJumpCacheHit(c, this.va, pc, S1);
    c.if(VOID, 1);
    c.get(S1)
      .mem(W.i32Load, JUMP_CACHE + jumpCacheLayout(this.va).code)
      .set(IP)
      .br(this.loop)
      .end();
    c.call(this.fns.lookup).tee(S0).if(VOID, 1);
    c.get(S0).set(IP).br(this.loop).end();
    this.exit(EXIT_LOOKUP);
  }
}
