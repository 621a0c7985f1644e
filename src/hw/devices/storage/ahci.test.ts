/** Cases from Serial ATA AHCI 1.3. Register-level equality with QEMU is in tests/qtest. */
import { describe, expect, test } from 'vitest';
import { type TestDrive, testDrive } from '../../../block/drive.fixture.ts';
import { VirtualClock } from '../../core/clock.ts';
import { createDevice, type Device, loadDevices } from '../../core/device.ts';
import { createDma } from '../../core/dma.ts';
import { AddressSpace } from '../../core/memory.ts';
import { Container, ramRegion } from '../../core/region.ts';
import { resetAll } from '../../core/reset.ts';
import { ahci } from './ahci.ts';
import { ideCd } from './ide-cd.ts';
import { ideHd } from './ide-hd.ts';
import { patternDisk } from './ide-rig.fixture.ts';

const RAM_BYTES = 2 ** 20;
const HBA = 0xfe00_0000;
const PORT = HBA + 0x100;
const LIST = 0x1000;
const RECEIVED = 0x2000;
const TABLES = 0x4000;
const DATA = 0x2_0000;

interface Options {
  readonly disk?: TestDrive;
  readonly ram?: Uint8Array;
  readonly saved?: readonly Uint8Array[];
}

function ahciRig({ disk = testDrive(patternDisk(8192)), ram = new Uint8Array(RAM_BYTES), saved }: Options = {}) {
  const clock = new VirtualClock();
  const system = new Container('system', 2 ** 32);
  system.add(0, ramRegion('ram', RAM_BYTES, 0));
  const memory = new AddressSpace(system, { bytes: ram, written() {} });
  const dma = createDma(memory);
  const irq = { level: false };
  const controller = createDevice(ahci, { clock, props: { dma } });
  controller.parts.pci.plug({
    memory: new Container('pci', 2 ** 32),
    io: new Container('io', 0x10000),
    interrupt: (_pin, level) => (irq.level = level),
  });
  const hd = createDevice(ideHd, { clock, props: { parent: controller.parts.buses[0]!, drive: disk } });
  const cd = createDevice(ideCd, { clock, props: { parent: controller.parts.buses[1]! } });
  const devices: Device[] = [controller, hd, cd];
  system.add(HBA, controller.parts.regions.memory);
  if (saved === undefined) resetAll(devices);
  else loadDevices(devices.map((device, i) => ({ device, bytes: saved[i] as Uint8Array })));
  const view = new DataView(ram.buffer);
  return {
    disk,
    ram,
    view,
    irq,
    read: (gpa: number) => dma.readU32(gpa),
    write: (gpa: number, value: number) => dma.writeU32(gpa, value >>> 0),
    reset: () => resetAll(devices),
    save: () => devices.map((device) => device.save()),
  };
}
type Rig = ReturnType<typeof ahciRig>;
const reloaded = ({ disk, ram, save }: Rig): Rig => ahciRig({ disk, ram, saved: save() });

function start(rig: Rig): void {
  rig.write(HBA + 4, 0x8000_0002);
  rig.write(PORT, LIST);
  rig.write(PORT + 8, RECEIVED);
  rig.write(PORT + 0x14, 0xffff_ffff);
  rig.write(PORT + 0x18, 0x17);
  rig.write(PORT + 0x10, 0xffff_ffff);
}
interface Command {
  readonly code: number;
  readonly lba?: number;
  readonly count?: number;
  readonly bytes?: number;
  readonly flags?: number;
}
function prepare(rig: Rig, slot: number, { code, lba = 0, count = 1, bytes = count * 512, flags = 0 }: Command): void {
  const table = TABLES + slot * 0x100;
  const queued = code === 0x60 || code === 0x61;
  rig.view.setUint32(LIST + slot * 32, 5 | flags | (1 << 16), true);
  rig.view.setUint32(LIST + slot * 32 + 8, table, true);
  const [feature, sectors] = queued ? [count, slot << 3] : [0, count];
  rig.ram.set(
    [0x27, 0x80, code, feature, lba & 0xff, lba >> 8, 0, 0x40, 0, 0, 0, feature >> 8, sectors & 0xff, 0],
    table,
  );
  rig.view.setUint32(table + 0x80, DATA + slot * 0x2000, true);
  rig.view.setUint32(table + 0x8c, bytes - 1, true);
}
const disk = (lba: number, count: number): Uint8Array => patternDisk(8192).slice(lba * 512, (lba + count) * 512);
const data = (rig: Rig, slot: number, bytes: number): Uint8Array =>
  rig.ram.slice(DATA + slot * 0x2000, DATA + slot * 0x2000 + bytes);

describe('commands', () => {
  test('READ DMA EXT: issued until the disk is done, then a register frame, PRDBC and an interrupt (§5.5)', () => {
    const rig = ahciRig();
    start(rig);
    prepare(rig, 3, { code: 0x25, lba: 9, count: 4 });
    rig.write(PORT + 0x38, 8);
    expect(rig.read(PORT + 0x38)).toBe(8);
    expect(rig.irq.level).toBe(false);
    rig.disk.complete();
    expect(rig.read(PORT + 0x38)).toBe(0);
    expect(rig.read(PORT + 0x20)).toBe(0x50);
    expect(rig.irq.level).toBe(true);
    expect(rig.view.getUint32(LIST + 3 * 32 + 4, true)).toBe(2048);
    expect([...rig.ram.slice(RECEIVED + 0x40, RECEIVED + 0x43)]).toEqual([0x34, 0x40, 0x50]);
    expect(data(rig, 3, 2048)).toEqual(disk(9, 4));
    rig.write(PORT + 0x10, 1);
    expect(rig.irq.level).toBe(false);
  });

  test('commands in several slots run one after the other', () => {
    const rig = ahciRig();
    start(rig);
    for (const slot of [0, 1, 2]) prepare(rig, slot, { code: 0xc8, lba: slot * 10, count: 1 });
    rig.write(PORT + 0x38, 7);
    expect(rig.disk.waiting.length).toBe(1);
    rig.disk.completeAll();
    expect(rig.read(PORT + 0x38)).toBe(0);
    for (const slot of [0, 1, 2]) expect(data(rig, slot, 512)).toEqual(disk(slot * 10, 1));
  });

  test('an error raises the task file interrupt and stays issued until the port is stopped (§6.2.2)', () => {
    const rig = ahciRig();
    start(rig);
    prepare(rig, 0, { code: 0x25, lba: 8191, count: 2 });
    rig.write(PORT + 0x38, 1);
    expect(rig.read(PORT + 0x10) & 0x4000_0000).not.toBe(0);
    expect(rig.read(PORT + 0x20)).toBe(0x0441);
    expect(rig.read(PORT + 0x38)).toBe(1);
    rig.write(PORT + 0x18, 0x16);
    expect(rig.read(PORT + 0x38)).toBe(0);
  });
});

describe('native command queuing', () => {
  test('tags work at once and end in any order; each end clears its bit of PxSACT', () => {
    const rig = ahciRig();
    start(rig);
    for (const slot of [0, 1, 5]) prepare(rig, slot, { code: 0x60, lba: slot * 100, count: 4 });
    rig.write(PORT + 0x34, 0x23);
    rig.write(PORT + 0x38, 0x23);
    expect(rig.read(PORT + 0x38)).toBe(0);
    expect(rig.disk.waiting.length).toBe(3);
    rig.disk.complete(undefined, 2);
    expect(rig.read(PORT + 0x34)).toBe(0x03);
    expect(data(rig, 5, 2048)).toEqual(disk(500, 4));
    rig.disk.complete('EIO');
    expect(rig.read(PORT + 0x34)).toBe(0x03);
    expect(rig.read(PORT + 0x10) & 0x4000_0008).toBe(0x4000_0008);
  });

  test('a write, moved to other devices while the disk works', () => {
    let rig = ahciRig();
    start(rig);
    prepare(rig, 2, { code: 0x61, lba: 40, count: 2, flags: 0x40 });
    rig.ram.fill(0x99, DATA + 2 * 0x2000, DATA + 2 * 0x2000 + 1024);
    rig.write(PORT + 0x34, 4);
    rig.write(PORT + 0x38, 4);
    rig = reloaded(rig);
    rig.disk.completeAll();
    expect(rig.read(PORT + 0x34)).toBe(0);
    expect(rig.disk.bytes.slice(40 * 512, 42 * 512).every((byte) => byte === 0x99)).toBe(true);
  });

  test('a region table that is too short is refused with an overflow', () => {
    const rig = ahciRig();
    start(rig);
    prepare(rig, 0, { code: 0x60, count: 2, bytes: 1000 });
    rig.write(PORT + 0x34, 1);
    rig.write(PORT + 0x38, 1);
    expect(rig.read(PORT + 0x10) & 0x0100_0000).not.toBe(0);
    expect(rig.disk.waiting).toEqual([]);
  });
});

test('10^5 random accesses, commands among them, leave a controller that works after a reset', () => {
  let rig = ahciRig();
  let x = 4;
  const random = (limit: number): number => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    return Math.floor((x / 2 ** 32) * limit);
  };
  const codes = [0x20, 0x25, 0x30, 0x35, 0x60, 0x61, 0xa0, 0xa1, 0xc4, 0xc8, 0xca, 0xe7, 0xec, 0xef, 0x06, 0x00];
  const accesses = Number(process.env['FUZZ_ACCESSES'] ?? 100_000);
  for (let i = 0; i < accesses; i++) {
    if (random(8) === 0) {
      const count = 1 + random(16);
      const bytes = random(4) === 0 ? 1 + random(9000) : count * 512;
      prepare(rig, random(32), {
        code: codes[random(codes.length)]!,
        lba: random(9000),
        count,
        bytes,
        flags: random(128),
      });
    }
    const register = HBA + (random(6) === 0 ? random(0x30) : 0x100 + random(2) * 0x80 + random(0x40));
    if (random(3) === 0) rig.read(register & ~3);
    else if (random(40) === 0) start(rig);
    else if (random(20) === 0) rig.write(register & ~3, random(2 ** 32));
    else rig.write(PORT + random(2) * 0x80 + [0x34, 0x38][random(2)]!, random(2 ** 32));
    if (random(4) === 0 && rig.disk.waiting.length > 0) rig.disk.complete(random(8) === 0 ? 'EIO' : undefined);
    if (i % 5000 === 0) {
      const saved = rig.save().map((bytes) => Buffer.from(bytes).toString('hex'));
      rig = reloaded(rig);
      expect(rig.save().map((bytes) => Buffer.from(bytes).toString('hex'))).toEqual(saved);
    }
  }
  rig.reset();
  start(rig);
  prepare(rig, 0, { code: 0x25, lba: 6000, count: 1 });
  rig.write(PORT + 0x38, 1);
  rig.disk.completeAll();
  expect(data(rig, 0, 512)).toEqual(rig.disk.bytes.slice(6000 * 512, 6001 * 512));
});
