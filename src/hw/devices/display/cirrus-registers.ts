/** The CL-GD5446's additions to the VGA's ports, and the same registers of the blitter in memory. */
import type { CirrusBlitter } from './cirrus-blitter.ts';
import { CHIP_ID, type CirrusState, CRX, GRX, SR_CURSOR, SRX } from './cirrus-state.ts';
import type { VgaExtension } from './vga-registers.ts';
import { CR, GR, GR_MASK, SR_MASK } from './vga-state.ts';

const UNLOCKED = 0x12;
const LOCKED = 0x0f;
const HIDDEN_DAC_READS = 4;

/** Bits that exist, where not all do. */
const GR_BITS: Readonly<Record<number, number>> = {
  [GR.MODE]: 0x7f,
  [GRX.BLT_WIDTH + 1]: 0x1f,
  [GRX.BLT_HEIGHT + 1]: 0x07,
  [GRX.BLT_DST_PITCH + 1]: 0x1f,
  [GRX.BLT_SRC_PITCH + 1]: 0x1f,
  [GRX.BLT_DST + 2]: 0x3f,
  [GRX.BLT_SRC + 2]: 0x3f,
};
const FIRST_EXTENDED_GR = 9;
const LAST_GR = 0x39;

/** Which GR register each byte of the blitter's registers in memory is ("Memory-Mapped I/O"). */
const MMIO_REGISTERS: Readonly<Record<number, number>> = {
  0: 0x00,
  1: 0x10,
  2: 0x12,
  3: 0x14,
  4: 0x01,
  5: 0x11,
  6: 0x13,
  7: 0x15,
  8: 0x20,
  9: 0x21,
  10: 0x22,
  11: 0x23,
  12: 0x24,
  13: 0x25,
  14: 0x26,
  15: 0x27,
  16: 0x28,
  17: 0x29,
  18: 0x2a,
  20: 0x2c,
  21: 0x2d,
  22: 0x2e,
  23: 0x2f,
  24: 0x30,
  26: 0x32,
  27: 0x33,
  28: 0x34,
  29: 0x35,
  32: 0x38,
  33: 0x39,
  64: 0x31,
};

export interface CirrusRegisters extends VgaExtension {
  /** The blitter's registers in memory, 256 bytes. */
  readMmio(offset: number): number;
  writeMmio(offset: number, value: number): void;
}

export function createCirrusRegisters(
  s: CirrusState,
  { blitter, changed }: { readonly blitter: CirrusBlitter; changed(): void },
): CirrusRegisters {
  function readSr(): number | undefined {
    const index = s.srIndex;
    if ((index & 0x1f) === SRX.CURSOR_X || (index & 0x1f) === SRX.CURSOR_Y) return s.sr[index & 0x1f];
    return index < s.sr.length ? s.sr[index] : 0xff;
  }
  function writeSr(value: number): void {
    const index = s.srIndex;
    // The upper bits of the index are the lower ones of the cursor's place.
    if ((index & 0x1f) === SRX.CURSOR_X) s.cursorX = (value << 3) | (index >> 5);
    if ((index & 0x1f) === SRX.CURSOR_Y) s.cursorY = (value << 3) | (index >> 5);
    if ((index & 0x1f) === SRX.CURSOR_X || (index & 0x1f) === SRX.CURSOR_Y) s.sr[index & 0x1f] = value;
    else if (index <= 4) s.sr[index] = value & (SR_MASK[index] ?? 0);
    else if (index === SRX.UNLOCK) s.sr[index] = (value & 0x17) === UNLOCKED ? UNLOCKED : LOCKED;
    else if (index === SRX.CONFIG) s.sr[index] = ((s.sr[index] ?? 0) & 0x38) | (value & 0xc7);
    else if (index < s.sr.length) s.sr[index] = value;
    changed();
  }

  function readGr(index: number): number {
    if (index === GR.SET_RESET) return s.background;
    if (index === GR.ENABLE_SET_RESET) return s.foreground;
    return index <= LAST_GR ? (s.gr[index] ?? 0) : 0xff;
  }
  function writeGr(index: number, value: number): void {
    if (index === GR.SET_RESET) s.background = value;
    if (index === GR.ENABLE_SET_RESET) s.foreground = value;
    if (index === GRX.BLT_STATUS) blitter.control(value);
    else if (index <= LAST_GR) {
      s.gr[index] = value & (GR_BITS[index] ?? (index < FIRST_EXTENDED_GR ? (GR_MASK[index] ?? 0) : 0xff));
      if (index === GRX.BLT_DST + 2) blitter.destinationSet();
    }
    changed();
  }

  function readCr(): number | undefined {
    switch (s.crIndex) {
      case CRX.LATCH:
        return (s.latch >>> (8 * (s.gr[GR.READ_MAP] ?? 0))) & 0xff;
      case CRX.FLIP_FLOP:
        return s.arData ? 0x80 : 0;
      case CRX.AR_INDEX:
        return s.arIndex;
      case CRX.ID:
        return CHIP_ID;
      default:
        return undefined;
    }
  }

  const hasCursorPalette = (): boolean => ((s.sr[SRX.CURSOR] ?? 0) & SR_CURSOR.PALETTE) !== 0;

  function readCursorPalette(): number {
    const value = s.cursorPalette[(s.dacReadIndex & 15) * 3 + s.dacPart] ?? 0;
    s.dacPart = (s.dacPart + 1) % 3;
    if (s.dacPart === 0) s.dacReadIndex = (s.dacReadIndex + 1) & 0xff;
    return value;
  }
  function writeCursorPalette(value: number): void {
    s.dacCache[s.dacPart] = value;
    s.dacPart = (s.dacPart + 1) % 3;
    if (s.dacPart !== 0) return;
    s.cursorPalette.set(s.dacCache, (s.dacWriteIndex & 15) * 3);
    s.dacWriteIndex = (s.dacWriteIndex + 1) & 0xff;
  }

  function readHiddenDac(): number {
    if (s.hiddenDacReads < HIDDEN_DAC_READS) {
      s.hiddenDacReads++;
      return 0xff;
    }
    s.hiddenDacReads = 0;
    return s.hiddenDac;
  }
  function writeHiddenDac(value: number): void {
    if (s.hiddenDacReads === HIDDEN_DAC_READS) s.hiddenDac = value;
    s.hiddenDacReads = 0;
  }

  return {
    read(port) {
      switch (port) {
        case 0x3c5:
          return readSr();
        case 0x3c6:
          return readHiddenDac();
        case 0x3c9:
          return hasCursorPalette() ? readCursorPalette() : undefined;
        case 0x3cf:
          return readGr(s.grIndex);
        case 0x3b5:
        case 0x3d5:
          return readCr();
        default:
          return undefined;
      }
    },
    write(port, value) {
      switch (port) {
        case 0x3c4:
          s.srIndex = value;
          return true;
        case 0x3c5:
          writeSr(value);
          return true;
        case 0x3c6:
          writeHiddenDac(value);
          return true;
        case 0x3c9:
          if (!hasCursorPalette()) return false;
          writeCursorPalette(value);
          return true;
        case 0x3ce:
          s.grIndex = value & 0x3f;
          return true;
        case 0x3cf:
          writeGr(s.grIndex, value);
          return true;
        case 0x3b5:
        case 0x3d5:
          return s.crIndex >= CRX.LATCH && s.crIndex <= CRX.ID;
        default:
          return false;
      }
    },
    readMmio(offset) {
      const index = MMIO_REGISTERS[offset];
      return index === undefined ? 0xff : readGr(index);
    },
    writeMmio(offset, value) {
      const index = MMIO_REGISTERS[offset];
      if (index !== undefined) writeGr(index, value);
    },
  };
}

/** Bits beyond the VGA's of the address at which the picture starts, in words, and of its offset register. */
export const startAddress = ({ cr }: CirrusState): number =>
  ((cr[CR.START_HIGH] ?? 0) << 8) |
  (cr[CR.START_LOW] ?? 0) |
  (((cr[CRX.EXTENDED] ?? 0) & 0x01) << 16) |
  (((cr[CRX.EXTENDED] ?? 0) & 0x0c) << 15) |
  (((cr[CRX.OVERLAY] ?? 0) & 0x80) << 12);
export const strideBytes = ({ cr }: CirrusState): number =>
  ((cr[CR.OFFSET] ?? 0) | (((cr[CRX.EXTENDED] ?? 0) & 0x10) << 4)) << 3;
