/** How a row of a graphics mode becomes pixels: words of video memory in, words of a canvas out. */
import { SCANOUT, type Scanout } from './api.ts';

/** Decodes `count` pixels (a multiple of 8) of a row whose first word is `from[at]` to `to[0]` and on. */
export type RowDecoder = (from: Int32Array, at: number, to: Uint32Array, count: number) => void;

/** Bits of the source that make up one pixel. */
const BITS: Readonly<Record<number, number>> = {
  [SCANOUT.PLANAR]: 4,
  [SCANOUT.PACKED2]: 4,
  [SCANOUT.INDEXED]: 8,
  [SCANOUT.RGB555]: 16,
  [SCANOUT.RGB565]: 16,
  [SCANOUT.RGB888]: 24,
  [SCANOUT.XRGB8888]: 32,
};
export const wordsOf = (kind: number, pixels: number): number => Math.ceil((pixels * (BITS[kind] ?? 0)) / 32);

const ALPHA = 0xff000000;

/** Eight bits, one every fourth bit from the highest down. */
const EXPAND4 = Uint32Array.from({ length: 256 }, (_, byte) => {
  let word = 0;
  for (let bit = 0; bit < 8; bit++) if (byte & (1 << bit)) word += 2 ** (bit * 4);
  return word;
});
/** Four pairs of bits, one in each nibble. */
const EXPAND2 = Uint32Array.from({ length: 256 }, (_, byte) =>
  [0, 1, 2, 3].reduce((word, pair) => word | (((byte >> (2 * pair)) & 3) << (4 * pair)), 0),
);

/** A decoder for pixels shown once; repetition is done afterwards. */
export function rowDecoder({ kind, palette, planes }: Scanout): RowDecoder {
  const planeMask = [0, 1, 2, 3].reduce((mask, plane) => mask | (planes & (1 << plane) ? 0xff << (8 * plane) : 0), 0);
  const expand = (table: Uint32Array, word: number, shift: number): number => table[(word >>> shift) & 0xff] as number;
  switch (kind) {
    case SCANOUT.PLANAR:
      return (from, at, to, count) => {
        for (let x = 0; x < count; x += 8) {
          const word = (from[at++] as number) & planeMask;
          const nibbles =
            expand(EXPAND4, word, 0) |
            (expand(EXPAND4, word, 8) << 1) |
            (expand(EXPAND4, word, 16) << 2) |
            (expand(EXPAND4, word, 24) << 3);
          for (let i = 0; i < 8; i++) to[x + i] = palette[(nibbles >>> (28 - 4 * i)) & 15] as number;
        }
      };
    case SCANOUT.PACKED2:
      return (from, at, to, count) => {
        for (let x = 0; x < count; x += 8) {
          const word = (from[at++] as number) & planeMask;
          const left = expand(EXPAND2, word, 0) | (expand(EXPAND2, word, 16) << 2);
          const right = expand(EXPAND2, word, 8) | (expand(EXPAND2, word, 24) << 2);
          for (let i = 0; i < 4; i++) {
            to[x + i] = palette[(left >>> (12 - 4 * i)) & 15] as number;
            to[x + 4 + i] = palette[(right >>> (12 - 4 * i)) & 15] as number;
          }
        }
      };
    case SCANOUT.INDEXED:
      return (from, at, to, count) => {
        for (let x = 0; x < count; x += 4) {
          const word = from[at++] as number;
          to[x] = palette[word & 0xff] as number;
          to[x + 1] = palette[(word >>> 8) & 0xff] as number;
          to[x + 2] = palette[(word >>> 16) & 0xff] as number;
          to[x + 3] = palette[word >>> 24] as number;
        }
      };
    case SCANOUT.RGB555:
      return halfWords((pixel) => ALPHA | ((pixel & 0x1f) << 19) | ((pixel & 0x3e0) << 6) | ((pixel & 0x7c00) >>> 7));
    case SCANOUT.RGB565:
      // Low bits repeat the high ones; QEMU does so with 16 bits, and not with 15.
      return halfWords((pixel) => {
        const spread = (value: number, bits: number): number => (value << (8 - bits)) | (value >> (2 * bits - 8));
        const [red, green, blue] = [spread(pixel >> 11, 5), spread((pixel >> 5) & 0x3f, 6), spread(pixel & 0x1f, 5)];
        return ALPHA | (blue << 16) | (green << 8) | red;
      });
    case SCANOUT.RGB888:
      return (from, at, to, count) => {
        for (let x = 0; x < count; x += 4) {
          const a = from[at++] as number;
          const b = from[at++] as number;
          const c = from[at++] as number;
          to[x] = swapped(a);
          to[x + 1] = swapped((a >>> 24) | (b << 8));
          to[x + 2] = swapped((b >>> 16) | (c << 16));
          to[x + 3] = swapped(c >>> 8);
        }
      };
    default:
      return (from, at, to, count) => {
        for (let x = 0; x < count; x++) to[x] = swapped(from[at++] as number);
      };
  }
}

/** Red and blue change places. */
const swapped = (pixel: number): number => ALPHA | ((pixel & 0xff) << 16) | (pixel & 0xff00) | ((pixel >>> 16) & 0xff);

function halfWords(colour: (pixel: number) => number): RowDecoder {
  const table = Uint32Array.from({ length: 0x10000 }, (_, pixel) => colour(pixel));
  return (from, at, to, count) => {
    for (let x = 0; x < count; x += 2) {
      const word = from[at++] as number;
      to[x] = table[word & 0xffff] as number;
      to[x + 1] = table[word >>> 16] as number;
    }
  };
}

/** The word of video memory with which each displayed row starts (the CRT controller's address counter). */
export function rowStarts(scanout: Scanout): Int32Array {
  const { height, start, stride, repeatY, rowBit0, rowBit1, lineCompare } = scanout;
  const starts = new Int32Array(height);
  let address = start;
  let row = 0;
  let repeats = repeatY;
  // Where row address bits take part, the counter moves on after the last of those rows.
  const rowMask = (rowBit0 ? 1 : 0) | (rowBit1 ? 2 : 0);
  for (let y = 0; y < height; y++) {
    let at = address;
    if (rowBit0) at = (at & ~rowBit0) | (row & 1 ? rowBit0 : 0);
    if (rowBit1) at = (at & ~rowBit1) | (row & 2 ? rowBit1 : 0);
    starts[y] = at >> 2;
    if (--repeats === 0) {
      if ((row & rowMask) === rowMask) address += stride;
      row++;
      repeats = repeatY;
    }
    if (y === lineCompare) address = 0;
  }
  return starts;
}
