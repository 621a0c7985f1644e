/**
 * Where the x87 state lies in linear memory. Valid as TypeScript and as AssemblyScript. All fields but the
 * registers' significands are 32-bit words, so that translated code can read and write them as i32.
 */

/**
 * Eight physical registers of 16 bytes: u64 significand, u16 sign and exponent, u16 zero, u32 empty (1) or not (0).
 * ST(i) is register (TOP + i) & 7.
 */
export const FPU_REGS = 0x1400;
export const FPU_REG_SIZE = 16;
export const FPU_REG_META = 8;
export const FPU_REG_EMPTY = 12;

/** Control word (bit 6 reads as one). */
export const FPU_CONTROL = 0x1480;
/** TOP, 0 to 7. */
export const FPU_TOP = 0x1484;
/** Status word without TOP (bits 11-13 are zero); ES and B are kept up to date. */
export const FPU_STATUS = 0x1488;
/** Nonzero: an unmasked exception stopped the last operation, so the pop that belongs to it does not take place. */
export const FPU_STOPPED = 0x148c;
/** Last non-control instruction: offset, selector and opcode (11 bits), and its operand's offset and selector. */
export const FPU_IP = 0x1490;
export const FPU_CS = 0x1494;
export const FPU_OPCODE = 0x1498;
export const FPU_DP = 0x149c;
export const FPU_DS = 0x14a0;

/** Status bits that the last store's conversion raised; `fst_commit` makes them visible once memory is written. */
export const FPU_STAGED = 0x14a4;
/** Second half of an 80-bit or BCD store (bits 64-79), next to the first that the helper returns. */
export const FPU_STORE_HIGH = 0x14a8;
/** Offset of the operand of a store that may yet be stopped. */
export const FPU_STORE_DP = 0x14ac;

/** How far the report of a pending exception by FERR# has got (CR0.NE clear; SDM volume 1, 8.7.2 and appendix D): */
export const FPU_FERR = 0x14b0;
/** FERR# has raised the interrupt, which port F0H has not been told to end; */
export const FERR_RAISED = 1;
/** port F0H was written, and IGNNE# is active until no exception is pending any more. */
export const FERR_IGNORED = 2;
/** Follows from CR0.NE and FPU_FERR: FPU_ES if a pending exception keeps a waiting instruction from running, else 0. */
export const FPU_TRAPPED = 0x14b4;

export const FPU_END = 0x1600;

// Status word (Intel SDM volume 1, 8.1.3) and, for the first six, control word masks.
export const FPU_IE = 0x0001;
export const FPU_DE = 0x0002;
export const FPU_ZE = 0x0004;
export const FPU_OE = 0x0008;
export const FPU_UE = 0x0010;
export const FPU_PE = 0x0020;
export const FPU_EXCEPTIONS = 0x003f;
export const FPU_SF = 0x0040;
export const FPU_ES = 0x0080;
export const FPU_C0 = 0x0100;
export const FPU_C1 = 0x0200;
export const FPU_C2 = 0x0400;
export const FPU_C3 = 0x4000;
export const FPU_BUSY = 0x8000;
