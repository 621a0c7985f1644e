/**
 * Emits ops into the block and keeps track, while a block is translated, of what the lazy flags were last computed
 * from: conditions later in the block then need no helper (see conditions.ts).
 */
import { IrBlock } from '../../ir/block.ts';
import { TEMP0 } from '../../ir/layout.ts';
import { Op } from '../../ir/ops.ts';
import { HELPERS, type HelperName, helperNumber } from './all-helpers.ts';
import { CC_ADC, CC_ADD, CC_EFLAGS, CC_SBB, CC_SUB } from './cc.ts';
import { S_CC_DST, S_CC_OP, S_CC_SRC } from './layout.ts';

/** Values of `ccKind` besides the kinds of cc.ts. Nothing is known: the state at the start of a block. */
export const CC_UNKNOWN = -1;
/** CC_ADD or CC_ADC, CC_SUB or CC_SBB: `ccA` is the carry that came in. */
export const CC_ADD_CARRY = -2;
export const CC_SUB_BORROW = -3;

const writesCc = Uint8Array.from(HELPERS, (h) => (h.writes.includes(S_CC_OP) ? 1 : 0));
const writesRegisters = Uint8Array.from(HELPERS, (h) =>
  h.writes.reduce((mask, s) => (s < 8 ? mask | (1 << s) : mask), 0),
);
const SIZE_INDEX = [0, 0, 1, 0, 2];

export class Emitter {
  block = new IrBlock();

  /** What the flags follow from: a kind of cc.ts without its size index, or one of the above. */
  ccKind = CC_UNKNOWN;
  /** Operand size of the result, in bytes. */
  ccSize = 4;
  /** Operands: result, second operand (-1: `ccImm`), and for CC_SUB the first operand, -1 if it is gone. */
  ccDst = S_CC_DST;
  ccSrc = S_CC_SRC;
  ccImm = 0;
  ccA = -1;

  forgetFlags(): void {
    this.ccKind = CC_UNKNOWN;
    this.ccDst = S_CC_DST;
    this.ccSrc = S_CC_SRC;
    this.ccA = -1;
  }
  /** A general register is about to change: what was remembered as being in it is so no more. */
  wrote(slot: number): void {
    if (this.ccDst === slot) this.ccDst = S_CC_DST;
    if (this.ccA === slot) this.ccA = -1;
    if (this.ccSrc === slot) {
      this.ccSrc = S_CC_SRC;
      this.ccA = this.ccKind === CC_SUB ? -1 : this.ccA;
    }
  }

  temp(): number {
    return this.block.temp();
  }
  bin(op: number, a: number, b: number, d = this.block.temp()): number {
    if (d < 8) this.wrote(d);
    this.block.emit(op, d, a, b, 0, 0, 0);
    return d;
  }
  bini(op: number, a: number, imm: number, d = this.block.temp()): number {
    if (d < 8) this.wrote(d);
    this.block.emit(op, d, a, -1, imm, imm >> 31, 0);
    return d;
  }
  /** `b`, or the constant when b is -1. */
  binOr(op: number, a: number, b: number, imm: number, d = this.block.temp()): number {
    return b < 0 ? this.bini(op, a, imm, d) : this.bin(op, a, b, d);
  }
  un(op: number, a: number, d = this.block.temp()): number {
    if (d < 8) this.wrote(d);
    this.block.emit(op, d, a, -1, 0, 0, 0);
    return d;
  }
  mov(a: number, d = this.block.temp()): number {
    return this.un(Op.mov, a, d);
  }
  movi(imm: number, d = this.block.temp()): number {
    if (d < 8) this.wrote(d);
    this.block.emit(Op.movi, d, -1, -1, imm, 0, 0);
    return d;
  }
  bits(a: number, pos: number, length: number, signed: boolean, d = this.block.temp()): number {
    if (d < 8) this.wrote(d);
    this.block.emit(signed ? Op.bitss : Op.bitsu, d, a, -1, 0, pos | (length << 8), 0);
    return d;
  }
  dep(a: number, pos: number, length: number, b: number, d = this.block.temp()): number {
    if (d < 8) this.wrote(d);
    this.block.emit(Op.dep, d, a, b, 0, pos | (length << 8), 0);
    return d;
  }
  /** The register's field becomes a constant. */
  depConstant(slot: number, pos: number, length: number, value: number): void {
    this.wrote(slot);
    this.block.emit(Op.dep, slot, slot, -1, value, pos | (length << 8), 0);
  }
  sel(cond: number, yes: number, no: number, d = this.block.temp()): number {
    if (d < 8) this.wrote(d);
    this.block.emit(Op.sel, d, cond, yes, 0, 0, no);
    return d;
  }
  /** The low `size` bytes of a value, zero-extended. */
  cut(a: number, size: number): number {
    return size === 4 ? a : this.bits(a, 0, size * 8, false);
  }
  /** The low `size` bytes of a value, sign-extended. */
  extend(a: number, size: number): number {
    return size === 4 ? a : this.bits(a, 0, size * 8, true);
  }
  /** An operand that keeps its value whatever is written later. */
  keep(a: number): number {
    return a < TEMP0 ? this.mov(a) : a;
  }

  /** Calls a helper; the result is a fresh temporary (meaningless if it has none). Missing operands are -1. */
  call(name: HelperName, a = -1, b = -1, x = -1, y = -1): number {
    const number = helperNumber(name);
    if (writesCc[number] === 1) this.forgetFlags();
    const registers = writesRegisters[number] as number;
    if (registers !== 0) for (let s = 0; s < 8; s++) if ((registers >> s) & 1) this.wrote(s);
    const d = HELPERS[number]?.result ? this.block.temp() : -1;
    this.block.emit(Op.call, d, a, b, number, y, x);
    return d;
  }

  /** The flags follow from a result and a second operand (or constant, b = -1). For CC_SUB `a` is the first operand. */
  flags(kind: number, size: number, dst: number, b: number, imm: number, a = -1): void {
    const code = kind === CC_EFLAGS ? kind : kind + (SIZE_INDEX[size] as number);
    this.block.emit(Op.setcc, S_CC_OP, dst, b, code, 0, b < 0 ? imm : 0);
    this.ccKind = kind;
    this.ccSize = size;
    this.ccDst = dst;
    this.ccSrc = b;
    this.ccImm = imm;
    this.ccA = a;
  }
  /** ADC or SBB: the kind depends on the carry (0 or 1) that came in. */
  flagsWithCarry(subtract: boolean, size: number, dst: number, b: number, imm: number, carry: number): void {
    const without = subtract ? CC_SUB : CC_ADD;
    const step = (subtract ? CC_SBB : CC_ADC) - without;
    const scaled = this.bini(Op.mul, carry, step);
    const src = b < 0 ? this.movi(imm) : b;
    this.bini(Op.add, scaled, without + (SIZE_INDEX[size] as number), S_CC_OP);
    this.mov(dst, S_CC_DST);
    this.mov(src, S_CC_SRC);
    this.ccKind = subtract ? CC_SUB_BORROW : CC_ADD_CARRY;
    this.ccSize = size;
    this.ccDst = dst;
    this.ccSrc = src;
    this.ccA = carry;
  }
  /** If `cond` is nonzero the flags follow from these, else they stay as they are. */
  flagsIf(cond: number, kind: number, size: number, dst: number, src: number): void {
    const code = this.movi(kind + (SIZE_INDEX[size] as number));
    this.sel(cond, code, S_CC_OP, S_CC_OP);
    this.sel(cond, dst, S_CC_DST, S_CC_DST);
    this.sel(cond, src, S_CC_SRC, S_CC_SRC);
    this.forgetFlags();
  }
  /** The six flags as they stand, in a temporary. */
  eflags(): number {
    if (this.ccKind === CC_EFLAGS) return this.ccSrc < 0 ? this.movi(this.ccImm) : this.ccSrc;
    return this.call('cc_flags', S_CC_OP, S_CC_DST, S_CC_SRC);
  }
  /** The six flags become those of an operand, in their EFLAGS positions. */
  setEflags(value: number): void {
    this.flags(CC_EFLAGS, 4, value, value, 0);
  }
}
