/** The arithmetic instructions: which operands, which destination. */
import { add, divide, multiply, squareRoot } from './arith';
import { meta, se, SIGN, sig, st, underflowStack } from './state';
import { widen32, widen64, wideFlags, widenInt, wideSe } from './widen';

const ADD = 0;
const SUB = 1;
const SUBR = 2;
const MUL = 3;
const DIV = 4;
const DIVR = 5;

/** dst = a `op` b, or b `op` a for the reversed forms. */
// @ts-ignore: decorator
@inline
function compute(op: i32, aSig: u64, a: u32, bSig: u64, b: u32, loaded: u32, dst: usize): void {
  if (op == ADD) add(aSig, a, bSig, b, loaded, dst);
  else if (op == SUB) subtract(aSig, a, bSig, b, loaded, dst);
  else if (op == SUBR) subtract(bSig, b, aSig, a, loaded, dst);
  else if (op == MUL) multiply(aSig, a, bSig, b, loaded, dst);
  else if (op == DIV) divide(aSig, a, bSig, b, loaded, dst);
  else divide(bSig, b, aSig, a, loaded, dst);
}

function subtract(aSig: u64, a: u32, bSig: u64, b: u32, loaded: u32, dst: usize): void {
  // A NaN keeps its sign: only numbers and infinities are negated.
  add(aSig, a, bSig, (b & 0x7fff) == 0x7fff && bSig << 1 != 0 ? b : b ^ SIGN, loaded, dst);
}

// @ts-ignore: decorator
@inline
function registers(op: i32, to: u32, from: u32): void {
  const dst = st(to);
  const src = st(from);
  const a = meta(dst);
  const b = meta(src);
  if ((a | b) >> 32 != 0) underflowStack(dst);
  else compute(op, sig(dst), <u32>a, sig(src), <u32>b, 0, dst);
}

// @ts-ignore: decorator
@inline
function memory(op: i32, significand: u64): void {
  const dst = st(0);
  const a = meta(dst);
  if (a >> 32 != 0) underflowStack(dst);
  else compute(op, sig(dst), <u32>a, significand, wideSe, wideFlags, dst);
}

// FADD: ST0 + x, and in the `_sti_st0` form with ST(i) in the place of ST0.

export function fadd_st0_sti(i: u32): void {
  registers(ADD, 0, i);
}

export function fadd_sti_st0(i: u32): void {
  registers(ADD, i, 0);
}

export function fadd_m32(bits: u32): void {
  memory(ADD, widen32(bits));
}

export function fadd_m64(bits: u64): void {
  memory(ADD, widen64(bits));
}

export function fadd_int(value: i32): void {
  memory(ADD, widenInt(value));
}

// FSUB: ST0 - x, and in the `_sti_st0` form with ST(i) in the place of ST0.

export function fsub_st0_sti(i: u32): void {
  registers(SUB, 0, i);
}

export function fsub_sti_st0(i: u32): void {
  registers(SUB, i, 0);
}

export function fsub_m32(bits: u32): void {
  memory(SUB, widen32(bits));
}

export function fsub_m64(bits: u64): void {
  memory(SUB, widen64(bits));
}

export function fsub_int(value: i32): void {
  memory(SUB, widenInt(value));
}

// FSUBR: x - ST0, and in the `_sti_st0` form with ST(i) in the place of ST0.

export function fsubr_st0_sti(i: u32): void {
  registers(SUBR, 0, i);
}

export function fsubr_sti_st0(i: u32): void {
  registers(SUBR, i, 0);
}

export function fsubr_m32(bits: u32): void {
  memory(SUBR, widen32(bits));
}

export function fsubr_m64(bits: u64): void {
  memory(SUBR, widen64(bits));
}

export function fsubr_int(value: i32): void {
  memory(SUBR, widenInt(value));
}

// FMUL: ST0 * x, and in the `_sti_st0` form with ST(i) in the place of ST0.

export function fmul_st0_sti(i: u32): void {
  registers(MUL, 0, i);
}

export function fmul_sti_st0(i: u32): void {
  registers(MUL, i, 0);
}

export function fmul_m32(bits: u32): void {
  memory(MUL, widen32(bits));
}

export function fmul_m64(bits: u64): void {
  memory(MUL, widen64(bits));
}

export function fmul_int(value: i32): void {
  memory(MUL, widenInt(value));
}

// FDIV: ST0 / x, and in the `_sti_st0` form with ST(i) in the place of ST0.

export function fdiv_st0_sti(i: u32): void {
  registers(DIV, 0, i);
}

export function fdiv_sti_st0(i: u32): void {
  registers(DIV, i, 0);
}

export function fdiv_m32(bits: u32): void {
  memory(DIV, widen32(bits));
}

export function fdiv_m64(bits: u64): void {
  memory(DIV, widen64(bits));
}

export function fdiv_int(value: i32): void {
  memory(DIV, widenInt(value));
}

// FDIVR: x / ST0, and in the `_sti_st0` form with ST(i) in the place of ST0.

export function fdivr_st0_sti(i: u32): void {
  registers(DIVR, 0, i);
}

export function fdivr_sti_st0(i: u32): void {
  registers(DIVR, i, 0);
}

export function fdivr_m32(bits: u32): void {
  memory(DIVR, widen32(bits));
}

export function fdivr_m64(bits: u64): void {
  memory(DIVR, widen64(bits));
}

export function fdivr_int(value: i32): void {
  memory(DIVR, widenInt(value));
}

export function fsqrt(): void {
  const dst = st(0);
  if (meta(dst) >> 32 != 0) underflowStack(dst);
  else squareRoot(sig(dst), se(dst), dst);
}
