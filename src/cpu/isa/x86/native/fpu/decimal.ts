/** Packed decimal operands: 18 digits, two a byte, and the sign in bit 79. */
import { FPU_IE, FPU_SF, FPU_STORE_HIGH } from '../../fpu-layout';
import { integerFlags, integerMagnitude, stage } from './narrow';
import { isEmpty, push, se, sig, SIGN, st } from './state';
import { widenInt, wideSe } from './widen';

const LARGEST: u64 = 999_999_999_999_999_999;

/** FBLD: bits 0-63, then bits 64-79. Digits above 9 count as what they are. */
export function fbld(low: u64, high: u32): void {
  let value: u64 = ((high >> 4) & 15) * 10 + (high & 15);
  for (let shift = 56; shift >= 0; shift -= 8) {
    const digits = (low >> shift) & 0xff;
    value = value * 100 + (digits >> 4) * 10 + (digits & 15);
  }
  const significand = widenInt(value);
  push(significand, wideSe | (high & SIGN), 0);
}

/** FBSTP: as `fst80`; the rest is `fst_commit`. */
export function fbst(): u64 {
  const reg = st(0);
  const empty = isEmpty(reg);
  let value = empty ? ~(<u64>0) : integerMagnitude(sig(reg), se(reg));
  if (value > LARGEST) {
    stage(empty ? FPU_IE | FPU_SF : FPU_IE);
    store<u32>(FPU_STORE_HIGH, 0xffff);
    return 0xc000_0000_0000_0000;
  }
  stage(integerFlags);
  let low: u64 = 0;
  for (let shift = 0; shift < 64; shift += 4) {
    low |= (value % 10) << shift;
    value /= 10;
  }
  store<u32>(FPU_STORE_HIGH, (se(reg) & SIGN) | ((<u32>(value / 10)) << 4) | <u32>(value % 10));
  return low;
}
