/**
 * Bochs's display interface ("VBE DISPI"), by which the VGA BIOS and drivers set linear modes. Document: Bochs's
 * iodev/display/vbe.h and QEMU's docs/specs/standard-vga.rst. Sizes are limited to Bochs's 2560x1600.
 */
import { CR, GR, GR_MISC_GRAPHICS, VBE, VBE_ENABLE, VBE_ID0, VBE_ID5, type VgaState, vbeEnabled } from './vga-state.ts';

export const MAX_WIDTH = 2560;
export const MAX_HEIGHT = 1600;
const MAX_BPP = 32;
const BANK_BYTES = 0x10000;

export interface BochsDispi {
  read(index: number): number;
  write(index: number, value: number): void;
  /** Sets those registers of the VGA again that the interface has taken over. */
  override(): void;
}

export interface DispiWiring {
  readonly memoryBytes: number;
  /** Fills video memory's first bytes with zeros. */
  clear(length: number): void;
  /** What the window at A0000h shows may have changed. */
  windowChanged(): void;
}

export const vbeBits = (s: VgaState): number => {
  const bpp = s.vbe[VBE.BPP] ?? 0;
  return bpp === 15 ? 16 : bpp;
};
/** Bytes from row to row. */
export const vbeStride = (s: VgaState): number => ((s.vbe[VBE.VIRT_WIDTH] ?? 0) * vbeBits(s)) >> 3;
/** Where the picture starts in video memory, in whole words as the CRT controller counts. */
export const vbeStart = (s: VgaState): number => vbeOffset(s) & ~3;

const vbeOffset = (s: VgaState): number =>
  (((s.vbe[VBE.X_OFFSET] ?? 0) * vbeBits(s)) >> 3) + (s.vbe[VBE.Y_OFFSET] ?? 0) * vbeStride(s);

export function createBochsDispi(s: VgaState, { memoryBytes, clear, windowChanged }: DispiWiring): BochsDispi {
  const { vbe, cr, gr } = s;
  const reg = (index: number): number => vbe[index] ?? 0;

  /** Makes the registers fit one another and video memory. */
  function adapt(): void {
    if (!vbeEnabled(s)) return;
    if (![4, 8, 15, 16, 24, 32].includes(reg(VBE.BPP))) vbe[VBE.BPP] = 8;
    const clamp = (index: number, min: number, max: number): number =>
      (vbe[index] = Math.min(Math.max(reg(index), min), max));
    vbe[VBE.XRES] = reg(VBE.XRES) & ~7;
    vbe[VBE.VIRT_WIDTH] = reg(VBE.VIRT_WIDTH) & ~7;
    const width = clamp(VBE.XRES, 8, MAX_WIDTH);
    clamp(VBE.VIRT_WIDTH, width, Math.max(width, 0x3ff8));
    const stride = vbeStride(s);
    const rows = Math.floor(memoryBytes / stride);
    const height = clamp(VBE.YRES, 1, Math.min(MAX_HEIGHT, rows));
    vbe[VBE.VIRT_HEIGHT] = Math.min(rows, 0xffff);
    const fits = (): boolean => vbeOffset(s) + height * stride <= memoryBytes;
    if (!fits()) vbe[VBE.Y_OFFSET] = 0;
    if (!fits()) vbe[VBE.X_OFFSET] = 0;
  }

  function override(): void {
    if (!vbeEnabled(s)) return;
    const put = (file: Uint8Array, index: number, keep: number, set: number): void => {
      file[index] = ((file[index] ?? 0) & keep) | set;
    };
    const lastLine = reg(VBE.YRES) - 1;
    put(gr, GR.MISC, ~0x0c, 0x04 | GR_MISC_GRAPHICS); // 64 KiB at A0000h
    put(gr, GR.MODE, ~0x60, reg(VBE.BPP) === 4 ? 0 : 0x40); // planes, or 256 colours
    put(cr, CR.MODE, 0xff, 0x03); // no CGA addressing
    put(cr, CR.OFFSET, 0, (vbeStride(s) >> 3) & 0xff);
    put(cr, CR.H_DISPLAY_END, 0, ((reg(VBE.XRES) >> 3) - 1) & 0xff);
    put(cr, CR.V_DISPLAY_END, 0, lastLine & 0xff);
    put(cr, CR.OVERFLOW, ~0x52, ((lastLine >> 7) & 0x02) | ((lastLine >> 3) & 0x40) | 0x10);
    put(cr, CR.LINE_COMPARE, 0, 0xff);
    put(cr, CR.MAX_SCAN, ~0xdf, 0x40); // no double scan, line compare at 1023
  }

  function writeEnable(value: number): void {
    if (value & VBE_ENABLE.ENABLED && !vbeEnabled(s)) {
      vbe[VBE.VIRT_WIDTH] = 0;
      vbe[VBE.X_OFFSET] = 0;
      vbe[VBE.Y_OFFSET] = 0;
      vbe[VBE.ENABLE] = value;
      adapt();
      override();
      if (!(value & VBE_ENABLE.NO_CLEAR)) clear(Math.min(memoryBytes, reg(VBE.YRES) * vbeStride(s)));
    } else {
      s.bankOffset = 0;
      vbe[VBE.ENABLE] = value;
    }
    windowChanged();
  }

  return {
    override,
    read(index) {
      if (index === VBE.MEMORY_64K) return memoryBytes / BANK_BYTES;
      if (reg(VBE.ENABLE) & VBE_ENABLE.GETCAPS) {
        if (index === VBE.XRES) return MAX_WIDTH;
        if (index === VBE.YRES) return MAX_HEIGHT;
        if (index === VBE.BPP) return MAX_BPP;
      }
      return reg(index);
    },
    write(index, value) {
      switch (index) {
        case VBE.ID:
          if (value >= VBE_ID0 && value <= VBE_ID5) vbe[VBE.ID] = value;
          break;
        case VBE.XRES:
        case VBE.YRES:
        case VBE.BPP:
        case VBE.VIRT_WIDTH:
        case VBE.X_OFFSET:
        case VBE.Y_OFFSET:
          vbe[index] = value;
          adapt();
          override();
          windowChanged();
          break;
        case VBE.BANK:
          vbe[VBE.BANK] = value & (memoryBytes / BANK_BYTES - 1);
          s.bankOffset = reg(VBE.BANK) * BANK_BYTES;
          windowChanged();
          break;
        case VBE.ENABLE:
          writeEnable(value);
          break;
      }
    },
  };
}
