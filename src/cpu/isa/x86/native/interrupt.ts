/** Exceptions and interrupts: delivery through the IVT and IDT (SDM volume 3, chapter 6). AssemblyScript. */
import {
  C_BUDGET,
  C_FAULT,
  C_FAULT_ADDR,
  C_FAULT_CODE,
  C_FAULT_ERR,
  C_STEPPING,
  C_TAG,
} from '../../../ir/layout';
import {
  AC,
  ATTR_P,
  CR0_PE,
  CS,
  DS,
  ES,
  F_BREAKPOINT_HITS,
  F_CPL,
  F_CR0,
  F_CR2,
  F_DR as F_DR0,
  F_DR6,
  F_DR7,
  F_EFLAGS,
  F_HALTED,
  F_IDT_BASE,
  F_IDT_LIMIT,
  F_INHIBIT,
  F_SHUTDOWN,
  FS,
  GS,
  IF,
  NT,
  OF,
  RF,
  SHADOW_SS,
  SS,
  TF,
  TR,
  V_AC,
  V_BP,
  V_DB,
  V_DE,
  V_DF,
  V_GP,
  V_MF,
  V_NP,
  V_OF,
  V_PF,
  V_STORE_STOPPED,
  V_TS,
  VM,
  ESP,
} from '../layout';
import {
  attrOf,
  cpl,
  eip,
  faulted,
  isVm86,
  ldSystem,
  ldSystem64,
  raise,
  raiseGate,
  raiseSelector,
  selectorOf,
  setEip,
  setExternal,
} from './cpu';
import { currentFlags, get_eflags, iopl } from './flags';
import { reportByFerr } from './fpu/ferr';
import { fst_commit } from './fpu/load-store';
import { end_shadow, shutDown, update_mode } from './mode';
import { FPU_CS, FPU_DP, FPU_DS, FPU_IP, FPU_OPCODE, FPU_STORE_DP } from '../fpu-layout';
import { M_INHIBIT, M_TF } from '../mode';
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
  systemType,
} from './segment';
import {
  commitPointer,
  commitSegment,
  markStack,
  push,
  useCurrentStack,
  useInnerStack,
} from './stack';
import { switchTask, TASK_CALL, takeSwitched, taskWantsTrap } from './task';

// How an interrupt came about.
/** INT n, INT3, INTO: the gate's DPL is checked. */
const SOFTWARE: i32 = 0;
const EXTERNAL: i32 = 1;
/** A fault or a trap of the processor's own. */
const EXCEPTION: i32 = 2;

// Kinds of int_n (helpers.ts).
const INT_N: i32 = 0;
const INT_1: i32 = 2;

const TASK_GATE: u32 = 5;

// DR6: a single step, or a task whose TSS asks for it.
const DR6_BS: u32 = 0x4000;
const DR6_BT: u32 = 0x8000;

function hasErrorCode(vector: i32): bool {
  return vector == V_DF || (vector >= V_TS && vector <= V_PF) || vector == V_AC;
}

/** Faults push RF set, so that an instruction breakpoint does not strike again; #DB leaves it to the handler. */
function isFault(vector: i32): bool {
  return vector != V_DB && vector != V_BP && vector != V_OF && vector != V_DF;
}

function deliverReal(vector: i32, returnEip: u32): void {
  if (<u32>(vector << 2) + 3 > load<u32>(F_IDT_LIMIT)) return raise(V_GP, 0);
  const at = load<u32>(F_IDT_BASE) + (vector << 2);
  const entry = ldSystem(at, 4);
  if (faulted()) return;
  useCurrentStack();
  push(get_eflags(), 2);
  push(selectorOf(CS), 2);
  push(returnEip, 2);
  if (faulted()) return;
  commitPointer();
  store<u32>(F_EFLAGS, load<u32>(F_EFLAGS) & ~(IF | TF | AC | RF));
  store<u32>(F_INHIBIT, 0);
  setReal(CS, entry >> 16);
  update_mode();
  setEip(entry & 0xffff);
}

function deliverToTask(vector: i32, selector: u32, kind: i32, errorCode: u32, returnEip: u32): void {
  switchTask(selector, TASK_CALL, returnEip, V_GP);
  if (faulted() || kind != EXCEPTION || !hasErrorCode(vector)) return;
  useCurrentStack();
  push(errorCode, (attrOf(TR) & 0x800) != 0 ? 4 : 2);
  if (!faulted()) commitPointer();
}

function deliverProtected(vector: i32, kind: i32, errorCode: u32, returnEip: u32): void {
  if (<u32>(vector << 3) + 7 > load<u32>(F_IDT_LIMIT)) return raiseGate(V_GP, vector);
  const gate = ldSystem64(load<u32>(F_IDT_BASE) + (vector << 3));
  if (faulted()) return;
  const gateAttr = highOf(gate);
  const type = systemType(gateAttr);
  if (type != TASK_GATE && (type & 0x16) != 6) return raiseGate(V_GP, vector); // 6, 7, 14, 15 are gates
  if (kind == SOFTWARE && dplOf(gateAttr) < cpl()) return raiseGate(V_GP, vector);
  if ((gateAttr & ATTR_P) == 0) return raiseGate(V_NP, vector);
  const selector = <u32>(gate >> 16) & 0xffff;
  if (type == TASK_GATE) return deliverToTask(vector, selector, kind, errorCode, returnEip);

  if (isNull(selector)) return raiseSelector(V_GP, 0);
  const code = fetchDescriptor(selector, V_GP);
  if (faulted()) return;
  const attr = highOf(code);
  const vm = isVm86();
  const level = isConforming(attr) ? cpl() : dplOf(attr);
  if (!isCode(attr) || dplOf(attr) > cpl()) return raiseSelector(V_GP, selector);
  if (vm && level != 0) return raiseSelector(V_GP, selector);
  if ((attr & ATTR_P) == 0) return raiseSelector(V_NP, selector);
  const size = (type & 8) != 0 ? 4 : 2;
  const inner = level < cpl();
  if (inner) useInnerStack(level);
  else useCurrentStack();
  if (faulted()) return;
  const offset = (<u32>gate & 0xffff) | (size == 4 ? gateAttr & 0xffff0000 : 0);
  if (offset > limitOfDescriptor(code)) return raiseSelector(V_GP, 0);

  if (vm) {
    push(selectorOf(GS), size);
    push(selectorOf(FS), size);
    push(selectorOf(DS), size);
    push(selectorOf(ES), size);
  }
  if (inner) {
    push(selectorOf(SS), size);
    push(load<u32>(ESP), size);
  }
  push(get_eflags() | (kind == EXCEPTION && isFault(vector) ? RF : 0), size);
  push(selectorOf(CS), size);
  push(returnEip, size);
  if (kind == EXCEPTION && hasErrorCode(vector)) push(errorCode, size);
  if (faulted()) return;
  markAccessed(selector, code);
  if (inner && !faulted()) markStack();
  if (faulted()) return;

  if (vm) {
    setNull(GS, 0);
    setNull(FS, 0);
    setNull(DS, 0);
    setNull(ES, 0);
  }
  commitPointerTo(inner);
  setFromDescriptor(CS, (selector & ~3) | level, code);
  store<u32>(F_CPL, level);
  const cleared: u32 = TF | VM | RF | NT | ((type & 1) == 0 ? IF : 0);
  store<u32>(F_EFLAGS, load<u32>(F_EFLAGS) & ~cleared);
  store<u32>(F_INHIBIT, 0);
  update_mode();
  setEip(offset);
}

// @ts-ignore: decorator
@inline
function commitPointerTo(inner: bool): void {
  commitPointer();
  if (inner) commitSegment();
}

/** One attempt; C_FAULT is set if it fails, and then nothing has changed (unless a task switch was under way). */
function deliver(vector: i32, kind: i32, errorCode: u32, returnEip: u32): void {
  if (vector == V_DB) store<u32>(F_DR7, load<u32>(F_DR7) & ~0x2000); // GD: the handler may use the debug registers
  setExternal(kind != SOFTWARE);
  if ((load<u32>(F_CR0) & CR0_PE) != 0) deliverProtected(vector, kind, errorCode, returnEip);
  else deliverReal(vector, returnEip);
  setExternal(false);
}

/** #DE, #TS, #NP, #SS, #GP: two of them in a row, or one on top of a page fault, are a double fault (table 6-5). */
function isContributory(vector: i32): bool {
  return vector == V_DE || (vector >= V_TS && vector <= V_GP);
}

/** The x87 store at C_PC is through without having written or popped; its exception is pending from now on. */
function completeStoppedStore(): void {
  const info = load<u32>(C_FAULT_ERR);
  store<i32>(C_FAULT, 0);
  fst_commit(0);
  store<u32>(FPU_IP, eip());
  store<u32>(FPU_CS, selectorOf(CS));
  store<u32>(FPU_OPCODE, (info >> 4) & 0x7ff);
  store<u32>(FPU_DP, load<u32>(FPU_STORE_DP));
  store<u32>(FPU_DS, selectorOf(info >> 16));
  setEip(eip() + (info & 15));
  store<i32>(C_BUDGET, load<i32>(C_BUDGET) - 1);
  const mode = load<u32>(C_TAG);
  if ((mode & M_INHIBIT) != 0) end_shadow();
  if ((mode & M_TF) != 0) single_step();
}

/** Delivers the exception that C_FAULT and its companions tell of, to the instruction at C_PC. */
export function deliver_exception(): void {
  if (load<i32>(C_FAULT_CODE) == V_STORE_STOPPED) return completeStoppedStore();
  if (load<i32>(C_FAULT_CODE) == V_MF && reportByFerr()) {
    // Whoever delivers exceptions sees to the interrupt. If none is taken, the instruction goes on, as in QEMU.
    store<i32>(C_FAULT, 0);
    return;
  }
  const stepping = load<u32>(C_STEPPING);
  store<u32>(C_STEPPING, 1); // stacks and tables may lie next to code, or even in I/O
  let vector = load<i32>(C_FAULT_CODE);
  let errorCode = load<u32>(C_FAULT_ERR);
  for (;;) {
    store<i32>(C_FAULT, 0);
    if (vector == V_PF) store<u32>(F_CR2, load<u32>(C_FAULT_ADDR));
    deliver(vector, EXCEPTION, errorCode, eip());
    if (!faulted()) break;
    const second = load<i32>(C_FAULT_CODE);
    if (vector == V_DF) {
      store<i32>(C_FAULT, 0);
      shutDown();
      break;
    }
    if (isContributory(second) ? isContributory(vector) || vector == V_PF : second == V_PF && vector == V_PF) {
      if (second == V_PF) store<u32>(F_CR2, load<u32>(C_FAULT_ADDR));
      vector = V_DF;
      errorCode = 0;
    } else {
      vector = second;
      errorCode = load<u32>(C_FAULT_ERR);
    }
  }
  store<u32>(C_STEPPING, stepping);
  store<u32>(F_BREAKPOINT_HITS, 0); // those of an instruction that did not complete, and of delivery itself
  finishTaskSwitch();
}

/** Delivers an interrupt from outside (or an NMI, vector 2) before the instruction at C_PC. Wakes from HLT. */
export function deliver_interrupt(vector: i32): void {
  const stepping = load<u32>(C_STEPPING);
  store<u32>(C_STEPPING, 1);
  store<u32>(F_HALTED, 0);
  deliver(vector, EXTERNAL, 0, eip());
  if (faulted()) deliver_exception();
  store<u32>(C_STEPPING, stepping);
  store<u32>(F_BREAKPOINT_HITS, 0);
  finishTaskSwitch();
}

export function int_n(vector: i32, nextEip: u32, kind: i32): void {
  // Without VME, INT n is sensitive to IOPL in virtual-8086 mode; INT3, INTO and INT1 are not.
  if (kind == INT_N && isVm86() && iopl() < 3) return raise(V_GP, 0);
  deliver(vector & 0xff, kind == INT_1 ? EXTERNAL : SOFTWARE, 0, nextEip);
  finishTaskSwitch();
}

export function into(nextEip: u32): void {
  if ((currentFlags() & OF) == 0) {
    setEip(nextEip);
    if ((load<u32>(F_EFLAGS) & TF) != 0) single_step();
    return;
  }
  deliver(V_OF, SOFTWARE, 0, nextEip);
  finishTaskSwitch();
}

/**
 * After what may have been a task switch: a fault beyond its point of no return belongs to the new task and is
 * delivered there at once, and so is the debug trap that the new TSS's T bit asks for.
 */
export function finishTaskSwitch(): void {
  if (!takeSwitched() || load<u32>(F_SHUTDOWN) != 0) return;
  if (faulted()) deliver_exception();
  else if (taskWantsTrap()) deliverDebugTrap(DR6_BT);
}

/** The debug exception as a trap: C_PC is the next instruction. `cause`: bits of DR6 besides breakpoints that were hit. */
export function deliverDebugTrap(cause: u32): void {
  store<u32>(F_DR6, (load<u32>(F_DR6) & ~0xf) | cause | load<u32>(F_BREAKPOINT_HITS));
  raise(V_DB, 0);
  deliver_exception();
}

/** After an instruction that was stepped alone: the trap of data and I/O breakpoints. 1 if there was one. */
export function breakpoint_trap(): i32 {
  if (load<u32>(F_BREAKPOINT_HITS) == 0) return 0;
  deliverDebugTrap(0);
  return 1;
}

/** After an instruction that began with TF set, unless it loaded SS (SDM volume 3, 6.8.3). */
export function single_step(): void {
  if (load<u32>(F_INHIBIT) == SHADOW_SS) return;
  deliverDebugTrap(DR6_BS);
}

export function code_breakpoint(va: u32): void {
  const eflags = load<u32>(F_EFLAGS);
  if ((eflags & RF) != 0) {
    // It has had its effect: this instruction is not stopped, the next one may be.
    store<u32>(F_EFLAGS, eflags & ~RF);
    return;
  }
  const dr7 = load<u32>(F_DR7);
  let hits: u32 = 0;
  for (let i = 0; i < 4; i++) {
    const enabled = ((dr7 >> (2 * i)) & 3) != 0 && ((dr7 >> (16 + 4 * i)) & 3) == 0;
    if (enabled && load<u32>(F_DR0 + (i << 2)) == va) hits |= 1 << i;
  }
  if (hits == 0) return;
  store<u32>(F_DR6, (load<u32>(F_DR6) & ~0xf) | hits);
  raise(V_DB, 0);
}
