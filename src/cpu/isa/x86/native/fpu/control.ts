/** Control instructions, and the parts of which FSTENV, FSAVE, FXSAVE and their counterparts are made. */
import {
  FPU_BUSY,
  FPU_CONTROL,
  FPU_CS,
  FPU_DP,
  FPU_DS,
  FPU_ES,
  FPU_EXCEPTIONS,
  FPU_IP,
  FPU_OPCODE,
  FPU_REG_EMPTY,
  FPU_REG_META,
  FPU_REGS,
  FPU_STATUS,
  FPU_STOPPED,
  FPU_TOP,
} from '../../fpu-layout';
import { ferrGone } from './ferr';
import { EXP_MAX, se, sig } from './state';

const CONTROL_BITS: u32 = 0x1f3f;
const CONTROL_FIXED: u32 = 0x0040;

// @ts-ignore: decorator
@inline
function physical(i: u32): usize {
  return FPU_REGS + ((i & 7) << 4);
}

/** ES and B follow from the exception flags and masks. */
function summarise(): void {
  const status = load<u32>(FPU_STATUS) & ~(<u32>(FPU_ES | FPU_BUSY));
  const pendingBits = status & ~load<u32>(FPU_CONTROL) & FPU_EXCEPTIONS;
  store<u32>(FPU_STATUS, pendingBits ? status | FPU_ES | FPU_BUSY : status);
  store<u32>(FPU_STOPPED, 0);
  if (pendingBits == 0) ferrGone();
}

export function fninit(): void {
  store<u32>(FPU_CONTROL, 0x37f);
  store<u32>(FPU_STATUS, 0);
  store<u32>(FPU_STOPPED, 0);
  store<u32>(FPU_TOP, 0);
  store<u32>(FPU_IP, 0);
  store<u32>(FPU_CS, 0);
  store<u32>(FPU_OPCODE, 0);
  store<u32>(FPU_DP, 0);
  store<u32>(FPU_DS, 0);
  for (let i: u32 = 0; i < 8; i++) store<u32>(physical(i), 1, FPU_REG_EMPTY);
  ferrGone();
}

export function fldcw(value: u32): void {
  store<u32>(FPU_CONTROL, (value & CONTROL_BITS) | CONTROL_FIXED);
  summarise();
}

export function fnstcw(): u32 {
  return load<u32>(FPU_CONTROL);
}

/** Status word with TOP. */
export function fnstsw(): u32 {
  return load<u32>(FPU_STATUS) | (load<u32>(FPU_TOP) << 11);
}

export function fnclex(): void {
  store<u32>(FPU_STATUS, load<u32>(FPU_STATUS) & 0x7f00);
  store<u32>(FPU_STOPPED, 0);
  ferrGone();
}

/** Nonzero if an unmasked exception is pending (ES): the next waiting instruction raises #MF. */
export function pending(): i32 {
  return load<u32>(FPU_STATUS) & FPU_ES;
}

/** Sets the status word, TOP included (FLDENV, FRSTOR, FXRSTOR; after the control word). */
export function set_status(value: u32): void {
  store<u32>(FPU_STATUS, value & 0x477f);
  store<u32>(FPU_TOP, (value >> 11) & 7);
  summarise();
}

/** The tag word of FSTENV and FSAVE: two bits a physical register, 0 valid, 1 zero, 2 special, 3 empty. */
export function tag_word(): u32 {
  let tags: u32 = 0;
  for (let i: u32 = 0; i < 8; i++) {
    const reg = physical(i);
    let tag: u32 = 0;
    if (load<u32>(reg, FPU_REG_EMPTY)) tag = 3;
    else {
      const exp = se(reg) & EXP_MAX;
      if (exp == 0) tag = sig(reg) == 0 ? 1 : 2;
      else if (exp == EXP_MAX || <i64>sig(reg) >= 0) tag = 2;
    }
    tags |= tag << (2 * i);
  }
  return tags;
}

/** FLDENV and FRSTOR: only whether a register is empty is kept. */
export function set_tag_word(tags: u32): void {
  for (let i: u32 = 0; i < 8; i++) {
    store<u32>(physical(i), u32(((tags >> (2 * i)) & 3) == 3), FPU_REG_EMPTY);
  }
}

/** The tag byte of FXSAVE: a set bit for each register that is not empty. */
export function tag_byte(): u32 {
  let tags: u32 = 0;
  for (let i: u32 = 0; i < 8; i++) tags |= (load<u32>(physical(i), FPU_REG_EMPTY) ^ 1) << i;
  return tags;
}

export function set_tag_byte(tags: u32): void {
  for (let i: u32 = 0; i < 8; i++) store<u32>(physical(i), ((tags >> i) & 1) ^ 1, FPU_REG_EMPTY);
}

/** ST(i) as FSAVE and FXSAVE write it, whether empty or not: significand, then sign and exponent. */
export function st_low(i: u32): u64 {
  return sig(physical(load<u32>(FPU_TOP) + i));
}

export function st_high(i: u32): u32 {
  return se(physical(load<u32>(FPU_TOP) + i));
}

/** Writes ST(i) as FRSTOR and FXRSTOR read it; tags stay. */
export function set_st(i: u32, low: u64, high: u32): void {
  const reg = physical(load<u32>(FPU_TOP) + i);
  store<u64>(reg, low);
  store<u32>(reg, high & 0xffff, FPU_REG_META);
}
