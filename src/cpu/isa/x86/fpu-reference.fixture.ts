/** Elementary functions to hundreds of bits, from their series in BigInt arithmetic: slow, and plainly right. */

const PRECISION = 600n;
const ONE = 1n << PRECISION;

const times = (a: bigint, b: bigint): bigint => (a * b) >> PRECISION;
const over = (a: bigint, b: bigint): bigint => (a << PRECISION) / b;

/** Sum of terms, the next of which `next` makes from the last, until they vanish. */
function series(first: bigint, next: (term: bigint, index: bigint) => bigint): bigint {
  let sum = 0n;
  let term = first;
  for (let i = 1n; term !== 0n; i++) {
    sum += term;
    term = next(term, i);
    if (term === -1n) break; // >> rounds to minus infinity
  }
  return sum;
}

/** Odd powers with alternating or equal signs over 1, 3, 5 ...: atan and atanh for small arguments. */
function oddSeries(x: bigint, alternating: boolean): bigint {
  const square = times(x, x);
  let sum = 0n;
  let power = x;
  for (let n = 1n; power !== 0n && power !== -1n; n += 2n) {
    sum += alternating && n % 4n === 3n ? -(power / n) : power / n;
    power = times(power, square);
  }
  return sum;
}

const PI = 4n * (4n * oddSeries(ONE / 5n, true) - oddSeries(ONE / 239n, true));
/** ln 2 = 2 atanh(1/3). */
const LN2 = 2n * oddSeries(ONE / 3n, false);

/** A finite 80-bit value as a multiple of 2^-PRECISION (its exponent must not be below -PRECISION + 64). */
export function fixedOf(high: number, low: bigint): bigint {
  const shift = PRECISION + BigInt((high & 0x7fff) - 0x3fff - 63);
  const magnitude = shift >= 0n ? low << shift : low >> -shift;
  return high & 0x8000 ? -magnitude : magnitude;
}

export function exponentialMinus1(x: bigint): bigint {
  const t = times(x, LN2);
  return series(t, (term, i) => times(term, t) / (i + 1n));
}

export function log2(x: bigint): bigint {
  let k = 0n;
  let m = x;
  while (m > (ONE * 3n) / 2n) {
    m >>= 1n;
    k++;
  }
  while (m < (ONE * 3n) / 4n) {
    m <<= 1n;
    k--;
  }
  return k * ONE + over(2n * oddSeries(over(m - ONE, m + ONE), false), LN2);
}

export const product = times;
export const onePlus = (x: bigint): bigint => ONE + x;

/** Halves the angle until the series converges fast: tan(a / 2) = t / (1 + sqrt(1 + t^2)). */
function arctangent(ratio: bigint): bigint {
  let t = ratio;
  let doublings = 0n;
  while (t > ONE / 16n) {
    t = over(t, ONE + squareRoot(ONE + times(t, t)));
    doublings++;
  }
  return oddSeries(t, true) << doublings;
}

function squareRoot(x: bigint): bigint {
  const n = x << PRECISION;
  let root = 1n << BigInt((n.toString(2).length + 1) >> 1);
  for (;;) {
    const better = (root + n / root) >> 1n;
    if (better >= root) return root;
    root = better;
  }
}

export function angleOf(y: bigint, x: bigint): bigint {
  const size = (v: bigint): bigint => (v < 0n ? -v : v);
  const steep = size(y) > size(x);
  const base = arctangent(steep ? over(size(x), size(y)) : over(size(y), size(x)));
  const quarter = steep ? PI / 2n - base : base;
  const half = x < 0n ? PI - quarter : quarter;
  return y < 0n ? -half : half;
}

export function sine(x: bigint): bigint {
  const turn = 2n * PI;
  const t = ((x % turn) + turn) % turn;
  const square = times(t, t);
  let sum = 0n;
  let term = t;
  for (let n = 1n; term !== 0n; n += 2n) {
    sum += n % 4n === 1n ? term : -term;
    term = times(term, square) / ((n + 1n) * (n + 2n));
  }
  return sum;
}

export const cosine = (x: bigint): bigint => sine(x + PI / 2n);
export const tangent = (x: bigint): bigint => over(sine(x), cosine(x));

/** Rounds to nearest with `bits` of significand, as an 80-bit register shows it. */
export function registerOf(value: bigint, bits: number): string {
  const sign = value < 0n ? 0x8000 : 0;
  const magnitude = value < 0n ? -value : value;
  const length = magnitude.toString(2).length;
  const drop = BigInt(length - bits);
  let kept = drop > 0n ? (magnitude + (1n << (drop - 1n))) >> drop : magnitude << -drop;
  let exp = length - 1 - Number(PRECISION) + 0x3fff;
  if (kept >> BigInt(bits)) {
    kept >>= 1n;
    exp++;
  }
  const significand = kept << BigInt(64 - bits);
  return `${(sign | exp).toString(16).padStart(4, '0')}:${significand.toString(16)}`;
}
