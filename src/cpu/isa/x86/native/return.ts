/** Far returns and IRET (SDM volume 2). AssemblyScript. */
import {
  AC,
  ATTR_P,
  CS,
  DS,
  ES,
  ESP,
  F_CPL,
  F_EFLAGS,
  FS,
  GS,
  ID,
  IF,
  IOPL,
  NT,
  RF,
  SS,
  TF,
  TR,
  V_GP,
  V_NP,
  V_TS,
  VIF,
  VIP,
  VM,
} from '../layout';
import { attrOf, cpl, faulted, isProtected, isVm86, ldSystem, limitOf, raise, raiseSelector, setEip } from './cpu';
import { iopl, writeEflags } from './flags';
import { finishTaskSwitch } from './interrupt';
import { unblockNmi, update_mode } from './mode';
import {
  dplOf,
  fetchDescriptor,
  highOf,
  isCode,
  isConforming,
  isNull,
  limitOfDescriptor,
  markAccessed,
  setFromDescriptor,
  setNull,
  setReal,
  setVm86,
  systemBase,
} from './segment';
import { commitPointer, commitSegment, markStack, pop, release, useCurrentStack, useStackOf } from './stack';
import { switchTask, TASK_IRET } from './task';

/** EFLAGS that a far return leaves alone. */
const NO_FLAGS: u32 = 0;

/** Real and virtual-8086 mode. */
function returnReal(selector: u32, offset: u32): void {
  commitPointer();
  setReal(CS, selector);
  update_mode();
  setEip(offset);
}

/** Of a less privileged level's reach: segments it may not use become null (SDM volume 3, 5.8.6). */
function nullUnreachable(seg: u32): void {
  const attr = attrOf(seg);
  if ((attr & ATTR_P) == 0 || (isCode(attr) && isConforming(attr))) return;
  if (dplOf(attr) < cpl()) setNull(seg, 0);
}

/** The rest of a return in protected mode: the stack's pointer is past CS (and EFLAGS). */
function returnProtected(selector: u32, offset: u32, size: i32, bytes: u32, eflags: u32, flagsMask: u32): void {
  if (isNull(selector)) return raiseSelector(V_GP, 0);
  const descriptor = fetchDescriptor(selector, V_GP);
  if (faulted()) return;
  const attr = highOf(descriptor);
  const rpl = selector & 3;
  const fits = isConforming(attr) ? dplOf(attr) <= rpl : dplOf(attr) == rpl;
  if (!isCode(attr) || rpl < cpl() || !fits) return raiseSelector(V_GP, selector);
  if ((attr & ATTR_P) == 0) return raiseSelector(V_NP, selector);
  release(bytes);
  const outer = rpl > cpl();
  if (outer) {
    const esp = pop(size);
    const ss = pop(size) & 0xffff;
    if (faulted()) return;
    if (isNull(ss)) return raiseSelector(V_GP, 0);
    if ((ss & 3) != rpl) return raiseSelector(V_GP, ss);
    useStackOf(ss, esp, rpl, V_GP);
    if (faulted()) return;
    release(bytes);
  }
  if (offset > limitOfDescriptor(descriptor)) return raise(V_GP, 0);
  markAccessed(selector, descriptor);
  if (outer && !faulted()) markStack();
  if (faulted()) return;

  commitPointer();
  if (outer) commitSegment();
  setFromDescriptor(CS, selector, descriptor);
  store<u32>(F_CPL, rpl);
  if (outer) {
    nullUnreachable(ES);
    nullUnreachable(DS);
    nullUnreachable(FS);
    nullUnreachable(GS);
  }
  if (flagsMask != NO_FLAGS) writeEflags(eflags, flagsMask);
  update_mode();
  setEip(offset);
}

export function far_ret(size: i32, bytes: u32): void {
  useCurrentStack();
  const offset = pop(size);
  const selector = pop(size) & 0xffff;
  if (faulted()) return;
  if (isProtected()) return returnProtected(selector, offset, size, bytes, 0, NO_FLAGS);
  if (offset > limitOf(CS)) return raise(V_GP, 0);
  release(bytes);
  returnReal(selector, offset);
}

/** Which flags IRET may change, at the privilege level before the return. */
function iretMask(size: i32): u32 {
  let mask: u32 = TF | NT | RF | AC | ID;
  if (cpl() == 0) mask |= IOPL | VIF | VIP;
  if (cpl() <= iopl()) mask |= IF;
  return size == 2 ? mask & 0xffff : mask;
}

function iretReal(size: i32): void {
  if (isVm86() && iopl() < 3) return raise(V_GP, 0);
  useCurrentStack();
  const offset = pop(size);
  const selector = pop(size) & 0xffff;
  const eflags = pop(size);
  if (faulted()) return;
  if (offset > limitOf(CS)) return raise(V_GP, 0);
  writeEflags(eflags, iretMask(size));
  returnReal(selector, offset);
}

/** Nine doublewords have been pushed by an interrupt out of virtual-8086 mode: three of them are popped already. */
function iretToVm86(selector: u32, offset: u32, eflags: u32): void {
  const esp = pop(4);
  const ss = pop(4);
  const es = pop(4);
  const ds = pop(4);
  const fs = pop(4);
  const gs = pop(4);
  if (faulted()) return;
  if ((offset & 0xffff) != offset) return raise(V_GP, 0);
  writeEflags(eflags, TF | IF | IOPL | NT | RF | VM | AC | VIF | VIP | ID);
  setVm86(CS, selector);
  setVm86(SS, ss);
  setVm86(ES, es);
  setVm86(DS, ds);
  setVm86(FS, fs);
  setVm86(GS, gs);
  store<u32>(ESP, esp);
  store<u32>(F_CPL, 3);
  update_mode();
  setEip(offset);
}

/** IRET with NT set: back to the task that the current TSS is linked to. */
function iretToTask(nextEip: u32): void {
  const selector = ldSystem(systemBase(TR), 2);
  if (!faulted()) switchTask(selector, TASK_IRET, nextEip, V_TS);
  finishTaskSwitch();
}

export function iret(size: i32, nextEip: u32): void {
  returnFromInterrupt(size, nextEip);
  if (!faulted()) unblockNmi();
}

function returnFromInterrupt(size: i32, nextEip: u32): void {
  if (!isProtected()) return iretReal(size);
  if ((load<u32>(F_EFLAGS) & NT) != 0) return iretToTask(nextEip);
  useCurrentStack();
  const offset = pop(size);
  const selector = pop(size) & 0xffff;
  const eflags = pop(size);
  if (faulted()) return;
  if (size == 4 && (eflags & VM) != 0 && cpl() == 0) return iretToVm86(selector, offset, eflags);
  returnProtected(selector, offset, size, 0, eflags, iretMask(size));
}
