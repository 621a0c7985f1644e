/**
 * 128-bit fixed-point arithmetic for the transcendental functions. There is one accumulator (`accHigh`, `accLow`); a
 * value in format Qn is its bits divided by 2^n. Products and quotients are cut, not rounded: each step may lose a few
 * units of 2^-127, which leaves more than 100 good bits for results of 64.
 */
import { roundSlow } from './round';
import { BIAS, INT_BIT } from './state';
import { mulHigh, wideLow } from './wide';

export let accHigh: u64 = 0;
export let accLow: u64 = 0;

export function setAcc(high: u64, low: u64): void {
  accHigh = high;
  accLow = low;
}

/** acc = acc * b / 2^128: Qm times Qn gives Q(m + n - 128). */
export function multiplyHigh(bHigh: u64, bLow: u64): void {
  const cross = mulHigh(accHigh, bLow);
  const cross2 = mulHigh(accLow, bHigh);
  let high = mulHigh(accHigh, bHigh);
  let low = wideLow + cross;
  if (low < cross) high++;
  low += cross2;
  if (low < cross2) high++;
  accHigh = high;
  accLow = low;
}

/** acc = acc * b, all Q127. */
export function multiplyQ127(bHigh: u64, bLow: u64): void {
  multiplyHigh(bHigh, bLow);
  accHigh = (accHigh << 1) | (accLow >> 63);
  accLow <<= 1;
}

/** acc = acc / n. */
export function divideSmall(n: u64): void {
  const high = accHigh / n;
  const middle = (accHigh % n << 32) | (accLow >> 32);
  const last = (middle % n << 32) | (accLow & 0xffff_ffff);
  accHigh = high;
  accLow = (middle / n << 32) | (last / n);
}

export function addAcc(high: u64, low: u64): void {
  accLow += low;
  accHigh += high + u64(accLow < low);
}

/** acc = (high:low) - acc. */
export function subtractFrom(high: u64, low: u64): void {
  const difference = low - accLow;
  accHigh = high - accHigh - u64(difference > low);
  accLow = difference;
}

/** acc = acc >> n, for any n. */
export function shiftAccRight(n: u32): void {
  if (n == 0) return;
  if (n < 64) {
    accLow = (accHigh << (64 - n)) | (accLow >> n);
    accHigh >>= n;
  } else {
    accLow = n < 128 ? accHigh >> (n - 64) : 0;
    accHigh = 0;
  }
}

/** acc = acc << n, for n below 128. */
export function shiftAccLeft(n: u32): void {
  if (n == 0) return;
  if (n < 64) {
    accHigh = (accHigh << n) | (accLow >> (64 - n));
    accLow <<= n;
  } else {
    accHigh = accLow << (n - 64);
    accLow = 0;
  }
}

/** Shifts acc, which is not 0, left until its top bit is set; returns by how much. */
export function normaliseAcc(): i32 {
  const n = accHigh ? <i32>clz<u64>(accHigh) : 64 + <i32>clz<u64>(accLow);
  shiftAccLeft(n);
  return n;
}

/** Whether the last `divideQ127` left no remainder. */
export let isExactQuotient: bool = false;

/** acc = n / d in Q127, where n < 2 * d and d < 2^127. */
export function divideQ127(nHigh: u64, nLow: u64, dHigh: u64, dLow: u64): void {
  let high: u64 = 0;
  let low: u64 = 0;
  for (let bit = 0; bit < 128; bit++) {
    high = (high << 1) | (low >> 63);
    low <<= 1;
    if (nHigh > dHigh || (nHigh == dHigh && nLow >= dLow)) {
      nHigh = nHigh - dHigh - u64(nLow < dLow);
      nLow -= dLow;
      low |= 1;
    }
    nHigh = (nHigh << 1) | (nLow >> 63);
    nLow <<= 1;
  }
  accHigh = high;
  accLow = low;
  isExactQuotient = (nHigh | nLow) == 0;
}

/** Rounds acc * 2^(exp - 127) to 64 bits into a register; `exact` if acc has not lost anything. */
export function storeAcc(dst: usize, sign: u32, exp: i32, exact: bool, flags: u32): void {
  exp -= normaliseAcc();
  roundSlow(dst, sign, exp + BIAS, accHigh, exact ? accLow : accLow | 1, flags, 64);
}

/** acc = 1 / n in Q127. */
export function reciprocal(n: u64): void {
  accHigh = INT_BIT;
  accLow = 0;
  divideSmall(n);
}
