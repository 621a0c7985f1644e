/**
 * Where the state that translated code works on lies in the shared linear memory. Valid as TypeScript and as
 * AssemblyScript (plain integer constants), so that the engine, the front ends and their native parts read one text.
 * Addresses are bytes. Everything a T1 operand names must lie below 64 KiB (operands are u16 addresses).
 */

/** Slot or temporary i (8 bytes each, i32 values in the low half): STATE + 8 * i, i < 256. */
export const STATE = 0x400;
/** Operand numbers below this are guest state slots, from it on block-local temporaries. */
export const TEMP0 = 64;
export const OPERANDS = 256;

// Control words: the conversation between translated code, native parts and the run loop.
/** 0 none, else FAULT_*; every faulting access or call sets it, the code that called it looks. */
export const C_FAULT = 0x100;
/** FAULT_EXC: the exception's number (x86: vector), its error code, and the address it is about (i64). */
export const C_FAULT_CODE = 0x104;
export const C_FAULT_ERR = 0x108;
export const C_FAULT_ADDR = 0x110;
/** Instructions left in the slice, as of the last exit (translated code keeps it in a local). */
export const C_BUDGET = 0x118;
/** Why translated code came back: EXIT_*; its argument (T1 address, link address, or the code of a `leave`); a `leave`'s own argument. */
export const C_EXIT = 0x11c;
export const C_EXIT_ARG = 0x120;
export const C_LEAVE_ARG = 0x124;
/** Guest program counter (linear address on x86), i64; exact at every exit. */
export const C_PC = 0x128;
/** Translation mode (front end's flags, 20 bits) | generation of the address mapping << 20; compared on every lookup. */
export const C_TAG = 0x130;
/** A value that blocks may be specialised on besides pc and mode (x86: CS base); 0 in the usual case. */
export const C_CONTEXT = 0x134;
/** Which soft TLB is in use: 0 privileged, 1 unprivileged. */
export const C_MMU = 0x138;
/** u32 a bank: generation of its address mapping << 20, as C_TAG has that of the bank in use. */
export const C_GENERATIONS = 0x188;
/** u32 a bank: nonzero if code was found through a mapping that is not global since the generation began. */
export const C_LOCAL_CODE = 0x190;
/** Entries of TLB_LOCALS in use; more than TLB_LOCALS_MAX: there was no room for all. */
export const C_TLB_LOCAL = 0x198;
/**
 * Interrupt asked for, and enabled by the CPU (nonzero): both must be set to leave. Bit 0 of the request is the
 * machine's; others are the target's own (x86: bit 1 an NMI that may be delivered, bit 2 shutdown).
 */
export const C_INTR_REQUEST = 0x13c;
export const C_INTR_ENABLED = 0x140;
/** Nonzero while one instruction is stepped that may store into code and touch MMIO. */
export const C_STEPPING = 0x144;
/** Extent of large pages seen since the last full flush, as in an inverted mask: address and mask (0 mask = none), i64. */
export const C_LARGE_ADDR = 0x148;
export const C_LARGE_MASK = 0x150;
/** Number of entries of PMAP: physical pages from here on are unassigned. */
export const C_PMAP_PAGES = 0x158;
/** Counters for the profile (u32, wrap): slow accesses, TLB fills, slow lookups; and i64: instructions that ran compiled. */
export const C_N_SLOW = 0x160;
export const C_N_FILL = 0x164;
export const C_N_LOOKUP = 0x168;
export const C_N_T2 = 0x170;

/** The guest's clock: (C_CLOCK - C_BUDGET * C_CLOCK_RATE) >> 10 is the time in ns, i64 and u32. Set at the start of a slice. */
export const C_CLOCK = 0x178;
export const C_CLOCK_RATE = 0x180;
/** Bytes of the data access that `walk` is asked about; 0: it is not made yet (xlat). */
export const C_ACCESS_SIZE = 0x184;
/**
 * Exceptions and interrupts delivered with no instruction completed in between, and the count of instructions (i64) at
 * which: they decide when a delivery costs an instruction. Part of every target's saved state (isa/front-end.ts).
 */
export const C_DELIVERIES = 0x1a0;
export const C_DELIVERED_AT = 0x1a8;

/**
 * What a debugger watches: number of ranges in use, which of them (bits) the instruction under way has accessed, and from
 * C_WATCH on each range as first and last address (i64) and kind (u32), WATCH_SIZE bytes apart. No state of the guest.
 */
export const C_WATCHES = 0x1b0;
export const C_WATCH_HITS = 0x1b4;
export const C_WATCH = 0x1b8;
export const WATCH_SIZE = 24;
export const MAX_WATCHES = 16;
export const WATCH_WRITES = 1;
export const WATCH_READS = 2;

export const FAULT_NONE = 0;
/** An exception of the guest's processor; C_FAULT_CODE, C_FAULT_ERR and C_FAULT_ADDR say which. */
export const FAULT_EXC = 1;
/** A store into translated code: step this instruction alone. */
export const FAULT_SMC = 2;
/** An access to a page that is not RAM: step this instruction alone, at its exact instruction count. */
export const FAULT_MMIO = 3;
/** A debugger's breakpoint lies at C_PC: nothing of the instruction has happened. */
export const FAULT_BREAKPOINT = 4;

export const EXIT_BUDGET = 1;
export const EXIT_HOT = 2;
export const EXIT_LINK = 3;
export const EXIT_LOOKUP = 4;
export const EXIT_FAULT = 5;
export const EXIT_LEAVE = 6;
export const EXIT_DEAD = 7;
export const EXIT_INTR = 8;
/** A block that straddles two pages finds the second one mapped elsewhere. */
export const EXIT_STALE = 9;

/** The front end's own processor state (declared in its state.ts): control registers, descriptors, FPU … */
export const CPU_FIELDS = 0x1000;
export const CPU_FIELDS_END = 0x4000;

/** Soft TLB for code: two banks of 256. 32-bit guests: {u32 virtual page number, u32 physical page number}; 64-bit: {u64, u64}. */
export const CODE_TLB = 0x20000;
export const CODE_TLB_ENTRIES = 256;
export const CODE_TLB_BANK_SHIFT = 12;
/** u32 each: addresses of the data TLB's entries that CR3 decides about (not global), C_TLB_LOCAL of them, as far as they fit. */
export const TLB_LOCALS = 0x24000;
export const TLB_LOCALS_MAX = 0x1000;
/** Soft TLB for data: two banks (C_MMU) of TLB_ENTRIES. 32-bit guests: {u32 read tag, u32 write tag, u32 addend, -}. 64-bit: {u64, u64, u32, -}. */
export const TLB = 0x80000;
export const TLB_ENTRIES = 4096;
export const TLB_BANK_SHIFT = 17; // bytes a bank may take: 4096 entries of 32 bytes
/** u32 a region index: entries left until the region is hot, if it counts them. */
export const REGION_ENTRIES = 0xc0000;
export const REGIONS_MAX = 0x10000;
/**
 * Pages that code was looked up in, since the bank was flushed: two banks of CODE_SEEN_ENTRIES u32, by virtual page number.
 * Low half of the number + 1; 0: none; CODE_SEEN_SEVERAL: more than one.
 */
export const CODE_SEEN = 0x70000;
export const CODE_SEEN_ENTRIES = 0x1000;
export const CODE_SEEN_BANK_SHIFT = 14;
export const CODE_SEEN_SEVERAL = 0xffffffff;
/** Jump cache: 32-bit guests {u32 pc, u32 tag, u32 T1 address, u32 region index}; 64-bit {u64 pc, u32 tag, u32 T1, u32 region, -}. */
export const JUMP_CACHE = 0x100000;
export const JUMP_CACHE_BITS = 15;
/** Blocks by {pc lo, pc hi, mode, physical page, context, T1 address (0 = hole, 1 = removed), region index, -}: open addressing. */
export const BLOCK_TABLE = 0x200000;
export const BLOCK_TABLE_BITS = 18;
export const BLOCK_TABLE_ENTRY = 32;
/** Byte a 4-KiB page of this memory, by address >> 12: backing store there holds translated code. */
export const CODE_PAGES = 0xa00000;
/** Byte a page, likewise: written since its bits were last cleared (bit 0 display, bit 1 migration, bit 2 replication). */
export const DIRTY_PAGES = 0xb00000;
export const DIRTY_ALL = 7;
/** u32 a guest-physical page: address of its backing store in this memory | PMAP_*; 0 = I/O or nothing. */
export const PMAP = 0xc00000;
export const PMAP_MAX_PAGES = 0x140000; // 5 GiB of guest-physical space
export const PMAP_READONLY = 1;
/** Bit a 64-byte granule of this memory: covered by translated code. */
export const CODE_GRANULES = 0x1100000;
export const CODE_GRANULES_END = 0x1900000; // 4 GiB / 64 / 8
/** T1 bytecode, then backing store (RAM, ROM, video memory) from RAM_BASE on. */
export const ARENA = 0x1900000;
export const ARENA_END = 0x3900000;
export const RAM_BASE = 0x3900000;

/** Offset in a block's bytecode of the page (of this memory) that its first byte lies in. */
export const HEAD_PAGE = 20;

/** Bits of a physical page as `walk` returns it (in the low 12 bits). */
export const WALK_WRITABLE = 1; // a store needs no further walk (permitted, and the dirty bit is set)
export const WALK_LARGE = 2; // part of a mapping larger than 4 KiB
export const WALK_GLOBAL = 8; // kept when CR3 is loaded
export const WALK_WATCHED = 4; // every access is to come to `walk`, made by an instruction that is stepped alone
