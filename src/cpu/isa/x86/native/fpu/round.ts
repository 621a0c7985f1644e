/** Rounding a 128-bit significand into a register, under the control word's precision and rounding mode. */
import {
  FPU_C1,
  FPU_CONTROL,
  FPU_OE,
  FPU_PE,
  FPU_UE,
} from '../../fpu-layout';
import { EXP_MAX, INT_BIT, put, raise, SIGN } from './state';

export const NEAREST: u32 = 0;
export const DOWN: u32 = 1;
export const UP: u32 = 2;

/** What an unmasked overflow or underflow adds to the exponent (SDM volume 1, 8.5.4). */
const WRAP: i32 = 24576;

// @ts-ignore: decorator
@inline
export function roundingMode(): u32 {
  return (load<u32>(FPU_CONTROL) >> 10) & 3;
}

/** Bits of precision that the control word asks for. The reserved value 1 acts as 64. */
export function precision(): u32 {
  const pc = (load<u32>(FPU_CONTROL) >> 8) & 3;
  return pc == 0 ? 24 : pc == 2 ? 53 : 64;
}

/** Whether magnitude `kept` with the discarded `fraction` (of a unit, times 2^64) rounds away from zero. */
export function roundsUp(sign: u32, odd: bool, fraction: u64, mode: u32): bool {
  if (fraction == 0) return false;
  if (mode == NEAREST) return fraction > INT_BIT || (fraction == INT_BIT && odd);
  return mode == (sign ? DOWN : UP);
}

/** Low half of (hi:lo) >> n for n in 0 to 63 and above, every bit lost kept as bit 0 ("jamming"). */
export function shiftRightJamLow(hi: u64, lo: u64, n: u32): u64 {
  if (n == 0) return lo;
  if (n < 64) return (hi << (64 - n)) | (lo >> n) | u64(lo << (64 - n) != 0);
  if (n == 64) return hi | u64(lo != 0);
  if (n < 128) return (hi >> (n - 64)) | u64(((hi << (128 - n)) | lo) != 0);
  return u64((hi | lo) != 0);
}

/**
 * Stores (-1)^sign * 0.(hi:lo) * 2^(exp - BIAS + 1), rounded, and raises `flags` with what rounding adds. `hi` is
 * normalised (bit 63 set); `sign` is 0 or SIGN.
 */
// @ts-ignore: decorator
@inline
export function roundTo(dst: usize, sign: u32, exp: i32, hi: u64, lo: u64, flags: u32): void {
  if ((load<u32>(FPU_CONTROL) & 0xf00) == 0x300 && <u32>(exp - 1) < 0x7ffd) {
    if (lo != 0) {
      flags |= FPU_PE;
      // Ties to even: adding the parity of hi lifts an exact half over the threshold.
      if (lo > INT_BIT - (hi & 1)) {
        flags |= FPU_C1;
        if (++hi == 0) {
          hi = INT_BIT;
          exp++;
        }
      }
    }
    put(dst, hi, sign | exp);
    raise(flags);
  } else roundSlow(dst, sign, exp, hi, lo, flags, precision());
}

export function roundSlow(dst: usize, sign: u32, exp: i32, hi: u64, lo: u64, flags: u32, bits: u32): void {
  const mode = roundingMode();
  const drop: u32 = 64 - bits;
  const unit: u64 = <u64>1 << drop;
  let fraction = drop ? (hi << bits) | u64(lo != 0) : lo;
  let kept = hi & ~(unit - 1);
  let up = roundsUp(sign, (kept & unit) != 0, fraction, mode);
  // Tininess is detected after rounding, as if the exponent had no limit.
  const carries = up && kept + unit == 0;
  if (exp < 1 && !(exp == 0 && carries)) {
    if ((load<u32>(FPU_CONTROL) & FPU_UE) == 0) {
      flags |= FPU_UE;
      exp += WRAP;
      if (exp < 1) {
        // Only FSCALE gets here: not even the wrapped exponent can be represented.
        put(dst, 0, sign);
        raise(flags | FPU_PE);
        return;
      }
    } else {
      const n: u32 = 1 - exp;
      lo = shiftRightJamLow(hi, lo, n);
      hi = n < 64 ? hi >> n : 0;
      fraction = drop ? (hi << bits) | u64(lo != 0) : lo;
      kept = hi & ~(unit - 1);
      up = roundsUp(sign, (kept & unit) != 0, fraction, mode);
      if (fraction) flags |= FPU_UE | FPU_PE;
      if (up) {
        kept += unit;
        flags |= FPU_C1;
      }
      put(dst, kept, sign | u32(kept >> 63));
      raise(flags);
      return;
    }
  }
  if (fraction) flags |= FPU_PE;
  if (up) {
    flags |= FPU_C1;
    kept += unit;
    if (kept == 0) {
      kept = INT_BIT;
      exp++;
    }
  }
  if (exp >= <i32>EXP_MAX) {
    flags |= FPU_OE;
    if (load<u32>(FPU_CONTROL) & FPU_OE) {
      flags |= FPU_PE;
      if (mode == NEAREST || mode == (sign ? DOWN : UP)) {
        kept = INT_BIT;
        exp = EXP_MAX;
        flags |= FPU_C1;
      } else {
        kept = ~(unit - 1);
        exp = EXP_MAX - 1;
        flags &= ~(<u32>FPU_C1);
      }
    } else {
      exp -= WRAP;
      if (exp >= <i32>EXP_MAX) {
        // FSCALE again.
        kept = INT_BIT;
        exp = EXP_MAX;
        flags |= FPU_PE | FPU_C1;
      }
    }
  }
  put(dst, kept, sign | exp);
  raise(flags);
}
