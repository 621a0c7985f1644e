/** 80-bit values as memory operands. Flags are staged: `fst_commit` raises them once memory is written. */
import {
  FPU_C1,
  FPU_CONTROL,
  FPU_EXCEPTIONS,
  FPU_IE,
  FPU_OE,
  FPU_PE,
  FPU_SF,
  FPU_STAGED,
  FPU_UE,
} from '../../fpu-layout';
import { exponentOf, isInfinity, isNaN80, isSignalling, isUnsupported, isZero, normalised } from './classify';
import { DOWN, NEAREST, roundingMode, roundsUp, shiftRightJamLow, UP } from './round';
import { BIAS, EXP_MAX, INT_BIT, isEmpty, meta, QUIET_BIT, se, SIGN, sig, st } from './state';

// @ts-ignore: decorator
@inline
export function stage(flags: u32): void {
  store<u32>(FPU_STAGED, flags);
}

/** ST0 as a float of `fractionBits` and `expBits`, in the low bits. */
// @ts-ignore: decorator
@inline
export function narrow(fractionBits: u32, expBits: u32): u64 {
  const reg = st(0);
  const significand = sig(reg);
  const m = meta(reg);
  const exp = <i32>(<u32>m & EXP_MAX) - BIAS + ((1 << (expBits - 1)) - 1);
  // Normal value and result, nearest, no carry into the exponent: the common case.
  const drop = 63 - fractionBits;
  const sign = <u64>((<u32>m >> 15) & 1) << (fractionBits + expBits);
  if (
    m >> 32 == 0 &&
    <i64>significand < 0 &&
    <u32>(exp - 1) < <u32>((1 << expBits) - 3) &&
    (load<u32>(FPU_CONTROL) & 0xc00) == 0
  ) {
    const lost = significand << (64 - drop);
    let result = sign | (<u64>exp << fractionBits) | ((significand << 1) >> (drop + 1));
    let flags: u32 = 0;
    if (lost != 0) {
      flags = FPU_PE;
      if (lost > INT_BIT - (result & 1)) {
        flags = FPU_PE | FPU_C1;
        result++; // a carry out of the fraction is right: it increments the exponent
      }
    }
    stage(flags);
    return result;
  }
  return narrowSlow(m >> 32 != 0, significand, <u32>m, fractionBits, expBits, load<u32>(FPU_CONTROL));
}

/** `masks`: where the control word has OE or UE clear, such a result is not made (0 stands for it). */
function narrowSlow(
  empty: bool,
  significand: u64,
  signExp: u32,
  fractionBits: u32,
  expBits: u32,
  masks: u32,
): u64 {
  const expMax: i32 = (1 << expBits) - 1;
  const sign = <u64>((signExp >> 15) & 1) << (fractionBits + expBits);
  const infinity = <u64>expMax << fractionBits;
  const drop = 63 - fractionBits;
  const hidden = <u64>1 << fractionBits;
  if (empty || isUnsupported(significand, signExp)) {
    stage(empty ? FPU_IE | FPU_SF : FPU_IE);
    return (<u64>1 << (fractionBits + expBits)) | infinity | (hidden >> 1);
  }
  if (isNaN80(significand, signExp)) {
    stage(isSignalling(significand, signExp) ? FPU_IE : 0);
    return sign | infinity | (((significand | QUIET_BIT) >> drop) & (hidden - 1));
  }
  if (isInfinity(significand, signExp) || isZero(significand, signExp)) {
    stage(0);
    return significand ? sign | infinity : sign;
  }
  const mode = roundingMode();
  let exp = exponentOf(significand, signExp) - BIAS + (expMax >> 1);
  significand = normalised(significand);
  let kept = significand >> drop;
  let lost = significand << (64 - drop);
  let up = roundsUp(signExp & SIGN, (kept & 1) != 0, lost, mode);
  let flags: u32 = 0;
  if (exp < 1 && !(exp == 0 && up && kept + 1 == hidden << 1)) {
    if ((masks & FPU_UE) == 0) {
      // Nothing is written (SDM volume 1, 8.5.5).
      stage(FPU_UE);
      return 0;
    }
    const n: u32 = drop + 1 - exp;
    kept = n < 64 ? significand >> n : 0;
    lost = n < 64 ? significand << (64 - n) : shiftRightJamLow(significand, 0, n);
    up = roundsUp(signExp & SIGN, (kept & 1) != 0, lost, mode);
    if (lost) flags = FPU_UE | FPU_PE;
    exp = 1; // `kept` has no hidden bit now
  } else if (lost) flags = FPU_PE;
  if (up) {
    flags |= FPU_C1;
    kept++;
  }
  // With the hidden bit in `kept`, adding (instead of or-ing) lets it carry into the exponent.
  const result = kept + (<u64>(exp - 1) << fractionBits);
  if (exp >= expMax || result >= infinity) {
    if ((masks & FPU_OE) == 0) {
      stage(FPU_OE);
      return 0;
    }
    const away = mode == NEAREST || mode == (signExp & SIGN ? DOWN : UP);
    stage(away ? FPU_OE | FPU_PE | FPU_C1 : FPU_OE | FPU_PE);
    return sign | (away ? infinity : infinity - 1);
  }
  stage(flags);
  return sign | result;
}

/** A supported value as a double, rounded as the control word says; all exceptions count as masked. */
export function toDouble(significand: u64, signExp: u32): u64 {
  return narrowSlow(false, significand, signExp, 52, 11, FPU_EXCEPTIONS);
}

/** Flags of the last `integerMagnitude`: PE and C1. */
export let integerFlags: u32 = 0;

/** |value| rounded to an integer; all ones if that needs more than 64 bits, or the value is no number. */
export function integerMagnitude(significand: u64, signExp: u32): u64 {
  integerFlags = 0;
  const n = BIAS + 63 - <i32>(signExp & EXP_MAX);
  if (n < 0 || isUnsupported(significand, signExp)) return ~(<u64>0);
  if (n == 0) return significand;
  const kept = n < 64 ? significand >> n : 0;
  const lost = n < 64 ? significand << (64 - n) : shiftRightJamLow(significand, 0, n);
  if (lost) integerFlags = FPU_PE;
  if (!roundsUp(signExp & SIGN, (kept & 1) != 0, lost, roundingMode())) return kept;
  integerFlags = FPU_PE | FPU_C1;
  return kept + 1;
}

/** ST0 as an integer of `bits`, rounded; the integer indefinite (most negative) if it does not fit. */
export function toInteger(bits: u32): i64 {
  const reg = st(0);
  const indefinite = <i64>-1 << (bits - 1);
  if (isEmpty(reg)) {
    stage(FPU_IE | FPU_SF);
    return indefinite;
  }
  const negative = se(reg) & SIGN;
  const magnitude = integerMagnitude(sig(reg), se(reg));
  const limit = <u64>1 << (bits - 1);
  if (magnitude > (negative ? limit : limit - 1)) {
    stage(FPU_IE);
    return indefinite;
  }
  stage(integerFlags);
  return negative ? -(<i64>magnitude) : <i64>magnitude;
}
