/** Where things lie in the memory of the test machine: physical = linear unless a comment says otherwise. */

export const RAM_BYTES = 96 << 20;
/** The image is loaded from here on: the driver first. */
export const IMAGE = 0x100000;
export const GDT = 0x110000;
export const IDT = 0x111000;
/** Task state segment with I/O permission bitmap. */
export const TSS = 0x112000;
export const PAGE_DIRECTORY = 0x116000;
export const PAGE_TABLE = 0x117000;
/** Top of the stack of exception handlers. */
export const STACK0 = 0x11a000;
/** Page frames of the operands' memory. */
export const SCRATCH_FRAMES = 0x120000;
/** Code pages, instance records and inputs. */
export const TABLES = 0x400000;

/** Linear addresses of what level 3 sees, within reach of 16 bits: two pages of code (read-only), two of data. */
export const CODE = 0x4000;
export const DATA = 0x8000;

/** The window of memory that each input fills and each result shows; a page ends in the middle of its operand part. */
export const WINDOW = DATA + 0xf80;
export const WINDOW_BYTES = 320;
/** The stack part of the window begins here; operands lie below. */
export const STACK_PART = 192;

/** Image of FNSAVE with 32-bit operands. */
export const FPU_BYTES = 108;

/** An instance record: physical code page, number of inputs, flags. */
export const RECORD_BYTES = 12;
export const RECORD_X87 = 1;

/** An input is the window, the x87 image if any, and this frame in the order of POP and IRET. */
export const FRAME_WORDS = 21;
/** A result is RESULT_WORDS words, the x87 image if any, and the window. */
export const RESULT_WORDS = 25;

/** A port the driver writes to when it is through. */
export const EXIT_PORT = 0xf4;
/** Ports without a device that the I/O permission bitmap opens, 8 of them. */
export const OPEN_PORTS = [0xe0, 0xed0] as const;
