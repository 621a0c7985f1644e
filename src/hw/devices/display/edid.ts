/**
 * What the monitor says of itself: 128 bytes of E-EDID 1.4 (VESA, September 2006), as far as drivers look at it. Names
 * and dimensions are QEMU's.
 */

const BYTES = 128;
const DPI = 100;
const MM_PER_INCH = 25.4;
const REFRESH_HZ = 75;

export interface EdidMode {
  readonly width: number;
  readonly height: number;
}

/** Standard timings (3.9): any of these that fit are offered, eight at most. */
const STANDARD: readonly EdidMode[] = [
  { width: 1920, height: 1080 },
  { width: 1280, height: 720 },
  { width: 1440, height: 900 },
  { width: 1680, height: 1050 },
  { width: 1600, height: 1200 },
  { width: 1280, height: 1024 },
];
/** Bits of ratio: 16:10, 4:3, 5:4, 16:9. */
const RATIOS: readonly (readonly [ratio: number, bits: number])[] = [
  [16 / 10, 0],
  [4 / 3, 1],
  [5 / 4, 2],
  [16 / 9, 3],
];

/** The preferred mode, and the largest that the adapter can show. */
export function edidOf(preferred: EdidMode, largest: EdidMode): Uint8Array {
  const edid = new Uint8Array(BYTES);
  const view = new DataView(edid.buffer);
  edid.set([0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00]); // 3.3, header
  view.setUint16(8, vendorId('RHT'));
  view.setUint16(10, 0x1234, true);
  edid[16] = 42; // week and year (since 1990) of manufacture
  edid[17] = 2014 - 1990;
  edid[18] = 1; // version 1.4
  edid[19] = 4;
  edid[20] = 0xa5; // 3.6.1: digital, 8 bits a colour, DisplayPort
  edid[21] = Math.floor((preferred.width / DPI) * (MM_PER_INCH / 10));
  edid[22] = Math.floor((preferred.height / DPI) * (MM_PER_INCH / 10));
  edid[23] = 220 - 100; // gamma 2.2
  edid[24] = 0x06; // sRGB, the first detailed timing is preferred
  edid.set([0xee, 0x91, 0xa3, 0x54, 0x4c, 0x99, 0x26, 0x0f, 0x50, 0x54], 25); // 3.7, chromaticity of sRGB
  edid.set([0x21, 0x08, 0x00], 35); // 3.8: 640x480, 800x600, 1024x768 at 60 Hz
  edid.fill(0x01, 38, 54);
  for (const [i, mode] of STANDARD.filter((m) => fits(m, largest)).entries())
    edid.set(standardTiming(mode), 38 + 2 * i);
  edid.set(detailedTiming(preferred), 54);
  edid.set([0, 0, 0, 0xfd, 0, 50, 125, 30, 160, 2550 / 10, 0x01], 72); // 3.10.3.3: ranges of frequencies
  edid.set([0x0a, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20], 83);
  edid.set(textDescriptor(0xfc, 'QEMU Monitor'), 90);
  edid.set([0, 0, 0, 0x10], 108); // unused
  edid[127] = 256 - (edid.subarray(0, 127).reduce((sum, byte) => sum + byte, 0) % 256);
  return edid;
}

const fits = (mode: EdidMode, largest: EdidMode): boolean =>
  mode.width <= largest.width && mode.height <= largest.height;

/** Three letters of five bits. */
const vendorId = (name: string): number => [...name].reduce((id, letter) => (id << 5) | (letter.charCodeAt(0) - 64), 0);

function standardTiming({ width, height }: EdidMode): readonly [number, number] {
  const ratio = RATIOS.find(([value]) => Math.abs(width / height - value) < 0.01)?.[1] ?? 0;
  return [width / 8 - 31, ratio << 6]; // at 60 Hz
}

/** 3.10.2. Blanking as QEMU chooses it; nobody measures it. */
function detailedTiming({ width, height }: EdidMode): Uint8Array {
  const [xFront, xSync, xBlank] = [width * 0.25, width * 0.03, width * 0.35].map((n) => Math.floor(n)) as [
    number,
    number,
    number,
  ];
  const [yFront, ySync, yBlank] = [height * 0.005, height * 0.005, height * 0.035].map((n) => Math.floor(n)) as [
    number,
    number,
    number,
  ];
  const clock = Math.floor((REFRESH_HZ * (width + xBlank) * (height + yBlank)) / 10_000);
  const [xMm, yMm] = [width, height].map((pixels) => Math.floor((pixels / DPI) * MM_PER_INCH)) as [number, number];
  const high = (...parts: readonly number[]): number =>
    parts.reduce((byte, part) => (byte << 4) | ((part >> 8) & 0xf), 0);
  return Uint8Array.of(
    clock & 0xff,
    clock >> 8,
    width & 0xff,
    xBlank & 0xff,
    high(width, xBlank),
    height & 0xff,
    yBlank & 0xff,
    high(height, yBlank),
    xFront & 0xff,
    xSync & 0xff,
    ((yFront & 0xf) << 4) | (ySync & 0xf),
    ((xFront >> 8) << 6) | ((xSync >> 8) << 4) | ((yFront >> 4) << 2) | (ySync >> 4),
    xMm & 0xff,
    yMm & 0xff,
    high(xMm, yMm),
    0,
    0,
    0x18,
  );
}

function textDescriptor(tag: number, text: string): Uint8Array {
  const bytes = new Uint8Array(18).fill(0x20, 5);
  bytes[3] = tag;
  bytes.set(new TextEncoder().encode(`${text}\n`), 5);
  return bytes;
}
