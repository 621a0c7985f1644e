/**
 * The translation mode: the low 20 bits of C_TAG. What a block's translation depends on besides its bytes. Valid as
 * TypeScript and as AssemblyScript. Derived from the CPU's fields in one place, `update_mode` of native/mode.ts.
 */

/** Current privilege level (3 in virtual-8086 mode, 0 in real mode). */
export const M_CPL = 0x3;
/** Default operand and address size is 32 bits (CS.D). */
export const M_CS32 = 0x4;
/** Stack pointer is ESP, not SP (SS.B). */
export const M_SS32 = 0x8;
/** CR0.PE. */
export const M_PE = 0x10;
/** EFLAGS.VM. */
export const M_VM = 0x20;
/** EFLAGS.TF: the block is one instruction; set C_PC to the next one, call `single_step`, end with jpc. */
export const M_TF = 0x40;
/** The block is one instruction in the shadow of STI or a load of SS; it calls `end_shadow` at its end. */
export const M_INHIBIT = 0x80;
/** CR0.TS or CR0.EM: x87 instructions raise #NM. */
export const M_X87_TRAP = 0x100;
/** CR0.MP and CR0.TS: WAIT raises #NM. */
export const M_WAIT_TRAP = 0x200;
export const M_DS_BASE0 = 0x400;
export const M_ES_BASE0 = 0x800;
export const M_SS_BASE0 = 0x1000;
/** CS, SS, DS and ES span 4 GiB and are of the right types: no checks (their bases may differ from zero). */
export const M_FLAT = 0x2000;
/** The same of FS and of GS alone. */
export const M_FS_FLAT = 0x4000;
export const M_GS_FLAT = 0x8000;
/** The base of CS is not zero: it is C_CONTEXT. */
export const M_CS_BASE = 0x10000;
/** CLI, STI, IN, OUT, INS, OUTS need no check (virtual-8086: IOPL is 3; else CPL <= IOPL). */
export const M_IOPL_OK = 0x20000;
/** DR7 enables an instruction breakpoint: each instruction is a block and begins with `code_breakpoint`. */
export const M_CODE_BREAKPOINTS = 0x40000;
/** CR0.AM, EFLAGS.AC and CPL 3: data accesses must be aligned. */
export const M_ALIGN = 0x80000;
export const MODE_MASK = 0xfffff;
