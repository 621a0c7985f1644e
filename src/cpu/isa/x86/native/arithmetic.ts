/** Division, decimal adjustment and rotation through the carry. AssemblyScript. */
import { AF, CF, EAX, EDX, OF, PF, SF, V_DE, ZF } from '../layout';
import { raise } from './cpu';
import { currentFlags, setCurrentFlags } from './flags';

function divideError(): void {
  raise(V_DE, 0);
}

// @ts-ignore: decorator
@inline
function setAx(value: u32): void {
  store<u16>(EAX, <u16>value);
}

export function div8(divisor: u32): void {
  const d = divisor & 0xff;
  const n = <u32>load<u16>(EAX);
  if (d == 0 || n / d > 0xff) return divideError();
  setAx((n / d) | ((n % d) << 8));
}

export function div16(divisor: u32): void {
  const d = divisor & 0xffff;
  const n = (<u32>load<u16>(EDX) << 16) | load<u16>(EAX);
  if (d == 0 || n / d > 0xffff) return divideError();
  store<u16>(EAX, <u16>(n / d));
  store<u16>(EDX, <u16>(n % d));
}

export function div32(divisor: u32): void {
  const n = ((<u64>load<u32>(EDX)) << 32) | <u64>load<u32>(EAX);
  if (divisor <= load<u32>(EDX)) return divideError(); // divisor 0 too
  store<u32>(EAX, <u32>(n / divisor));
  store<u32>(EDX, <u32>(n % divisor));
}

export function idiv8(divisor: i32): void {
  const d = <i32>(<i8>divisor);
  const n = <i32>load<i16>(EAX);
  if (d == 0) return divideError();
  const q = n / d;
  if (q != <i32>(<i8>q)) return divideError();
  setAx((q & 0xff) | (((n % d) & 0xff) << 8));
}

export function idiv16(divisor: i32): void {
  const d = <i64>(<i16>divisor);
  const n = <i64>(<i32>((<u32>load<u16>(EDX) << 16) | load<u16>(EAX)));
  if (d == 0) return divideError();
  const q = n / d;
  if (q != <i64>(<i16>q)) return divideError();
  store<u16>(EAX, <u16>q);
  store<u16>(EDX, <u16>(n % d));
}

export function idiv32(divisor: i32): void {
  const d = <i64>divisor;
  const n = <i64>(((<u64>load<u32>(EDX)) << 32) | <u64>load<u32>(EAX));
  // The one quotient that i64 division itself can't hold (wasm would trap).
  if (d == 0 || (d == -1 && n == i64.MIN_VALUE)) return divideError();
  const q = n / d;
  if (q != <i64>(<i32>q)) return divideError();
  store<u32>(EAX, <u32>q);
  store<u32>(EDX, <u32>(n % d));
}

/** SF, ZF, PF of a byte. */
function byteFlags(value: u32): u32 {
  const even = ~popcnt(value & 0xff) & 1;
  return (even * PF) | ((value & 0xff) == 0 ? ZF : 0) | (value & SF);
}

export function daa(): void {
  const old = currentFlags();
  const al = <u32>load<u8>(EAX);
  let result = al;
  let flags: u32 = 0;
  if ((al & 0xf) > 9 || (old & AF) != 0) {
    result += 6;
    flags |= AF;
  }
  if (al > 0x99 || (old & CF) != 0) {
    result += 0x60;
    flags |= CF;
  }
  store<u8>(EAX, <u8>result);
  setCurrentFlags(flags | byteFlags(result));
}

export function das(): void {
  const old = currentFlags();
  const al = <u32>load<u8>(EAX);
  let result = al;
  let flags: u32 = 0;
  if ((al & 0xf) > 9 || (old & AF) != 0) {
    // A borrow out of the low digit's correction sets CF as well.
    if (al < 6 || (old & CF) != 0) flags |= CF;
    result -= 6;
    flags |= AF;
  }
  if (al > 0x99 || (old & CF) != 0) {
    result -= 0x60;
    flags |= CF;
  }
  store<u8>(EAX, <u8>result);
  setCurrentFlags(flags | byteFlags(result));
}

/** AAA (step 1) and AAS (step -1): AF and CF tell of the carry, the other flags keep their values as in QEMU. */
function adjustAscii(step: i32): void {
  let flags = currentFlags();
  let al = <i32>load<u8>(EAX);
  let ah = <i32>load<u8>(EAX, 1);
  const carries = step > 0 ? i32(al > 0xf9) : i32(al < 6);
  if ((al & 0xf) > 9 || (flags & AF) != 0) {
    al = (al + 6 * step) & 0xf;
    ah = ah + step + step * carries;
    flags |= CF | AF;
  } else {
    al &= 0xf;
    flags &= ~(CF | AF);
  }
  setAx((al & 0xff) | ((ah & 0xff) << 8));
  setCurrentFlags(flags);
}

export function aaa(): void {
  adjustAscii(1);
}

export function aas(): void {
  adjustAscii(-1);
}

export function aam(base: u32): void {
  base &= 0xff;
  if (base == 0) return divideError();
  const al = <u32>load<u8>(EAX);
  setAx((al % base) | ((al / base) << 8));
  setCurrentFlags(byteFlags(al % base));
}

export function aad(base: u32): void {
  const al = (load<u8>(EAX, 1) * (base & 0xff) + load<u8>(EAX)) & 0xff;
  setAx(al);
  setCurrentFlags(byteFlags(al));
}

// @ts-ignore: decorator
@inline
function rotated(result: u32, flags: u32, carry: u32, overflow: u32): u64 {
  return (<u64>((flags & ~(CF | OF)) | carry | (overflow << 11)) << 32) | <u64>result;
}

export function rcl(value: u32, count: u32, size: i32, flags: u32): u64 {
  const bits: u32 = size << 3;
  const n = (count & 31) % (bits + 1);
  const mask = <u64>(<u32>-1 >> (32 - bits));
  if (n == 0) return (<u64>flags << 32) | (<u64>value & mask);
  // Operand and carry as one number of bits + 1 bits.
  const all = (<u64>(flags & CF) << bits) | (<u64>value & mask);
  const turned = (all << n) | (all >> (bits + 1 - n));
  const result = <u32>(turned & mask);
  return rotated(result, flags, <u32>((turned >> bits) & 1), ((value ^ result) >> (bits - 1)) & 1);
}

export function rcr(value: u32, count: u32, size: i32, flags: u32): u64 {
  const bits: u32 = size << 3;
  const n = (count & 31) % (bits + 1);
  const mask = <u64>(<u32>-1 >> (32 - bits));
  if (n == 0) return (<u64>flags << 32) | (<u64>value & mask);
  const all = (<u64>(flags & CF) << bits) | (<u64>value & mask);
  const turned = (all >> n) | (all << (bits + 1 - n));
  const result = <u32>(turned & mask);
  return rotated(result, flags, <u32>((turned >> bits) & 1), ((value ^ result) >> (bits - 1)) & 1);
}
