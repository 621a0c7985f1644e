/** Comparisons and classification. */
import {
  FPU_C0,
  FPU_C1,
  FPU_C2,
  FPU_C3,
  FPU_IE,
  FPU_SF,
  FPU_STATUS,
} from '../../fpu-layout';
import { denormalFlag, isNaN80, isNormal, isSignalling, isUnsupported } from './classify';
import { EXP_MAX, INT_BIT, meta, raiseAndStop, raise, se, sig, SIGN, st } from './state';
import { widen32, widen64, wideFlags, widenInt, wideSe } from './widen';

const CONDITIONS: u32 = FPU_C0 | FPU_C2 | FPU_C3;
const LESS: u32 = FPU_C0;
const EQUAL: u32 = FPU_C3;
const UNORDERED: u32 = FPU_C0 | FPU_C2 | FPU_C3;
const GREATER: u32 = 0;

/** Magnitudes compare like (exponent, significand), where a zero exponent stands for 1. */
// @ts-ignore: decorator
@inline
function order(aSig: u64, a: u32, bSig: u64, b: u32): u32 {
  if ((a ^ b) & SIGN) return (aSig | bSig) == 0 ? EQUAL : a & SIGN ? LESS : GREATER;
  const aExp = max<u32>(a & EXP_MAX, 1);
  const bExp = max<u32>(b & EXP_MAX, 1);
  if (aSig == bSig && (aExp == bExp || aSig == 0)) return EQUAL;
  const smaller = aExp != bExp ? aExp < bExp : aSig < bSig;
  return smaller == ((a & SIGN) == 0) ? LESS : GREATER;
}

function emptyOperand(): u32 {
  raiseAndStop(FPU_IE | FPU_SF);
  return UNORDERED;
}

/**
 * Raises what comparing raises and returns the condition bits, which are set even if an unmasked exception stops the
 * pop. `quiet`: a quiet NaN is no invalid operand.
 */
// @ts-ignore: decorator
@inline
function relation(aSig: u64, a: u32, bSig: u64, b: u32, loaded: u32, quiet: bool): u32 {
  if (isNormal(aSig, a) && isNormal(bSig, b) && loaded == 0) {
    raise(0);
    return order(aSig, a, bSig, b);
  }
  return relationSpecial(aSig, a, bSig, b, loaded, quiet);
}

function relationSpecial(aSig: u64, a: u32, bSig: u64, b: u32, loaded: u32, quiet: bool): u32 {
  if (isUnsupported(aSig, a) || isUnsupported(bSig, b)) {
    raiseAndStop(FPU_IE);
    return UNORDERED;
  }
  if (isNaN80(aSig, a) || isNaN80(bSig, b)) {
    const isInvalid = !quiet || isSignalling(aSig, a) || isSignalling(bSig, b);
    raiseAndStop(isInvalid ? FPU_IE : 0);
    return UNORDERED;
  }
  const flags = denormalFlag(aSig, a, bSig, b, loaded);
  if (flags) raiseAndStop(flags);
  else raise(0);
  return order(aSig, a, bSig, b);
}

// @ts-ignore: decorator
@inline
function compareRegisters(i: u32, quiet: bool): u32 {
  const a = st(0);
  const b = st(i);
  if ((meta(a) | meta(b)) >> 32 != 0) return emptyOperand();
  return relation(sig(a), se(a), sig(b), se(b), 0, quiet);
}

// @ts-ignore: decorator
@inline
function compareWith(significand: u64, signExp: u32, loaded: u32): u32 {
  const a = st(0);
  if (meta(a) >> 32 != 0) return emptyOperand();
  return relation(sig(a), se(a), significand, signExp, loaded, false);
}

// @ts-ignore: decorator
@inline
function setConditions(conditions: u32): void {
  store<u32>(FPU_STATUS, (load<u32>(FPU_STATUS) & ~CONDITIONS) | conditions);
}

/** ZF (0x40), PF (4) and CF (1) from C3, C2 and C0. */
// @ts-ignore: decorator
@inline
function eflags(conditions: u32): i32 {
  return (conditions >> 8) & 0x45;
}

export function fcom_sti(i: u32): void {
  setConditions(compareRegisters(i, false));
}

export function fucom_sti(i: u32): void {
  setConditions(compareRegisters(i, true));
}

export function fcom_m32(bits: u32): void {
  const significand = widen32(bits);
  setConditions(compareWith(significand, wideSe, wideFlags));
}

export function fcom_m64(bits: u64): void {
  const significand = widen64(bits);
  setConditions(compareWith(significand, wideSe, wideFlags));
}

/** FICOM. */
export function fcom_int(value: i32): void {
  const significand = widenInt(value);
  setConditions(compareWith(significand, wideSe, 0));
}

export function ftst(): void {
  setConditions(compareWith(0, 0, 0));
}

/** FCOMI leaves C1 as it was, unless an operand is empty. */
// @ts-ignore: decorator
@inline
function compareToEflags(i: u32, quiet: bool): i32 {
  const a = st(0);
  const b = st(i);
  const c1 = load<u32>(FPU_STATUS) & FPU_C1;
  if ((meta(a) | meta(b)) >> 32 != 0) return eflags(emptyOperand());
  const result = eflags(relation(sig(a), se(a), sig(b), se(b), 0, quiet));
  if (c1) store<u32>(FPU_STATUS, load<u32>(FPU_STATUS) | FPU_C1);
  return result;
}

/** FCOMI: EFLAGS bits ZF 0x40, PF 4, CF 1 (OF, SF and AF become 0). */
export function fcomi(i: u32): i32 {
  return compareToEflags(i, false);
}

export function fucomi(i: u32): i32 {
  return compareToEflags(i, true);
}

/** FXAM: C3, C2, C0 tell the class, C1 the sign. */
export function fxam(): void {
  const reg = st(0);
  const signExp = se(reg);
  const significand = sig(reg);
  const exp = signExp & EXP_MAX;
  let conditions: u32 = 0; // unsupported
  if (meta(reg) >> 32 != 0) conditions = FPU_C3 | FPU_C0;
  else if (isUnsupported(significand, signExp)) conditions = 0;
  else if (exp == EXP_MAX) conditions = significand == INT_BIT ? FPU_C2 | FPU_C0 : FPU_C0;
  else if (exp == 0) conditions = significand == 0 ? FPU_C3 : FPU_C3 | FPU_C2;
  else conditions = FPU_C2;
  raise(signExp & SIGN ? FPU_C1 : 0);
  setConditions(conditions);
}
