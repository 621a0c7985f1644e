/** One-operand instructions that are not arithmetic: signs, rounding to an integer, taking apart, and FSCALE. */
import { FPU_C1, FPU_DE, FPU_IE, FPU_SF, FPU_ZE } from '../../fpu-layout';
import {
  denormalFlag,
  exponentOf,
  isDenormal,
  isInfinity,
  isNaN80,
  isSignalling,
  isUnsupported,
  isZero,
  normalised,
  putInfinity,
  putZero,
  settleNaN,
  settleNaNs,
} from './classify';
import { integerFlags, integerMagnitude } from './narrow';
import { roundSlow } from './round';
import {
  BIAS,
  EXP_MAX,
  INDEFINITE_SE,
  INDEFINITE_SIG,
  INT_BIT,
  invalid,
  isEmpty,
  isUnmasked,
  push,
  pushIndefinite,
  put,
  raise,
  raiseAndStop,
  se,
  sig,
  SIGN,
  st,
  underflowStack,
} from './state';

export function fchs(): void {
  const reg = st(0);
  if (isEmpty(reg)) underflowStack(reg);
  else {
    put(reg, sig(reg), se(reg) ^ SIGN);
    raise(0);
  }
}

export function fabs(): void {
  const reg = st(0);
  if (isEmpty(reg)) underflowStack(reg);
  else {
    put(reg, sig(reg), se(reg) & ~SIGN);
    raise(0);
  }
}

/** FRNDINT: rounded as the control word says. */
export function frndint(): void {
  const reg = st(0);
  if (isEmpty(reg)) {
    underflowStack(reg);
    return;
  }
  const significand = sig(reg);
  const signExp = se(reg);
  if (settleNaN(significand, signExp, reg)) return;
  const denormal = isDenormal(significand, signExp);
  if (denormal && raiseAndStop(FPU_DE)) return;
  if ((signExp & EXP_MAX) >= <u32>(BIAS + 63)) {
    raise(0);
    return;
  }
  const magnitude = integerMagnitude(significand, signExp);
  if (magnitude == 0) putZero(reg, signExp);
  else {
    const shift = <i32>clz<u64>(magnitude);
    put(reg, magnitude << shift, (signExp & SIGN) | (BIAS + 63 - shift));
  }
  raise(denormal ? integerFlags | FPU_DE : integerFlags);
}

/** FSCALE: ST0 * 2^(ST1 cut to an integer). The precision control does not matter. */
export function fscale(): void {
  const dst = st(0);
  const src = st(1);
  if (isEmpty(dst) || isEmpty(src)) {
    underflowStack(dst);
    return;
  }
  const aSig = sig(dst);
  const a = se(dst);
  const bSig = sig(src);
  const b = se(src);
  if (settleNaNs(aSig, a, bSig, b, dst)) return;
  const infiniteScale = isInfinity(bSig, b);
  if (infiniteScale && (b & SIGN ? isInfinity(aSig, a) : isZero(aSig, a))) {
    invalid(dst);
    return;
  }
  const flags = denormalFlag(aSig, a, bSig, b, 0);
  if (flags && raiseAndStop(flags)) return;
  if (isInfinity(aSig, a) || isZero(aSig, a)) raise(flags);
  else if (infiniteScale) {
    if (b & SIGN) putZero(dst, a);
    else putInfinity(dst, a);
    raise(flags);
  } else {
    const n = BIAS + 63 - <i32>(b & EXP_MAX);
    // Beyond 2^16 every value over- or underflows alike.
    let scale: i32 = n > 63 ? 0 : n < 47 ? 0x10000 : <i32>(bSig >> n);
    if (b & SIGN) scale = -scale;
    roundSlow(dst, a & SIGN, exponentOf(aSig, a) + scale, normalised(aSig), 0, flags, 64);
  }
}

/** FXTRACT: ST0 becomes its exponent, then its significand is pushed. */
export function fxtract(): void {
  const reg = st(0);
  const full = !isEmpty(st(7));
  if (isEmpty(reg) || full) {
    if (raiseAndStop(isEmpty(reg) ? FPU_IE | FPU_SF : FPU_IE | FPU_SF | FPU_C1)) return;
    put(reg, INDEFINITE_SIG, INDEFINITE_SE);
    pushIndefinite();
    return;
  }
  const significand = sig(reg);
  const signExp = se(reg);
  if (isUnsupported(significand, signExp) || isNaN80(significand, signExp)) {
    // Both halves are the same NaN.
    const flags = isUnsupported(significand, signExp) || isSignalling(significand, signExp) ? FPU_IE : 0;
    settleNaN(significand, signExp, reg);
    if (!isUnmasked(flags)) push(sig(reg), se(reg), flags);
    return;
  }
  if (isInfinity(significand, signExp)) {
    put(reg, INT_BIT, EXP_MAX);
    push(significand, signExp, 0);
  } else if (isZero(significand, signExp)) {
    if (raiseAndStop(FPU_ZE)) return;
    put(reg, INT_BIT, SIGN | EXP_MAX);
    push(significand, signExp, FPU_ZE);
  } else {
    const flags = isDenormal(significand, signExp) ? FPU_DE : 0;
    if (flags && raiseAndStop(flags)) return;
    const exp = exponentOf(significand, signExp) - BIAS;
    const magnitude: u64 = exp < 0 ? -exp : exp;
    const shift = <i32>clz<u64>(magnitude);
    if (exp == 0) put(reg, 0, 0);
    else put(reg, magnitude << shift, (exp < 0 ? SIGN : 0) | (BIAS + 63 - shift));
    push(normalised(significand), (signExp & SIGN) | BIAS, flags);
  }
}
