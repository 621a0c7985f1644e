/** Classes of 80-bit values, NaN selection and the responses to special operands (SDM volume 1, 4.8 and 8.5). */
import { FPU_DE, FPU_IE } from '../../fpu-layout';
import {
  EXP_MAX,
  INT_BIT,
  invalid,
  put,
  QUIET_BIT,
  raise,
  raiseAndStop,
  SIGN,
} from './state';

/** Exponent not 0 and not all ones, integer bit set. */
// @ts-ignore: decorator
@inline
export function isNormal(sig: u64, se: u32): bool {
  return <i64>sig < 0 && <u32>((se & EXP_MAX) - 1) < 0x7ffe;
}

/** An unnormal, pseudo-NaN or pseudo-infinity: what the 387 and its successors refuse. */
// @ts-ignore: decorator
@inline
export function isUnsupported(sig: u64, se: u32): bool {
  return <i64>sig >= 0 && (se & EXP_MAX) != 0;
}

/** A NaN, where the operand is known to be supported. */
// @ts-ignore: decorator
@inline
export function isNaN80(sig: u64, se: u32): bool {
  return (se & EXP_MAX) == EXP_MAX && sig << 1 != 0;
}

// @ts-ignore: decorator
@inline
export function isSignalling(sig: u64, se: u32): bool {
  return isNaN80(sig, se) && (sig & QUIET_BIT) == 0;
}

// @ts-ignore: decorator
@inline
export function isInfinity(sig: u64, se: u32): bool {
  return (se & EXP_MAX) == EXP_MAX && sig == INT_BIT;
}

// @ts-ignore: decorator
@inline
export function isZero(sig: u64, se: u32): bool {
  return (se & EXP_MAX) == 0 && sig == 0;
}

/** A denormal or pseudo-denormal. */
// @ts-ignore: decorator
@inline
export function isDenormal(sig: u64, se: u32): bool {
  return (se & EXP_MAX) == 0 && sig != 0;
}

/** Biased exponent once the significand is normalised (denormals: below 1). */
// @ts-ignore: decorator
@inline
export function exponentOf(sig: u64, se: u32): i32 {
  const exp = se & EXP_MAX;
  return exp != 0 ? exp : 1 - <i32>clz<u64>(sig);
}

// @ts-ignore: decorator
@inline
export function normalised(sig: u64): u64 {
  return sig << clz<u64>(sig);
}

/** Unsupported operands and NaNs of a two-operand instruction. True: the result is stored, or the operation stopped. */
export function settleNaNs(aSig: u64, a: u32, bSig: u64, b: u32, dst: usize): bool {
  if (isUnsupported(aSig, a) || isUnsupported(bSig, b)) {
    invalid(dst);
    return true;
  }
  const aNaN = isNaN80(aSig, a);
  const bNaN = isNaN80(bSig, b);
  if (!aNaN && !bNaN) return false;
  const aSignals = isSignalling(aSig, a);
  const bSignals = isSignalling(bSig, b);
  if (aSignals || bSignals) {
    if (raiseAndStop(FPU_IE)) return true;
  } else raise(0);
  // Of one quiet and one signalling NaN the quiet one; of two alike the larger significand, then the positive one.
  let takeA = aNaN;
  if (aNaN && bNaN) {
    if (aSignals != bSignals) takeA = bSignals;
    else if (aSig != bSig) takeA = aSig > bSig;
    else takeA = a < b;
  }
  put(dst, (takeA ? aSig : bSig) | QUIET_BIT, takeA ? a : b);
  return true;
}

/** As `settleNaNs` for one operand. */
export function settleNaN(sig: u64, se: u32, dst: usize): bool {
  if (isUnsupported(sig, se)) {
    invalid(dst);
    return true;
  }
  if (!isNaN80(sig, se)) return false;
  if (isSignalling(sig, se)) {
    if (raiseAndStop(FPU_IE)) return true;
  } else raise(0);
  put(dst, sig | QUIET_BIT, se);
  return true;
}

/** DE if one of two operands is denormal, on top of what loading them raised. */
// @ts-ignore: decorator
@inline
export function denormalFlag(aSig: u64, a: u32, bSig: u64, b: u32, loaded: u32): u32 {
  return isDenormal(aSig, a) || isDenormal(bSig, b) ? FPU_DE : loaded;
}

export function putZero(dst: usize, sign: u32): void {
  put(dst, 0, sign & SIGN);
}

export function putInfinity(dst: usize, sign: u32): void {
  put(dst, INT_BIT, (sign & SIGN) | EXP_MAX);
}
