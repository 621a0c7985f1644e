/**
 * MMX arithmetic on the lanes of 64-bit values (SDM volume 2), by the 128-bit operations of WebAssembly, of which the
 * low half counts; and what MMX does to the x87's tags and TOP. AssemblyScript.
 */
import { FPU_REG_EMPTY, FPU_REG_SIZE, FPU_REGS, FPU_TOP } from '../fpu-layout';

// @ts-ignore: decorator
@inline
function v(lanes: u64): v128 {
  return i64x2.splat(lanes);
}

/** `a` in the low half, `b` in the high half. */
// @ts-ignore: decorator
@inline
function join(a: u64, b: u64): v128 {
  return i64x2.replace_lane(i64x2.splat(a), 1, b);
}

// @ts-ignore: decorator
@inline
function low(lanes: v128): u64 {
  return i64x2.extract_lane(lanes, 0);
}

function setTags(empty: u32): void {
  store<u32>(FPU_TOP, 0);
  for (let reg = FPU_REGS; reg < FPU_REGS + 8 * FPU_REG_SIZE; reg += FPU_REG_SIZE) {
    store<u32>(reg, empty, FPU_REG_EMPTY);
  }
}

/** Before every MMX instruction but EMMS: TOP is 0, all registers are valid (SDM volume 3, table 12-1). */
export function mmx_begin(): void {
  setTags(0);
}

export function emms(): void {
  setTags(1);
}

export function paddb(a: u64, b: u64): u64 {
  return low(i8x16.add(v(a), v(b)));
}

export function paddw(a: u64, b: u64): u64 {
  return low(i16x8.add(v(a), v(b)));
}

export function paddd(a: u64, b: u64): u64 {
  return low(i32x4.add(v(a), v(b)));
}

export function paddsb(a: u64, b: u64): u64 {
  return low(i8x16.add_sat_s(v(a), v(b)));
}

export function paddsw(a: u64, b: u64): u64 {
  return low(i16x8.add_sat_s(v(a), v(b)));
}

export function paddusb(a: u64, b: u64): u64 {
  return low(i8x16.add_sat_u(v(a), v(b)));
}

export function paddusw(a: u64, b: u64): u64 {
  return low(i16x8.add_sat_u(v(a), v(b)));
}

export function psubb(a: u64, b: u64): u64 {
  return low(i8x16.sub(v(a), v(b)));
}

export function psubw(a: u64, b: u64): u64 {
  return low(i16x8.sub(v(a), v(b)));
}

export function psubd(a: u64, b: u64): u64 {
  return low(i32x4.sub(v(a), v(b)));
}

export function psubsb(a: u64, b: u64): u64 {
  return low(i8x16.sub_sat_s(v(a), v(b)));
}

export function psubsw(a: u64, b: u64): u64 {
  return low(i16x8.sub_sat_s(v(a), v(b)));
}

export function psubusb(a: u64, b: u64): u64 {
  return low(i8x16.sub_sat_u(v(a), v(b)));
}

export function psubusw(a: u64, b: u64): u64 {
  return low(i16x8.sub_sat_u(v(a), v(b)));
}

export function pmulhw(a: u64, b: u64): u64 {
  const high = i32x4.shr_s(i32x4.extmul_low_i16x8_s(v(a), v(b)), 16);
  return low(i16x8.narrow_i32x4_s(high, high)); // none saturates: they have 16 bits
}

export function pmullw(a: u64, b: u64): u64 {
  return low(i16x8.mul(v(a), v(b)));
}

export function pmaddwd(a: u64, b: u64): u64 {
  return low(i32x4.dot_i16x8_s(v(a), v(b)));
}

export function pcmpeqb(a: u64, b: u64): u64 {
  return low(i8x16.eq(v(a), v(b)));
}

export function pcmpeqw(a: u64, b: u64): u64 {
  return low(i16x8.eq(v(a), v(b)));
}

export function pcmpeqd(a: u64, b: u64): u64 {
  return low(i32x4.eq(v(a), v(b)));
}

export function pcmpgtb(a: u64, b: u64): u64 {
  return low(i8x16.gt_s(v(a), v(b)));
}

export function pcmpgtw(a: u64, b: u64): u64 {
  return low(i16x8.gt_s(v(a), v(b)));
}

export function pcmpgtd(a: u64, b: u64): u64 {
  return low(i32x4.gt_s(v(a), v(b)));
}

export function packsswb(a: u64, b: u64): u64 {
  const words = join(a, b);
  return low(i8x16.narrow_i16x8_s(words, words));
}

export function packssdw(a: u64, b: u64): u64 {
  const doublewords = join(a, b);
  return low(i16x8.narrow_i32x4_s(doublewords, doublewords));
}

export function packuswb(a: u64, b: u64): u64 {
  const words = join(a, b);
  return low(i8x16.narrow_i16x8_u(words, words));
}

/** All eight pairs of bytes, and all four of words: PUNPCKL and PUNPCKH are their halves. */
// @ts-ignore: decorator
@inline
function byteWise(a: u64, b: u64): v128 {
  return i8x16.shuffle(v(a), v(b), 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

// @ts-ignore: decorator
@inline
function wordWise(a: u64, b: u64): v128 {
  return i16x8.shuffle(v(a), v(b), 0, 8, 1, 9, 2, 10, 3, 11);
}

export function punpcklbw(a: u64, b: u64): u64 {
  return low(byteWise(a, b));
}

export function punpcklwd(a: u64, b: u64): u64 {
  return low(wordWise(a, b));
}

export function punpckhbw(a: u64, b: u64): u64 {
  return i64x2.extract_lane(byteWise(a, b), 1);
}

export function punpckhwd(a: u64, b: u64): u64 {
  return i64x2.extract_lane(wordWise(a, b), 1);
}

// Shifts: all 64 bits of the count count; from the width of a lane on nothing is left, or the sign.

export function psllw(a: u64, count: u64): u64 {
  return count > 15 ? 0 : low(i16x8.shl(v(a), <i32>count));
}

export function pslld(a: u64, count: u64): u64 {
  return count > 31 ? 0 : low(i32x4.shl(v(a), <i32>count));
}

export function psllq(a: u64, count: u64): u64 {
  return count > 63 ? 0 : a << count;
}

export function psrlw(a: u64, count: u64): u64 {
  return count > 15 ? 0 : low(i16x8.shr_u(v(a), <i32>count));
}

export function psrld(a: u64, count: u64): u64 {
  return count > 31 ? 0 : low(i32x4.shr_u(v(a), <i32>count));
}

export function psrlq(a: u64, count: u64): u64 {
  return count > 63 ? 0 : a >> count;
}

export function psraw(a: u64, count: u64): u64 {
  return low(i16x8.shr_s(v(a), count > 15 ? 15 : <i32>count));
}

export function psrad(a: u64, count: u64): u64 {
  return low(i32x4.shr_s(v(a), count > 31 ? 31 : <i32>count));
}
