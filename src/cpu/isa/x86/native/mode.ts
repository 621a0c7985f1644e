/** What follows from the state: translation mode, context, TLB bank, whether interrupts are taken. AssemblyScript. */
import { C_CONTEXT, C_GENERATIONS, C_INTR_ENABLED, C_INTR_REQUEST, C_MMU, C_TAG } from '../../../ir/layout';
import {
  AC,
  ATTR_BIG,
  ATTR_CODE,
  ATTR_EXPAND_DOWN,
  ATTR_P,
  ATTR_READABLE,
  ATTR_S,
  ATTR_WRITABLE,
  CR0_AM,
  CR0_EM,
  CR0_MP,
  CR0_PE,
  CR0_TS,
  CS,
  DS,
  ES,
  F_CPL,
  F_CR0,
  F_DR7,
  F_EFLAGS,
  F_INHIBIT,
  F_NMI,
  F_SHUTDOWN,
  F_WATCHING,
  FS,
  GS,
  IF,
  IOPL,
  IOPL_SHIFT,
  NMI_BLOCKED,
  NMI_PENDING,
  SHADOW_STI,
  SS,
  TF,
  V_GP,
  VM,
} from '../layout';
import {
  M_ALIGN,
  M_CODE_BREAKPOINTS,
  M_CS32,
  M_CS_BASE,
  M_DS_BASE0,
  M_ES_BASE0,
  M_FLAT,
  M_FS_FLAT,
  M_GS_FLAT,
  M_INHIBIT,
  M_IOPL_OK,
  M_PE,
  M_SS32,
  M_SS_BASE0,
  M_TF,
  M_VM,
  M_WAIT_TRAP,
  M_X87_TRAP,
  MODE_MASK,
} from '../mode';
import { attrOf, baseOf, limitOf, raise } from './cpu';
import { tlb_flush } from './exec';
import { updateTrapped } from './fpu/ferr';
import { isDataBreakpoint } from './paging';

/** Spans 4 GiB and may be read and (data) written: an access through it can't fail the segment's checks. */
function isFlat(seg: u32): bool {
  if (limitOf(seg) != 0xffffffff) return false;
  const attr = attrOf(seg);
  if ((attr & (ATTR_P | ATTR_S)) != (ATTR_P | ATTR_S)) return false;
  if ((attr & ATTR_CODE) != 0) return seg == CS && (attr & ATTR_READABLE) != 0;
  return (attr & (ATTR_WRITABLE | ATTR_EXPAND_DOWN)) == ATTR_WRITABLE;
}

/** What DR7 enables: a mode bit for instruction breakpoints (R/W = 0), and whether data are watched. */
function breakpoints(): u32 {
  const dr7 = load<u32>(F_DR7);
  let mode: u32 = 0;
  let watching: u32 = 0;
  for (let i = 0; (dr7 & 0xff) != 0 && i < 4; i++) {
    if (((dr7 >> (2 * i)) & 3) == 0) continue;
    const kind = (dr7 >> (16 + 4 * i)) & 3;
    if (kind == 0) mode = M_CODE_BREAKPOINTS;
    else if (isDataBreakpoint(kind)) watching = 1;
  }
  if (watching != load<u32>(F_WATCHING)) {
    store<u32>(F_WATCHING, watching);
    tlb_flush();
  }
  return mode;
}

export function update_mode(): void {
  const eflags = load<u32>(F_EFLAGS);
  const cr0 = load<u32>(F_CR0);
  const level = load<u32>(F_CPL);
  const vm = (eflags & VM) != 0;
  let mode = level;
  if ((attrOf(CS) & ATTR_BIG) != 0) mode |= M_CS32;
  if ((attrOf(SS) & ATTR_BIG) != 0) mode |= M_SS32;
  if ((cr0 & CR0_PE) != 0) mode |= M_PE;
  if (vm) mode |= M_VM;
  if ((eflags & TF) != 0) mode |= M_TF;
  if (load<u32>(F_INHIBIT) != 0) mode |= M_INHIBIT;
  if ((cr0 & (CR0_TS | CR0_EM)) != 0) mode |= M_X87_TRAP;
  if ((cr0 & (CR0_TS | CR0_MP)) == (CR0_TS | CR0_MP)) mode |= M_WAIT_TRAP;
  if (baseOf(DS) == 0) mode |= M_DS_BASE0;
  if (baseOf(ES) == 0) mode |= M_ES_BASE0;
  if (baseOf(SS) == 0) mode |= M_SS_BASE0;
  if (isFlat(CS) && isFlat(SS) && isFlat(DS) && isFlat(ES)) mode |= M_FLAT;
  if (isFlat(FS)) mode |= M_FS_FLAT;
  if (isFlat(GS)) mode |= M_GS_FLAT;
  if (baseOf(CS) != 0) mode |= M_CS_BASE;
  const io = (eflags & IOPL) >> IOPL_SHIFT;
  if (level <= io) mode |= M_IOPL_OK;
  mode |= breakpoints();
  if (level == 3 && (cr0 & CR0_AM) != 0 && (eflags & AC) != 0) mode |= M_ALIGN;
  const bank = u32(level == 3);
  store<u32>(C_TAG, load<u32>(C_GENERATIONS + (bank << 2)) | mode);
  store<u32>(C_CONTEXT, baseOf(CS));
  store<u32>(C_MMU, bank);
  updateInterruptEnable();
  updateTrapped();
}

const REQUEST_NMI: u32 = 2;
const REQUEST_SHUTDOWN: u32 = 4;

/** Only the parts that shutdown, IF, NMIs and the interrupt shadow decide. The shadow of STI keeps NMIs back, too, as some processors do. */
function updateInterruptEnable(): void {
  const nmi = load<u32>(F_NMI) == NMI_PENDING;
  const request = load<u32>(C_INTR_REQUEST) & ~(REQUEST_NMI | REQUEST_SHUTDOWN);
  if (load<u32>(F_SHUTDOWN) != 0) {
    store<u32>(C_INTR_REQUEST, request | REQUEST_SHUTDOWN);
    store<u32>(C_INTR_ENABLED, 1);
    return;
  }
  store<u32>(C_INTR_REQUEST, nmi ? request | REQUEST_NMI : request);
  store<u32>(C_INTR_ENABLED, u32(((load<u32>(F_EFLAGS) & IF) != 0 || nmi) && load<u32>(F_INHIBIT) == 0));
}

/**
 * The processor stops. A helper that delivers exceptions itself (single step, task switch) returns to translated code,
 * which must not go on: it looks for interrupts next, so this is one.
 */
export function shutDown(): void {
  store<u32>(F_SHUTDOWN, 1);
  updateInterruptEnable();
}

/** An NMI has come. Any number of them while one waits are one. */
export function raise_nmi(): void {
  store<u32>(F_NMI, load<u32>(F_NMI) | NMI_PENDING);
  updateInterruptEnable();
}

/** 1 if an NMI is to be delivered now: it waits no more, and blocks others until IRET (SDM volume 3, 6.7.1). */
export function take_nmi(): i32 {
  if (load<u32>(F_NMI) != NMI_PENDING) return 0;
  store<u32>(F_NMI, NMI_BLOCKED);
  updateInterruptEnable();
  return 1;
}

/** IRET has completed, to wherever. */
export function unblockNmi(): void {
  const nmi = load<u32>(F_NMI);
  if ((nmi & NMI_BLOCKED) == 0) return;
  store<u32>(F_NMI, nmi & ~NMI_BLOCKED);
  updateInterruptEnable();
}

/** Begins the shadow in which no interrupt is taken, unless one ends with this instruction: they don't add up. */
export function startShadow(kind: u32): void {
  if (load<u32>(F_INHIBIT) != 0) return;
  store<u32>(F_INHIBIT, kind);
  store<u32>(C_TAG, load<u32>(C_TAG) | M_INHIBIT);
  store<u32>(C_INTR_ENABLED, 0);
}

export function end_shadow(): void {
  store<u32>(F_INHIBIT, 0);
  store<u32>(C_TAG, load<u32>(C_TAG) & ~M_INHIBIT);
  updateInterruptEnable();
}

/** May the current privilege level change IF and do I/O? In virtual-8086 mode the level is 3. */
function mayChangeIf(): bool {
  return load<u32>(F_CPL) <= (load<u32>(F_EFLAGS) & IOPL) >> IOPL_SHIFT;
}

export function cli(): void {
  if (!mayChangeIf()) {
    raise(V_GP, 0);
    return;
  }
  store<u32>(F_EFLAGS, load<u32>(F_EFLAGS) & ~IF);
  updateInterruptEnable();
}

export function sti(): void {
  if (!mayChangeIf()) {
    raise(V_GP, 0);
    return;
  }
  const eflags = load<u32>(F_EFLAGS);
  if ((eflags & IF) != 0) return;
  store<u32>(F_EFLAGS, eflags | IF);
  startShadow(SHADOW_STI);
  // In the shadow of a load of SS no second one begins, and `end_shadow` at this instruction's end enables interrupts.
}
