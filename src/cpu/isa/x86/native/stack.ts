/**
 * The stack that a far transfer or an interrupt works on: the current one, or a more privileged one that becomes
 * current only when nothing can fail any more. The variables live within one call. AssemblyScript.
 */
import { C_MMU } from '../../../ir/layout';
import { ATTR_BIG, ATTR_CODE, ATTR_EXPAND_DOWN, ATTR_P, EBP, ESP, SS, SS_BASE, TR, V_SS, V_TS } from '../layout';
import {
  attrOf,
  cpl,
  faulted,
  ldSystem,
  limitOf,
  raiseSelector,
  selectorOf,
} from './cpu';
import { ld, st } from './exec';
import {
  baseOfDescriptor,
  dplOf,
  fetchDescriptor,
  highOf,
  isNull,
  isWritableData,
  limitOfDescriptor,
  markAccessed,
  seg_check,
  setFromDescriptor,
  systemBase,
} from './segment';

let base: u32 = 0;
let limit: u32 = 0;
let attr: u32 = 0;
let pointer: u32 = 0;
let mask: u32 = 0;
/** Privilege level of its accesses. */
let level: u32 = 0;
/** What the error code of a stack fault names: the selector of a stack to be loaded, 0 for the current one. */
let blamed: u32 = 0;
let selector: u32 = 0;
let descriptor: u64 = 0;

/** SP's width. */
// @ts-ignore: decorator
@inline
export function stackMask(attributes: u32): u32 {
  return (attributes & ATTR_BIG) != 0 ? 0xffffffff : 0xffff;
}

export function useCurrentStack(): void {
  base = load<u32>(SS_BASE);
  limit = limitOf(SS);
  attr = attrOf(SS);
  pointer = load<u32>(ESP);
  mask = stackMask(attr);
  level = cpl();
  blamed = 0;
}

/** The stack that the TSS names for a more privileged level; #TS or #SS if it is not right. */
export function useInnerStack(forLevel: u32): void {
  const wide = (attrOf(TR) & 0x800) != 0;
  const at = wide ? (forLevel << 3) + 4 : (forLevel << 2) + 2;
  if (at + (wide ? 7 : 3) > limitOf(TR)) return raiseSelector(V_TS, selectorOf(TR));
  const tss = systemBase(TR);
  const esp = ldSystem(tss + at, wide ? 4 : 2);
  if (faulted()) return;
  const ss = ldSystem(tss + at + (wide ? 4 : 2), 2);
  if (faulted()) return;
  if (isNull(ss)) return raiseSelector(V_TS, 0);
  if ((ss & 3) != forLevel) return raiseSelector(V_TS, ss);
  useStackOf(ss, esp, forLevel, V_TS);
}

/** A stack that is to be loaded with the privilege level `forLevel`, after the checks of its descriptor. */
export function useStackOf(ss: u32, esp: u32, forLevel: u32, wrong: i32): void {
  descriptor = fetchDescriptor(ss, wrong);
  if (faulted()) return;
  attr = highOf(descriptor);
  if (dplOf(attr) != forLevel || !isWritableData(attr)) return raiseSelector(wrong, ss);
  if ((attr & ATTR_P) == 0) return raiseSelector(V_SS, ss);
  base = baseOfDescriptor(descriptor);
  limit = limitOfDescriptor(descriptor);
  pointer = esp;
  mask = stackMask(attr);
  level = forLevel;
  blamed = ss;
  selector = ss;
}

function fits(offset: u32, size: u32): bool {
  const last = <u64>offset + size - 1;
  if ((attr & (ATTR_CODE | ATTR_EXPAND_DOWN)) == ATTR_EXPAND_DOWN) return offset > limit && last <= <u64>mask;
  return last <= <u64>limit;
}

/** Does nothing once a fault is raised: the caller looks after the last push. */
export function push(value: u32, size: u32): void {
  if (faulted()) return;
  const offset = (pointer - size) & mask;
  if (!fits(offset, size)) return raiseSelector(V_SS, blamed);
  const bank = load<u32>(C_MMU);
  store<u32>(C_MMU, u32(level == 3));
  st(base + offset, value, size);
  store<u32>(C_MMU, bank);
  pointer = offset;
}

/** 0 once a fault is raised. */
export function pop(size: u32): u32 {
  if (faulted()) return 0;
  const offset = pointer & mask;
  if (!fits(offset, size)) {
    raiseSelector(V_SS, blamed);
    return 0;
  }
  const value = ld(base + offset, size);
  pointer = (offset + size) & mask;
  return value;
}

/** Moves the pointer up over `bytes`. */
export function release(bytes: u32): void {
  pointer = (pointer + bytes) & mask;
}

/** Reads the current stack (what SS still holds) at an offset; 0 once a fault is raised. */
export function readCurrent(offset: u32, size: u32): u32 {
  if (faulted()) return 0;
  seg_check(SS, offset, size);
  return faulted() ? 0 : ld(load<u32>(SS_BASE) + offset, size);
}

/** Makes the pointer ESP (or SP). */
export function commitPointer(): void {
  store<u32>(ESP, (load<u32>(ESP) & ~mask) | (pointer & mask));
}

/** Sets the accessed bit of the stack that is to be loaded. May fault. */
export function markStack(): void {
  markAccessed(selector, descriptor);
}

/** Loads SS with the stack that useInnerStack or useStackOf chose. */
export function commitSegment(): void {
  setFromDescriptor(SS, (selector & ~3) | level, descriptor);
}

/** ENTER: pushes EBP, copies the frame pointers of the outer levels, makes room (SDM volume 2). */
export function enter(allocation: u32, nesting: u32, size: i32): void {
  nesting &= 31;
  useCurrentStack();
  const frame = size == 4 ? load<u32>(EBP) : load<u32>(EBP) & 0xffff;
  push(frame, size);
  const top = pointer & mask;
  if (nesting > 0) {
    let outer = load<u32>(EBP);
    for (let i: u32 = 1; i < nesting; i++) {
      outer -= size;
      push(readCurrent(outer & mask, size), size);
    }
    push(top, size);
  }
  if (faulted()) return;
  release(-(allocation & 0xffff));
  // A frame that ends outside the stack segment is ENTER's fault, though nothing is written there yet.
  if (!fits(pointer & mask, 1)) return raiseSelector(V_SS, 0);
  commitPointer();
  if (size == 4) store<u32>(EBP, (load<u32>(ESP) & ~mask) | top);
  else store<u16>(EBP, <u16>top);
}
