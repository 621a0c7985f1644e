/** The floppy disk controller and CMOS memory, against native QEMU. */
import { expect, test } from 'vitest';
import { nativeTarget } from './native.ts';
import { ownTarget } from './own.ts';
import { createRandom, type Recorder, recordsOf, type Script } from './target.ts';

const KiB = 1024;

function patternDisk(bytes: number): Uint8Array {
  const disk = new Uint8Array(bytes);
  const words = new Uint32Array(disk.buffer);
  for (let i = 0; i < words.length; i++) words[i] = Math.imul(i, 0x9e3779b1);
  return disk;
}

/** Drive A with a disk (or without), and drive B if `second`. */
async function compare(script: Script, disk: Uint8Array | undefined, second?: Uint8Array): Promise<void> {
  const images = { ...(disk && { fd: disk }), ...(second && { fe: second }) };
  const drive = (id: string, file: string | undefined): string[] => [
    '-drive',
    `if=none,id=${id}${file === undefined ? '' : `,file=@${file},format=raw,cache=unsafe`}`,
  ];
  const native = nativeTarget(
    'pc',
    [
      ...drive('fd0', disk && 'fd'),
      ...['-device', 'floppy,drive=fd0,unit=0'],
      ...(second === undefined ? [] : [...drive('fd1', 'fe'), '-device', 'floppy,drive=fd1,unit=1']),
    ],
    images,
  );
  const own = ownTarget(
    'pc',
    [],
    { fd0: { bytes: disk }, ...(second && { fd1: { bytes: second } }) },
    { 'isa-fdc': { driveA: 'fd0', ...(second && { driveB: 'fd1' }) } },
  );
  const [theirs = [], ours = []] = await recordsOf([native, own], script);
  expect(ours).toEqual(theirs);
}

const FIFO = 0x3f5;
const STATUS = 0x3f4;
/** Ready for a byte in one direction or the other. */
const settle = (m: Recorder): Promise<void> => m.settle(async (target) => ((await target.in(STATUS)) & 0x80) === 0);

async function state(m: Recorder): Promise<void> {
  await settle(m);
  await m.out(0x20, 0x0a);
  await m.inBits(0x20, 0x40); // IRQ 6
  for (const port of [0x3f1, 0x3f2, 0x3f3, STATUS, 0x3f7]) await m.in(port);
}
async function command(m: Recorder, bytes: readonly number[], data?: Uint8Array): Promise<void> {
  m.say(bytes.map((byte) => byte.toString(16)).join(' '));
  for (const byte of bytes) await m.out(FIFO, byte);
  await state(m);
  for (let i = 0; i < 20000 && ((await m.in(STATUS)) & 0xf0) === 0xf0; i++) {
    await m.in(FIFO);
    await settle(m);
  }
  for (const byte of data ?? []) {
    await m.out(FIFO, byte);
    await settle(m);
  }
  await results(m);
  await state(m);
}
async function results(m: Recorder): Promise<void> {
  for (let i = 0; i < 20 && ((await m.in(STATUS)) & 0xc0) === 0xc0; i++) {
    await m.in(FIFO);
    await settle(m);
  }
}
async function reset(m: Recorder, rate = 0): Promise<void> {
  for (const [port, base] of [
    [0x20, 8],
    [0xa0, 0x70],
  ] as const) {
    await m.out(port, 0x11);
    await m.out(port + 1, base);
    await m.out(port + 1, port === 0x20 ? 4 : 2);
    await m.out(port + 1, 1);
  }
  await m.out(0x3f2, 0);
  await m.out(0x3f2, 0x1c);
  await m.out(0x3f7, rate);
  await state(m);
  for (let i = 0; i < 4; i++) await command(m, [0x08]);
}
/** Channel 2, single mode; 46h from the device to memory, 4Ah the other way. */
async function dma(m: Recorder, mode: number, gpa: number, bytes: number): Promise<void> {
  await m.out(0x0a, 6);
  await m.out(0x0c, 0);
  await m.out(0x0b, mode);
  await m.out(0x04, gpa & 0xff);
  await m.out(0x04, (gpa >> 8) & 0xff);
  await m.out(0x05, (bytes - 1) & 0xff);
  await m.out(0x05, ((bytes - 1) >> 8) & 0xff);
  await m.out(0x81, gpa >> 16);
  await m.out(0x0a, 2);
}
async function dmaState(m: Recorder): Promise<void> {
  await m.out(0x0c, 0);
  for (const port of [0x04, 0x04, 0x05, 0x05, 0x08]) await m.in(port);
}

const DISK = 1440 * KiB;

test('reset, and every command without data', () =>
  compare(async (m) => {
    await state(m);
    await reset(m);
    for (const bytes of [
      [0x10],
      [0x18],
      [0x0e],
      [0x14],
      [0x94],
      [0x03, 0xdf, 0x02],
      [0x0e],
      [0x04, 0],
      [0x04, 4],
      [0x04, 1],
      [0x07, 0],
      [0x08],
      [0x0f, 0, 10],
      [0x08],
      [0x08],
      [0x0f, 4, 90],
      [0x08],
      [0x07, 1],
      [0x08],
      [0xcf, 0, 5],
      [0x08],
      [0x8f, 0, 3],
      [0x08],
      [0x8f, 0, 100],
      [0x08],
      [0x12, 0x80],
      [0x13, 0, 0x57, 0],
      [0x0e],
      [0x17, 3, 0],
      [0x33, 1],
      [0x2e],
      [0xff],
      [0x00],
      [0x0b],
    ]) {
      await command(m, bytes);
    }
  }, patternDisk(DISK)));

test('READ ID turns the disk', () =>
  compare(async (m) => {
    await reset(m);
    for (let i = 0; i < 3; i++) {
      await m.out(FIFO, 0x4a);
      await m.out(FIFO, 0);
      await m.step(40_000_000);
      await command(m, []);
    }
    await m.out(0x3f7, 2);
    await m.out(FIFO, 0x4a);
    await m.out(FIFO, 0);
    await m.step(40_000_000);
    await command(m, []);
  }, patternDisk(DISK)));

test('READ by DMA: sectors, tracks, both sides, over the end, errors', () =>
  compare(async (m) => {
    await reset(m);
    for (const [bytes, length] of [
      [[0xe6, 0, 0, 0, 1, 2, 18, 0x1b, 0xff], 512],
      [[0xe6, 0, 3, 0, 1, 2, 18, 0x1b, 0xff], 18 * 512],
      [[0xe6, 4, 3, 1, 17, 2, 18, 0x1b, 0xff], 1024],
      [[0xe6, 0, 5, 0, 16, 2, 18, 0x1b, 0xff], 10 * 512],
      [[0x46, 0, 5, 0, 16, 2, 18, 0x1b, 0xff], 10 * 512],
      [[0x46, 0, 5, 0, 1, 2, 4, 0x1b, 0xff], 10 * 512],
      [[0xe6, 0, 5, 0, 1, 2, 18, 0x1b, 0xff], 700],
      [[0xe6, 0, 5, 0, 1, 0, 18, 0x1b, 0x80], 128],
      [[0xe6, 0, 90, 0, 1, 2, 18, 0x1b, 0xff], 512],
      [[0xe6, 0, 0, 0, 19, 2, 18, 0x1b, 0xff], 512],
      [[0x42, 0, 1, 0, 1, 2, 18, 0x1b, 0xff], 512],
      [[0xcc, 0, 1, 0, 1, 2, 18, 0x1b, 0xff], 512],
      [[0x56, 0, 1, 0, 1, 2, 18, 0x1b, 0xff], 512],
      [[0xe6, 1, 0, 0, 1, 2, 18, 0x1b, 0xff], 512],
    ] as const) {
      await dma(m, 0x46, 0x20000, length);
      await command(m, bytes);
      await dmaState(m);
      await m.read(0x20000, length + 512);
    }
  }, patternDisk(DISK)));

test('WRITE by DMA, read back', () =>
  compare(async (m) => {
    await reset(m);
    await m.write(
      0x30000,
      patternDisk(20 * 512).map((byte) => byte ^ 0x33),
    );
    for (const [bytes, length] of [
      [[0xc5, 0, 2, 0, 1, 2, 18, 0x1b, 0xff], 512],
      [[0xc5, 0, 2, 0, 10, 2, 18, 0x1b, 0xff], 20 * 512],
    ] as const) {
      await dma(m, 0x4a, 0x30000, length);
      await command(m, bytes);
      await dmaState(m);
    }
    await dma(m, 0x46, 0x20000, 36 * 512);
    await command(m, [0xe6, 0, 2, 0, 1, 2, 18, 0x1b, 0xff]);
    await m.read(0x20000, 36 * 512);
  }, patternDisk(DISK)));

test('without DMA, byte by byte', () =>
  compare(async (m) => {
    await reset(m);
    await command(m, [0x03, 0xdf, 0x03]);
    await command(m, [0xc5, 0, 1, 0, 3, 2, 3, 0x1b, 0xff], patternDisk(512 * 8).slice(100, 100 + 512 * 4));
    for (const bytes of [
      [0xe6, 0, 1, 0, 3, 2, 4, 0x1b, 0xff],
      [0x46, 0, 1, 0, 3, 2, 3, 0x1b, 0xff],
    ]) {
      for (const byte of bytes) await m.out(FIFO, byte);
      await state(m);
      for (let i = 0; i < 20000 && ((await m.in(STATUS)) & 0xf0) === 0xf0; i++) {
        await m.in(FIFO);
        await settle(m);
      }
      // The address that QEMU reports here is the last sector's, not the next one's as under DMA and in the data sheet.
      for (let i = 0; i < 7; i++) await m.inBits(FIFO, [3, 4, 5].includes(i) ? 0 : 0xdb);
      await m.in(STATUS);
    }
  }, patternDisk(DISK)));

test('disks of all sizes: geometry, rate, CMOS', async () => {
  for (const size of [160, 180, 320, 360, 720, 1200, 1440, 2880, 1680, 1000]) {
    await compare(
      async (m) => {
        for (const register of [0x10, 0x12, 0x14, 0x19, 0x1a, 0x39]) {
          await m.out(0x70, register);
          await m.in(0x71);
        }
        for (const rate of [0, 1, 2, 3]) {
          await reset(m, rate);
          await command(m, [0x07, 0]);
          await command(m, [0x0e]);
          await dma(m, 0x46, 0x20000, 512);
          await command(m, [0xe6, 0, 1, 0, 2, 2, 9, 0x1b, 0xff]);
          await m.read(0x20000, 16);
        }
      },
      patternDisk(size * KiB),
    );
  }
});

test('an empty drive, and two drives', async () => {
  const look: Script = async (m) => {
    for (const register of [0x10, 0x14]) {
      await m.out(0x70, register);
      await m.in(0x71);
    }
    await reset(m);
    for (const drive of [0, 1]) {
      await m.out(0x3f2, 0x1c | drive);
      await command(m, [0x07, drive]);
      await command(m, [0x08]);
      await command(m, [0x04, drive]);
      await command(m, [0x0f, drive, 3]);
      await command(m, [0x08]);
    }
  };
  await compare(look, undefined);
  await compare(look, patternDisk(DISK), patternDisk(720 * KiB));
});

test('400 random register accesses', () =>
  compare(async (m) => {
    await reset(m);
    const random = createRandom(22);
    const codes: readonly (readonly [code: number, parameters: number])[] = [
      ...Array.from([0x08, 0x10, 0x0e, 0x14, 0x94, 0x18, 0x2e], (code) => [code, 0] as const),
      ...Array.from([0x04, 0x07, 0x12], (code) => [code, 1] as const),
      ...Array.from([0x03, 0x0f, 0x8f, 0xcf], (code) => [code, 2] as const),
      [0x13, 3],
    ];
    for (let i = 0; i < 400; i++) {
      await settle(m);
      const port = [0x3f1, 0x3f2, 0x3f3, STATUS, 0x3f7][random(5)] ?? STATUS;
      switch (random(4)) {
        case 0:
          await m.in(port);
          break;
        case 1:
          if (port === 0x3f2) await m.out(port, random(64) | 4);
          else if (port !== STATUS) await m.out(port, random(256));
          break;
        default: {
          const [code, parameters] = codes[random(codes.length)] ?? [0x08, 0];
          await command(m, [code, ...Array.from({ length: parameters }, () => random(8))]);
        }
      }
    }
  }, patternDisk(DISK)));
