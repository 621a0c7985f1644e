/** How the processor reaches the CL-GD5446's video memory: banks at A0000h, the linear frame buffer, extended write modes. */
import type { DeviceMemory } from '../../core/device.ts';
import type { CirrusBlitter } from './cirrus-blitter.ts';
import type { CirrusRegisters } from './cirrus-registers.ts';
import { type CirrusState, GR_EXT, GRX, isLinear, SR_CONFIG, SRX } from './cirrus-state.ts';
import { createVgaMemory } from './vga-memory.ts';
import { GR } from './vga-state.ts';

const BANK_BYTES = 0x8000;
const BANKS_END = 0x10000;
const MMIO_AT = 0x18000; // B8000h
export const BLT_MMIO_BYTES = 0x100;

export interface LinearPiece {
  readonly at: number;
  readonly size: number;
  readonly offset: number;
}

export interface CirrusMemory {
  /** The window at A0000h. */
  readWindow(offset: number): number;
  writeWindow(offset: number, value: number): void;
  /** The linear frame buffer. */
  readLinear(offset: number): number;
  writeLinear(offset: number, value: number): void;
  /** What accesses do is worked out anew. */
  registersChanged(): void;
  /** Parts of the window that are plain memory now. */
  plainWindow(): readonly LinearPiece[];
  /** The frame buffer is plain memory now, but for the blitter's registers at its end. */
  readonly isPlain: boolean;
}

export function createCirrusMemory(
  s: CirrusState,
  vram: DeviceMemory,
  blitter: CirrusBlitter,
  registers: CirrusRegisters,
): CirrusMemory {
  const { bytes: video, written } = vram;
  const vga = createVgaMemory(s, vram);
  const mask = video.length - 1;
  const extensions = (): number => s.gr[GRX.EXTENSIONS] ?? 0;
  const writeMode = (): number => (s.gr[GR.MODE] ?? 0) & 7;
  const isBy16 = (): boolean =>
    (extensions() & (GR_EXT.BY_16 | GR_EXT.WRITE_MODES)) === (GR_EXT.BY_16 | GR_EXT.WRITE_MODES);
  const isExpanding = (): boolean =>
    (writeMode() === 4 || writeMode() === 5) && (extensions() & GR_EXT.WRITE_MODES) !== 0;
  const mmioIs = (linear: boolean): boolean =>
    ((s.sr[SRX.CONFIG] ?? 0) & (SR_CONFIG.MMIO | SR_CONFIG.MMIO_LINEAR)) ===
    (linear ? SR_CONFIG.MMIO | SR_CONFIG.MMIO_LINEAR : SR_CONFIG.MMIO);
  const isPlain = (): boolean => !s.bltActive && !isBy16() && !(extensions() & GR_EXT.BY_8) && !isExpanding();

  /** Where a 32-KiB bank starts; -1: behind the end of the memory. */
  function bankBase(bank: number): number {
    const isDual = (extensions() & GR_EXT.TWO_BANKS) !== 0;
    const unit = extensions() & GR_EXT.BANKS_16K ? 14 : 12;
    const base = (s.gr[isDual ? GRX.BANK0 + bank : GRX.BANK0] ?? 0) << unit;
    const start = isDual ? base : base + bank * BANK_BYTES;
    return start < video.length ? start : -1;
  }
  /** The address that GRB's scaling makes of an offset. */
  const scaled = (address: number): number =>
    (isBy16() ? address << 4 : extensions() & GR_EXT.BY_8 ? address << 3 : address) & mask;

  function store(address: number, value: number): void {
    if (isExpanding()) {
      expand(address, value);
    } else {
      video[address] = value;
      written(address, 1);
    }
  }
  /** Write modes 4 and 5: eight pixels a byte, ones in the foreground colour, zeros in 5 in the background's. */
  function expand(address: number, bits: number): void {
    const wide = isBy16();
    const colours = [
      writeMode() === 5 ? [s.background, s.gr[0x10] ?? 0] : undefined,
      [s.foreground, s.gr[0x11] ?? 0],
    ] as const;
    for (let x = 0; x < 8; x++) {
      const colour = colours[(bits >> (7 - x)) & 1];
      if (colour === undefined) continue;
      for (let n = 0; n < (wide ? 2 : 1); n++) video[(address + (wide ? 2 * x + n : x)) & mask] = colour[n] ?? 0;
    }
    const length = wide ? 16 : 8;
    if (address + length <= video.length) written(address, length);
    else written(0, video.length);
  }

  return {
    readWindow(offset) {
      if (!isLinear(s)) return vga.read(offset);
      if (offset < BANKS_END) {
        const base = bankBase(offset >> 15);
        return base < 0 ? 0xff : (video[scaled(base + (offset & (BANK_BYTES - 1)))] ?? 0xff);
      }
      const isMmio = offset >= MMIO_AT && offset < MMIO_AT + BLT_MMIO_BYTES && mmioIs(false);
      return isMmio ? registers.readMmio(offset - MMIO_AT) : 0xff;
    },
    writeWindow(offset, value) {
      if (!isLinear(s)) {
        vga.write(offset, value);
      } else if (offset < BANKS_END) {
        if (blitter.feed(value)) return;
        const base = bankBase(offset >> 15);
        if (base >= 0) store(scaled(base + (offset & (BANK_BYTES - 1))), value);
      } else if (offset >= MMIO_AT && offset < MMIO_AT + BLT_MMIO_BYTES && mmioIs(false)) {
        registers.writeMmio(offset - MMIO_AT, value);
      }
    },
    readLinear(offset) {
      const address = offset & mask;
      if (address >= video.length - BLT_MMIO_BYTES && mmioIs(true)) return registers.readMmio(address & 0xff);
      return video[scaled(address)] ?? 0xff;
    },
    writeLinear(offset, value) {
      const address = offset & mask;
      if (address >= video.length - BLT_MMIO_BYTES && mmioIs(true)) registers.writeMmio(address & 0xff, value);
      else if (!blitter.feed(value)) store(scaled(address), value);
    },
    registersChanged: vga.registersChanged,
    plainWindow() {
      if (!isLinear(s)) {
        const piece = vga.linearWindow();
        return piece === undefined ? [] : [piece];
      }
      if (!isPlain()) return [];
      return [0, 1].flatMap((bank) => {
        const offset = bankBase(bank);
        if (offset < 0 || offset + BANK_BYTES > video.length) return [];
        return [{ at: bank * BANK_BYTES, size: BANK_BYTES, offset }];
      });
    },
    get isPlain() {
      return isPlain();
    },
  };
}
