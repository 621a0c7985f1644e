/** FPATAN, rounded as the control word's rounding mode says from a result of more than 100 bits. */
import { denormalFlag, exponentOf, isInfinity, isZero, normalised, putZero, settleNaNs } from './classify';
import {
  accHigh,
  accLow,
  addAcc,
  divideQ127,
  isExactQuotient,
  multiplyHigh,
  multiplyQ127,
  reciprocal,
  setAcc,
  shiftAccRight,
  storeAcc,
  subtractFrom,
} from './fixed128';
import { isEmpty, pop, raise, raiseAndStop, se, sig, SIGN, st, underflowStack } from './state';

/** pi in Q126. */
const PI_HIGH: u64 = 0xc90f_daa2_2168_c234;
const PI_LOW: u64 = 0xc4c6_628b_80dc_1cd1;

/** FPATAN: ST1 = the angle of the point (x = ST0, y = ST1), and pop. */
export function fpatan(): void {
  const src = st(0);
  const dst = st(1);
  if (isEmpty(dst) || isEmpty(src)) underflowStack(dst);
  else angle(sig(src), se(src), sig(dst), se(dst), dst);
  pop();
}

function angle(xSig: u64, x: u32, ySig: u64, y: u32, dst: usize): void {
  if (settleNaNs(xSig, x, ySig, y, dst)) return;
  const flags = denormalFlag(xSig, x, ySig, y, 0);
  if (flags && raiseAndStop(flags)) return;
  const sign = y & SIGN;
  const left = (x & SIGN) != 0;
  const xInfinite = isInfinity(xSig, x);
  const yInfinite = isInfinity(ySig, y);
  if (xInfinite && yInfinite) putQuarters(dst, sign, left ? 3 : 1, flags);
  else if (isZero(ySig, y) || xInfinite) {
    if (left) putQuarters(dst, sign, 4, flags);
    else {
      putZero(dst, sign);
      raise(flags);
    }
  } else if (isZero(xSig, x) || yInfinite) putQuarters(dst, sign, 2, flags);
  else {
    const xExp = exponentOf(xSig, x);
    const yExp = exponentOf(ySig, y);
    xSig = normalised(xSig);
    ySig = normalised(ySig);
    const steep = yExp > xExp || (yExp == xExp && ySig > xSig);
    const exp = steep ? arctangent(xSig, ySig, xExp - yExp) : arctangent(ySig, xSig, yExp - xExp);
    if (!steep && !left) {
      storeAcc(dst, sign, exp, false, flags);
      return;
    }
    shiftAccRight(1 - exp); // Q126
    if (steep && left) addAcc(PI_HIGH >> 1, (PI_HIGH << 63) | (PI_LOW >> 1));
    else if (steep) subtractFrom(PI_HIGH >> 1, (PI_HIGH << 63) | (PI_LOW >> 1));
    else subtractFrom(PI_HIGH, PI_LOW);
    storeAcc(dst, sign, 1, false, flags);
  }
}

/** n / 4 * pi, rounded. */
function putQuarters(dst: usize, sign: u32, n: u32, flags: u32): void {
  setAcc(PI_HIGH >> 2, (PI_HIGH << 62) | (PI_LOW >> 2)); // pi / 4 in Q126
  if (n == 2) setAcc(PI_HIGH >> 1, (PI_HIGH << 63) | (PI_LOW >> 1));
  else if (n == 3) addAcc(PI_HIGH >> 1, (PI_HIGH << 63) | (PI_LOW >> 1));
  else if (n == 4) setAcc(PI_HIGH, PI_LOW);
  storeAcc(dst, sign, 1, false, flags);
}

/** acc (Q127) times two to the returned exponent = atan(a / b * 2^exp), for a ratio of at most 1. */
function arctangent(a: u64, b: u64, exp: i32): i32 {
  divideQ127(a >> 2, a << 62, b >> 2, b << 62);
  if (exp < -62) {
    // Less than the ratio by less than can be seen here: it matters only where the quotient is exact.
    if (isExactQuotient) addAcc(~(<u64>0), ~(<u64>0));
    return exp;
  }
  const high = accHigh;
  const low = accLow;
  shiftAccRight(-exp);
  // With c = i / 8 nearest to the ratio r: atan r = atan c + atan((r - c) / (1 + r c)), its argument within 1/16.
  const i = <u32>((accHigh + (<u64>1 << 59)) >> 60);
  if (i == 0) {
    arctangentSeries();
    multiplyHigh(high, low);
    return exp + 1;
  }
  const c = <u64>i << 60;
  const rHigh = accHigh;
  const rLow = accLow;
  const below = rHigh < c;
  if (below) subtractFrom(c, 0);
  else addAcc(-c, 0);
  shiftAccRight(2);
  const nHigh = accHigh;
  const nLow = accLow;
  setAcc(rHigh, rLow);
  multiplyHigh(c, 0); // Q126
  shiftAccRight(1);
  addAcc(<u64>1 << 61, 0);
  divideQ127(nHigh, nLow, accHigh, accLow);
  const uHigh = accHigh;
  const uLow = accLow;
  arctangentSeries();
  multiplyQ127(uHigh, uLow);
  if (below) subtractFrom(0, 0);
  addArctangentOfEighths(i);
  return 0;
}

/** acc = atan(u) / u for u = acc up to 1/16: 1 - u^2/3 + u^4/5 - ... */
function arctangentSeries(): void {
  multiplyQ127(accHigh, accLow);
  const zHigh = accHigh;
  const zLow = accLow;
  reciprocal(33);
  for (let n: i32 = 31; n >= 1; n -= 2) {
    multiplyQ127(zHigh, zLow);
    const sumHigh = accHigh;
    const sumLow = accLow;
    reciprocal(n);
    const high = accHigh;
    const low = accLow;
    setAcc(sumHigh, sumLow);
    subtractFrom(high, low);
  }
}

/** acc += atan(i / 8), Q127. */
function addArctangentOfEighths(i: u32): void {
  if (i == 1) addAcc(0x0fea_dd4d_5617_b6e3, 0x2c89_7989_f3e8_88ef);
  else if (i == 2) addAcc(0x1f5b_75f9_2c80_dd62, 0xadb8_f3de_bef4_42fc);
  else if (i == 3) addAcc(0x2dec_3283_c9bd_e11c, 0xe2a8_c848_b73f_9120);
  else if (i == 4) addAcc(0x3b58_ce0a_c376_9ed1, 0x5bf9_117b_2f0e_a340);
  else if (i == 5) addAcc(0x4780_2eaf_7bfa_cfcd, 0xae41_af0b_32e2_1ba3);
  else if (i == 6) addAcc(0x525e_3e8c_9a7b_8492, 0x0cd4_3f95_22be_d64f);
  else if (i == 7) addAcc(0x5c02_9f15_e118_cf39, 0xe596_d2a9_0852_221e);
  else addAcc(0x6487_ed51_10b4_611a, 0x6263_3145_c06e_0e68);
}
