/** Registers that the CL-GD5446 adds to the VGA, by the manual's names. */
import { below, bool, bytes, ranged, type StateOf, u8, u16 } from '../../core/state.ts';
import { vgaFields } from './vga-state.ts';

/** Sequencer. */
export const SRX = {
  UNLOCK: 0x06,
  MODE: 0x07,
  CURSOR_X: 0x10,
  CURSOR_Y: 0x11,
  CURSOR: 0x12,
  PATTERN: 0x13,
  CONFIG: 0x17,
} as const;
export const SR_MODE_LINEAR = 0x01;
export const SR_CURSOR = { SHOWN: 0x01, PALETTE: 0x02, LARGE: 0x04 } as const;
/** Memory-mapped I/O of the blitter is on; it lies at the end of the frame buffer instead of at B8000h. */
export const SR_CONFIG = { MMIO: 0x04, MMIO_LINEAR: 0x40 } as const;

/** Graphics controller. */
export const GRX = {
  BANK0: 0x09,
  BANK1: 0x0a,
  EXTENSIONS: 0x0b,
  BLT_WIDTH: 0x20,
  BLT_HEIGHT: 0x22,
  BLT_DST_PITCH: 0x24,
  BLT_SRC_PITCH: 0x26,
  BLT_DST: 0x28,
  BLT_SRC: 0x2c,
  BLT_SKIP: 0x2f,
  BLT_MODE: 0x30,
  BLT_STATUS: 0x31,
  BLT_ROP: 0x32,
  BLT_EXTENSIONS: 0x33,
  BLT_KEY: 0x34,
} as const;
export const GR_EXT = { TWO_BANKS: 0x01, BY_8: 0x02, WRITE_MODES: 0x04, BY_16: 0x10, BANKS_16K: 0x20 } as const;

export const BLT_MODE = {
  BACKWARDS: 0x01,
  TO_SYSTEM: 0x02,
  FROM_SYSTEM: 0x04,
  TRANSPARENT: 0x08,
  PATTERN: 0x40,
  EXPAND: 0x80,
} as const;
export const BLT_STATUS = { BUSY: 0x01, START: 0x02, RESET: 0x04, FIFO_USED: 0x10, AUTOSTART: 0x80 } as const;
export const BLT_EXT = { DWORDS: 0x01, INVERT: 0x02, SOLID: 0x04 } as const;

/** CRT controller. */
export const CRX = {
  INTERLACE: 0x1a,
  EXTENDED: 0x1b,
  OVERLAY: 0x1d,
  LATCH: 0x22,
  FLIP_FLOP: 0x24,
  AR_INDEX: 0x26,
  ID: 0x27,
} as const;
export const CHIP_ID = 0x2e << 2;

/** A row of the widest blit. */
export const BLT_BUFFER_BYTES = 8192;

export const cirrusFields = {
  ...vgaFields,
  srIndex: u8(),
  sr: bytes(0x20),
  grIndex: below(0x40),
  gr: bytes(0x40),
  /** All eight bits of GR0 and GR1, which the VGA has four of. */
  background: u8(),
  foreground: u8(),
  hiddenDac: u8(),
  /** Reads of 3C6h since something else; after the fourth the hidden register is there. */
  hiddenDacReads: below(5),
  cursorX: u16(),
  cursorY: u16(),
  /** Sixteen colours, of which the first and the last are the cursor's. */
  cursorPalette: bytes(48),
  /** A blit waits for its source from the processor: rows that are done, and what has come of the next. */
  bltActive: bool(),
  bltRow: u16(),
  bltCount: ranged(u16(), 0, BLT_BUFFER_BYTES - 1),
  bltBuffer: bytes(BLT_BUFFER_BYTES),
};

export type CirrusState = StateOf<typeof cirrusFields>;

export const isLinear = (s: CirrusState): boolean => ((s.sr[SRX.MODE] ?? 0) & SR_MODE_LINEAR) !== 0;

/** Bits a pixel of a linear mode (SR7, and for 16 bits the hidden DAC register). */
export function bitsPerPixel(s: CirrusState): 8 | 15 | 16 | 24 | 32 {
  switch ((s.sr[SRX.MODE] ?? 0) & 0x0e) {
    case 0x02:
    case 0x06:
      return (s.hiddenDac & 0x0f) === 1 ? 16 : 15;
    case 0x04:
      return 24;
    case 0x08:
      return 32;
    default:
      return 8;
  }
}
