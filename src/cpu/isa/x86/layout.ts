/**
 * Where the x86 processor's state lies in linear memory. Valid as TypeScript and as AssemblyScript (plain integer
 * constants), so that the front end, the native parts and the debugger read one text. x87 state: fpu-layout.ts.
 */

// Slots: state that translated code keeps in locals. Operand numbers; slot n lies at byte SLOT_BASE + 8 * n.
export const SLOT_BASE = 0x400; // STATE of ir/layout.ts
export const S_EAX = 0;
export const S_ECX = 1;
export const S_EDX = 2;
export const S_EBX = 3;
export const S_ESP = 4;
export const S_EBP = 5;
export const S_ESI = 6;
export const S_EDI = 7;
/** What the arithmetic flags are to be computed from: see cc.ts. */
export const S_CC_OP = 8;
export const S_CC_DST = 9;
export const S_CC_SRC = 10;
/** Direction flag: +1 (DF clear) or -1. */
export const S_DF = 11;
/** Segment bases: S_BASE + segment number. */
export const S_BASE = 12;
export const S_ES_BASE = 12;
export const S_CS_BASE = 13;
export const S_SS_BASE = 14;
export const S_DS_BASE = 15;
export const S_FS_BASE = 16;
export const S_GS_BASE = 17;
export const SLOTS = 18;

// The same slots as byte addresses, for native code.
export const EAX = 0x400;
export const ECX = 0x408;
export const EDX = 0x410;
export const EBX = 0x418;
export const ESP = 0x420;
export const EBP = 0x428;
export const ESI = 0x430;
export const EDI = 0x438;
export const CC_OP = 0x440;
export const CC_DST = 0x448;
export const CC_SRC = 0x450;
export const DF = 0x458;
export const BASES = 0x460;
export const CS_BASE = 0x468;
export const SS_BASE = 0x470;

// Segment registers, numbered as ModRM's reg field does, and the two system segments.
export const ES = 0;
export const CS = 1;
export const SS = 2;
export const DS = 3;
export const FS = 4;
export const GS = 5;
export const LDTR = 6;
export const TR = 7;

/**
 * Eight segment descriptors, SEG_SIZE bytes each: selector, limit (in bytes, scaled), attributes, base. The bases of
 * ES to GS are slots; theirs here stay zero. Attributes are bits 8-23 of the descriptor's high word, in place.
 */
export const SEGS = 0x1000;
export const SEG_SIZE = 16;
export const SEG_SELECTOR = 0;
export const SEG_LIMIT = 4;
export const SEG_ATTR = 8;
export const SEG_SYSTEM_BASE = 12;

/** EFLAGS without the six arithmetic flags and DF (which read as zero here). Bit 1 reads as one. */
export const F_EFLAGS = 0x1080;
export const F_CR0 = 0x1084;
export const F_CR2 = 0x1088;
export const F_CR3 = 0x108c;
export const F_CR4 = 0x1090;
/** Current privilege level: 0 in real mode, 3 in virtual-8086 mode. */
export const F_CPL = 0x1094;
/** DR0 to DR3. */
export const F_DR = 0x1098;
export const F_DR6 = 0x10a8;
export const F_DR7 = 0x10ac;
export const F_GDT_BASE = 0x10b0;
export const F_GDT_LIMIT = 0x10b4;
export const F_IDT_BASE = 0x10b8;
export const F_IDT_LIMIT = 0x10bc;
export const F_SYSENTER_CS = 0x10c0;
export const F_SYSENTER_ESP = 0x10c4;
export const F_SYSENTER_EIP = 0x10c8;
/** Applied to every physical address: all ones, or 0xffefffff while the A20 gate is closed. */
export const F_A20_MASK = 0x10cc;
/** Nonzero after HLT, until an interrupt. Written by the run loop; cleared by deliver_interrupt and reset. */
export const F_HALTED = 0x10d0;
/** Nonzero after a triple fault. */
export const F_SHUTDOWN = 0x10d4;
/** Nonzero: no interrupt after this instruction (it follows STI or a load of SS). */
export const F_INHIBIT = 0x10d8;
/** Which of them: after a load of SS the single-step trap waits too. */
export const SHADOW_STI = 1;
export const SHADOW_SS = 2;
/** Added to the virtual clock's reading of the time-stamp counter (i64); WRMSR 10H sets it. */
export const F_TSC_OFFSET = 0x10e0;
/** Page-directory-pointer-table entries 0 to 3 (i64 each) as CR3's load under PAE read them (SDM volume 3, 4.4.1). */
export const F_PDPTE = 0x10e8;
/** IA32_DEBUGCTL and P6's EBL_CR_POWERON and BBL_CR_CTL: stored and read back, without effect. */
export const F_DEBUGCTL = 0x1108;
export const F_EBL_CR_POWERON = 0x110c;
export const F_BBL_CR_CTL = 0x1110;
/** Microcode revision that CPUID after WRMSR 8BH put into IA32_BIOS_SIGN_ID (high word). */
export const F_UCODE_REVISION = 0x1114;
/** Follows from DR7: nonzero while a data breakpoint is enabled. */
export const F_WATCHING = 0x1118;
/** Breakpoints (bits 0 to 3, as in DR6) that accesses of the instruction under way have hit. */
export const F_BREAKPOINT_HITS = 0x111c;

/** Non-maskable interrupts (SDM volume 3, 6.7): one waits to be delivered; one was, and IRET has not come yet. */
export const F_NMI = 0x1120;
export const NMI_PENDING = 1;
export const NMI_BLOCKED = 2;

/**
 * Filled before reset() by cpuid.ts for the chosen model: number of basic leaves, of extended leaves, the leaves
 * themselves (EAX, EBX, ECX, EDX each), and what EDX holds after reset.
 */
export const F_CPUID_MAX = 0x1200;
export const F_CPUID_EXT_MAX = 0x1204;
export const F_CPUID_SIGNATURE = 0x1208;
/** CPUID leaf 1's EDX again: which of CR4's bits and MSRs exist. */
export const F_CPUID_FEATURES = 0x120c;
/** Physical address bits: PAE's reserved bits lie above. */
export const F_PHYS_BITS = 0x1210;
/** Mask of the bits of CR4 that this model has. */
export const F_CR4_VALID = 0x1214;
export const CPUID_BASIC = 0x1220; // up to 5 leaves
export const CPUID_BASIC_LEAVES = 5;
export const CPUID_EXTENDED = 0x1280; // up to 9 leaves: 80000000H to 80000008H
export const CPUID_EXTENDED_LEAVES = 9;
/** Where a task switch keeps the new task's registers while the old one can still fault; no state. 18 words. */
export const TASK_SCRATCH = 0x1320;
/** Subleaves of leaf 4 (caches) from 1 on; all zeros ends the list. */
export const CPUID_CACHES = 0x1370;
export const CPUID_CACHES_COUNT = 3;
export const SYSTEM_END = 0x13a0;

// EFLAGS (SDM volume 1, 3.4.3).
export const CF = 0x0001;
export const PF = 0x0004;
export const AF = 0x0010;
export const ZF = 0x0040;
export const SF = 0x0080;
export const TF = 0x0100;
export const IF = 0x0200;
export const DF_BIT = 0x0400;
export const OF = 0x0800;
export const IOPL = 0x3000;
export const IOPL_SHIFT = 12;
export const NT = 0x4000;
export const RF = 0x10000;
export const VM = 0x20000;
export const AC = 0x40000;
export const VIF = 0x80000;
export const VIP = 0x100000;
export const ID = 0x200000;
/** The six flags that cc_flags computes. */
export const ARITHMETIC = 0x08d5;

// CR0, CR4.
export const CR0_PE = 0x0001;
export const CR0_MP = 0x0002;
export const CR0_EM = 0x0004;
export const CR0_TS = 0x0008;
export const CR0_ET = 0x0010;
export const CR0_NE = 0x0020;
export const CR0_WP = 0x10000;
export const CR0_AM = 0x40000;
export const CR0_NW = 0x20000000;
export const CR0_CD = 0x40000000;
export const CR0_PG = -0x80000000;
export const CR4_VME = 0x0001;
export const CR4_PVI = 0x0002;
export const CR4_TSD = 0x0004;
export const CR4_DE = 0x0008;
export const CR4_PSE = 0x0010;
export const CR4_PAE = 0x0020;
export const CR4_MCE = 0x0040;
export const CR4_PGE = 0x0080;
export const CR4_PCE = 0x0100;
export const CR4_OSFXSR = 0x0200;
export const CR4_OSXMMEXCPT = 0x0400;

// Attributes of a segment.
export const ATTR_TYPE = 0x0f00;
export const ATTR_ACCESSED = 0x0100;
export const ATTR_WRITABLE = 0x0200; // data
export const ATTR_READABLE = 0x0200; // code
export const ATTR_EXPAND_DOWN = 0x0400; // data
export const ATTR_CONFORMING = 0x0400; // code
export const ATTR_CODE = 0x0800;
export const ATTR_S = 0x1000;
export const ATTR_DPL_SHIFT = 13;
export const ATTR_P = 0x8000;
export const ATTR_AVL = 0x100000;
/** D of code, B of data and stack. */
export const ATTR_BIG = 0x400000;
export const ATTR_G = 0x800000;
export const ATTR_MASK = 0xf0ff00;

// Exception vectors.
export const V_DE = 0;
export const V_DB = 1;
export const V_NMI = 2;
export const V_BP = 3;
export const V_OF = 4;
export const V_BR = 5;
export const V_UD = 6;
export const V_NM = 7;
export const V_DF = 8;
export const V_TS = 10;
export const V_NP = 11;
export const V_SS = 12;
export const V_GP = 13;
export const V_PF = 14;
export const V_MF = 16;
export const V_AC = 17;
/**
 * No exception of the processor's: an x87 store that an unmasked exception keeps from writing is to be completed without
 * it by deliver_exception. Error code: length of the instruction | opcode (11 bits) << 4 | segment of the operand << 16.
 */
export const V_STORE_STOPPED = 256;
