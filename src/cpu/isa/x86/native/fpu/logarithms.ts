/**
 * F2XM1, FYL2X and FYL2XP1, rounded as the control word's rounding mode says from results of more than 100 bits. The
 * precision control does not matter. Operands beyond an instruction's range are invalid, as on QEMU.
 */
import { FPU_DE, FPU_ZE } from '../../fpu-layout';
import {
  denormalFlag,
  exponentOf,
  isDenormal,
  isInfinity,
  isZero,
  normalised,
  putInfinity,
  putZero,
  settleNaN,
  settleNaNs,
} from './classify';
import {
  accHigh,
  accLow,
  addAcc,
  divideQ127,
  divideSmall,
  multiplyHigh,
  multiplyQ127,
  normaliseAcc,
  reciprocal,
  setAcc,
  shiftAccRight,
  storeAcc,
  subtractFrom,
} from './fixed128';
import {
  BIAS,
  EXP_MAX,
  INT_BIT,
  invalid,
  isEmpty,
  pop,
  put,
  raise,
  raiseAndStop,
  se,
  sig,
  SIGN,
  st,
  underflowStack,
} from './state';

// ln 2 in Q128, log2 e in Q127.
const LN2_HIGH: u64 = 0xb172_17f7_d1cf_79ab;
const LN2_LOW: u64 = 0xc9e3_b398_03f2_f6af;
const LOG2E_HIGH: u64 = 0xb8aa_3b29_5c17_f0bb;
const LOG2E_LOW: u64 = 0xbe87_fed0_691d_3e89;

/** F2XM1: 2^ST0 - 1 for ST0 from -1 to 1. */
export function f2xm1(): void {
  const reg = st(0);
  if (isEmpty(reg)) {
    underflowStack(reg);
    return;
  }
  const significand = sig(reg);
  const signExp = se(reg);
  if (settleNaN(significand, signExp, reg)) return;
  const exp = signExp & EXP_MAX;
  const sign = signExp & SIGN;
  if (exp >= <u32>BIAS) {
    if (exp != <u32>BIAS || significand != INT_BIT) invalid(reg);
    else {
      put(reg, INT_BIT, sign ? SIGN | (BIAS - 1) : BIAS);
      raise(0);
    }
    return;
  }
  if (isZero(significand, signExp)) {
    raise(0);
    return;
  }
  const flags = isDenormal(significand, signExp) ? FPU_DE : 0;
  if (flags && raiseAndStop(flags)) return;
  expm1(reg, sign, exponentOf(significand, signExp) - BIAS, normalised(significand), flags);
}

/** With t = x ln 2: e^t - 1 = t (1 + t/2 (1 + t/3 (1 + ...))). */
function expm1(dst: usize, sign: u32, exp: i32, significand: u64, flags: u32): void {
  setAcc(significand, 0);
  multiplyHigh(LN2_HIGH, LN2_LOW);
  // acc in Q127 times 2^(exp + 1) is |t|.
  const high = accHigh;
  const low = accLow;
  shiftAccRight(-exp);
  const tHigh = accHigh;
  const tLow = accLow;
  setAcc(INT_BIT, 0);
  // 0.7^30 / 31! is below 2^-127; small t need fewer terms.
  const terms: i32 = exp < -4 ? 2 + 128 / -exp : 30;
  for (let k = terms; k >= 2; k--) {
    multiplyQ127(tHigh, tLow);
    divideSmall(k);
    if (sign) subtractFrom(INT_BIT, 0);
    else addAcc(INT_BIT, 0);
  }
  multiplyHigh(high, low);
  storeAcc(dst, sign, exp + 1, false, flags);
}

/** FYL2X: ST1 = ST1 * log2(ST0), and pop. */
export function fyl2x(): void {
  const src = st(0);
  const dst = st(1);
  if (isEmpty(dst) || isEmpty(src)) underflowStack(dst);
  else yLog2x(sig(src), se(src), sig(dst), se(dst), dst);
  pop();
}

function yLog2x(xSig: u64, x: u32, ySig: u64, y: u32, dst: usize): void {
  if (settleNaNs(xSig, x, ySig, y, dst)) return;
  const sign = y & SIGN;
  const yZero = isZero(ySig, y);
  const yInfinite = isInfinity(ySig, y);
  const xZero = isZero(xSig, x);
  const xInfinite = isInfinity(xSig, x);
  const one = x == <u32>BIAS && xSig == INT_BIT;
  if ((!xZero && x & SIGN) || (yZero && (xZero || xInfinite)) || (yInfinite && one)) {
    invalid(dst);
    return;
  }
  if (xZero && !yInfinite) {
    if (!raiseAndStop(FPU_ZE)) putInfinity(dst, ~sign);
    return;
  }
  const flags = denormalFlag(xSig, x, ySig, y, 0);
  if (flags && raiseAndStop(flags)) return;
  const negative = (x & EXP_MAX) < <u32>BIAS; // log2 x is
  if (xInfinite || yInfinite) {
    putInfinity(dst, negative ? ~sign : sign);
    raise(flags);
  } else if (yZero || one) {
    putZero(dst, negative ? ~sign : sign);
    raise(flags);
  } else timesLog2(exponentOf(xSig, x) - BIAS, normalised(xSig), sign, ySig, y, dst, flags);
}

/** y * log2(m * 2^k), where m = xSig / 2^63. */
function timesLog2(k: i32, xSig: u64, sign: u32, ySig: u64, y: u32, dst: usize, flags: u32): void {
  let exact = false;
  let negative = k < 0;
  let exp: i32 = 0;
  if (xSig == INT_BIT) {
    setAcc(<u64>(k < 0 ? -k : k), 0);
    exp = 63; // bits 64 up hold an integer: Q64
    exact = true;
  } else {
    // log2 m = 2 / ln 2 * atanh((m - 1) / (m + 1)), with m between 1 / sqrt 2 and sqrt 2.
    const above = xSig <= 0xb504_f333_f9de_6484;
    if (!above) k++;
    // Units of 2^-63, or of 2^-64 for m / 2: |m - 1|, and m + 1 = 2^64 + plus.
    const numerator = above ? xSig - INT_BIT : -xSig;
    const plus = above ? xSig - INT_BIT : xSig;
    const shift = <i32>clz<u64>(numerator);
    const scaled = numerator << shift;
    divideQ127(scaled >> 2, scaled << 62, (<u64>1 << 61) | (plus >> 3), plus << 61);
    const g = -shift - 1;
    atanhSeries(g);
    if (k == 0) {
      negative = !above;
      exp = g + 3; // the series' Q125 times 2^(g + 1)
    } else {
      negative = k < 0;
      shiftAccRight(12 - g); // Q112
      const whole = <u64>(negative ? -k : k) << 48;
      if (above == negative) subtractFrom(whole, 0);
      else addAcc(whole, 0);
      exp = 15;
    }
  }
  timesY(exp, exact, negative ? sign ^ SIGN : sign, ySig, y, dst, flags);
}

/** acc = S * 2^g is s, S in Q127. Leaves log2 e * atanh(s) / 2^g in Q125. */
function atanhSeries(g: i32): void {
  const high = accHigh;
  const low = accLow;
  shiftAccRight(-g);
  multiplyQ127(accHigh, accLow);
  const zHigh = accHigh;
  const zLow = accLow;
  // z is at most 0.0295: 25 terms reach 2^-127. Of small z as many are needed as 2g goes into 128.
  const terms = g < -4 ? 1 + 64 / -g : 25;
  reciprocal(2 * terms + 1);
  for (let j = terms - 1; j >= 0; j--) {
    multiplyQ127(zHigh, zLow);
    const sumHigh = accHigh;
    const sumLow = accLow;
    reciprocal(2 * j + 1);
    addAcc(sumHigh, sumLow);
  }
  multiplyHigh(high, low);
  multiplyHigh(LOG2E_HIGH, LOG2E_LOW);
}

/** dst = y * acc * 2^(exp - 127). */
function timesY(exp: i32, exact: bool, sign: u32, ySig: u64, y: u32, dst: usize, flags: u32): void {
  exp -= normaliseAcc();
  multiplyHigh(normalised(ySig), 0);
  storeAcc(dst, sign, exp + exponentOf(ySig, y) - BIAS + 1, exact, flags);
}

/** FYL2XP1: ST1 = ST1 * log2(ST0 + 1), and pop. */
export function fyl2xp1(): void {
  const src = st(0);
  const dst = st(1);
  if (isEmpty(dst) || isEmpty(src)) underflowStack(dst);
  else yLog2xPlus1(sig(src), se(src), sig(dst), se(dst), dst);
  pop();
}

function yLog2xPlus1(xSig: u64, x: u32, ySig: u64, y: u32, dst: usize): void {
  if (settleNaNs(xSig, x, ySig, y, dst)) return;
  const sign = (x ^ y) & SIGN;
  const xExp = x & EXP_MAX;
  // The range is sqrt(1/2) - 1 to sqrt 2 - 1.
  const limit: u64 = x & SIGN ? 0x95f6_1998_0c43_36f7 : 0xd413_cccf_e779_9211;
  if (xExp > <u32>(BIAS - 2) || (xExp == <u32>(BIAS - 2) && xSig > limit)) {
    invalid(dst);
    return;
  }
  const xZero = isZero(xSig, x);
  const yInfinite = isInfinity(ySig, y);
  if (xZero && yInfinite) {
    invalid(dst);
    return;
  }
  const flags = denormalFlag(xSig, x, ySig, y, 0);
  if (flags && raiseAndStop(flags)) return;
  if (yInfinite) {
    putInfinity(dst, sign);
    raise(flags);
  } else if (xZero || isZero(ySig, y)) {
    putZero(dst, sign);
    raise(flags);
  } else {
    // log2(1 + x) = 2 / ln 2 * atanh(x / (2 + x)); in Q125 all that follows.
    const exp = exponentOf(xSig, x) - BIAS;
    const significand = normalised(xSig);
    setAcc(significand >> 2, significand << 62);
    shiftAccRight(-exp);
    if (x & SIGN) subtractFrom(<u64>1 << 62, 0);
    else addAcc(<u64>1 << 62, 0);
    divideQ127(significand >> 2, significand << 62, accHigh, accLow);
    atanhSeries(exp);
    timesY(exp + 3, false, sign, ySig, y, dst, flags);
  }
}
