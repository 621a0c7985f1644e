/** The six arithmetic flags from the lazy slots, and EFLAGS as a whole. AssemblyScript. */
import { CC_ADC, CC_ADD, CC_DEC, CC_EFLAGS, CC_INC, CC_MUL, CC_ROT, CC_SBB, CC_SHL, CC_SHR, CC_SUB } from '../cc';
import {
  AC,
  AF,
  ARITHMETIC,
  CC_DST,
  CC_OP,
  CC_SRC,
  CF,
  DF,
  DF_BIT,
  F_EFLAGS,
  ID,
  IF,
  IOPL,
  IOPL_SHIFT,
  NT,
  OF,
  PF,
  RF,
  SF,
  TF,
  V_GP,
  VIF,
  VIP,
  VM,
  ZF,
} from '../layout';
import { cpl, isVm86, raise } from './cpu';
import { update_mode } from './mode';

// @ts-ignore: decorator
@inline
function signBit(op: u32): u32 {
  return <u32>0x80 << (op & 3 ? ((op & 1) << 3) + ((op & 2) * 12) : 0);
}

export function cc_carry(op: u32, dst: u32, src: u32): u32 {
  const sign = signBit(op);
  const mask = (sign << 1) - 1;
  switch (op & ~3) {
    case CC_EFLAGS:
      return src & CF;
    case CC_ADD:
      return u32(dst < src);
    case CC_ADC:
      return u32(dst <= src);
    case CC_SUB:
      return u32(((dst + src) & mask) < src);
    case CC_SBB:
      return u32(((dst + src + 1) & mask) <= src);
    case CC_INC:
    case CC_DEC:
      return src & 1;
    case CC_SHL:
      return u32((src & sign) != 0);
    case CC_SHR:
      return src & 1;
    case CC_MUL:
      return u32(src != 0);
    case CC_ROT:
      return src & CF;
    default:
      return 0;
  }
}

function overflow(op: u32, dst: u32, src: u32): bool {
  const sign = signBit(op);
  switch (op & ~3) {
    case CC_ADD:
    case CC_ADC: {
      const a = dst - src - u32((op & ~3) == CC_ADC);
      return ((a ^ dst) & (src ^ dst) & sign) != 0;
    }
    case CC_SUB:
    case CC_SBB: {
      const a = dst + src + u32((op & ~3) == CC_SBB);
      return ((a ^ src) & (a ^ dst) & sign) != 0;
    }
    case CC_INC:
      return dst == sign;
    case CC_DEC:
      return dst == sign - 1;
    case CC_SHL:
    case CC_SHR:
      return ((src ^ dst) & sign) != 0;
    case CC_MUL:
      return src != 0;
    case CC_ROT:
      return (src & OF) != 0;
    default:
      return false;
  }
}

function adjust(op: u32, dst: u32, src: u32): u32 {
  switch (op & ~3) {
    case CC_ADD:
      return ((dst - src) ^ src ^ dst) & AF;
    case CC_ADC:
      return ((dst - src - 1) ^ src ^ dst) & AF;
    case CC_SUB:
      return ((dst + src) ^ src ^ dst) & AF;
    case CC_SBB:
      return ((dst + src + 1) ^ src ^ dst) & AF;
    case CC_INC:
      return u32((dst & 0xf) == 0) << 4;
    case CC_DEC:
      return u32((dst & 0xf) == 0xf) << 4;
    case CC_ROT:
      return src & AF;
    default:
      return 0;
  }
}

// @ts-ignore: decorator
@inline
function parity(dst: u32): u32 {
  return ~popcnt(dst & 0xff) & 1;
}

/** SF, ZF and PF of a result of any size. */
// @ts-ignore: decorator
@inline
function resultFlags(dst: u32, sign: u32): u32 {
  return (parity(dst) << 2) | (u32(dst == 0) << 6) | (u32((dst & sign) != 0) << 7);
}

export function cc_flags(op: u32, dst: u32, src: u32): u32 {
  if (op < 4) return src & ARITHMETIC;
  const rest = cc_carry(op, dst, src) | adjust(op, dst, src) | (u32(overflow(op, dst, src)) << 11);
  return resultFlags(dst, signBit(op)) | rest;
}

export function cc_with_zf(op: u32, dst: u32, src: u32, zero: u32): u32 {
  return (cc_flags(op, dst, src) & ~ZF) | (zero << 6);
}

/** The condition without its negating bit. */
function holds(op: u32, dst: u32, src: u32, cond: u32): bool {
  if (op < 4) {
    switch (cond >> 1) {
      case 0:
        return (src & OF) != 0;
      case 1:
        return (src & CF) != 0;
      case 2:
        return (src & ZF) != 0;
      case 3:
        return (src & (CF | ZF)) != 0;
      case 4:
        return (src & SF) != 0;
      case 5:
        return (src & PF) != 0;
      case 6:
        return ((src >> 7) & 1) != ((src >> 11) & 1);
      default:
        return (src & ZF) != 0 || ((src >> 7) & 1) != ((src >> 11) & 1);
    }
  }
  switch (cond >> 1) {
    case 0:
      return overflow(op, dst, src);
    case 1:
      return cc_carry(op, dst, src) != 0;
    case 2:
      return dst == 0;
    case 3:
      return dst == 0 || cc_carry(op, dst, src) != 0;
    case 4:
      return (dst & signBit(op)) != 0;
    case 5:
      return parity(dst) != 0;
    case 6:
      return ((dst & signBit(op)) != 0) != overflow(op, dst, src);
    default:
      return dst == 0 || ((dst & signBit(op)) != 0) != overflow(op, dst, src);
  }
}

export function cc_cond(op: u32, dst: u32, src: u32, cond: u32): u32 {
  return u32(holds(op, dst, src, cond)) ^ (cond & 1);
}

/** The arithmetic flags of the slots as they are. */
export function currentFlags(): u32 {
  return cc_flags(load<u32>(CC_OP), load<u32>(CC_DST), load<u32>(CC_SRC));
}

export function setCurrentFlags(flags: u32): void {
  store<u32>(CC_OP, CC_EFLAGS);
  store<u32>(CC_DST, 0);
  store<u32>(CC_SRC, flags & ARITHMETIC);
}

export function get_eflags(): u32 {
  return load<u32>(F_EFLAGS) | 2 | currentFlags() | (load<i32>(DF) < 0 ? DF_BIT : 0);
}

/** Arithmetic flags and DF from `value`, of the others those in `mask`. The caller updates the mode. */
export function writeEflags(value: u32, mask: u32): void {
  setCurrentFlags(value);
  store<i32>(DF, (value & DF_BIT) != 0 ? -1 : 1);
  mask &= ~(ARITHMETIC | DF_BIT);
  store<u32>(F_EFLAGS, (load<u32>(F_EFLAGS) & ~mask) | (value & mask) | 2);
}

/** All of EFLAGS, for the debugger and loaders. */
export function set_eflags(value: u32): void {
  writeEflags(value, TF | IF | IOPL | NT | RF | VM | AC | VIF | VIP | ID);
  update_mode();
}

export function iopl(): u32 {
  return (load<u32>(F_EFLAGS) & IOPL) >> IOPL_SHIFT;
}

export function pushf_image(): u32 {
  if (isVm86() && iopl() < 3) {
    raise(V_GP, 0);
    return 0;
  }
  return get_eflags() & ~(RF | VM);
}

export function popf(value: u32, size: i32): void {
  if (isVm86() && iopl() < 3) {
    raise(V_GP, 0);
    return;
  }
  let mask: u32 = TF | NT | AC | ID;
  if (cpl() == 0) mask |= IOPL;
  if (cpl() <= iopl()) mask |= IF;
  if (size == 2) mask &= 0xffff;
  writeEflags(value, mask);
  update_mode();
}
