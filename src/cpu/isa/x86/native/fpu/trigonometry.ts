/**
 * FSIN, FCOS, FSINCOS and FPTAN. QEMU 7.2 computes them in double precision: ST0 is rounded to a double, the result is
 * a double's. So it is here, with results rounded to nearest from more than 100 bits; infinities, NaNs, denormals and
 * PE are as on a processor.
 */
import { FPU_C1, FPU_C2, FPU_DE, FPU_IE, FPU_PE, FPU_SF, FPU_STATUS, FPU_TOP, FPU_UE } from '../../fpu-layout';
import {
  exponentOf,
  isDenormal,
  isInfinity,
  isNaN80,
  isSignalling,
  isUnsupported,
  isZero,
  normalised,
} from './classify';
import {
  accHigh,
  accLow,
  divideQ127,
  divideSmall,
  multiplyHigh,
  multiplyQ127,
  normaliseAcc,
  setAcc,
  shiftAccRight,
  subtractFrom,
} from './fixed128';
import { toDouble } from './narrow';
import { precision, roundSlow } from './round';
import {
  BIAS,
  EXP_MAX,
  INDEFINITE_SE,
  INDEFINITE_SIG,
  INT_BIT,
  isEmpty,
  push,
  pushIndefinite,
  put,
  QUIET_BIT,
  raise,
  raiseAndStop,
  se,
  sig,
  SIGN,
  st,
} from './state';
import { mulHigh, wideLow } from './wide';
import { widen64, wideSe } from './widen';

const SIN = 0;
const COS = 1;
const SINCOS = 2;
const TAN = 3;

/** Exponent of the smallest normal double. */
const SMALLEST_DOUBLE: u32 = 0x3c01;
/** pi / 2 in Q127. */
const PI_HIGH: u64 = 0xc90f_daa2_2168_c234;
const PI_LOW: u64 = 0xc4c6_628b_80dc_1cd1;

export function fsin(): void {
  trigonometric(SIN);
}

export function fcos(): void {
  trigonometric(COS);
}

/** ST0 = sine, then the cosine is pushed. */
export function fsincos(): void {
  trigonometric(SINCOS);
}

/** ST0 = tangent, then 1.0 is pushed. */
export function fptan(): void {
  trigonometric(TAN);
}

function trigonometric(which: i32): void {
  const reg = st(0);
  store<u32>(FPU_STATUS, load<u32>(FPU_STATUS) & ~(<u32>FPU_C2));
  const pushes = which >= SINCOS;
  const empty = isEmpty(reg);
  if (empty || (pushes && !isEmpty(st(7)))) {
    settle(reg, pushes, empty ? FPU_IE | FPU_SF : FPU_IE | FPU_SF | FPU_C1, INDEFINITE_SIG, INDEFINITE_SE);
    return;
  }
  const significand = sig(reg);
  const signExp = se(reg);
  if (isUnsupported(significand, signExp) || isInfinity(significand, signExp)) {
    settle(reg, pushes, FPU_IE, INDEFINITE_SIG, INDEFINITE_SE);
    return;
  }
  if (isNaN80(significand, signExp)) {
    settle(reg, pushes, isSignalling(significand, signExp) ? FPU_IE : 0, significand | QUIET_BIT, signExp);
    return;
  }
  let flags: u32 = isZero(significand, signExp) ? 0 : FPU_PE;
  if (isDenormal(significand, signExp)) {
    if (raiseAndStop(FPU_DE)) return;
    flags = which == COS ? FPU_PE | FPU_DE : FPU_PE | FPU_DE | FPU_UE;
  }
  if ((signExp & EXP_MAX) < SMALLEST_DOUBLE) {
    // Zero, or smaller than any normal double: sine and tangent are the operand, as on a processor.
    setResults(which, reg, significand, signExp, flags, 64);
    return;
  }
  const value = toDouble(significand, signExp);
  if ((value & ~INT_BIT) > 0x43e0_0000_0000_0000) {
    // Above 2^63: the guest has to reduce the operand itself.
    raise(0);
    store<u32>(FPU_STATUS, load<u32>(FPU_STATUS) | FPU_C2);
    return;
  }
  if ((value & ~INT_BIT) < 0x3e10_0000_0000_0000) {
    // Below 2^-30: a double of the sine or tangent is the operand's.
    const rounded = widen64(value);
    setResults(which, reg, rounded, wideSe, flags, precision());
  } else compute(which, reg, value, flags);
}

/** The results of a tiny operand: itself, to a precision of `bits`, and 1. */
function setResults(which: i32, reg: usize, significand: u64, signExp: u32, flags: u32, bits: u32): void {
  if (which == COS) put(reg, INT_BIT, BIAS);
  else if (significand) {
    const exp = exponentOf(significand, signExp);
    roundSlow(reg, signExp & SIGN, exp, normalised(significand), 0, flags, bits);
  }
  raise(flags);
  if (which >= SINCOS) push(INT_BIT, BIAS, flags);
}

/** Results for a double from 2^-30 to 2^63. */
function compute(which: i32, reg: usize, value: u64, flags: u32): void {
  const sign = <u32>(value >> 48) & SIGN;
  const quadrant = reduce(value & ~INT_BIT);
  const odd = (quadrant & 1) != 0;
  // sin(r + pi/2) = cos r, and so on round the circle.
  const sineSign = sign ^ (quadrant & 2 ? SIGN : 0);
  const cosineSign: u32 = (quadrant + 1) & 2 ? SIGN : 0;
  if (which == SIN) {
    const exp = odd ? cosine() : sine();
    storeDouble(reg, odd ? sineSign : sineSign ^ restSign, exp, flags);
  } else if (which == COS) {
    const exp = odd ? sine() : cosine();
    storeDouble(reg, odd ? cosineSign ^ restSign : cosineSign, exp, flags);
  } else if (which == SINCOS) {
    const exp = odd ? cosine() : sine();
    storeDouble(reg, odd ? sineSign : sineSign ^ restSign, exp, flags);
    const second = odd ? sine() : cosine();
    storeDouble(st(7), odd ? cosineSign ^ restSign : cosineSign, second, flags);
    store<u32>(FPU_TOP, (load<u32>(FPU_TOP) - 1) & 7);
  } else {
    const above = odd ? cosine() : sine();
    const high = accHigh;
    const low = accLow;
    const below = odd ? sine() : cosine();
    divideQ127(high >> 2, (high << 62) | (low >> 2), accHigh >> 2, (accHigh << 62) | (accLow >> 2));
    const exp = above - below - normaliseAcc();
    storeDouble(reg, sign ^ restSign ^ (odd ? SIGN : 0), exp, flags);
    push(INT_BIT, BIAS, flags);
  }
}

/** Rounds the normalised acc * 2^(exp - 127) to a double, as a C library does, and that to the precision control. */
function storeDouble(dst: usize, sign: u32, exp: i32, flags: u32): void {
  let kept = accHigh & ~(<u64>0x7ff);
  const lost = (accHigh << 53) | u64(accLow != 0);
  if (lost > INT_BIT || (lost == INT_BIT && kept & 0x800)) {
    kept += 0x800;
    if (kept == 0) {
      kept = INT_BIT;
      exp++;
    }
  }
  roundSlow(dst, sign, exp + BIAS, kept, 0, flags, precision());
}

// |x| less a multiple of pi / 2, between -pi / 4 and pi / 4: rest (Q127) times 2^restExp, and its sign.
let restHigh: u64 = 0;
let restLow: u64 = 0;
let restExp: i32 = 0;
let restSign: u32 = 0;

/** Sets the rest of a positive double and returns the quadrant, modulo 4. */
function reduce(bits: u64): u32 {
  const exp = <i32>(bits >> 52) - 1023;
  const m = (bits & 0x000f_ffff_ffff_ffff) | 0x0010_0000_0000_0000;
  restSign = 0;
  if (bits <= 0x3fe9_21fb_5444_2d18) {
    restHigh = m << 11;
    restLow = 0;
    restExp = exp;
    return 0;
  }
  // m * 2/pi to 256 bits behind the point; a double comes no nearer to a multiple of pi/2 than about 2^-61, so that
  // after cancellation 128 good bits are left.
  let p1 = mulHigh(m, 0xfe51_63ab_debb_c561);
  let p0 = wideLow;
  let p2 = mulHigh(m, 0xdb62_9599_3c43_9041);
  p1 += wideLow;
  p2 += u64(p1 < wideLow);
  let p3 = mulHigh(m, 0xfc27_57d1_f534_ddc0);
  p2 += wideLow;
  p3 += u64(p2 < wideLow);
  let p4 = mulHigh(m, 0xa2f9_836e_4e44_1529);
  p3 += wideLow;
  p4 += u64(p3 < wideLow);
  // The point goes to between bits 308 and 309 of the five words.
  const shift = exp + 1;
  if (shift == 64) {
    p4 = p3;
    p3 = p2;
    p2 = p1;
    p1 = p0;
  } else if (shift) {
    const back = 64 - shift;
    p4 = (p4 << shift) | (p3 >> back);
    p3 = (p3 << shift) | (p2 >> back);
    p2 = (p2 << shift) | (p1 >> back);
    p1 = (p1 << shift) | (p0 >> back);
  }
  let quadrant = <u32>(p4 >> 53);
  let high = (p4 << 11) | (p3 >> 53);
  let middle = (p3 << 11) | (p2 >> 53);
  let low = (p2 << 11) | (p1 >> 53);
  if (<i64>high < 0) {
    quadrant++;
    restSign = SIGN;
    low = -low;
    middle = ~middle + u64(low == 0);
    high = ~high + u64(low == 0 && middle == 0);
  }
  restExp = 0;
  if (high == 0) {
    high = middle;
    middle = low;
    low = 0;
    restExp = -64;
  }
  const zeros = <u32>clz<u64>(high);
  restExp -= zeros;
  if (zeros) {
    high = (high << zeros) | (middle >> (64 - zeros));
    middle = (middle << zeros) | (low >> (64 - zeros));
  }
  setAcc(high, middle);
  multiplyHigh(PI_HIGH, PI_LOW);
  restHigh = accHigh;
  restLow = accLow;
  return quadrant & 3;
}

/** acc = 1 - z/(n (n + 1)) (1 - z/((n + 2)(n + 3)) (1 - ...)), z the rest squared, in Q127. */
function alternatingSeries(n: i32): void {
  setAcc(restHigh, restLow);
  shiftAccRight(-restExp);
  multiplyQ127(accHigh, accLow);
  const zHigh = accHigh;
  const zLow = accLow;
  setAcc(INT_BIT, 0);
  // z is at most 0.617: 14 steps reach 2^-110.
  for (let i: i32 = n + 26; i >= n; i -= 2) {
    multiplyQ127(zHigh, zLow);
    divideSmall(i * (i + 1));
    subtractFrom(INT_BIT, 0);
  }
}

/** acc (normalised, Q127) times 2 to the returned exponent = sin |rest|. */
function sine(): i32 {
  alternatingSeries(2);
  multiplyHigh(restHigh, restLow);
  return restExp + 1 - normaliseAcc();
}

/** The same for the cosine. */
function cosine(): i32 {
  alternatingSeries(1);
  return -normaliseAcc();
}

/** A NaN for every result, if the exception is masked. */
function settle(reg: usize, pushes: bool, flags: u32, significand: u64, signExp: u32): void {
  if (flags) {
    if (raiseAndStop(flags)) return;
  } else raise(0);
  put(reg, significand, signExp);
  if (!pushes) return;
  pushIndefinite();
  put(st(0), significand, signExp);
}
