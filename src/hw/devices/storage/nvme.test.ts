/** Cases from NVM Express 1.2, 3 November 2014. */
import { describe, expect, test } from 'vitest';
import { type TestDrive, testDrive } from '../../../block/drive.fixture.ts';
import { VirtualClock } from '../../core/clock.ts';
import { createDevice, type Device, loadDevices } from '../../core/device.ts';
import { createDma } from '../../core/dma.ts';
import { AddressSpace } from '../../core/memory.ts';
import { Container, ramRegion } from '../../core/region.ts';
import { resetAll } from '../../core/reset.ts';
import { patternDisk } from './ide-rig.fixture.ts';
import { nvme } from './nvme.ts';

const RAM_BYTES = 2 ** 21;
const BAR = 0xfe00_0000;
const ADMIN = { SQ: 0x1000, CQ: 0x2000 } as const;
const IO = { SQ: 0x3000, CQ: 0x4000 } as const;
const DATA = 0x1_0000;
const LIST = 0x8000;
const ENTRIES = 8;

interface Options {
  readonly disk?: TestDrive;
  readonly ram?: Uint8Array;
  readonly saved?: readonly Uint8Array[];
}

function nvmeRig({ disk = testDrive(patternDisk(4096)), ram = new Uint8Array(RAM_BYTES), saved }: Options = {}) {
  const clock = new VirtualClock();
  const system = new Container('system', 2 ** 32);
  system.add(0, ramRegion('ram', RAM_BYTES, 0));
  const dma = createDma(new AddressSpace(system, { bytes: ram, written() {} }));
  const irq = { level: false };
  const controller = createDevice(nvme, { clock, props: { dma, drive: disk, serial: 'one' } });
  controller.parts.pci.plug({
    memory: new Container('pci', 2 ** 32),
    io: new Container('io', 0x10000),
    interrupt: (_pin, level) => (irq.level = level),
  });
  system.add(BAR, controller.parts.regions.registers);
  const devices: Device[] = [controller];
  if (saved === undefined) resetAll(devices);
  else loadDevices(devices.map((device, i) => ({ device, bytes: saved[i] as Uint8Array })));
  const view = new DataView(ram.buffer);
  const tails = [0, 0];
  const rig = {
    disk,
    ram,
    view,
    irq,
    read: (offset: number) => dma.readU32(BAR + offset),
    write: (offset: number, value: number) => dma.writeU32(BAR + offset, value >>> 0),
    reset: () => resetAll(devices),
    save: () => devices.map((device) => device.save()),
    /** Puts a command into queue 0 (admin) or 1 and rings its doorbell. */
    submit(queue: 0 | 1, dwords: Readonly<Record<number, number>>, cid = 7): void {
      const at = (queue === 0 ? ADMIN.SQ : IO.SQ) + (tails[queue] ?? 0) * 64;
      for (let n = 0; n < 16; n++) view.setUint32(at + n * 4, dwords[n] ?? 0, true);
      view.setUint16(at + 2, cid, true);
      tails[queue] = ((tails[queue] ?? 0) + 1) % ENTRIES;
      rig.write(0x1000 + queue * 8, tails[queue] ?? 0);
    },
    /** The n-th completion of a queue: status without the phase, identifier, result. */
    completion(queue: 0 | 1, n: number) {
      const at = (queue === 0 ? ADMIN.CQ : IO.CQ) + n * 16;
      const status = view.getUint16(at + 14, true);
      return {
        cid: view.getUint16(at + 12, true),
        status: (status >> 1) & 0x7ff,
        phase: status & 1,
        result: view.getUint32(at, true),
      };
    },
  };
  return rig;
}
type Rig = ReturnType<typeof nvmeRig>;
const reloaded = ({ disk, ram, save }: Rig): Rig => nvmeRig({ disk, ram, saved: save() });

function enable(rig: Rig): void {
  rig.write(0x24, ((ENTRIES - 1) << 16) | (ENTRIES - 1));
  rig.write(0x28, ADMIN.SQ);
  rig.write(0x30, ADMIN.CQ);
  rig.write(0x14, 0x0046_0001);
}
/** With an I/O queue pair; two admin completions are there and taken. */
function start(rig: Rig): void {
  enable(rig);
  rig.submit(0, { 0: 0x05, 6: IO.CQ, 10: ((ENTRIES - 1) << 16) | 1, 11: 3 });
  rig.submit(0, { 0: 0x01, 6: IO.SQ, 10: ((ENTRIES - 1) << 16) | 1, 11: (1 << 16) | 1 });
  rig.write(0x1004, 2);
}
const READ = 0x02;
const WRITE = 0x01;
const io = (opcode: number, lba: number, sectors: number, prp1: number, prp2 = 0) => ({
  0: opcode,
  1: 1,
  6: prp1,
  8: prp2,
  10: lba,
  12: sectors - 1,
});

describe('the controller', () => {
  test('gets ready when it is enabled, and says what it is', () => {
    const rig = nvmeRig();
    expect(rig.read(0x08)).toBe(0x0001_0200);
    expect(rig.read(0x1c)).toBe(0);
    enable(rig);
    expect(rig.read(0x1c)).toBe(1);
    rig.submit(0, { 0: 0x06, 6: DATA, 10: 1 });
    expect(rig.completion(0, 0)).toEqual({ cid: 7, status: 0, phase: 1, result: 0 });
    expect(new TextDecoder().decode(rig.ram.slice(DATA + 24, DATA + 38))).toBe('QEMU NVMe Ctrl');
    expect(rig.irq.level).toBe(true);
    rig.write(0x1004, 1);
    expect(rig.irq.level).toBe(false);
    rig.submit(0, { 0: 0x06, 1: 1, 6: DATA, 10: 0 });
    expect(rig.view.getUint32(DATA, true)).toBe(4096);
  });

  test('fails to start with queues that are not aligned to pages (§7.6.1)', () => {
    const rig = nvmeRig();
    rig.write(0x24, 0);
    rig.write(0x14, 0x0046_0001);
    expect(rig.read(0x1c)).toBe(2);
  });

  test('refuses queues that can not be, and the deletion of one that is used (§5.3 to §5.6)', () => {
    const rig = nvmeRig();
    start(rig);
    const statusOf = (n: number, dwords: Readonly<Record<number, number>>): number => {
      rig.submit(0, dwords);
      rig.write(0x1004, (n + 1) % ENTRIES);
      return rig.completion(0, n).status;
    };
    expect(statusOf(2, { 0: 0x05, 6: IO.CQ, 10: (7 << 16) | 1, 11: 3 })).toBe(0x101);
    expect(statusOf(3, { 0: 0x05, 6: IO.CQ, 10: 2, 11: 3 })).toBe(0x102);
    expect(statusOf(4, { 0: 0x01, 6: IO.SQ, 10: (7 << 16) | 2, 11: (9 << 16) | 1 })).toBe(0x100);
    expect(statusOf(5, { 0: 0x04, 10: 1 })).toBe(0x10c);
    expect(statusOf(6, { 0: 0x7f })).toBe(0x01);
  });

  test('shuts down when what was written is safe (§7.6.2)', () => {
    const rig = nvmeRig();
    start(rig);
    rig.write(0x14, 0x0046_4001);
    expect(rig.read(0x1c)).toBe(5);
    expect(rig.disk.waiting).toEqual(['flush']);
    rig.disk.complete();
    expect(rig.read(0x1c)).toBe(9);
  });
});

describe('reads and writes', () => {
  test('a page and a half at an offset takes two entries (§4.3)', () => {
    const rig = nvmeRig();
    start(rig);
    rig.submit(1, io(READ, 5, 8, DATA + 1024, DATA + 0x4000));
    rig.disk.complete();
    expect(rig.completion(1, 0)).toMatchObject({ cid: 7, status: 0, phase: 1 });
    const both = [...rig.ram.slice(DATA + 1024, DATA + 4096), ...rig.ram.slice(DATA + 0x4000, DATA + 0x4000 + 1024)];
    expect(both).toEqual([...patternDisk(16).slice(5 * 512, 13 * 512)]);
  });

  test('a list, moved to another device while the disk works', () => {
    let rig = nvmeRig();
    start(rig);
    const pages = [0x9_0000, 0x7_0000, 0xa_0000];
    for (const [i, page] of pages.entries()) rig.view.setUint32(LIST + i * 8, page, true);
    rig.ram.fill(0x5a, DATA, DATA + 4096);
    for (const page of pages) rig.ram.fill(page >> 16, page, page + 4096);
    rig.submit(1, io(WRITE, 100, 32, DATA, LIST));
    rig = reloaded(rig);
    rig.disk.complete();
    expect(rig.completion(1, 0).status).toBe(0);
    const written = [0, 1, 2, 3].map((n) => rig.disk.bytes[(100 + n * 8) * 512]);
    expect(written).toEqual([0x5a, 0x09, 0x07, 0x0a]);
  });

  test('forced to the medium, a write ends after a flush; so do all without a write cache', () => {
    const rig = nvmeRig();
    start(rig);
    rig.submit(1, { ...io(WRITE, 0, 1, DATA), 12: 0x4000_0000 });
    rig.disk.complete();
    expect(rig.disk.waiting).toEqual(['flush']);
    rig.disk.complete();
    expect(rig.completion(1, 0).status).toBe(0);
  });

  test('WRITE ZEROES and DATASET MANAGEMENT', () => {
    const rig = nvmeRig();
    start(rig);
    rig.submit(1, io(0x08, 20, 2, 0));
    rig.view.setUint32(DATA + 4, 8, true);
    rig.view.setUint32(DATA + 8, 64, true);
    rig.submit(1, { 0: 0x09, 1: 1, 6: DATA, 10: 0, 11: 4 });
    expect(rig.disk.waiting).toEqual(['zero 10240 1024', 'discard 32768 4096']);
    rig.disk.completeAll();
    expect([rig.completion(1, 0).status, rig.completion(1, 1).status]).toEqual([0, 0]);
  });

  test('errors: beyond the end, no such namespace, wrong entries, the host', () => {
    const rig = nvmeRig();
    start(rig);
    rig.submit(1, io(READ, 4095, 2, DATA));
    rig.submit(1, { ...io(READ, 0, 1, DATA), 1: 2 });
    rig.submit(1, io(READ, 0, 16, DATA, DATA + 100));
    rig.submit(1, io(READ, 0, 1, DATA));
    rig.disk.complete('EIO');
    expect([0, 1, 2, 3].map((n) => rig.completion(1, n).status)).toEqual([0x80, 0x0b, 0x13, 0x281]);
  });

  test('a completion queue that is full holds commands up until the host takes entries', () => {
    const rig = nvmeRig();
    start(rig);
    for (let cid = 0; cid < 7; cid++) rig.submit(1, io(READ, cid, 1, DATA + cid * 512), cid);
    expect(rig.disk.waiting.length).toBe(7);
    rig.disk.completeAll();
    rig.submit(1, io(READ, 9, 1, DATA), 99);
    expect(rig.disk.waiting).toEqual([]);
    rig.write(0x100c, 3);
    expect(rig.disk.waiting).toEqual(['read 4608 512']);
    rig.disk.complete();
    expect(rig.completion(1, 7).cid).toBe(99);
  });

  test('deleting a submission queue ends what it had under way', () => {
    const rig = nvmeRig();
    start(rig);
    rig.submit(1, io(READ, 0, 1, DATA), 5);
    rig.submit(0, { 0: 0x00, 10: 1 });
    expect(rig.completion(1, 0)).toMatchObject({ cid: 5, status: 0x08 });
    rig.disk.completeAll();
    expect(rig.completion(1, 1).phase).toBe(0);
  });
});

test('10^5 random accesses, commands among them, leave a controller that works after a reset', () => {
  let rig = nvmeRig();
  let x = 5;
  const random = (limit: number): number => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    return Math.floor((x / 2 ** 32) * limit);
  };
  const accesses = Number(process.env['FUZZ_ACCESSES'] ?? 100_000);
  for (let i = 0; i < accesses; i++) {
    const address = (): number => (random(8) === 0 ? random(2 ** 32) : random(0x200) * 0x1000);
    if (random(200) === 0) {
      start(rig);
    } else if (random(3) > 0) {
      const queue = random(4) === 0 ? 0 : 1;
      const opcode = random(queue === 0 ? 13 : 10);
      const [d10, d11] = [random(2) ? random(5000) : random(2 ** 32), random(2) ? random(16) : random(2 ** 32)];
      const dwords = {
        0: opcode,
        1: random(3),
        6: address(),
        7: random(20) ? 0 : random(2 ** 32),
        8: address(),
        10: d10,
      };
      rig.submit(queue, { ...dwords, 11: opcode < 3 && queue === 1 ? 0 : d11, 12: random(300) });
    } else if (random(2)) {
      rig.read(random(0x1200) & ~3);
    } else {
      rig.write(
        random(10) === 0 ? random(0x40) & ~3 : 0x1000 + 4 * random(6),
        random(4) === 0 ? random(2 ** 32) : random(8),
      );
    }
    if (random(2) === 0 && rig.disk.waiting.length > 0) {
      rig.disk.complete(random(8) === 0 ? 'EIO' : undefined, random(rig.disk.waiting.length));
    }
    if (i % 5000 === 0) {
      const hex = () => rig.save().map((bytes) => Buffer.from(bytes).toString('hex'));
      const saved = hex();
      rig = reloaded(rig);
      expect(hex()).toEqual(saved);
    }
  }
  rig = nvmeRig({ disk: rig.disk, saved: rig.save() });
  rig.reset();
  start(rig);
  rig.submit(1, io(READ, 2000, 1, DATA));
  rig.disk.completeAll();
  expect(rig.ram.slice(DATA, DATA + 512)).toEqual(rig.disk.bytes.slice(2000 * 512, 2001 * 512));
});
