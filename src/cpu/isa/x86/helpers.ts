/**
 * The functions of the native module (native/*.ts) that translated code may call: one row each. Native code exports
 * them under these names with these parameters.
 *
 * Conventions
 * - A helper with `faults` may set C_FAULT; up to then it has changed nothing (string instructions: their registers
 *   stand at the element that faults), so that the instruction can be started again.
 * - A helper marked "jumps" sets C_PC and possibly mode and context: the block ends with `jpc`, checking interrupts.
 * - A helper marked "mode" may change mode or context: the block goes on with `gotom`, checking interrupts.
 * - Linear addresses are called `va`, offsets `eip` or `offset`. Sizes count bytes.
 */

import type { Ty } from '../../ir/ops.ts';
import type { HelperInfo } from '../front-end.ts';
import { S_CC_OP, S_DF, S_EAX, S_EBP, S_EBX, S_ECX, S_EDI, S_EDX, S_ESI, S_ESP, SLOTS } from './layout.ts';

type Effects = Partial<Pick<HelperInfo, 'pure' | 'faults' | 'reads' | 'writes' | 'readsClock'>>;
type Row = Omit<HelperInfo, 'name'>;

function row(params: readonly Ty[], result: Ty | null, effects: Effects = {}): Row {
  return { params, result, pure: false, faults: false, reads: [], writes: [], ...effects };
}

const I = 'i32';
const L = 'i64';
const PURE = { pure: true } as const;
const FAULTS = { faults: true } as const;
const CC = [S_CC_OP, S_CC_OP + 1, S_CC_OP + 2];
const ALL = Array.from({ length: SLOTS }, (_, i) => i);
const BASES = ALL.slice(12);
/** May switch stacks, tasks, anything. */
const ANYTHING = { faults: true, reads: ALL, writes: ALL } as const;
const divides = { faults: true, reads: [S_EAX, S_EDX], writes: [S_EAX, S_EDX] } as const;
const adjusts = { reads: [S_EAX, ...CC], writes: [S_EAX, ...CC] } as const;
const strings = (reads: readonly number[], writes: readonly number[]): Effects => ({
  faults: true,
  reads: [S_ECX, S_DF, ...BASES, ...reads],
  writes: [S_ECX, ...writes],
});

const table = {
  // Flags. (cc_op, cc_dst, cc_src): the contents of the three slots, or whatever the caller knows them to be.
  /** CF PF AF ZF SF OF in their EFLAGS positions, all other bits clear. */
  cc_flags: row([I, I, I], I, PURE),
  /** CF, 0 or 1. */
  cc_carry: row([I, I, I], I, PURE),
  /** (cc_op, cc_dst, cc_src, condition 0 to 15): 0 or 1. */
  cc_cond: row([I, I, I, I], I, PURE),
  /** (cc_op, cc_dst, cc_src, zero): cc_flags with ZF replaced by `zero` (0 or 1). For LAR, LSL, VERR, ARPL, CMPXCHG8B … */
  cc_with_zf: row([I, I, I, I], I, PURE),
  /** The image PUSHF pushes (RF and VM clear). #GP(0) in virtual-8086 mode with IOPL below 3. */
  pushf_image: row([], I, { faults: true, reads: [...CC, S_DF] }),
  /** (value, operand size): POPF, privilege rules applied. Mode. */
  popf: row([I, I], null, { faults: true, reads: [...CC, S_DF], writes: [...CC, S_DF] }),
  /** CLI, STI with their checks. STI: mode (shadow). CLI changes no mode: the block may go on. */
  cli: row([], null, FAULTS),
  sti: row([], null, FAULTS),
  /** End of the instruction in the shadow of STI or a load of SS. Mode. */
  end_shadow: row([], null),
  /** After an instruction with TF set that has completed; C_PC must be the address of the next. Delivers #DB. Jumps. */
  single_step: row([], null, { reads: ALL, writes: ALL }),
  /** (va of the instruction): #DB if an instruction breakpoint matches and RF is clear; clears RF. */
  code_breakpoint: row([I], null, FAULTS),

  // Division: EDX:EAX (DX:AX, AX) by the operand (zero- or sign-extended alike); #DE.
  div8: row([I], null, divides),
  div16: row([I], null, divides),
  div32: row([I], null, divides),
  idiv8: row([I], null, divides),
  idiv16: row([I], null, divides),
  idiv32: row([I], null, divides),
  daa: row([], null, adjusts),
  das: row([], null, adjusts),
  aaa: row([], null, adjusts),
  aas: row([], null, adjusts),
  /** (immediate); #DE for 0. */
  aam: row([I], null, { ...adjusts, faults: true }),
  aad: row([I], null, adjusts),

  /**
   * (value, count, operand size, flags): rotate through carry. `flags` as cc_flags gives them, `count` any value (its
   * low 5 bits count). Result in the low word, new flags (for CC_EFLAGS) in the high word.
   */
  rcl: row([I, I, I, I], L, PURE),
  rcr: row([I, I, I, I], L, PURE),

  // Strings: (spec, source segment) or (spec): see STR_ below. Result 1: elements remain, repeat the instruction.
  movs: row([I, I], I, strings([S_ESI, S_EDI], [S_ESI, S_EDI])),
  stos: row([I], I, strings([S_EAX, S_EDI], [S_EDI])),
  lods: row([I, I], I, strings([S_EAX, S_ESI], [S_EAX, S_ESI])),
  scas: row([I], I, strings([S_EAX, S_EDI, ...CC], [S_EDI, ...CC])),
  cmps: row([I, I], I, strings([S_ESI, S_EDI, ...CC], [S_ESI, S_EDI, ...CC])),

  // Segmentation.
  /** (segment but CS, | LOAD_SHADOW for MOV SS and POP SS; selector): MOV, POP, LES … Mode. */
  load_seg: row([I, I], null, { faults: true, reads: BASES, writes: BASES }),
  /** (segment, offset, size | SEG_WRITE): limit and type checks of an access where the mode does not make them needless. */
  seg_check: row([I, I, I], null, FAULTS),
  /** (eip): #GP(0) if a near jump goes beyond the limit of CS. Only needed without M_FLAT. */
  jump_check: row([I], null, FAULTS),
  /** (va, size): #AC(0) if the address is not aligned. Only needed with M_ALIGN. */
  align_check: row([I, I], null, FAULTS),
  /** (port, size): #GP(0) if the TSS's permission bitmap denies the port. Only needed without M_IOPL_OK. */
  io_check: row([I, I], null, FAULTS),
  /** (selector): access rights or limit in the low word, ZF (0 or 1) in the high word. */
  lar: row([I], L, FAULTS),
  lsl: row([I], L, FAULTS),
  /** (selector): ZF. */
  verr: row([I], I, FAULTS),
  verw: row([I], I, FAULTS),
  /** (destination selector, source selector): result in the low word, ZF in the high word. */
  arpl: row([I, I], L, PURE),
  /** (selector). CPL and mode are the caller's to check. */
  lldt: row([I], null, FAULTS),
  ltr: row([I], null, FAULTS),
  /** (allocation, nesting level, operand size): ENTER with a level other than 0 (0 works too). */
  enter: row([I, I, I], null, { faults: true, reads: [S_ESP, S_EBP, ...BASES], writes: [S_ESP, S_EBP] }),

  // Control transfers. All jump.
  /** (selector, offset, EIP of the next instruction, operand size). */
  far_jmp: row([I, I, I, I], null, ANYTHING),
  far_call: row([I, I, I, I], null, ANYTHING),
  /** (operand size, bytes to release). */
  far_ret: row([I, I], null, ANYTHING),
  /** (operand size, EIP of the next instruction). */
  iret: row([I, I], null, ANYTHING),
  /** (vector, EIP of the next instruction, INT_N | INT_3 | INT_1). */
  int_n: row([I, I, I], null, ANYTHING),
  /** (EIP of the next instruction): INTO; goes on there if OF is clear. */
  into: row([I], null, ANYTHING),
  sysenter: row([], null, ANYTHING),
  sysexit: row([], null, ANYTHING),

  // System. CPL is the caller's to check.
  /** (number, value); #GP(0), #UD. Mode. */
  mov_to_cr: row([I, I], null, FAULTS),
  /** (number); #UD for CR1, CR5 and up. */
  mov_from_cr: row([I], I, FAULTS),
  /** (number, value); #UD, #DB by DR7.GD. Mode. */
  mov_to_dr: row([I, I], null, FAULTS),
  mov_from_dr: row([I], I, FAULTS),
  /** (value). Mode. */
  lmsw: row([I], null, FAULTS),
  /** Mode. */
  clts: row([], null),
  /** (va). */
  invlpg: row([I], null),
  cpuid: row([], null, { reads: [S_EAX, S_ECX], writes: [S_EAX, S_ECX, S_EDX, S_EBX] }),

  /** The time-stamp counter to EDX:EAX. Permission is the caller's to check. */
  rdtsc: row([], null, { writes: [S_EAX, S_EDX], readsClock: true }),

  // x87 memory images: (va, operand size). Segment limits are the caller's to check; #NM and #MF too.
  fnstenv: row([I, I], null, FAULTS),
  fldenv: row([I, I], null, FAULTS),
  fnsave: row([I, I], null, FAULTS),
  frstor: row([I, I], null, FAULTS),
  /** (va); #GP(0) if not aligned to 16. */
  fxsave: row([I], null, FAULTS),
  fxrstor: row([I], null, FAULTS),
} as const satisfies Readonly<Record<string, Row>>;

/** `spec` of the string helpers: element size 1, 2 or 4 | STR_ADDR32 | STR_REP or STR_REPNE (SCAS and CMPS: REPE is STR_REP). */
export const STR_ADDR32 = 0x8;
export const STR_REP = 0x10;
export const STR_REPNE = 0x20;
/** The `size` of seg_check for a store. */
export const SEG_WRITE = 0x10000;
/** The `segment` of load_seg: no interrupt is taken after this instruction (unless one ends a shadow itself). */
export const LOAD_SHADOW = 0x10;
/** Kinds of int_n. */
export const INT_N = 0;
export const INT_3 = 1;
export const INT_1 = 2;

export type SystemHelper = keyof typeof table;
export const SYSTEM_HELPERS: readonly HelperInfo[] = Object.entries(table).map(([name, info]) => ({ name, ...info }));

/**
 * Exports that JavaScript calls, not translated code (TargetNative's come on top):
 * - rdmsr(), wrmsr() at a `leave`: work on ECX, EDX, EAX in memory; C_FAULT (#GP(0)) for an unknown register.
 * - update_mode(): after fields were written from outside (loader, snapshot, debugger): derives C_TAG's mode, C_CONTEXT,
 *   C_MMU and C_INTR_ENABLED from them.
 * - get_eflags(), set_eflags(value), walk, probe, reset, deliver_exception, deliver_interrupt: engine contract.
 * - single_step() after a `leave` whose instruction completed with M_TF set, end_shadow() with M_INHIBIT set.
 * - raise_nmi(): an NMI has come; take_nmi() for the interrupt that is to be delivered now: 1 if it is the NMI.
 * - ferr_ignored(): port F0H was written.
 * - set_a20(open): the A20 gate; flushes.
 */
