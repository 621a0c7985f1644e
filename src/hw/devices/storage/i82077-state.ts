/** State, registers and bits of the 82077AA floppy disk controller; § names: Intel 290166-007. */
import { array, below, bool, bytes, ranged, type StateOf, timer, u8, u32, vmstate } from '../../core/state.ts';
import { FLOPPY_SECTOR_BYTES, floppyState } from './floppy-drive.ts';

/** §2.1.1, status register A (in PS/2 mode). */
export const SRA = { NO_DRIVE_2: 0x40, INTERRUPT: 0x80 } as const;
/** §2.1.2, status register B. */
export const SRB = { MOTOR_0: 0x01, MOTOR_1: 0x02, DRIVE_0: 0x20, UNUSED: 0xc0 } as const;
/** §2.1.3, digital output register. */
export const DOR = { SELECT: 0x01, NOT_RESET: 0x04, DMA: 0x08, MOTOR_0: 0x10, MOTOR_1: 0x20 } as const;
/** §2.1.5, datarate select register. */
export const DSR = { RATE: 0x03, POWER_DOWN: 0x40, RESET: 0x80 } as const;
/** §2.1.6, main status register. */
export const MSR = { BUSY: 0x10, NON_DMA: 0x20, TO_HOST: 0x40, READY: 0x80 } as const;
/** §5.2.7, CONFIGURE. */
export const CONFIG = { NO_FIFO: 0x20, IMPLIED_SEEK: 0x40 } as const;
/** §6.1 to §6.3, status bytes. */
export const ST0 = { HEAD: 0x04, SEEK_END: 0x20, ABNORMAL: 0x40, INVALID: 0x80, READY_CHANGED: 0xc0 } as const;
export const ST1 = { MISSING_MARK: 0x01, NOT_WRITABLE: 0x02, DATA_ERROR: 0x20, END_OF_CYLINDER: 0x80 } as const;
export const ST2 = { SCAN_NOT_SATISFIED: 0x04, SCAN_EQUAL: 0x08, DATA_ERROR: 0x20 } as const;

export const PHASE = { COMMAND: 0, EXECUTION: 1, RESULT: 2 } as const;

/** What a command of the data group does with each sector. */
export const TRANSFER = { READ: 0, WRITE: 1, VERIFY: 2, SCAN_EQUAL: 3, SCAN_LOW: 4, SCAN_HIGH: 5, FORMAT: 6 } as const;

/** Longer than any track, so that a track is read at once. */
export const TRACK_BYTES = 48 * FLOPPY_SECTOR_BYTES;
/** Command and result bytes; RESTORE has most. */
export const FIFO_BYTES = 18;

export const controllerState = vmstate('fdc', 3, {
  sra: u8(),
  srb: u8(SRB.UNUSED),
  dor: u8(DOR.NOT_RESET | DOR.DMA),
  tdr: u8(),
  dsr: u8(),
  msr: u8(MSR.READY),
  status0: u8(),
  selected: below(2),
  /** SENSE INTERRUPT STATUS answers that are left after a reset. */
  resetSenses: below(5),
  phase: below(3),
  fifo: bytes(FIFO_BYTES),
  fifoAt: ranged(u8(), 0, FIFO_BYTES),
  fifoLength: ranged(u8(1), 1, FIFO_BYTES),
  config: u8(CONFIG.IMPLIED_SEEK | CONFIG.NO_FIFO),
  precompensation: u8(),
  timer0: u8(),
  timer1: u8(),
  locked: bool(),
  powerDown: u8(),
  drives: array(2, floppyState),
  // A transfer.
  transfer: below(7),
  multiTrack: bool(),
  endOfTrack: u8(),
  fill: u8(),
  /** Bytes of the command, and those that were moved. */
  length: u32(),
  position: u32(),
  /** Sectors between disk and memory: the part [at, end) of the buffer is still to be moved, or to be filled. */
  buffer: bytes(TRACK_BYTES),
  at: ranged(u32(), 0, TRACK_BYTES),
  end: ranged(u32(), 0, TRACK_BYTES),
  scanFound: bool(),
  /** The DMA controller's block ended with what is being written. */
  terminal: bool(),
  /** The disk's request that is under way; 0: none. */
  request: u32(),
  resultTimer: timer(),
});
export type ControllerState = StateOf<(typeof controllerState)['fields']>;
