/** 64 x 64 -> 128-bit products and 128 / 64-bit quotients; the second half of each result is left in `wideLow`. */

/** Low half of the last product, or remainder of the last quotient. */
export let wideLow: u64 = 0;

/** High half of a * b; the low half is in `wideLow`. */
// @ts-ignore: decorator
@inline
export function mulHigh(a: u64, b: u64): u64 {
  const aLow = a & 0xffff_ffff;
  const aHigh = a >> 32;
  const bLow = b & 0xffff_ffff;
  const bHigh = b >> 32;
  const low = aLow * bLow;
  const mid = aHigh * bLow + (low >> 32);
  const mid2 = aLow * bHigh + (mid & 0xffff_ffff);
  wideLow = (mid2 << 32) | (low & 0xffff_ffff);
  return aHigh * bHigh + (mid >> 32) + (mid2 >> 32);
}

/** One 32-bit digit of a long division: (rem:digit) / d, where rem < d and d >= 2^63. The remainder is in `wideLow`. */
// @ts-ignore: decorator
@inline
function quotientDigit(rem: u64, digit: u64, d: u64): u64 {
  const dHigh = d >> 32;
  const dLow = d & 0xffff_ffff;
  // Knuth, TAOCP 4.3.1 D: the estimate from the leading halves is at most two too large.
  let q = rem / dHigh;
  let left = rem - q * dHigh;
  while (q >> 32 != 0 || q * dLow > ((left << 32) | digit)) {
    q--;
    left += dHigh;
    if (left >> 32 != 0) break;
  }
  wideLow = ((rem << 32) | digit) - q * d;
  return q;
}

/** (hi:lo) / d for hi < d and d >= 2^63. The remainder is in `wideLow`. */
export function divide128(hi: u64, lo: u64, d: u64): u64 {
  const q1 = quotientDigit(hi, lo >> 32, d);
  const q0 = quotientDigit(wideLow, lo & 0xffff_ffff, d);
  return (q1 << 32) | q0;
}

/** High half (0 or 1) of what the last square root left; the low half is in `wideLow`. */
export let rootRemainderHigh: u64 = 0;

/** Floor of the square root of (hi:lo), hi >= 2^62. */
export function squareRoot128(hi: u64, lo: u64): u64 {
  // A double's root is right to about 50 bits; one step of Newton's iteration, (n / root + root) / 2, doubles that.
  const estimate = sqrt<f64>(<f64>hi) * 4294967296.0;
  let root: u64 = estimate >= 18446744073709551616.0 ? ~(<u64>0) : <u64>estimate;
  if (hi >= root) root = ~(<u64>0);
  const q = hi < root ? divide128(hi, lo, root) : root;
  root = (root >> 1) + (q >> 1) + (root & q & 1);
  for (;;) {
    const high = mulHigh(root, root);
    const low = wideLow;
    if (high > hi || (high == hi && low > lo)) {
      root--;
      continue;
    }
    wideLow = lo - low;
    rootRemainderHigh = hi - high - u64(lo < low);
    // The remainder of a floor is at most 2 * root.
    const twice = root << 1; // without its 65th bit, which is always set
    if (rootRemainderHigh > 1 || (rootRemainderHigh == 1 && wideLow > twice)) {
      root++;
      continue;
    }
    return root;
  }
}
