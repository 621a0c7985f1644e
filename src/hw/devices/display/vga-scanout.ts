/** What the registers of a VGA show, as a scanout. Details follow QEMU's vga.c, so that pictures can be compared. */
import { rgba, SCANOUT, type Scanout, scanoutOf } from '../../../display/api.ts';
import { vbeStart, vbeStride } from './bochs-dispi.ts';
import {
  AR,
  AR_MODE,
  AR_VIDEO_ON,
  CR,
  GR,
  GR_MISC_GRAPHICS,
  SR,
  SR_CLOCKING,
  VBE,
  VBE_ENABLE,
  type VgaState,
  vbeEnabled,
} from './vga-state.ts';

/** A font: 256 characters of 32 lines, a word each, of which plane 2 is the font's. */
const FONT_BYTES = 256 * 32 * 4;
const FONT_PLANE = 2;
const MAX_CELLS = 160 * 100;

const DIRECT_KINDS: Readonly<Record<number, number>> = {
  8: SCANOUT.INDEXED,
  15: SCANOUT.RGB555,
  16: SCANOUT.RGB565,
  24: SCANOUT.RGB888,
  32: SCANOUT.XRGB8888,
};

export function vgaScanout(s: VgaState, memoryOffset: number, memoryBytes: number): Scanout {
  const where = { memoryOffset, memoryBytes };
  if (!(s.arIndex & AR_VIDEO_ON)) return blank(s, where);
  return (s.gr[GR.MISC] ?? 0) & GR_MISC_GRAPHICS ? graphics(s, where) : text(s, where);
}

type Where = Pick<Scanout, 'memoryOffset' | 'memoryBytes'>;

const cr = (s: VgaState, index: number): number => s.cr[index] ?? 0;
const clocking = (s: VgaState): number => (vbeEnabled(s) ? 0 : (s.sr[SR.CLOCKING] ?? 0));

/** Lines of the display, as the CRT controller counts them. */
export const displayLines = (s: VgaState): number =>
  (cr(s, CR.V_DISPLAY_END) | ((cr(s, CR.OVERFLOW) & 0x02) << 7) | ((cr(s, CR.OVERFLOW) & 0x40) << 3)) + 1;

export const displayWidth = (s: VgaState): number => (cr(s, CR.H_DISPLAY_END) + 1) * 8;

/** Before anyone has set a mode, as QEMU has it. */
const NO_MODE = { width: 640, height: 480 } as const;
const MIN_LINES = 100;

/** A screen that is off keeps its size, so that a mode switch does not flicker. */
function blank(s: VgaState, where: Where): Scanout {
  const size = vbeEnabled(s)
    ? { width: s.vbe[VBE.XRES] ?? 0, height: s.vbe[VBE.YRES] ?? 0 }
    : { width: displayWidth(s), height: displayLines(s) };
  return scanoutOf({ ...where, ...(size.height < MIN_LINES ? NO_MODE : size), kind: SCANOUT.BLANK });
}

function basics(s: VgaState) {
  if (vbeEnabled(s)) return { stride: vbeStride(s), start: vbeStart(s), lineCompare: 0xffff };
  const lineCompare = cr(s, CR.LINE_COMPARE) | ((cr(s, CR.OVERFLOW) & 0x10) << 4) | ((cr(s, CR.MAX_SCAN) & 0x40) << 3);
  const bytePan = (cr(s, CR.PRESET_ROW_SCAN) >> 5) & 3;
  const start = ((cr(s, CR.START_HIGH) << 8) | cr(s, CR.START_LOW)) + bytePan;
  return { stride: cr(s, CR.OFFSET) << 3, start: start * 4, lineCompare };
}

function text(s: VgaState, where: Where): Scanout {
  const clock = clocking(s);
  const cellWidth = clock & SR_CLOCKING.HALF_CLOCK ? 16 : clock & SR_CLOCKING.EIGHT_DOTS ? 8 : 9;
  const cellHeight = (cr(s, CR.MAX_SCAN) & 0x1f) + 1;
  const columns = cr(s, CR.H_DISPLAY_END) + 1;
  // The CGA's graphics mode of 160x100: text of two lines in each row.
  const rows = cr(s, CR.V_TOTAL) === 100 ? 100 : Math.floor(displayLines(s) / cellHeight);
  if (columns * rows <= 1 || columns * rows > MAX_CELLS) return blank(s, where);
  const { stride, start, lineCompare } = basics(s);
  const fonts = s.sr[SR.FONT] ?? 0;
  const font = (number: number): number => number * FONT_BYTES + FONT_PLANE;
  const cursorOff = (cr(s, CR.CURSOR_START) & 0x20) !== 0;
  const mode = s.ar[AR.MODE] ?? 0;
  return scanoutOf({
    ...where,
    kind: SCANOUT.TEXT,
    width: columns * cellWidth,
    height: rows * cellHeight,
    start,
    stride,
    lineCompare,
    cellWidth,
    cellHeight,
    fontA: font(((fonts << 1) & 6) | ((fonts >> 4) & 1)),
    fontB: font(((fonts >> 1) & 6) | ((fonts >> 5) & 1)),
    cursorAt: cursorOff ? -1 : ((cr(s, CR.CURSOR_HIGH) << 8) | cr(s, CR.CURSOR_LOW)) * 4,
    cursorTop: cr(s, CR.CURSOR_START) & 0x1f,
    cursorBottom: Math.min(cr(s, CR.CURSOR_END) & 0x1f, cellHeight - 1),
    blink: mode & AR_MODE.BLINK ? 1 : 0,
    lineGraphics: mode & AR_MODE.LINE_GRAPHICS ? 1 : 0,
    rowScan: Math.min(cr(s, CR.PRESET_ROW_SCAN) & 0x1f, cellHeight - 1),
    pan: textPan(s, cellWidth),
    palette: palette16(s),
  });
}

function graphics(s: VgaState, where: Where): Scanout {
  const shift = ((s.gr[GR.MODE] ?? 0) >> 5) & 3;
  const half = (clocking(s) & SR_CLOCKING.HALF_CLOCK) !== 0;
  const crMode = cr(s, CR.MODE);
  const maxScan = cr(s, CR.MAX_SCAN);
  const doubleScan = maxScan >> 7;
  const geometry = {
    ...where,
    ...basics(s),
    width: vbeEnabled(s) ? (s.vbe[VBE.XRES] ?? 0) : displayWidth(s),
    height: vbeEnabled(s) ? (s.vbe[VBE.YRES] ?? 0) : displayLines(s),
    // The row counter of CGA's addressing chooses between memories, instead of repeating rows.
    repeatY: (crMode & 1 ? (maxScan & 0x1f) + 1 : 1) << doubleScan,
    rowBit0: crMode & 1 ? 0 : 1 << (14 + ((crMode >> 6) & 1)),
    rowBit1: crMode & 2 ? 0 : 1 << 15,
  };
  if (shift >= 2) {
    const kind = vbeEnabled(s) ? DIRECT_KINDS[s.vbe[VBE.BPP] ?? 0] : undefined;
    // Without the display interface each pixel of 256 colours takes two clocks.
    const repeatX = kind === undefined ? 2 : 1;
    const pan = vbeEnabled(s) ? 0 : (s.ar[AR.PANNING] ?? 0) & 7 & ~1;
    return scanoutOf({ ...geometry, kind: kind ?? SCANOUT.INDEXED, repeatX, pan, palette: palette256(s) });
  }
  return scanoutOf({
    ...geometry,
    kind: shift === 1 ? SCANOUT.PACKED2 : SCANOUT.PLANAR,
    width: half ? geometry.width * 2 : geometry.width,
    repeatX: half ? 2 : 1,
    pan: vbeEnabled(s) ? 0 : ((s.ar[AR.PANNING] ?? 0) & 7) * (half ? 2 : 1),
    planes: (s.ar[AR.PLANE_ENABLE] ?? 0) & 0xf,
    palette: palette16(s),
  });
}

/** With nine dots a character, 8 means no shift and 0 means one dot. */
function textPan(s: VgaState, cellWidth: number): number {
  const pan = s.ar[AR.PANNING] ?? 0;
  if (cellWidth !== 9) return (pan & 7) * (cellWidth / 8);
  return pan >= 8 ? 0 : pan + 1;
}

/** Six bits of a colour to eight, as QEMU has it: the lowest is repeated. */
export const eightBits = (value: number): number => ((value & 0x3f) << 2) | ((value & 1) << 1) | (value & 1);

function colour(s: VgaState, index: number, wide: boolean): number {
  const part = (n: number): number => {
    const value = s.palette[index * 3 + n] ?? 0;
    return wide ? value : eightBits(value);
  };
  return rgba(part(0), part(1), part(2));
}

export function palette256(s: VgaState): Uint32Array {
  const wide = ((s.vbe[VBE.ENABLE] ?? 0) & VBE_ENABLE.DAC_8BIT) !== 0;
  return Uint32Array.from({ length: 256 }, (_, i) => colour(s, i, wide));
}

/** Sixteen colours: the attribute controller's palette chooses among the DAC's. */
function palette16(s: VgaState): Uint32Array {
  const select = s.ar[AR.COLOUR_SELECT] ?? 0;
  const fourBits = ((s.ar[AR.MODE] ?? 0) & AR_MODE.P54_SELECT) !== 0;
  const palette = new Uint32Array(256);
  for (let i = 0; i < 16; i++) {
    const own = s.ar[i] ?? 0;
    const index = fourBits ? ((select & 0xf) << 4) | (own & 0xf) : ((select & 0xc) << 4) | (own & 0x3f);
    palette[i] = colour(s, index, false);
  }
  return palette;
}
