/**
 * String instructions. One call moves one chunk: elements up to the end of a page (of either operand), so at most
 * 4096. Where chunks end follows from the registers alone, as each counts as one instruction. AssemblyScript.
 */
import { C_FAULT, C_FAULT_CODE, C_FAULT_ERR, C_TAG, FAULT_EXC } from '../../../ir/layout';
import { CC_SUB } from '../cc';
import { CC_DST, CC_OP, CC_SRC, DF, EAX, ECX, EDI, ES, ESI, F_WATCHING, FS, GS } from '../layout';
import { M_ALIGN, M_FLAT, M_FS_FLAT, M_GS_FLAT, M_TF } from '../mode';
import { baseOf, faulted, raise } from './cpu';
import { ld, st, xlat } from './exec';
import { align_check, allows, seg_check, SEG_WRITE } from './segment';

const ADDR32: u32 = 0x8;
const REP: u32 = 0x10;
const REPNE: u32 = 0x20;

// @ts-ignore: decorator
@inline
function sizeOf(spec: u32): u32 {
  return spec & 7;
}

// @ts-ignore: decorator
@inline
function maskOf(spec: u32): u32 {
  return (spec & ADDR32) != 0 ? 0xffffffff : 0xffff;
}

/** Elements to go: 1 without a REP prefix; at most 1 at a time while each of them may trap. */
// @ts-ignore: decorator
@inline
function countOf(spec: u32): u32 {
  if ((spec & (REP | REPNE)) == 0) return 1;
  const count = load<u32>(ECX) & maskOf(spec);
  return (load<u32>(C_TAG) & M_TF) != 0 || load<u32>(F_WATCHING) != 0 ? min(count, 1) : count;
}

/** Replaces the part of a register that the address size names. */
// @ts-ignore: decorator
@inline
function setRegister(register: u32, value: u32, mask: u32): void {
  store<u32>(register, (load<u32>(register) & ~mask) | (value & mask));
}

/** Takes `n` elements off the count; 1 if some remain. */
function finish(spec: u32, n: u32): i32 {
  if ((spec & (REP | REPNE)) == 0) return 0;
  const mask = maskOf(spec);
  const left = (load<u32>(ECX) - n) & mask;
  setRegister(ECX, left, mask);
  return i32(left != 0);
}

function advance(register: u32, spec: u32, n: u32): void {
  setRegister(register, load<u32>(register) + n * sizeOf(spec) * load<u32>(DF), maskOf(spec));
}

/** Elements from `offset` on that lie in the page of the first and don't wrap a 16-bit offset; 1 if it straddles. */
function reach(spec: u32, offset: u32, va: u32): u32 {
  const size = sizeOf(spec);
  const inPage = va & 0xfff;
  if (inPage + size > 0x1000) return 1;
  if (load<i32>(DF) < 0) {
    const n = inPage / size + 1;
    return (spec & ADDR32) != 0 ? n : min(n, offset / size + 1);
  }
  const n = (0x1000 - inPage) / size;
  return (spec & ADDR32) != 0 ? n : min(n, max((0x10000 - offset) / size, 1));
}

/** Needs accesses through this segment checks of its limit and type? */
function isChecked(seg: u32): bool {
  const flat: u32 = seg == FS ? M_FS_FLAT : seg == GS ? M_GS_FLAT : M_FLAT;
  return (load<u32>(C_TAG) & flat) == 0;
}

/**
 * Of `n` elements from `offset` on, those that the segment and alignment allow: all, or one to be done alone, or 0 with
 * the fault of the first.
 */
function permitted(spec: u32, seg: u32, offset: u32, n: u32, write: u32): u32 {
  const allowed = inSegment(spec, seg, offset, n, write);
  if (allowed == 0 || (load<u32>(C_TAG) & M_ALIGN) == 0) return allowed;
  align_check(baseOf(seg) + offset, sizeOf(spec)); // elements lie all alike
  return faulted() ? 0 : allowed;
}

function inSegment(spec: u32, seg: u32, offset: u32, n: u32, write: u32): u32 {
  if (!isChecked(seg)) return n;
  const size = sizeOf(spec);
  const first = load<i32>(DF) < 0 ? offset - (n - 1) * size : offset;
  if (n > 1 && allows(seg, first, n * size, write)) return n;
  seg_check(seg, offset, size | write);
  return faulted() ? 0 : 1;
}

/** The second operand is not permitted: but if the first can't be read, that comes before. */
function readFirst(from: u32, size: u32): void {
  const vector = load<i32>(C_FAULT_CODE);
  const errorCode = load<u32>(C_FAULT_ERR);
  store<i32>(C_FAULT, 0);
  ld(from, size);
  if (!faulted()) raise(vector, errorCode);
}

/** A page that can't be reached directly is not a fault: element by element then. True if it is a real fault. */
// @ts-ignore: decorator
@inline
function isException(): bool {
  if (load<i32>(C_FAULT) == FAULT_EXC) return true;
  store<i32>(C_FAULT, 0);
  return false;
}

// @ts-ignore: decorator
@inline
function straddles(va: u32, size: u32): bool {
  return (va & 0xfff) + size > 0x1000;
}

/** Lowest address of a chunk in memory, given the address of its first element. */
// @ts-ignore: decorator
@inline
function lowest(host: u32, n: u32, size: u32): u32 {
  return load<i32>(DF) < 0 ? host - (n - 1) * size : host;
}

function loadElement(host: u32, size: u32): u32 {
  if (size == 1) return load<u8>(host);
  return size == 2 ? load<u16>(host) : load<u32>(host);
}

function storeElement(host: u32, value: u32, size: u32): void {
  if (size == 1) store<u8>(host, value);
  else if (size == 2) store<u16>(host, value);
  else store<u32>(host, value);
}

function copy(to: u32, from: u32, n: u32, size: u32): void {
  const bytes = n * size;
  const down = load<i32>(DF) < 0;
  // Copying onto what is still to be read repeats a pattern; in all other cases it equals memory.copy.
  const clean = down ? from - to >= bytes : to - from >= bytes;
  if (clean) {
    memory.copy(lowest(to, n, size), lowest(from, n, size), bytes);
    return;
  }
  const step = size * load<u32>(DF);
  for (let i: u32 = 0; i < n; i++) {
    storeElement(to, loadElement(from, size), size);
    to += step;
    from += step;
  }
}

export function movs(spec: u32, seg: u32): i32 {
  const size = sizeOf(spec);
  const mask = maskOf(spec);
  let n = countOf(spec);
  if (n == 0) return 0;
  const si = load<u32>(ESI) & mask;
  const di = load<u32>(EDI) & mask;
  const from = baseOf(seg) + si;
  const to = baseOf(ES) + di;
  n = min(n, min(reach(spec, si, from), reach(spec, di, to)));
  n = permitted(spec, seg, si, n, 0);
  if (n == 0) return 0;
  n = permitted(spec, ES, di, n, SEG_WRITE);
  if (n == 0) {
    readFirst(from, size);
    return 0;
  }
  if (!straddles(from, size) && !straddles(to, size)) {
    const source = xlat(from, 0);
    if (source == 0 && isException()) return 0;
    if (source != 0) {
      const target = xlat(to, 1);
      if (target == 0 && isException()) return 0;
      if (target != 0) {
        copy(target, source, n, size);
        advance(ESI, spec, n);
        advance(EDI, spec, n);
        return finish(spec, n);
      }
    }
  }
  const step = size * load<u32>(DF);
  for (let i: u32 = 0; i < n; i++) {
    const value = ld(from + i * step, size);
    if (faulted()) return 0;
    st(to + i * step, value, size);
    if (faulted()) return 0;
    advance(ESI, spec, 1);
    advance(EDI, spec, 1);
    finish(spec, 1);
  }
  return finish(spec, 0);
}

function fill(to: u32, value: u32, n: u32, size: u32): void {
  to = lowest(to, n, size);
  const byte = value & 0xff;
  if (size == 1 || (value & 0xffff) == byte * 0x101) {
    if (size != 4 || value == byte * 0x1010101) {
      memory.fill(to, <u8>byte, n * size);
      return;
    }
  }
  for (let i: u32 = 0; i < n; i++) storeElement(to + i * size, value, size);
}

export function stos(spec: u32): i32 {
  const size = sizeOf(spec);
  let n = countOf(spec);
  if (n == 0) return 0;
  const di = load<u32>(EDI) & maskOf(spec);
  const to = baseOf(ES) + di;
  n = permitted(spec, ES, di, min(n, reach(spec, di, to)), SEG_WRITE);
  if (n == 0) return 0;
  const value = load<u32>(EAX);
  if (!straddles(to, size)) {
    const target = xlat(to, 1);
    if (target == 0 && isException()) return 0;
    if (target != 0) {
      fill(target, value, n, size);
      advance(EDI, spec, n);
      return finish(spec, n);
    }
  }
  const step = size * load<u32>(DF);
  for (let i: u32 = 0; i < n; i++) {
    st(to + i * step, value, size);
    if (faulted()) return 0;
    advance(EDI, spec, 1);
    finish(spec, 1);
  }
  return finish(spec, 0);
}

export function lods(spec: u32, seg: u32): i32 {
  const size = sizeOf(spec);
  let n = countOf(spec);
  if (n == 0) return 0;
  const si = load<u32>(ESI) & maskOf(spec);
  const from = baseOf(seg) + si;
  n = permitted(spec, seg, si, min(n, reach(spec, si, from)), 0);
  if (n == 0) return 0;
  const step = size * load<u32>(DF);
  for (let i: u32 = 0; i < n; i++) {
    const value = ld(from + i * step, size);
    if (faulted()) return 0;
    if (size == 1) store<u8>(EAX, value);
    else if (size == 2) store<u16>(EAX, value);
    else store<u32>(EAX, value);
    advance(ESI, spec, 1);
    finish(spec, 1);
  }
  return finish(spec, 0);
}

/** Remembers the comparison a - b of the last element. */
// @ts-ignore: decorator
@inline
function setCompared(a: u32, b: u32, size: u32): void {
  const mask: u32 = 0xffffffff >> (32 - (size << 3));
  store<u32>(CC_OP, CC_SUB + (size >> 1));
  store<u32>(CC_DST, (a - b) & mask);
  store<u32>(CC_SRC, b & mask);
}

/** After a comparison: does the prefix end the repetition? */
// @ts-ignore: decorator
@inline
function ends(spec: u32, equal: bool): bool {
  return (spec & REPNE) != 0 ? equal : (spec & REP) != 0 && !equal;
}

export function scas(spec: u32): i32 {
  const size = sizeOf(spec);
  let n = countOf(spec);
  if (n == 0) return 0;
  const di = load<u32>(EDI) & maskOf(spec);
  const at = baseOf(ES) + di;
  n = permitted(spec, ES, di, min(n, reach(spec, di, at)), 0);
  if (n == 0) return 0;
  const wanted = load<u32>(EAX) & (0xffffffff >> (32 - (size << 3)));
  const step = size * load<u32>(DF);
  if (!straddles(at, size)) {
    const host = xlat(at, 0);
    if (host == 0 && isException()) return 0;
    if (host != 0) {
      let i: u32 = 0;
      let value: u32 = 0;
      let ended = false;
      do {
        value = loadElement(host + i * step, size);
        i++;
        ended = ends(spec, value == wanted);
      } while (!ended && i < n);
      setCompared(wanted, value, size);
      advance(EDI, spec, i);
      return finish(spec, i) & i32(!ended);
    }
  }
  for (let i: u32 = 0; i < n; i++) {
    const value = ld(at + i * step, size);
    if (faulted()) return 0;
    setCompared(wanted, value, size);
    advance(EDI, spec, 1);
    const more = finish(spec, 1);
    if (ends(spec, value == wanted)) return 0;
    if (i + 1 == n) return more;
  }
  return 0;
}

export function cmps(spec: u32, seg: u32): i32 {
  const size = sizeOf(spec);
  const mask = maskOf(spec);
  let n = countOf(spec);
  if (n == 0) return 0;
  const si = load<u32>(ESI) & mask;
  const di = load<u32>(EDI) & mask;
  const left = baseOf(seg) + si;
  const right = baseOf(ES) + di;
  n = min(n, min(reach(spec, si, left), reach(spec, di, right)));
  n = permitted(spec, seg, si, n, 0);
  if (n == 0) return 0;
  n = permitted(spec, ES, di, n, 0);
  if (n == 0) {
    readFirst(left, size);
    return 0;
  }
  const step = size * load<u32>(DF);
  if (!straddles(left, size) && !straddles(right, size)) {
    const a = xlat(left, 0);
    if (a == 0 && isException()) return 0;
    if (a != 0) {
      const b = xlat(right, 0);
      if (b == 0 && isException()) return 0;
      if (b != 0) {
        let i: u32 = 0;
        let x: u32 = 0;
        let y: u32 = 0;
        let ended = false;
        do {
          x = loadElement(a + i * step, size);
          y = loadElement(b + i * step, size);
          i++;
          ended = ends(spec, x == y);
        } while (!ended && i < n);
        setCompared(x, y, size);
        advance(ESI, spec, i);
        advance(EDI, spec, i);
        return finish(spec, i) & i32(!ended);
      }
    }
  }
  for (let i: u32 = 0; i < n; i++) {
    const x = ld(left + i * step, size);
    if (faulted()) return 0;
    const y = ld(right + i * step, size);
    if (faulted()) return 0;
    setCompared(x, y, size);
    advance(ESI, spec, 1);
    advance(EDI, spec, 1);
    const more = finish(spec, 1);
    if (ends(spec, x == y)) return 0;
    if (i + 1 == n) return more;
  }
  return 0;
}
