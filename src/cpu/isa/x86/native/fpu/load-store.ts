/**
 * Loads, stores and moves. A store instruction is: the helper that returns the value, the store to memory (which may
 * fault), then `fst_commit`, which makes flags and pop take place. Where an unmasked exception forbids to write memory
 * `fst_blocked` is nonzero before `fst_commit`.
 */
import {
  FPU_CONTROL,
  FPU_DE,
  FPU_EXCEPTIONS,
  FPU_IE,
  FPU_OE,
  FPU_SF,
  FPU_STAGED,
  FPU_STOPPED,
  FPU_STORE_HIGH,
  FPU_TOP,
  FPU_UE,
} from '../../fpu-layout';
import { isSignalling } from './classify';
import { narrow, toInteger } from './narrow';
import { roundingMode, roundsUp } from './round';
import {
  drop,
  INDEFINITE_SE,
  INDEFINITE_SIG,
  isEmpty,
  markEmpty,
  meta,
  pop,
  push,
  pushIndefinite,
  put,
  QUIET_BIT,
  raise,
  raiseAndStop,
  se,
  sig,
  st,
  underflowStack,
} from './state';
import { widen32, widen64, wideFlags, widenInt, wideSe } from './widen';

export { pop };

/**
 * A denormal, infinity or NaN from memory. An unmasked invalid operation stops the load; an unmasked denormal operand
 * is loaded all the same, as processors do.
 */
function loadSpecial(significand: u64): void {
  let flags = wideFlags;
  if (isSignalling(significand, wideSe)) {
    flags = FPU_IE;
    significand |= QUIET_BIT;
    // A full stack comes first.
    if (isEmpty(st(7)) && raiseAndStop(FPU_IE)) return;
  }
  push(significand, wideSe, flags);
}

export function fld_f32(bits: u32): void {
  const significand = widen32(bits);
  if (wideFlags || (wideSe & 0x7fff) == 0x7fff) loadSpecial(significand);
  else push(significand, wideSe, 0);
}

export function fld_f64(bits: u64): void {
  const significand = widen64(bits);
  if (wideFlags || (wideSe & 0x7fff) == 0x7fff) loadSpecial(significand);
  else push(significand, wideSe, 0);
}

/** FILD of any size, sign-extended. */
export function fild(value: i64): void {
  const significand = widenInt(value);
  push(significand, wideSe, 0);
}

/** FLD m80: bits 0-63, then bits 64-79. */
export function fld80(low: u64, high: u32): void {
  push(low, high & 0xffff, 0);
}

export function fld_st(i: u32): void {
  const src = st(i);
  if (!isEmpty(src)) push(sig(src), se(src), 0);
  else if (!raiseAndStop(FPU_IE | FPU_SF)) pushIndefinite();
}

/** FLD1, FLDL2T, FLDL2E, FLDPI, FLDLG2, FLDLN2, FLDZ for k = 0 to 6; rounded as the control word says. */
export function fld_const(k: u32): void {
  // Significands are cut to 64 bits; `rest` is what follows, as a fraction of the last place.
  if (k == 0) push(0x8000_0000_0000_0000, 0x3fff, 0);
  else if (k == 1) pushRounded(0xd49a_784b_cd1b_8afe, 0x492b_f6ff_4daf_db4d, 0x4000);
  else if (k == 2) pushRounded(0xb8aa_3b29_5c17_f0bb, 0xbe87_fed0_691d_3e89, 0x3fff);
  else if (k == 3) pushRounded(0xc90f_daa2_2168_c234, 0xc4c6_628b_80dc_1cd1, 0x4000);
  else if (k == 4) pushRounded(0x9a20_9a84_fbcf_f798, 0x8f89_59ac_0b7c_9178, 0x3ffd);
  else if (k == 5) pushRounded(0xb172_17f7_d1cf_79ab, 0xc9e3_b398_03f2_f6af, 0x3ffe);
  else push(0, 0, 0);
}

function pushRounded(significand: u64, rest: u64, exp: u32): void {
  push(significand + u64(roundsUp(0, (significand & 1) != 0, rest, roundingMode())), exp, 0);
}

export function fst_f32(): u32 {
  return <u32>narrow(23, 8);
}

export function fst_f64(): u64 {
  return narrow(52, 11);
}

export function fist16(): i32 {
  return <i32>toInteger(16);
}

export function fist32(): i32 {
  return <i32>toInteger(32);
}

export function fist64(): i64 {
  return toInteger(64);
}

/** FSTP m80: bits 0-63; bits 64-79 are in FPU_STORE_HIGH (also `fst80_high`). */
export function fst80(): u64 {
  const reg = st(0);
  if (isEmpty(reg)) {
    store<u32>(FPU_STAGED, FPU_IE | FPU_SF);
    store<u32>(FPU_STORE_HIGH, INDEFINITE_SE);
    return INDEFINITE_SIG;
  }
  store<u32>(FPU_STAGED, 0);
  store<u32>(FPU_STORE_HIGH, se(reg));
  return sig(reg);
}

export function fst80_high(): u32 {
  return load<u32>(FPU_STORE_HIGH);
}

/** Nonzero if the conversion just made raised an unmasked exception that forbids the store. */
export function fst_blocked(): i32 {
  const stopping: u32 = FPU_IE | FPU_DE | FPU_OE | FPU_UE;
  return load<u32>(FPU_STAGED) & ~load<u32>(FPU_CONTROL) & FPU_EXCEPTIONS & stopping ? 1 : 0;
}

/** After the store: raises what the conversion found and pops if `pops` is nonzero. */
export function fst_commit(pops: i32): void {
  raise(load<u32>(FPU_STAGED));
  if (pops && !fst_blocked()) drop();
}

/** FST ST(i); FSTP ST(i) is this and `pop`. */
export function fst_st(i: u32): void {
  const src = st(0);
  if (isEmpty(src)) {
    if (!raiseAndStop(FPU_IE | FPU_SF)) put(st(i), INDEFINITE_SIG, INDEFINITE_SE);
  } else {
    put(st(i), sig(src), se(src));
    raise(0);
  }
}

/** FCMOVcc: ST0 becomes ST(i) if the condition is nonzero; an empty register counts in either case. C1 stays. */
export function fcmov(i: u32, condition: i32): void {
  const src = st(i);
  const dst = st(0);
  store<u32>(FPU_STOPPED, 0);
  if (isEmpty(src) || isEmpty(dst)) underflowStack(dst);
  else if (condition) put(dst, sig(src), se(src));
}

export function fxch(i: u32): void {
  const a = st(0);
  const b = st(i);
  if ((meta(a) | meta(b)) >> 32 != 0) {
    if (raiseAndStop(FPU_IE | FPU_SF)) return;
    if (isEmpty(a)) put(a, INDEFINITE_SIG, INDEFINITE_SE);
    if (isEmpty(b)) put(b, INDEFINITE_SIG, INDEFINITE_SE);
  } else raise(0);
  const significand = sig(a);
  const m = meta(a);
  put(a, sig(b), se(b));
  put(b, significand, <u32>m);
}

export function ffree(i: u32): void {
  raise(0);
  markEmpty(st(i));
}

export function fincstp(): void {
  store<u32>(FPU_TOP, (load<u32>(FPU_TOP) + 1) & 7);
  raise(0);
}

export function fdecstp(): void {
  store<u32>(FPU_TOP, (load<u32>(FPU_TOP) - 1) & 7);
  raise(0);
}
