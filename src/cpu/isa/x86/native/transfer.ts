/**
 * Far jumps and calls: directly, through call gates, to tasks (SDM volume 3, 5.8, and JMP, CALL of volume 2).
 * AssemblyScript.
 */
import { ATTR_P, CS, ESP, F_CPL, SS, V_GP, V_NP } from '../layout';
import { attrOf, cpl, faulted, isProtected, limitOf, raise, raiseSelector, selectorOf, setEip } from './cpu';
import { finishTaskSwitch } from './interrupt';
import { update_mode } from './mode';
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
  setReal,
  systemType,
} from './segment';
import {
  commitPointer,
  commitSegment,
  markStack,
  push,
  readCurrent,
  stackMask,
  useCurrentStack,
  useInnerStack,
} from './stack';
import { switchTask, TASK_CALL, TASK_JMP } from './task';

// System descriptor types.
const TSS16: u32 = 1;
const CALL_GATE16: u32 = 4;
const TASK_GATE: u32 = 5;
const TSS32: u32 = 9;
const CALL_GATE32: u32 = 12;

/** Loads CS with a checked descriptor at the current privilege level or another, and goes on at an offset. */
export function enterCode(selector: u32, descriptor: u64, level: u32, offset: u32): void {
  setFromDescriptor(CS, (selector & 0xfffc) | level, descriptor);
  store<u32>(F_CPL, level);
  update_mode();
  setEip(offset);
}

/** Real and virtual-8086 mode. */
export function enterReal(selector: u32, offset: u32): void {
  setReal(CS, selector);
  update_mode();
  setEip(offset);
}

/** #GP or #NP unless a code segment may be jumped to or called directly at the current privilege level. */
function checkDirect(selector: u32, descriptor: u64, offset: u32): void {
  const attr = highOf(descriptor);
  const fits = isConforming(attr) ? dplOf(attr) <= cpl() : (selector & 3) <= cpl() && dplOf(attr) == cpl();
  if (!fits) return raiseSelector(V_GP, selector);
  if ((attr & ATTR_P) == 0) return raiseSelector(V_NP, selector);
  if (offset > limitOfDescriptor(descriptor)) raise(V_GP, 0);
}

/** A TSS or a task gate; false if the descriptor is neither. */
function viaTask(selector: u32, descriptor: u64, source: i32, nextEip: u32): bool {
  const attr = highOf(descriptor);
  const type = systemType(attr);
  if (type != TSS16 && type != TSS32 && type != TASK_GATE) return false;
  if (dplOf(attr) < max(cpl(), selector & 3)) raiseSelector(V_GP, selector);
  else if ((attr & ATTR_P) == 0) raiseSelector(V_NP, selector);
  else switchTask(type == TASK_GATE ? <u32>(descriptor >> 16) & 0xffff : selector, source, nextEip, V_GP);
  finishTaskSwitch();
  return true;
}

// @ts-ignore: decorator
@inline
function gateSelector(gate: u64): u32 {
  return <u32>(gate >> 16) & 0xffff;
}

function gateOffset(gate: u64): u32 {
  const low = <u32>gate & 0xffff;
  return systemType(highOf(gate)) == CALL_GATE32 ? low | (highOf(gate) & 0xffff0000) : low;
}

/** The code segment of a call gate, if gate and segment pass their checks; else a fault. */
function throughGate(selector: u32, gate: u64): u64 {
  const attr = highOf(gate);
  const type = systemType(attr);
  if ((type != CALL_GATE16 && type != CALL_GATE32) || dplOf(attr) < max(cpl(), selector & 3)) {
    raiseSelector(V_GP, selector);
    return 0;
  }
  if ((attr & ATTR_P) == 0) {
    raiseSelector(V_NP, selector);
    return 0;
  }
  const target = gateSelector(gate);
  if (isNull(target)) {
    raiseSelector(V_GP, 0);
    return 0;
  }
  const descriptor = fetchDescriptor(target, V_GP);
  if (faulted()) return 0;
  const code = highOf(descriptor);
  if (!isCode(code) || dplOf(code) > cpl()) {
    raiseSelector(V_GP, target);
    return 0;
  }
  if ((code & ATTR_P) == 0) {
    raiseSelector(V_NP, target);
    return 0;
  }
  if (gateOffset(gate) > limitOfDescriptor(descriptor)) raise(V_GP, 0);
  return descriptor;
}

export function far_jmp(selector: u32, offset: u32, nextEip: u32, size: i32): void {
  selector &= 0xffff;
  if (size == 2) offset &= 0xffff;
  if (!isProtected()) {
    if (offset > limitOf(CS)) return raise(V_GP, 0);
    return enterReal(selector, offset);
  }
  if (isNull(selector)) return raiseSelector(V_GP, 0);
  const descriptor = fetchDescriptor(selector, V_GP);
  if (faulted()) return;
  if (isCode(highOf(descriptor))) {
    checkDirect(selector, descriptor, offset);
    if (!faulted()) markAccessed(selector, descriptor);
    if (!faulted()) enterCode(selector, descriptor, cpl(), offset);
    return;
  }
  if (viaTask(selector, descriptor, TASK_JMP, nextEip)) return;
  const code = throughGate(selector, descriptor);
  if (faulted()) return;
  const target = gateSelector(descriptor);
  const attr = highOf(code);
  if (!isConforming(attr) && dplOf(attr) != cpl()) return raiseSelector(V_GP, target);
  markAccessed(target, code);
  if (!faulted()) enterCode(target, code, cpl(), gateOffset(descriptor));
}

export function far_call(selector: u32, offset: u32, nextEip: u32, size: i32): void {
  selector &= 0xffff;
  if (size == 2) offset &= 0xffff;
  useCurrentStack();
  if (!isProtected()) {
    if (offset > limitOf(CS)) return raise(V_GP, 0);
    push(selectorOf(CS), size);
    push(nextEip, size);
    if (faulted()) return;
    commitPointer();
    return enterReal(selector, offset);
  }
  if (isNull(selector)) return raiseSelector(V_GP, 0);
  const descriptor = fetchDescriptor(selector, V_GP);
  if (faulted()) return;
  if (isCode(highOf(descriptor))) {
    checkDirect(selector, descriptor, offset);
    push(selectorOf(CS), size);
    push(nextEip, size);
    if (!faulted()) markAccessed(selector, descriptor);
    if (faulted()) return;
    commitPointer();
    return enterCode(selector, descriptor, cpl(), offset);
  }
  if (viaTask(selector, descriptor, TASK_CALL, nextEip)) return;
  callGate(selector, descriptor, nextEip);
}

function callGate(selector: u32, gate: u64, nextEip: u32): void {
  const code = throughGate(selector, gate);
  if (faulted()) return;
  const attr = highOf(code);
  const target = gateSelector(gate);
  const size = systemType(highOf(gate)) == CALL_GATE32 ? 4 : 2;
  const inner = !isConforming(attr) && dplOf(attr) < cpl();
  const level = inner ? dplOf(attr) : cpl();
  if (inner) {
    useInnerStack(level);
    if (faulted()) return;
    push(selectorOf(SS), size);
    push(load<u32>(ESP), size);
    // The parameters, deepest first, from the old stack: SS still names it.
    const mask = stackMask(attrOf(SS));
    for (let i = <i32>(highOf(gate) & 0x1f) - 1; i >= 0; i--) {
      push(readCurrent((load<u32>(ESP) + i * size) & mask, size), size);
    }
  }
  push(selectorOf(CS), size);
  push(nextEip, size);
  if (!faulted()) markAccessed(target, code);
  if (!faulted() && inner) markStack();
  if (faulted()) return;
  commitPointer();
  if (inner) commitSegment();
  enterCode(target, code, level, gateOffset(gate));
}
