/**
 * Codes of the IR's `leave`: what translated code wants done outside, at the exact instruction count. C_PC is the next
 * instruction's address and the instruction is counted already. One that faults after all: set C_PC back by its length,
 * give one instruction back to C_BUDGET, deliver_exception. One that completes: end_shadow() if C_TAG has M_INHIBIT,
 * then single_step() if it has M_TF.
 */

/** IN: arg = size | port << PORT_SHIFT, or size | PORT_IN_DX. The result goes to AL, AX or EAX. Permission is checked. */
export const LEAVE_IN = 1;
/** OUT: as IN, from AL, AX or EAX. */
export const LEAVE_OUT = 2;
export const PORT_IN_DX = 0x8;
export const PORT_SHIFT = 8;

/**
 * INS, OUTS (permission for the port in DX is checked; segment limits and pages are not): arg = size | STRING_ADDR32 |
 * STRING_REP | source segment (OUTS) << STRING_SEGMENT_SHIFT | instruction length << STRING_LENGTH_SHIFT. With
 * STRING_REP: nothing if (E)CX is 0; if it is not 0 after a chunk of at most 4,096 elements, C_PC goes back by the
 * length. Without STRING_ADDR32 the offsets and the count have 16 bits.
 */
export const LEAVE_INS = 3;
export const LEAVE_OUTS = 4;
export const STRING_ADDR32 = 0x8;
export const STRING_REP = 0x10;
export const STRING_SEGMENT_SHIFT = 8;
export const STRING_LENGTH_SHIFT = 16;

/** HLT. */
export const LEAVE_HLT = 5;
/** RDMSR, WRMSR: arg = instruction length. #GP(0) is possible. */
export const LEAVE_RDMSR = 7;
export const LEAVE_WRMSR = 8;
