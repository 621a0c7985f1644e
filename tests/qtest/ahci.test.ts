/** AHCI: registers, received frames and data, against native QEMU. */
import { expect, test } from 'vitest';
import { nativeTarget } from './native.ts';
import { ownTarget } from './own.ts';
import { type Recorder, recordsOf, type Script } from './target.ts';

const DISK_SECTORS = 40_000;
const HBA = 0xfe00_0000;
const LIST = 0x10_0000;
const RECEIVED = 0x10_1000;
const TABLE = 0x10_2000;
const DATA = 0x11_0000;

function pattern(sectors: number): Uint8Array {
  const bytes = new Uint8Array(sectors * 512);
  const words = new Uint32Array(bytes.buffer);
  for (let i = 0; i < words.length; i++) words[i] = Math.imul(i, 0x9e3779b1);
  return bytes;
}

/** A disk behind port 0, a CD-ROM drive behind port 1. */
async function compare(script: Script): Promise<void> {
  const [hd, cd] = [pattern(DISK_SECTORS), pattern(4000)];
  const native = nativeTarget(
    'pc',
    [
      ...['-device', 'ich9-ahci,id=ahci,addr=4'],
      ...[
        '-drive',
        'file=@hd,format=raw,if=none,id=hd0,cache=unsafe',
        '-device',
        'ide-hd,drive=hd0,bus=ahci.0,serial=one',
      ],
      ...[
        '-drive',
        'file=@cd,format=raw,if=none,id=cd0,readonly=on',
        '-device',
        'ide-cd,drive=cd0,bus=ahci.1,serial=two',
      ],
    ],
    { hd, cd },
  );
  const own = ownTarget(
    'pc',
    [
      { driver: 'ich9-ahci', id: 'ahci', properties: { addr: '4' } },
      { driver: 'ide-hd', properties: { drive: 'hd0', bus: 'ahci.0', serial: 'one' } },
      { driver: 'ide-cd', properties: { drive: 'cd0', bus: 'ahci.1', serial: 'two' } },
    ],
    { hd0: { bytes: hd }, cd0: { bytes: cd, media: 'cdrom' } },
  );
  const [theirs = [], ours = []] = await recordsOf([native, own], async (m) => {
    for (const [register, value] of [
      [0x24, HBA],
      [0x20, 0xc001],
      [0x04, 7],
    ] as const) {
      await m.out(0xcf8, 0x8000_2000 | register, 4);
      await m.out(0xcfc, value, 4);
    }
    await script(m);
  });
  expect(ours).toEqual(theirs);
}

const write32 = (m: Recorder, gpa: number, ...values: number[]): Promise<void> =>
  m.write(gpa, new Uint8Array(Uint32Array.from(values, (value) => value >>> 0).buffer));
const port = (n: number): number => HBA + 0x100 + n * 0x80;

async function state(m: Recorder, n: number): Promise<void> {
  await m.read(port(n), 0x3c);
  await m.read(HBA, 0x10);
}
async function start(m: Recorder, n: number): Promise<void> {
  await write32(m, HBA + 4, 0x8000_0001);
  await write32(m, HBA + 4, 0x8000_0002);
  await write32(m, port(n), LIST, 0, RECEIVED, 0);
  await write32(m, port(n) + 0x14, 0xffff_ffff);
  await write32(m, port(n) + 0x18, 0x16);
  await write32(m, port(n) + 0x18, 0x17);
  await m.write(RECEIVED, new Uint8Array(256));
  await state(m, n);
}
interface Command {
  readonly fis: readonly number[];
  readonly packet?: readonly number[];
  readonly flags?: number;
  readonly regions?: readonly (readonly [gpa: number, bytes: number])[];
  readonly slot?: number;
}
async function prepare(m: Recorder, { fis, packet = [], flags = 0, regions = [], slot = 0 }: Command): Promise<void> {
  const table = TABLE + slot * 0x800;
  await write32(m, LIST + slot * 32, 5 | flags | (regions.length << 16), 0, table, 0);
  const bytes = new Uint8Array(0x80);
  bytes.set(fis);
  bytes.set(packet, 0x40);
  await m.write(table, bytes);
  for (const [i, [gpa, length]] of regions.entries()) await write32(m, table + 0x80 + i * 16, gpa, 0, 0, length - 1);
}
async function issue(m: Recorder, n: number, slots: number): Promise<void> {
  await write32(m, port(n) + 0x38, slots);
  await m.settle(async (target) => {
    const word = async (register: number): Promise<number> => {
      const [low = 0, b1 = 0, b2 = 0, high = 0] = await target.read(port(n) + register, 4);
      return (low | b1 | b2 | high) === 0 ? 0 : low | 0x100;
    };
    // A command that failed stays issued.
    const failed = ((await word(0x20)) & 1) !== 0;
    return !failed && (await word(0x38)) + (await word(0x34)) > 0;
  });
  await state(m, n);
  await m.read(LIST, 32);
  await m.read(RECEIVED, 0x60);
  await write32(m, port(n) + 0x10, 0xffff_ffff);
  await state(m, n);
}
async function run(m: Recorder, n: number, command: Command): Promise<void> {
  m.say(`command ${command.fis[2]?.toString(16)}`);
  await prepare(m, command);
  await issue(m, n, 1);
}
const h2d = (code: number, { lba = 0, count = 1, feature = 0, device = 0x40 } = {}): number[] => [
  ...[0x27, 0x80, code, feature & 0xff, lba & 0xff, (lba >> 8) & 0xff, (lba >> 16) & 0xff, device],
  ...[(lba >> 24) & 0xff, 0, 0, feature >> 8, count & 0xff, count >> 8, 0, 0],
];

test('configuration space but for MSI, and the registers of the controller and its ports', () =>
  compare(async (m) => {
    for (let register = 0; register < 0x100; register += 4) {
      // QEMU has the MSI capability at 80h.
      if (register === 0x34 || (register >= 0x80 && register < 0x90) || register === 0xa8) continue;
      await m.out(0xcf8, 0x8000_2000 | register, 4);
      await m.in(0xcfc, 4);
    }
    await m.read(HBA, 0x30);
    for (let n = 0; n < 6; n++) await m.read(port(n), 0x40);
    await m.out(0xc010, 0x128, 4);
    await m.in(0xc014, 4);
    await m.out(0xc010, 0xfff, 4);
    await m.in(0xc010, 4);
  }));

test('a disk: identification, PIO, DMA, commands without data, errors', () =>
  compare(async (m) => {
    await start(m, 0);
    const regions = [
      [DATA, 1000],
      [DATA + 0x2000, 9000],
    ] as const;
    await run(m, 0, { fis: h2d(0xec), regions: [[DATA, 512]] });
    await m.read(DATA, 512);
    await run(m, 0, { fis: h2d(0x20, { lba: 5, count: 3 }), regions });
    await run(m, 0, { fis: h2d(0x24, { lba: 9, count: 2 }), regions });
    await run(m, 0, { fis: h2d(0x30, { lba: 20, count: 4 }), regions, flags: 0x40 });
    await run(m, 0, { fis: h2d(0xc5, { lba: 30, count: 4 }), regions, flags: 0x40 });
    await run(m, 0, { fis: h2d(0xc8, { lba: 18, count: 19 }), regions });
    await m.read(DATA, 1000);
    await m.read(DATA + 0x2000, 9000);
    await run(m, 0, { fis: h2d(0x35, { lba: 50, count: 5 }), regions, flags: 0x40 });
    await run(m, 0, { fis: h2d(0x25, { lba: 48, count: 8 }), regions });
    await m.read(DATA, 1000);
    await m.read(DATA + 0x2000, 4000);
    for (const code of [0x40, 0xe5, 0xe7, 0xea, 0xf8, 0x27, 0xe0, 0x00, 0xa1]) await run(m, 0, { fis: h2d(code) });
    await run(m, 0, { fis: h2d(0xef, { feature: 3, count: 0x45 }) });
    await run(m, 0, { fis: h2d(0xb0, { feature: 0xd0, lba: 0xc24f00 }), regions: [[DATA, 512]] });
    await run(m, 0, { fis: h2d(0xc8, { lba: DISK_SECTORS - 1, count: 2 }), regions });
    await run(m, 0, { fis: h2d(0x20, { lba: DISK_SECTORS }), regions });
    await run(m, 0, { fis: h2d(0xec), regions: [[DATA, 512]] });
  }));

test('a disk: native command queuing, one and many tags', () =>
  compare(async (m) => {
    await start(m, 0);
    for (let slot = 0; slot < 4; slot++) {
      const fis = h2d(slot === 2 ? 0x61 : 0x60, { lba: 100 * slot, feature: 4, count: slot << 3 });
      await prepare(m, { fis, regions: [[DATA + slot * 0x1000, 2048]], slot, flags: slot === 2 ? 0x40 : 0 });
    }
    for (const slots of [1, 2, 4]) {
      await write32(m, port(0) + 0x34, slots);
      await issue(m, 0, slots);
    }
    for (let slot = 0; slot < 4; slot++) await m.read(DATA + slot * 0x1000, 2048);
    await write32(m, port(0) + 0x34, 8);
    await issue(m, 0, 8);
    await m.read(DATA + 3 * 0x1000, 2048);
  }));

test('a CD-ROM drive: packets by PIO and DMA', () =>
  compare(async (m) => {
    await start(m, 1);
    const regions = [[DATA, 8192]] as const;
    const packet = (bytes: readonly number[], feature = 0): Command => ({
      fis: h2d(0xa0, { feature, lba: 0x08_0000, device: 0 }),
      packet: bytes,
      regions,
      flags: 0x20,
    });
    await run(m, 1, { fis: h2d(0xa1), regions: [[DATA, 512]] });
    await m.read(DATA, 512);
    await run(m, 1, { fis: h2d(0xec), regions: [[DATA, 512]] });
    await run(m, 1, packet([0x12, 0, 0, 0, 36]));
    await run(m, 1, packet([0x00]));
    await run(m, 1, packet([0x25]));
    await run(m, 1, packet([0x28, 0, 0, 0, 0, 3, 0, 0, 2], 1));
    await m.read(DATA, 4096);
    await run(m, 1, packet([0x28, 0, 0, 0, 0, 1, 0, 0, 3]));
    await m.read(DATA, 6144);
    await run(m, 1, packet([0xff]));
    await run(m, 1, packet([0x03, 0, 0, 0, 18]));
    await m.read(DATA, 18);
  }));

test('resets: of the port, by software, of the controller', () =>
  compare(async (m) => {
    for (const n of [0, 1]) {
      await start(m, n);
      await write32(m, port(n) + 0x2c, 0x301);
      await write32(m, port(n) + 0x2c, 0x300);
      await state(m, n);
      await m.read(RECEIVED, 0x60);
      await prepare(m, { fis: [0x27, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4], flags: 0x500 });
      await issue(m, n, 1);
      await prepare(m, { fis: [0x27, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] });
      await issue(m, n, 1);
      await write32(m, HBA + 4, 0x8000_0001);
      await state(m, n);
    }
  }));
