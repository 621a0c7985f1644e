/** Task switches with 16- and 32-bit TSSs (SDM volume 3, chapter 7). AssemblyScript. */
import { C_STEPPING } from '../../../ir/layout';
import {
  AC,
  ATTR_MASK,
  ATTR_P,
  CR0_PG,
  CR0_TS,
  CR4_PAE,
  CS,
  DS,
  EAX,
  ES,
  F_CPL,
  F_CR0,
  F_CR3,
  F_CR4,
  F_DR7,
  F_INHIBIT,
  FS,
  GS,
  ID,
  IF,
  IOPL,
  LDTR,
  NT,
  RF,
  SS,
  TASK_SCRATCH,
  TF,
  TR,
  V_GP,
  V_NP,
  V_SS,
  V_TS,
  VM,
} from '../layout';
import {
  attrOf,
  cpl,
  faulted,
  ldSystem,
  limitOf,
  raise,
  raiseSelector,
  selectorOf,
  setEip,
  stSystem,
} from './cpu';
import { tlb_flush_local } from './exec';
import { get_eflags, writeEflags } from './flags';
import { update_mode } from './mode';
import { loadPdptes } from './paging';
import {
  baseOfDescriptor,
  dplOf,
  fetchDescriptor,
  highOf,
  isCode,
  isConforming,
  isNull,
  isReadable,
  isWritableData,
  limitOfDescriptor,
  loadLdt,
  markAccessed,
  setBusy,
  setFromDescriptor,
  setNull,
  setSystem,
  setVm86,
  systemBase,
  systemType,
} from './segment';

// What causes the switch.
export const TASK_JMP: i32 = 0;
export const TASK_CALL: i32 = 1;
export const TASK_IRET: i32 = 2;

const BUSY: u32 = 2;
const TSS16: u32 = 1;
const TSS32: u32 = 9;

/** Set when switchTask got beyond the point of no return; taken by whoever called it, before its call ends. */
let committed = false;
/** The new TSS's T bit. */
let trapWanted = false;

/** Was there a task switch that went beyond the point of no return, since this was asked last? */
export function takeSwitched(): bool {
  const was = committed;
  committed = false;
  return was;
}

/** Does the task switched to ask for a debug trap? */
export function taskWantsTrap(): bool {
  return trapWanted;
}

/** Offsets in the TSS: 32-bit {EIP, EFLAGS, EAX.., ES.., LDT} are dwords from 20H, 16-bit ones words from 0EH. */
// @ts-ignore: decorator
@inline
function fieldAt(wide: bool, index: u32): u32 {
  return wide ? 0x20 + (index << 2) : 0x0e + (index << 1);
}

const I_EIP: u32 = 0;
const I_EFLAGS: u32 = 1;
const I_EAX: u32 = 2;
const I_ES: u32 = 10;
/** ES CS SS DS FS GS LDT (32-bit) or ES CS SS DS LDT (16-bit). */
// @ts-ignore: decorator
@inline
function fields(wide: bool): u32 {
  return wide ? 17 : 15;
}

// @ts-ignore: decorator
@inline
function scratch(index: u32): u32 {
  return load<u32>(TASK_SCRATCH + (index << 2));
}

/** Reads the new TSS's state into scratch memory, in the 32-bit TSS's order; the word after the LDT is the T bit. */
function readTss(tss: u32, wide: bool): void {
  const size = wide ? 4 : 2;
  for (let i: u32 = 0; i < fields(wide); i++) {
    let value = ldSystem(tss + fieldAt(wide, i), size);
    if (faulted()) return;
    let to = i;
    if (!wide && i >= I_EAX && i < I_ES) value |= 0xffff0000; // as QEMU; the manual calls the upper halves undefined
    if (!wide && i == 14) to = 16;
    if (i >= I_ES) value &= 0xffff;
    store<u32>(TASK_SCRATCH + (to << 2), value);
  }
  if (!wide) {
    store<u32>(TASK_SCRATCH + ((I_ES + FS) << 2), 0);
    store<u32>(TASK_SCRATCH + ((I_ES + GS) << 2), 0);
  }
  store<u32>(TASK_SCRATCH + 17 * 4, wide ? ldSystem(tss + 0x64, 2) & 1 : 0);
}

function saveTask(tss: u32, wide: bool, returnEip: u32, eflags: u32): void {
  const size = wide ? 4 : 2;
  stSystem(tss + fieldAt(wide, I_EIP), returnEip, size);
  stSystem(tss + fieldAt(wide, I_EFLAGS), eflags, size);
  for (let i: u32 = 0; i < 8; i++) {
    stSystem(tss + fieldAt(wide, I_EAX + i), load<u32>(EAX + (i << 3)), size);
  }
  const segments: u32 = wide ? 6 : 4;
  for (let i: u32 = 0; i < segments; i++) stSystem(tss + fieldAt(wide, I_ES + i), selectorOf(i), 2);
}

/** All of a TSS that the switch will write must be writable before anything has changed. */
function checkWritable(va: u32, bytes: u32): void {
  stSystem(va, ldSystem(va, 1), 1);
  if (faulted()) return;
  const lastPage = (va + bytes - 1) & ~0xfff;
  if ((va & ~0xfff) != lastPage) stSystem(lastPage, ldSystem(lastPage, 1), 1);
}

/**
 * Switches to the task of a TSS selector. `wrong` is the exception for an unfit TSS: #GP, or #TS for IRET. A fault
 * before the point of no return leaves the old task as it was; one after it belongs to the new task (takeSwitched).
 */
export function switchTask(selector: u32, source: i32, returnEip: u32, wrong: i32): void {
  if ((selector & 4) != 0 || isNull(selector)) return raiseSelector(wrong, selector);
  const descriptor = fetchDescriptor(selector, wrong);
  if (faulted()) return;
  const attr = highOf(descriptor);
  const type = systemType(attr);
  const expected: u32 = source == TASK_IRET ? BUSY : 0;
  if (type != (TSS16 | expected) && type != (TSS32 | expected)) return raiseSelector(wrong, selector);
  if ((attr & ATTR_P) == 0) return raiseSelector(V_NP, selector);
  const wide = (type & 8) != 0;
  if (limitOfDescriptor(descriptor) < <u32>(wide ? 103 : 43)) return raiseSelector(V_TS, selector);
  const tss = baseOfDescriptor(descriptor);
  const oldTss = systemBase(TR);
  const oldWide = (attrOf(TR) & 0x800) != 0;
  const oldSelector = selectorOf(TR);
  const stepping = load<u32>(C_STEPPING);
  store<u32>(C_STEPPING, 1);
  readTss(tss, wide);
  if (!faulted()) checkWritable(oldTss, oldWide ? 0x60 : 0x2a);
  if (!faulted() && source == TASK_CALL) checkWritable(tss, 2);
  if (!faulted() && source != TASK_CALL) setBusy(oldSelector, false);
  if (!faulted() && source != TASK_IRET) setBusy(selector, true);
  if (faulted()) {
    store<u32>(C_STEPPING, stepping);
    return;
  }

  committed = true;
  let eflags = get_eflags();
  if (source == TASK_IRET) eflags &= ~NT;
  saveTask(oldTss, oldWide, returnEip, eflags);
  if (source == TASK_CALL) stSystem(tss, oldSelector, 2);
  const busy = (attr & ATTR_MASK) | (BUSY << 8);
  setSystem(TR, selector, tss, limitOfDescriptor(descriptor), busy);
  store<u32>(F_CR0, load<u32>(F_CR0) | CR0_TS);
  store<u32>(F_INHIBIT, 0);
  store<u32>(F_DR7, load<u32>(F_DR7) & ~0x155); // local breakpoints end with their task
  loadTask(tss, wide, source);
  update_mode();
  store<u32>(C_STEPPING, stepping);
}

function loadTask(tss: u32, wide: bool, source: i32): void {
  if (wide && (load<u32>(F_CR0) & CR0_PG) != 0) {
    const cr3 = ldSystem(tss + 0x1c, 4);
    if (cr3 != load<u32>(F_CR3)) {
      store<u32>(F_CR3, cr3);
      tlb_flush_local();
      if ((load<u32>(F_CR4) & CR4_PAE) != 0) loadPdptes(cr3);
    }
  }
  let eflags = scratch(I_EFLAGS);
  if (!wide) eflags &= 0xffff;
  if (source == TASK_CALL) eflags |= NT;
  writeEflags(eflags, TF | IF | IOPL | NT | RF | VM | AC | ID);
  for (let i: u32 = 0; i < 8; i++) store<u32>(EAX + (i << 3), scratch(I_EAX + i));

  // The selectors first, without descriptors: a fault below finds the new task's.
  const vm = (eflags & VM) != 0 && wide;
  for (let seg: u32 = ES; seg < 6; seg++) {
    const selector = scratch(I_ES + seg);
    if (vm) setVm86(seg, selector);
    else setNull(seg, selector);
  }
  store<u32>(F_CPL, vm ? 3 : scratch(I_ES + CS) & 3);
  setEip(scratch(I_EIP));
  update_mode();
  trapWanted = scratch(17) != 0;
  if (faulted()) return;
  setSystem(LDTR, scratch(16), 0, 0, 0);
  loadLdt(scratch(16), V_TS, V_TS);
  if (faulted() || vm) return;
  loadCode(scratch(I_ES + CS));
  if (faulted()) return;
  setEip(scratch(I_EIP));
  loadData(SS, scratch(I_ES + SS));
  if (!faulted()) loadData(ES, scratch(I_ES + ES));
  if (!faulted()) loadData(DS, scratch(I_ES + DS));
  if (!faulted()) loadData(FS, scratch(I_ES + FS));
  if (!faulted()) loadData(GS, scratch(I_ES + GS));
  if (!faulted() && scratch(I_EIP) > limitOf(CS)) raise(V_GP, 0);
}

function loadCode(selector: u32): void {
  if (isNull(selector)) return raiseSelector(V_TS, 0);
  const descriptor = fetchDescriptor(selector, V_TS);
  if (faulted()) return;
  const attr = highOf(descriptor);
  const fits = isConforming(attr) ? dplOf(attr) <= (selector & 3) : dplOf(attr) == (selector & 3);
  if (!isCode(attr) || !fits) return raiseSelector(V_TS, selector);
  if ((attr & ATTR_P) == 0) return raiseSelector(V_NP, selector);
  markAccessed(selector, descriptor);
  if (faulted()) return;
  setFromDescriptor(CS, selector, descriptor);
}

function loadData(seg: u32, selector: u32): void {
  if (isNull(selector)) {
    if (seg == SS) raiseSelector(V_TS, 0);
    return;
  }
  const descriptor = fetchDescriptor(selector, V_TS);
  if (faulted()) return;
  const attr = highOf(descriptor);
  let fits = false;
  if (seg == SS) fits = isWritableData(attr) && dplOf(attr) == cpl() && (selector & 3) == cpl();
  else fits = isReadable(attr) && ((isCode(attr) && isConforming(attr)) || dplOf(attr) >= max(cpl(), selector & 3));
  if (!fits) return raiseSelector(V_TS, selector);
  if ((attr & ATTR_P) == 0) return raiseSelector(seg == SS ? V_SS : V_NP, selector);
  markAccessed(selector, descriptor);
  if (faulted()) return;
  setFromDescriptor(seg, selector, descriptor);
}
