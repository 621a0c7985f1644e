/** Serial ATA Advanced Host Controller Interface 1.3: registers, bits, frames (FIS, Serial ATA 2.6 §10.3), and a port's state. */
import { array, below, bool, i64, ranged, type StateOf, struct, u8, u32 } from '../../core/state.ts';

export const SLOTS = 32;
/** No slot is busy. */
export const NO_SLOT = 0xff;

/** §3.1, generic host control. */
export const HOST = { CAP: 0x00, GHC: 0x04, IS: 0x08, PI: 0x0c, VS: 0x10, END: 0x20 } as const;
export const GHC = { RESET: 1, INTERRUPTS: 2, AHCI: 0x8000_0000 } as const;
/** 64-bit addresses, command queue, only AHCI, 1.5 Gbit/s, 32 slots. */
export const CAP = 0xc014_1f00;
export const VERSION = 0x0001_0000;

/** §3.3, port registers. */
export const PORT = {
  CLB: 0x00,
  CLBU: 0x04,
  FB: 0x08,
  FBU: 0x0c,
  IS: 0x10,
  IE: 0x14,
  CMD: 0x18,
  TFD: 0x20,
  SIG: 0x24,
  SSTS: 0x28,
  SCTL: 0x2c,
  SERR: 0x30,
  SACT: 0x34,
  CI: 0x38,
} as const;
export const PORTS_AT = 0x100;
export const PORT_BYTES = 0x80;

/** §3.3.5; the same bits enable interrupts. */
export const IS = {
  D2H: 1,
  PIO_SETUP: 2,
  SET_BITS: 8,
  OVERFLOW: 1 << 24,
  BUS_ERROR: 1 << 29,
  TASK_FILE: 1 << 30,
} as const;
export const IE_WRITABLE = 0xfdc0_00ff;

/** §3.3.7. */
export const CMD = {
  START: 0x01,
  SPIN_UP: 0x02,
  POWER_ON: 0x04,
  FIS_RECEIVE: 0x10,
  FIS_RUNNING: 0x4000,
  LIST_RUNNING: 0x8000,
} as const;
const CMD_READ_ONLY = 0x007d_ffe0;
const CMD_ICC = 0xf000_0000;
export const CMD_WRITABLE = ~(CMD_READ_ONLY | CMD_ICC);

/** §3.3.10 and §3.3.11: device present and talking, 1.5 Gbit/s, active. */
export const SSTS_PRESENT = 0x113;
export const SCTL_DET = 0x0f;
export const DET_RESET = 1;

/** Where frames lie in the received FIS structure, §4.2.1. */
export const RECEIVED = { PIO_SETUP: 0x20, D2H: 0x40, SET_BITS: 0x58 } as const;
export const FIS = { H2D: 0x27, D2H: 0x34, PIO_SETUP: 0x5f, SET_BITS: 0xa1 } as const;
export const FIS_BYTES = 20;
export const FIS_INTERRUPT = 0x40;
export const FIS_COMMAND = 0x80;

/** §4.2.2, the command header's first word. */
export const HEADER = { ATAPI: 0x20, WRITE: 0x40 } as const;
export const HEADER_BYTES = 32;
/** §4.2.3: the packet and the region table within a command table. */
export const TABLE = { PACKET: 0x40, REGIONS: 0x80 } as const;
export const REGION_BYTES = 16;

/** What a queued command waits for. */
export const QUEUED = { NOTHING: 0, READ: 1, WRITE: 2, FLUSH: 3 } as const;

export const portState = struct({
  listLow: u32(),
  listHigh: u32(),
  fisLow: u32(),
  fisHigh: u32(),
  is: u32(),
  ie: u32(),
  cmd: u32(CMD.SPIN_UP | CMD.POWER_ON),
  taskFile: u32(0x7f),
  signature: u32(0xffff_ffff),
  sctl: u32(),
  serr: u32(),
  sact: u32(),
  ci: u32(),
  /** The slot whose command is under way, and the one that was begun last. */
  busySlot: u8(NO_SLOT),
  slot: below(SLOTS),
  /** A frame with SRST set has come; one without it ends the reset. */
  inSoftReset: bool(),
  /** The first frame, which brings the signature, has been received. */
  signatureSent: bool(),
  /** The command's first data block (or packet) has been moved. */
  firstBlockDone: bool(),
  /** Bytes that this command moved. */
  transferred: u32(),
  queue: array(
    SLOTS,
    struct({
      step: below(4),
      request: u32(),
      slot: below(SLOTS),
      lba: i64(),
      left: ranged(u32(), 0, 0x10000),
      position: u32(),
      forced: bool(),
    }),
  ),
});
export type PortState = StateOf<{ p: typeof portState }>['p'];
