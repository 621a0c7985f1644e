/** Descriptors, segment registers and the checks of segments (SDM volume 3, chapters 3 and 5). AssemblyScript. */
import {
  ATTR_ACCESSED,
  ATTR_BIG,
  ATTR_CODE,
  ATTR_CONFORMING,
  ATTR_DPL_SHIFT,
  ATTR_EXPAND_DOWN,
  ATTR_G,
  ATTR_MASK,
  ATTR_P,
  ATTR_READABLE,
  ATTR_S,
  ATTR_WRITABLE,
  CS,
  F_GDT_BASE,
  F_GDT_LIMIT,
  LDTR,
  SEG_ATTR,
  SEG_LIMIT,
  SEG_SELECTOR,
  SEG_SIZE,
  SEG_SYSTEM_BASE,
  SEGS,
  SHADOW_SS,
  SS,
  TR,
  V_AC,
  V_GP,
  V_NP,
  V_SS,
} from '../layout';
import {
  attrOf,
  cpl,
  faulted,
  isProtected,
  ldSystem,
  ldSystem64,
  limitOf,
  raise,
  raiseSelector,
  setSegment,
  stSystem,
} from './cpu';
import { startShadow, update_mode } from './mode';

/** Flag in the size argument of seg_check: the access is a store. */
export const SEG_WRITE: u32 = 0x10000;
/** Flag in the segment argument of load_seg: MOV SS and POP SS begin an interrupt shadow, LSS does not. */
const LOAD_SHADOW: u32 = 0x10;
/** Accessed, writable (or readable), present: what real and virtual-8086 mode load; the latter with DPL 3. */
export const REAL_ATTR: u32 = ATTR_P | ATTR_S | ATTR_WRITABLE | ATTR_ACCESSED;

const NOWHERE: u32 = 0xffffffff;

/** Linear address of a selector's descriptor; NOWHERE if it lies beyond its table. The null selector is not special. */
export function descriptorAddress(selector: u32): u32 {
  let base = load<u32>(F_GDT_BASE);
  let limit = load<u32>(F_GDT_LIMIT);
  if ((selector & 4) != 0) {
    base = systemBase(LDTR);
    limit = (attrOf(LDTR) & ATTR_P) != 0 ? limitOf(LDTR) : 0;
  }
  const offset = selector & 0xfff8;
  return offset + 7 <= limit ? base + offset : NOWHERE;
}

/** The descriptor of a selector; raises `vector` about the selector, or a page fault, if it can't be read. */
export function fetchDescriptor(selector: u32, vector: i32): u64 {
  const at = descriptorAddress(selector);
  if (at == NOWHERE) {
    raiseSelector(vector, selector);
    return 0;
  }
  return ldSystem64(at);
}

// @ts-ignore: decorator
@inline
export function highOf(descriptor: u64): u32 {
  return <u32>(descriptor >> 32);
}

export function baseOfDescriptor(descriptor: u64): u32 {
  const high = highOf(descriptor);
  return (<u32>(descriptor >> 16) & 0xffff) | ((high & 0xff) << 16) | (high & 0xff000000);
}

export function limitOfDescriptor(descriptor: u64): u32 {
  const high = highOf(descriptor);
  const limit = (<u32>descriptor & 0xffff) | (high & 0xf0000);
  return (high & ATTR_G) != 0 ? (limit << 12) | 0xfff : limit;
}

// @ts-ignore: decorator
@inline
export function dplOf(attr: u32): u32 {
  return (attr >> ATTR_DPL_SHIFT) & 3;
}

/** Is the null selector, of any RPL? */
// @ts-ignore: decorator
@inline
export function isNull(selector: u32): bool {
  return (selector & 0xfffc) == 0;
}

/** Sets the accessed bit in memory if it is clear. May fault. */
export function markAccessed(selector: u32, descriptor: u64): void {
  const high = highOf(descriptor);
  if ((high & ATTR_ACCESSED) != 0) return;
  stSystem(descriptorAddress(selector) + 5, ((high | ATTR_ACCESSED) >> 8) & 0xff, 1);
}

/** Loads a segment register from a checked descriptor. The caller updates the mode. */
export function setFromDescriptor(seg: u32, selector: u32, descriptor: u64): void {
  const attr = (highOf(descriptor) & ATTR_MASK) | ATTR_ACCESSED;
  setSegment(seg, selector, baseOfDescriptor(descriptor), limitOfDescriptor(descriptor), attr);
}

export function setNull(seg: u32, selector: u32): void {
  setSegment(seg, selector, 0, 0, 0);
}

/** Loads a segment register as virtual-8086 mode does. */
export function setVm86(seg: u32, selector: u32): void {
  setSegment(seg, selector & 0xffff, (selector & 0xffff) << 4, 0xffff, REAL_ATTR | (3 << ATTR_DPL_SHIFT));
}

/** Loads a segment register as real mode does: limit and attributes stay ("unreal mode"). */
export function setReal(seg: u32, selector: u32): void {
  selector &= 0xffff;
  setSegment(seg, selector, selector << 4, limitOf(seg), attrOf(seg));
}

// @ts-ignore: decorator
@inline
export function systemBase(seg: u32): u32 {
  return load<u32>(SEGS + seg * SEG_SIZE, SEG_SYSTEM_BASE);
}

/** Sets LDTR or TR. */
export function setSystem(seg: u32, selector: u32, base: u32, limit: u32, attr: u32): void {
  const s = SEGS + seg * SEG_SIZE;
  store<u32>(s, selector, SEG_SELECTOR);
  store<u32>(s, limit, SEG_LIMIT);
  store<u32>(s, attr, SEG_ATTR);
  store<u32>(s, base, SEG_SYSTEM_BASE);
}

// @ts-ignore: decorator
@inline
export function isCode(attr: u32): bool {
  return (attr & (ATTR_S | ATTR_CODE)) == (ATTR_S | ATTR_CODE);
}

// @ts-ignore: decorator
@inline
export function isConforming(attr: u32): bool {
  return (attr & ATTR_CONFORMING) != 0;
}

// @ts-ignore: decorator
@inline
export function isWritableData(attr: u32): bool {
  return (attr & (ATTR_S | ATTR_CODE | ATTR_WRITABLE)) == (ATTR_S | ATTR_WRITABLE);
}

/** A data segment or a readable code segment. */
export function isReadable(attr: u32): bool {
  if ((attr & ATTR_S) == 0) return false;
  return (attr & ATTR_CODE) == 0 || (attr & ATTR_READABLE) != 0;
}

/** Is the segment's DPL high enough for data access at this privilege? Conforming code always is. */
function reaches(attr: u32, level: u32, selector: u32): bool {
  if (isCode(attr) && isConforming(attr)) return true;
  return dplOf(attr) >= max(level, selector & 3);
}

/** MOV, POP, LDS … to a segment register but CS. */
export function load_seg(segAndFlags: u32, selector: u32): void {
  const seg = segAndFlags & 7;
  selector &= 0xffff;
  if (isProtected()) loadProtected(seg, selector);
  else setReal(seg, selector);
  if (faulted()) return;
  update_mode();
  if ((segAndFlags & LOAD_SHADOW) != 0) startShadow(SHADOW_SS);
}

function loadProtected(seg: u32, selector: u32): void {
  if (isNull(selector)) {
    if (seg == SS) raiseSelector(V_GP, 0);
    else setNull(seg, selector);
    return;
  }
  const descriptor = fetchDescriptor(selector, V_GP);
  if (faulted()) return;
  const attr = highOf(descriptor);
  const fits =
    seg == SS
      ? isWritableData(attr) && (selector & 3) == cpl() && dplOf(attr) == cpl()
      : isReadable(attr) && reaches(attr, cpl(), selector);
  if (!fits) return raiseSelector(V_GP, selector);
  if ((attr & ATTR_P) == 0) return raiseSelector(seg == SS ? V_SS : V_NP, selector);
  markAccessed(selector, descriptor);
  if (faulted()) return;
  setFromDescriptor(seg, selector, descriptor);
}

/** Does a segment allow an access to all of [offset, offset + size)? */
export function allows(seg: u32, offset: u32, size: u32, write: u32): bool {
  const last = <u64>offset + size - 1;
  const limit = limitOf(seg);
  const attr = attrOf(seg);
  if (!isProtected()) return last <= <u64>limit;
  if ((attr & ATTR_P) == 0) return false;
  if ((attr & ATTR_CODE) != 0) return write == 0 && (attr & ATTR_READABLE) != 0 && last <= <u64>limit;
  if (write != 0 && (attr & ATTR_WRITABLE) == 0) return false;
  if ((attr & ATTR_EXPAND_DOWN) == 0) return last <= <u64>limit;
  const top: u64 = (attr & ATTR_BIG) != 0 ? 0xffffffff : 0xffff;
  return offset > limit && last <= top;
}

export function seg_check(seg: u32, offset: u32, sizeAndAccess: u32): void {
  if (allows(seg, offset, sizeAndAccess & 0xffff, sizeAndAccess & SEG_WRITE)) return;
  raise(seg == SS ? V_SS : V_GP, 0);
}

export function jump_check(eip: u32): void {
  if (eip > limitOf(CS)) raise(V_GP, 0);
}

export function align_check(va: u32, size: u32): void {
  if ((va & (size - 1)) != 0) raise(V_AC, 0);
}

export function io_check(port: u32, size: i32): void {
  // A 32-bit TSS that holds the bitmap's offset and, there, the bits of all ports accessed (SDM volume 1, 18.5.2).
  const type = (attrOf(TR) >> 8) & 0xf;
  const limit = limitOf(TR);
  if ((type == 9 || type == 11) && (attrOf(TR) & ATTR_P) != 0 && limit >= 103) {
    const at = ldSystem(systemBase(TR) + 0x66, 2) + ((port & 0xffff) >> 3);
    if (faulted()) return;
    if (at + 1 <= limit) {
      const bits = ldSystem(systemBase(TR) + at, 2) >> (port & 7);
      if (faulted()) return;
      if ((bits & ((1 << size) - 1)) == 0) return;
    }
  }
  raise(V_GP, 0);
}

// What the instructions that only ask about a selector find: the descriptor, or 0 if it can't be had (no descriptor
// that they could accept is 0).
function inspect(selector: u32): u64 {
  if (isNull(selector)) return 0;
  const at = descriptorAddress(selector);
  return at == NOWHERE ? 0 : ldSystem64(at);
}

/** System descriptor types that LAR (bits of the first mask) and LSL (second) accept, by number. */
const LAR_TYPES: u32 = 0x1a3e;
const LSL_TYPES: u32 = 0x0a0e;

function inspectable(selector: u32, types: u32): u64 {
  const descriptor = inspect(selector & 0xffff);
  if (descriptor == 0 || faulted()) return 0;
  const attr = highOf(descriptor);
  if ((attr & ATTR_S) == 0 && ((types >> ((attr >> 8) & 0xf)) & 1) == 0) return 0;
  return reaches(attr, cpl(), selector) ? descriptor : 0;
}

const FOUND: u64 = 0x100000000;

export function lar(selector: u32): u64 {
  const descriptor = inspectable(selector, LAR_TYPES);
  return descriptor == 0 ? 0 : FOUND | <u64>(highOf(descriptor) & ATTR_MASK);
}

export function lsl(selector: u32): u64 {
  const descriptor = inspectable(selector, LSL_TYPES);
  return descriptor == 0 ? 0 : FOUND | <u64>limitOfDescriptor(descriptor);
}

export function verr(selector: u32): u32 {
  const descriptor = inspectable(selector, 0);
  return u32(descriptor != 0 && isReadable(highOf(descriptor)));
}

export function verw(selector: u32): u32 {
  const descriptor = inspectable(selector, 0);
  return u32(descriptor != 0 && isWritableData(highOf(descriptor)));
}

export function arpl(destination: u32, source: u32): u64 {
  destination &= 0xffff;
  if ((destination & 3) >= (source & 3)) return <u64>destination;
  return FOUND | <u64>((destination & ~3) | (source & 3));
}

/** Type field of a system descriptor, with S as bit 4: code and data never match. */
// @ts-ignore: decorator
@inline
export function systemType(attr: u32): u32 {
  return (attr >> 8) & 0x1f;
}

const TYPE_LDT: u32 = 2;

export function lldt(selector: u32): void {
  loadLdt(selector & 0xffff, V_GP, V_NP);
}

/** Loads LDTR; a task switch names other exceptions than LLDT. */
export function loadLdt(selector: u32, wrong: i32, absent: i32): void {
  if (isNull(selector)) return setSystem(LDTR, selector, 0, 0, 0);
  if ((selector & 4) != 0) return raiseSelector(wrong, selector);
  const descriptor = fetchDescriptor(selector, wrong);
  if (faulted()) return;
  const attr = highOf(descriptor);
  if (systemType(attr) != TYPE_LDT) return raiseSelector(wrong, selector);
  if ((attr & ATTR_P) == 0) return raiseSelector(absent, selector);
  setSystem(LDTR, selector, baseOfDescriptor(descriptor), limitOfDescriptor(descriptor), attr & ATTR_MASK);
}

const TSS_BUSY: u32 = 0x200;

/** Sets or clears the busy bit of a TSS's descriptor in memory. May fault. */
export function setBusy(selector: u32, busy: bool): void {
  const at = descriptorAddress(selector) + 5;
  const byte = ldSystem(at, 1);
  if (faulted()) return;
  stSystem(at, busy ? byte | 2 : byte & ~2, 1);
}

export function ltr(selector: u32): void {
  selector &= 0xffff;
  if (isNull(selector)) return raiseSelector(V_GP, 0);
  if ((selector & 4) != 0) return raiseSelector(V_GP, selector);
  const descriptor = fetchDescriptor(selector, V_GP);
  if (faulted()) return;
  const attr = highOf(descriptor);
  if (systemType(attr) != 1 && systemType(attr) != 9) return raiseSelector(V_GP, selector);
  if ((attr & ATTR_P) == 0) return raiseSelector(V_NP, selector);
  setBusy(selector, true);
  if (faulted()) return;
  const busy = (attr & ATTR_MASK) | TSS_BUSY;
  setSystem(TR, selector, baseOfDescriptor(descriptor), limitOfDescriptor(descriptor), busy);
}
