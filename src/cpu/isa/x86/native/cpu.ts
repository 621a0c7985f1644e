/** Access to the processor's state in memory, and the raising of exceptions. AssemblyScript. */
import { C_FAULT, C_FAULT_CODE, C_FAULT_ERR, C_MMU, C_PC, FAULT_EXC } from '../../../ir/layout';
import {
  BASES,
  CR0_PE,
  CS_BASE,
  F_CPL,
  F_CR0,
  F_EFLAGS,
  SEG_ATTR,
  SEG_LIMIT,
  SEG_SELECTOR,
  SEG_SIZE,
  SEGS,
  VM,
} from '../layout';
import { ld, ld64, st } from './exec';

/**
 * The EXT bit of error codes: 1 while an exception or an interrupt from outside is delivered (SDM volume 3, 6.13).
 * Set and cleared by native/interrupt.ts within one call; never holds state between calls.
 */
let extBit: u32 = 0;

export function setExternal(external: bool): void {
  extBit = u32(external);
}

// @ts-ignore: decorator
@inline
export function faulted(): bool {
  return load<i32>(C_FAULT) != 0;
}

export function raise(vector: i32, errorCode: u32): void {
  store<i32>(C_FAULT, FAULT_EXC);
  store<i32>(C_FAULT_CODE, vector);
  store<u32>(C_FAULT_ERR, errorCode);
}

/** Raises an exception whose error code is about a selector (0: none). */
export function raiseSelector(vector: i32, selector: u32): void {
  raise(vector, (selector & 0xfffc) | extBit);
}

/** Raises an exception whose error code is about a gate of the IDT. */
export function raiseGate(vector: i32, gate: u32): void {
  raise(vector, (gate << 3) | 2 | extBit);
}

// @ts-ignore: decorator
@inline
export function cpl(): u32 {
  return load<u32>(F_CPL);
}

// @ts-ignore: decorator
@inline
export function isVm86(): bool {
  return (load<u32>(F_EFLAGS) & VM) != 0;
}

/** Protected mode with descriptors, not virtual-8086. */
// @ts-ignore: decorator
@inline
export function isProtected(): bool {
  return (load<u32>(F_CR0) & CR0_PE) != 0 && !isVm86();
}

// @ts-ignore: decorator
@inline
export function selectorOf(seg: u32): u32 {
  return load<u32>(SEGS + seg * SEG_SIZE, SEG_SELECTOR);
}

// @ts-ignore: decorator
@inline
export function limitOf(seg: u32): u32 {
  return load<u32>(SEGS + seg * SEG_SIZE, SEG_LIMIT);
}

// @ts-ignore: decorator
@inline
export function attrOf(seg: u32): u32 {
  return load<u32>(SEGS + seg * SEG_SIZE, SEG_ATTR);
}

/** Base of ES to GS. */
// @ts-ignore: decorator
@inline
export function baseOf(seg: u32): u32 {
  return load<u32>(BASES + (seg << 3));
}

/** Sets all of one of ES to GS. The caller updates the mode. */
export function setSegment(seg: u32, selector: u32, base: u32, limit: u32, attr: u32): void {
  const s = SEGS + seg * SEG_SIZE;
  store<u32>(s, selector, SEG_SELECTOR);
  store<u32>(s, limit, SEG_LIMIT);
  store<u32>(s, attr, SEG_ATTR);
  store<u32>(BASES + (seg << 3), base);
}

/** EIP as of the address in C_PC. */
export function eip(): u32 {
  return load<u32>(C_PC) - load<u32>(CS_BASE);
}

/** Continue at an offset in the current CS. */
export function setEip(offset: u32): void {
  store<u64>(C_PC, <u64>(load<u32>(CS_BASE) + offset));
}

// Implicit accesses to system structures are privileged whatever the CPL (SDM volume 3, 4.6.1).
export function ldSystem(va: u32, size: i32): u32 {
  const bank = load<u32>(C_MMU);
  store<u32>(C_MMU, 0);
  const value = ld(va, size);
  store<u32>(C_MMU, bank);
  return value;
}

export function ldSystem64(va: u32): u64 {
  const bank = load<u32>(C_MMU);
  store<u32>(C_MMU, 0);
  const value = ld64(va);
  store<u32>(C_MMU, bank);
  return value;
}

export function stSystem(va: u32, value: u32, size: i32): void {
  const bank = load<u32>(C_MMU);
  store<u32>(C_MMU, 0);
  st(va, value, size);
  store<u32>(C_MMU, bank);
}
