/** FPREM (quotient cut) and FPREM1 (quotient rounded to nearest, as IEEE 754 asks). */
import { FPU_C0, FPU_C1, FPU_C2, FPU_C3, FPU_STATUS } from '../../fpu-layout';
import { denormalFlag, exponentOf, isInfinity, isZero, normalised, putZero, settleNaNs } from './classify';
import { roundSlow } from './round';
import { invalid, isEmpty, raise, raiseAndStop, se, sig, SIGN, st, underflowStack } from './state';
import { divide128, wideLow } from './wide';

export function fprem(): void {
  remainder(false);
}

export function fprem1(): void {
  remainder(true);
}

/** C2: the reduction is incomplete. Else C0, C3 and C1 are bits 2, 1 and 0 of the quotient. */
function setQuotient(quotient: u64, incomplete: bool): void {
  let conditions: u32 = incomplete ? FPU_C2 : 0;
  if (!incomplete) {
    if (quotient & 4) conditions |= FPU_C0;
    if (quotient & 2) conditions |= FPU_C3;
    if (quotient & 1) conditions |= FPU_C1;
  }
  const others = load<u32>(FPU_STATUS) & ~(<u32>(FPU_C0 | FPU_C1 | FPU_C2 | FPU_C3));
  store<u32>(FPU_STATUS, others | conditions);
}

function remainder(nearest: bool): void {
  // Whatever happens below, nothing is left to reduce but where `setQuotient` says so.
  store<u32>(FPU_STATUS, load<u32>(FPU_STATUS) & ~(<u32>FPU_C2));
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
  if (isInfinity(aSig, a) || isZero(bSig, b)) {
    invalid(dst);
    return;
  }
  const flags = denormalFlag(aSig, a, bSig, b, 0);
  if (flags && raiseAndStop(flags)) return;
  if (isInfinity(bSig, b) || isZero(aSig, a)) {
    if (isZero(aSig, a)) raise(flags);
    else roundSlow(dst, a & SIGN, exponentOf(aSig, a), normalised(aSig), 0, flags, 64);
    setQuotient(0, false);
    return;
  }
  reduce(dst, a & SIGN, exponentOf(aSig, a), normalised(aSig), exponentOf(bSig, b), normalised(bSig), flags, nearest);
}

/** Significands are normalised. */
function reduce(dst: usize, sign: u32, aExp: i32, aSig: u64, bExp: i32, bSig: u64, flags: u32, nearest: bool): void {
  const distance = aExp - bExp;
  const incomplete = distance >= 64;
  let quotient: u64 = 0;
  let rest = aSig;
  let exp = aExp;
  if (distance >= 0) {
    // An incomplete step takes off 32 to 63 bits of the distance (SDM volume 2, FPREM).
    const n: u32 = incomplete ? (distance & 31) | 32 : distance;
    exp = aExp - n;
    if (rest >= bSig) {
      rest -= bSig;
      quotient = (<u64>1) << n;
    }
    if (n) {
      quotient |= divide128(rest >> (64 - n), rest << n, bSig);
      rest = wideLow;
    }
  }
  if (nearest && !incomplete) {
    if (distance == -1) {
      // b / 2 < a < b, in units of the last place of a.
      if (rest > bSig) {
        rest = (bSig << 1) - rest;
        sign ^= SIGN;
        quotient = 1;
      }
    } else if (distance >= 0 && (rest > bSig - rest || (rest == bSig - rest && quotient & 1))) {
      rest = bSig - rest;
      sign ^= SIGN;
      quotient++;
    }
  }
  if (rest == 0) {
    putZero(dst, sign);
    raise(flags);
  } else roundSlow(dst, sign, exp - <i32>clz<u64>(rest), normalised(rest), 0, flags, 64);
  setQuotient(quotient, incomplete);
}
