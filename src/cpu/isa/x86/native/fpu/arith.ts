/** Addition, subtraction, multiplication, division and square root of 80-bit values. */
import { FPU_DE, FPU_ZE } from '../../fpu-layout';
import {
  denormalFlag,
  exponentOf,
  isDenormal,
  isInfinity,
  isNormal,
  isZero,
  normalised,
  putInfinity,
  putZero,
  settleNaN,
  settleNaNs,
} from './classify';
import { DOWN, roundingMode, roundTo, shiftRightJamLow } from './round';
import { BIAS, EXP_MAX, INT_BIT, invalid, put, raise, raiseAndStop, SIGN } from './state';
import { divide128, mulHigh, rootRemainderHigh, squareRoot128, wideLow } from './wide';

// Every operation takes significand and sign-exponent of its operands, the flags that loading a memory operand raised
// (DE or 0), and the address of the register that gets the result.

/** dst = a + b; a - b with SIGN flipped in b. */
export function add(aSig: u64, a: u32, bSig: u64, b: u32, loaded: u32, dst: usize): void {
  if (isNormal(aSig, a) && isNormal(bSig, b) && loaded == 0) {
    addNormalised(a & SIGN, a & EXP_MAX, aSig, b & SIGN, b & EXP_MAX, bSig, 0, dst);
  } else addSpecial(aSig, a, bSig, b, loaded, dst);
}

// @ts-ignore: decorator
@inline
function addNormalised(
  aSign: u32,
  aExp: i32,
  aSig: u64,
  bSign: u32,
  bExp: i32,
  bSig: u64,
  flags: u32,
  dst: usize,
): void {
  let n = aExp - bExp;
  if (n < 0 || (n == 0 && aSig < bSig)) {
    const sign = aSign;
    const exp = aExp;
    const significand = aSig;
    aSign = bSign;
    aExp = bExp;
    aSig = bSig;
    bSign = sign;
    bExp = exp;
    bSig = significand;
    n = -n;
  }
  let low: u64 = 0;
  if (n) {
    if (n < 64) {
      low = bSig << (64 - n);
      bSig >>= n;
    } else {
      low = shiftRightJamLow(bSig, 0, n);
      bSig = 0;
    }
  }
  if (aSign == bSign) {
    let sum = aSig + bSig;
    if (sum < aSig) {
      low = (low >> 1) | (low & 1) | (sum << 63);
      sum = (sum >> 1) | INT_BIT;
      aExp++;
    }
    roundTo(dst, aSign, aExp, sum, low, flags);
    return;
  }
  let difference = aSig - bSig - u64(low != 0);
  low = -low;
  if (<i64>difference >= 0) {
    if ((difference | low) == 0) {
      putZero(dst, roundingMode() == DOWN ? SIGN : 0);
      raise(flags);
      return;
    }
    if (difference == 0) {
      difference = low;
      low = 0;
      aExp -= 64;
    }
    const shift = <u32>clz<u64>(difference);
    if (shift) {
      difference = (difference << shift) | (low >> (64 - shift));
      low <<= shift;
      aExp -= shift;
    }
  }
  roundTo(dst, aSign, aExp, difference, low, flags);
}

function addSpecial(aSig: u64, a: u32, bSig: u64, b: u32, loaded: u32, dst: usize): void {
  if (settleNaNs(aSig, a, bSig, b, dst)) return;
  const aInf = isInfinity(aSig, a);
  const bInf = isInfinity(bSig, b);
  if (aInf && bInf && a != b) {
    invalid(dst);
    return;
  }
  const flags = denormalFlag(aSig, a, bSig, b, loaded);
  if (flags && raiseAndStop(flags)) return;
  if (aInf || bInf) {
    putInfinity(dst, aInf ? a : b);
    raise(flags);
  } else if (aSig == 0 && bSig == 0) {
    putZero(dst, a == b ? a : roundingMode() == DOWN ? SIGN : 0);
    raise(flags);
  } else if (aSig == 0) roundTo(dst, b & SIGN, exponentOf(bSig, b), normalised(bSig), 0, flags);
  else if (bSig == 0) roundTo(dst, a & SIGN, exponentOf(aSig, a), normalised(aSig), 0, flags);
  else {
    const aExp = exponentOf(aSig, a);
    const bExp = exponentOf(bSig, b);
    addNormalised(a & SIGN, aExp, normalised(aSig), b & SIGN, bExp, normalised(bSig), flags, dst);
  }
}

/** dst = a * b. */
export function multiply(aSig: u64, a: u32, bSig: u64, b: u32, loaded: u32, dst: usize): void {
  if (isNormal(aSig, a) && isNormal(bSig, b) && loaded == 0) {
    multiplyNormalised((a ^ b) & SIGN, (a & EXP_MAX) + (b & EXP_MAX), aSig, bSig, 0, dst);
  } else multiplySpecial(aSig, a, bSig, b, loaded, dst);
}

// @ts-ignore: decorator
@inline
function multiplyNormalised(sign: u32, exponents: i32, aSig: u64, bSig: u64, flags: u32, dst: usize): void {
  let high = mulHigh(aSig, bSig);
  let low = wideLow;
  let exp = exponents - BIAS + 1;
  if (<i64>high >= 0) {
    high = (high << 1) | (low >> 63);
    low <<= 1;
    exp--;
  }
  roundTo(dst, sign, exp, high, low, flags);
}

function multiplySpecial(aSig: u64, a: u32, bSig: u64, b: u32, loaded: u32, dst: usize): void {
  if (settleNaNs(aSig, a, bSig, b, dst)) return;
  const infinite = isInfinity(aSig, a) || isInfinity(bSig, b);
  const zero = isZero(aSig, a) || isZero(bSig, b);
  if (infinite && zero) {
    invalid(dst);
    return;
  }
  const sign = (a ^ b) & SIGN;
  const flags = denormalFlag(aSig, a, bSig, b, loaded);
  if (flags && raiseAndStop(flags)) return;
  if (infinite) {
    putInfinity(dst, sign);
    raise(flags);
  } else if (zero) {
    putZero(dst, sign);
    raise(flags);
  } else {
    const exponents = exponentOf(aSig, a) + exponentOf(bSig, b);
    multiplyNormalised(sign, exponents, normalised(aSig), normalised(bSig), flags, dst);
  }
}

/** dst = a / b. */
export function divide(aSig: u64, a: u32, bSig: u64, b: u32, loaded: u32, dst: usize): void {
  if (isNormal(aSig, a) && isNormal(bSig, b) && loaded == 0) {
    divideNormalised((a ^ b) & SIGN, (a & EXP_MAX) - (b & EXP_MAX), aSig, bSig, 0, dst);
  } else divideSpecial(aSig, a, bSig, b, loaded, dst);
}

// @ts-ignore: decorator
@inline
function divideNormalised(sign: u32, exponents: i32, aSig: u64, bSig: u64, flags: u32, dst: usize): void {
  let exp = exponents + BIAS - 1;
  let low: u64 = 0;
  if (aSig >= bSig) {
    low = aSig << 63;
    aSig >>= 1;
    exp++;
  }
  const quotient = divide128(aSig, low, bSig);
  const remainder = wideLow;
  // A quotient is never half-way between two values: above half or below is all that counts.
  low = remainder == 0 ? 0 : remainder > bSig - remainder ? INT_BIT | 1 : 1;
  roundTo(dst, sign, exp, quotient, low, flags);
}

function divideSpecial(aSig: u64, a: u32, bSig: u64, b: u32, loaded: u32, dst: usize): void {
  if (settleNaNs(aSig, a, bSig, b, dst)) return;
  const aInf = isInfinity(aSig, a);
  const bInf = isInfinity(bSig, b);
  const aZero = isZero(aSig, a);
  const bZero = isZero(bSig, b);
  if ((aInf && bInf) || (aZero && bZero)) {
    invalid(dst);
    return;
  }
  const sign = (a ^ b) & SIGN;
  if (bZero && !aInf) {
    // Takes precedence over a denormal dividend.
    if (!raiseAndStop(FPU_ZE)) putInfinity(dst, sign);
    return;
  }
  const flags = denormalFlag(aSig, a, bSig, b, loaded);
  if (flags && raiseAndStop(flags)) return;
  if (aInf) {
    putInfinity(dst, sign);
    raise(flags);
  } else if (aZero || bInf) {
    putZero(dst, sign);
    raise(flags);
  } else {
    const exponents = exponentOf(aSig, a) - exponentOf(bSig, b);
    divideNormalised(sign, exponents, normalised(aSig), normalised(bSig), flags, dst);
  }
}

/** dst = square root of a. */
export function squareRoot(aSig: u64, a: u32, dst: usize): void {
  let flags: u32 = 0;
  if (!isNormal(aSig, a) || a & SIGN) {
    if (settleNaN(aSig, a, dst)) return;
    if (isZero(aSig, a)) {
      put(dst, aSig, a);
      raise(0);
      return;
    }
    if (a & SIGN) {
      invalid(dst);
      return;
    }
    if (isInfinity(aSig, a)) {
      put(dst, aSig, a);
      raise(0);
      return;
    }
    if (isDenormal(aSig, a)) {
      flags = FPU_DE;
      if (raiseAndStop(flags)) return;
    }
  }
  const exp = exponentOf(aSig, a) - BIAS;
  const significand = normalised(aSig);
  // An even power of two is split off, so that the radicand has 127 or 128 bits and its root 64.
  const odd = exp & 1;
  const root = odd ? squareRoot128(significand, 0) : squareRoot128(significand >> 1, significand << 63);
  // Above half of the last place: remainder > root.
  const aboveHalf = rootRemainderHigh != 0 || wideLow > root;
  const low: u64 = (rootRemainderHigh | wideLow) == 0 ? 0 : aboveHalf ? INT_BIT | 1 : 1;
  roundTo(dst, 0, (exp >> 1) + BIAS, root, low, flags);
}
