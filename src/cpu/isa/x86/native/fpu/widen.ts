/** Memory operands as 80-bit values: the significand is returned, sign-exponent and flags are left beside it. */
import { FPU_DE } from '../../fpu-layout';
import { BIAS, EXP_MAX, INT_BIT } from './state';

/** Sign and exponent of the last operand widened. */
export let wideSe: u32 = 0;
/** DE if it was denormal, else 0. */
export let wideFlags: u32 = 0;

// @ts-ignore: decorator
@inline
export function widen64(bits: u64): u64 {
  const exp = <u32>(bits >> 52) & 0x7ff;
  if (exp - 1 < 0x7fe) {
    wideSe = (<u32>(bits >> 48) & 0x8000) | (exp + (BIAS - 0x3ff));
    wideFlags = 0;
    return INT_BIT | (bits << 11);
  }
  return widenSpecial(exp != 0, <u32>(bits >> 48) & 0x8000, (bits << 11) & ~INT_BIT, BIAS - 0x3ff + 1);
}

// @ts-ignore: decorator
@inline
export function widen32(bits: u32): u64 {
  const exp = (bits >> 23) & 0xff;
  if (exp - 1 < 0xfe) {
    wideSe = ((bits >> 16) & 0x8000) | (exp + (BIAS - 0x7f));
    wideFlags = 0;
    return INT_BIT | (<u64>bits << 40);
  }
  return widenSpecial(exp != 0, (bits >> 16) & 0x8000, (<u64>bits << 40) & ~INT_BIT, BIAS - 0x7f + 1);
}

/** Zero, denormal, infinity or NaN: fraction in bits 62 down, `minExp` the exponent of the smallest normal value. */
function widenSpecial(ones: bool, sign: u32, fraction: u64, minExp: i32): u64 {
  wideFlags = 0;
  if (ones) {
    wideSe = sign | EXP_MAX;
    return INT_BIT | fraction;
  }
  wideSe = sign;
  if (fraction == 0) return 0;
  const shift = <i32>clz<u64>(fraction);
  wideFlags = FPU_DE;
  wideSe = sign | (minExp - shift);
  return fraction << shift;
}

/** Any integer operand. */
// @ts-ignore: decorator
@inline
export function widenInt(value: i64): u64 {
  wideFlags = 0;
  if (value == 0) {
    wideSe = 0;
    return 0;
  }
  const magnitude: u64 = value < 0 ? -value : value;
  const shift = <i32>clz<u64>(magnitude);
  wideSe = (<u32>(value >>> 48) & 0x8000) | (BIAS + 63 - shift);
  return magnitude << shift;
}
