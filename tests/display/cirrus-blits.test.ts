/** Random blits of the Cirrus adapter leave the same video memory in our machine as in native QEMU. */
import { expect, test } from 'vitest';
import { assembledDisk, missing, ourReport, reportOfQemu } from './machines.ts';

const TIMEOUT_MS = 240_000;
const BLITS = 300;
const BLIT_BYTES = 32;
const END = 0xffff;

const ROPS = [0x00, 0x05, 0x06, 0x09, 0x0b, 0x0d, 0x0e, 0x50, 0x59, 0x6d, 0x90, 0x95, 0xad, 0xd0, 0xd6, 0xda];
/** GR30 without pixel size, GR33. Not here: rows of bits in double words, of which QEMU takes a quarter. */
const KINDS = [
  { name: 'copy', mode: 0x00, extensions: 0 },
  { name: 'copy backwards', mode: 0x01, extensions: 0 },
  { name: 'copy but the key', mode: 0x08, extensions: 0 },
  { name: 'expand', mode: 0x80, extensions: 0 },
  { name: 'expand, transparent', mode: 0x88, extensions: 0 },
  { name: 'expand, transparent, inverted', mode: 0x88, extensions: 2 },
  { name: 'pattern', mode: 0x40, extensions: 0 },
  { name: 'pattern of bits', mode: 0xc0, extensions: 0 },
  { name: 'pattern of bits, transparent', mode: 0xc8, extensions: 0 },
  { name: 'pattern of bits, transparent, inverted', mode: 0xc8, extensions: 2 },
  { name: 'solid', mode: 0xc0, extensions: 4 },
  { name: 'copy from the processor', mode: 0x04, extensions: 0 },
  { name: 'expand from the processor', mode: 0x84, extensions: 0 },
  { name: 'expand from the processor, transparent', mode: 0x8c, extensions: 0 },
] as const;

interface Blit {
  readonly text: string;
  readonly bytes: Uint8Array;
}

/** Numerical Recipes' linear congruential generator: the same blits in each run. */
function blits(): Blit[] {
  let x = 20261125;
  const random = (limit: number): number => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    return Math.floor((x / 2 ** 32) * limit);
  };
  return Array.from({ length: BLITS }, () => {
    const kind = KINDS[random(KINDS.length)]!;
    const { mode, extensions } = kind;
    const isKeyed = mode === 0x08;
    // QEMU's expansion of patterns and bits to 24 bits a pixel reads GR2F in ways of its own.
    const size = isKeyed ? random(2) : [0, 1, 3][random(3)]!;
    const pixelBytes = size + 1;
    const pixels = 1 + random(100);
    const width = pixels * pixelBytes;
    const height = 1 + random(20);
    const pitch = 400 + 4 * random(60);
    const span = pitch * height + width;
    const isBackwards = mode === 0x01;
    const place = (): number => (isBackwards ? span : 0) + 0x2000 + random(0x60000);
    // QEMU moves what is not aligned, pixels as well as patterns of bits.
    const dst = place() & -pixelBytes;
    const src = mode & 0x40 ? place() & ~0xff : place() & -pixelBytes;
    const isExpansion = (mode & 0xc0) !== 0 && extensions !== 4;
    const skip = isExpansion ? random(8) : 0;
    const rop = isKeyed ? 0x0d : ROPS[random(ROPS.length)]!;
    const rowBytes = mode & 0x80 ? (pixels + 7) >> 3 : (width + 3) & ~3;
    const given = mode & 0x04 ? rowBytes * height : 0;
    const bytes = new Uint8Array(BLIT_BYTES);
    const view = new DataView(bytes.buffer);
    view.setUint16(0, width - 1, true);
    view.setUint16(2, height - 1, true);
    view.setUint16(4, pitch, true);
    view.setUint16(6, 400 + 4 * random(60), true);
    view.setUint32(8, dst, true);
    view.setUint32(12, src, true);
    bytes[15] = skip;
    bytes[16] = mode | (size << 4);
    bytes[18] = rop;
    bytes[19] = extensions;
    for (let i = 20; i < 30; i++) bytes[i] = random(256);
    view.setUint16(30, given, true);
    const values = { dst, src, pixels, height, pitch, pixelBytes, skip, rop: rop.toString(16) };
    return { text: `${kind.name} ${JSON.stringify(values)}`, bytes };
  });
}

test.skipIf(missing !== undefined)(
  `blits${missing === undefined ? '' : `: ${missing} is missing`}`,
  async () => {
    const list = blits();
    const data = new Uint8Array((BLITS + 1) * BLIT_BYTES);
    for (const [i, { bytes }] of list.entries()) data.set(bytes, i * BLIT_BYTES);
    new DataView(data.buffer).setUint16(data.length - 2, END, true);
    const disk = assembledDisk('blits', data);
    const args = [disk, BLITS * 4, '-M', 'pc', '-vga', 'cirrus'] as const;
    const [wanted, got] = await Promise.all([reportOfQemu(...args), ourReport(...args)]);
    const differing = list.filter((_, i) => [0, 1, 2, 3].some((n) => wanted[i * 4 + n] !== got[i * 4 + n]));
    expect(differing.map(({ text }) => text)).toEqual([]);
    const sums = new Set(list.map((_, i) => wanted.subarray(i * 4, i * 4 + 4).join()));
    expect(sums.size).toBeGreaterThan(BLITS / 2);
  },
  TIMEOUT_MS,
);
