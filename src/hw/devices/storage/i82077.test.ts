/** Cases from Intel's 82077AA data sheet, 290166-007. Register-level equality with QEMU is in tests/qtest. */
import { describe, expect, test } from 'vitest';
import { type TestDrive, testDrive } from '../../../block/drive.fixture.ts';
import { VirtualClock } from '../../core/clock.ts';
import { createDevice, type Device, loadDevices } from '../../core/device.ts';
import { createDma } from '../../core/dma.ts';
import { Wire } from '../../core/irq.ts';
import { AddressSpace } from '../../core/memory.ts';
import { PORT_COUNT, PortSpace } from '../../core/ports.ts';
import { Container, ramRegion } from '../../core/region.ts';
import { resetAll } from '../../core/reset.ts';
import { i8237 } from '../dma/i8237.ts';
import { i82077 } from './i82077.ts';
import { patternDisk } from './ide-rig.fixture.ts';

/** Much faster to compare than bytes. */
const hex = (saved: readonly Uint8Array[]): string[] => saved.map((bytes) => Buffer.from(bytes).toString('hex'));

const DISK_SECTORS = 2880;

function floppyRig(disk: TestDrive = testDrive(patternDisk(DISK_SECTORS)), ram = new Uint8Array(2 ** 20)) {
  const system = new Container('system', 2 ** 32);
  system.add(0, ramRegion('ram', ram.length, 0));
  const memory = new AddressSpace(system, { bytes: ram, written() {} });
  const clock = new VirtualClock();
  const irq = { edges: 0 };
  const line = new Wire((level) => {
    if (level) irq.edges++;
  });
  const dma = createDevice(i8237, { clock, props: { dma: createDma(memory) } });
  const fdc = createDevice(i82077, { clock, props: { dmaController: dma.parts, driveA: disk }, irqs: { line } });
  const devices: Device[] = [dma, fdc];
  const io = new Container('io', PORT_COUNT);
  io.add(0x00, dma.parts.regions.low);
  io.add(0x81, dma.parts.regions.pages);
  io.add(0x3f1, fdc.parts.regions.registers);
  io.add(0x3f7, fdc.parts.regions.input);
  const ports = new PortSpace(io);
  resetAll(devices);
  const rig = {
    disk,
    ram,
    clock,
    irq,
    fdc,
    in: (port: number) => ports.read(port, 1),
    out: (port: number, value: number) => ports.write(port, value, 1),
    reset: () => resetAll(devices),
    save: () => devices.map((device) => device.save()),
    load: (saved: readonly Uint8Array[]) =>
      loadDevices(devices.map((device, i) => ({ device, bytes: saved[i] as Uint8Array }))),
    /** Channel 2 of the DMA controller: 46h to memory, 4Ah from it. */
    dma(mode: number, gpa: number, bytes: number) {
      const writes = [
        [0x0a, 6],
        [0x0c, 0],
        [0x0b, mode],
        [0x04, gpa & 0xff],
        [0x04, gpa >> 8],
        [0x81, gpa >> 16],
      ];
      for (const [port = 0, value = 0] of [
        ...writes,
        [0x05, (bytes - 1) & 0xff],
        [0x05, (bytes - 1) >> 8],
        [0x0a, 2],
      ]) {
        rig.out(port, value & 0xff);
      }
    },
    command(...bytes: readonly number[]) {
      for (const byte of bytes) rig.out(0x3f5, byte);
    },
    results(): number[] {
      const bytes: number[] = [];
      while ((rig.in(0x3f4) & 0xf0) === 0xd0) bytes.push(rig.in(0x3f5));
      return bytes;
    },
  };
  rig.out(0x3f2, 0x1c);
  for (let i = 0; i < 4; i++) {
    rig.command(0x08);
    rig.results();
  }
  return rig;
}
const READ = 0xe6;
const WRITE = 0xc5;

describe('data', () => {
  test('READ DATA over both sides is one request a side, then seven result bytes and an interrupt', () => {
    const rig = floppyRig();
    rig.dma(0x46, 0x1000, 4 * 512);
    rig.command(READ, 0, 1, 0, 17, 2, 18, 0x1b, 0xff);
    expect(rig.in(0x3f4)).toBe(0x10);
    expect(rig.disk.waiting).toEqual([`read ${(36 + 16) * 512} 1024`]);
    rig.disk.completeAll();
    expect(rig.results()).toEqual([0x24, 0, 0, 1, 1, 3, 2]);
    expect(rig.ram.slice(0x1000, 0x1800)).toEqual(patternDisk(DISK_SECTORS).slice(52 * 512, 56 * 512));
  });

  test('WRITE DATA ends with zeros in a sector that DMA did not fill (§5.1.4)', () => {
    const rig = floppyRig();
    rig.ram.fill(0x77, 0x1000, 0x2000);
    rig.dma(0x4a, 0x1000, 700);
    rig.command(WRITE, 0, 0, 0, 3, 2, 18, 0x1b, 0xff);
    rig.disk.completeAll();
    expect(rig.results()[0]).toBe(0);
    expect(rig.disk.bytes.slice(1024, 1724).every((byte) => byte === 0x77)).toBe(true);
    expect(rig.disk.bytes.slice(1724, 2048).every((byte) => byte === 0)).toBe(true);
  });

  test('FORMAT TRACK fills the sectors that the headers name (§5.1.7)', () => {
    const rig = floppyRig();
    const headers = Array.from({ length: 18 }, (_, i) => [2, 1, i + 1, 2]);
    rig.command(0x0f, 0, 2);
    rig.ram.set(headers.flat(), 0x1000);
    rig.dma(0x4a, 0x1000, 72);
    rig.command(0x4d, 4, 2, 18, 0x50, 0xf6);
    rig.disk.completeAll();
    expect(rig.results()[0]! & 0xc0).toBe(0);
    const track = rig.disk.bytes.slice(90 * 512, 108 * 512);
    expect(track.every((byte) => byte === 0xf6)).toBe(true);
    expect(rig.disk.bytes.slice(108 * 512, 109 * 512)).toEqual(patternDisk(DISK_SECTORS).slice(108 * 512, 109 * 512));
  });

  test('SCAN finds the sector that memory holds (§5.1.9)', () => {
    const rig = floppyRig();
    const scan = (code: number, memory: Uint8Array): number => {
      rig.ram.set(memory, 0x1000);
      rig.dma(0x4a, 0x1000, 512);
      rig.command(code, 0, 0, 0, 1, 2, 18, 0x1b, 1);
      rig.disk.completeAll();
      return rig.results()[2]!;
    };
    const first = patternDisk(1);
    expect(scan(0x51, first)).toBe(0x08);
    expect(
      scan(
        0x51,
        first.map((byte) => byte ^ 1),
      ),
    ).toBe(0x04);
    expect(scan(0x59, new Uint8Array(512).fill(0xfe))).toBe(0);
    expect(scan(0x5d, new Uint8Array(512).fill(0xfe))).toBe(0x04);
  });

  test('a write-protected disk: ST1 says so', () => {
    const rig = floppyRig(testDrive(patternDisk(DISK_SECTORS), { readonly: true }));
    rig.dma(0x4a, 0x1000, 512);
    rig.command(WRITE, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
    expect(rig.results().slice(0, 2)).toEqual([0x60, 0x02]);
  });

  test('without DMA an interrupt asks for the first byte, and the host reads it from the FIFO', () => {
    const rig = floppyRig();
    rig.command(0x03, 0xdf, 3);
    rig.command(0x66, 0, 0, 0, 5, 2, 5, 0x1b, 0xff); // one side only
    rig.disk.complete();
    const bytes = Array.from({ length: 512 }, () => {
      expect(rig.in(0x3f4)).toBe(0xf0);
      return rig.in(0x3f5);
    });
    expect(bytes).toEqual([...patternDisk(8).slice(4 * 512, 5 * 512)]);
    expect(rig.in(0x3f4) & 0xf0).toBe(0xd0);
  });
});

describe('the disk', () => {
  test('a change shows in the digital input register until the head steps', () => {
    const rig = floppyRig();
    rig.command(0x0f, 0, 3);
    expect(rig.in(0x3f7)).toBe(0);
    rig.disk.insert(patternDisk(1440));
    expect(rig.in(0x3f7)).toBe(0x80);
    rig.command(0x07, 0);
    expect(rig.in(0x3f7)).toBe(0);
  });

  test('taken out while it is read, it ends the command', () => {
    const rig = floppyRig();
    rig.dma(0x46, 0x1000, 512);
    rig.command(READ, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
    rig.disk.insert(undefined);
    expect(rig.results()[0]! & 0xc0).toBe(0x40);
  });
});

test('a saved state, loaded in the middle of a command, goes on', () => {
  const rig = floppyRig();
  rig.dma(0x46, 0x1000, 36 * 512);
  rig.command(READ, 0, 4, 0, 1, 2, 18, 0x1b, 0xff);
  rig.disk.complete();
  const saved = rig.save();
  rig.load(saved);
  expect(hex(rig.save())).toEqual(hex(saved));
  rig.disk.completeAll();
  expect(rig.results()[0]).toBe(0x20);
  expect(rig.ram.slice(0x1000, 0x1000 + 36 * 512)).toEqual(patternDisk(DISK_SECTORS).slice(144 * 512, 180 * 512));
});

test('10^5 random accesses leave a controller that works after a reset', () => {
  const rig = floppyRig();
  let x = 3;
  const random = (limit: number): number => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    return Math.floor((x / 2 ** 32) * limit);
  };
  const accesses = Number(process.env['FUZZ_ACCESSES'] ?? 100_000);
  for (let i = 0; i < accesses; i++) {
    if (random(50) === 0) {
      rig.dma([0x46, 0x4a][random(2)]!, random(2 ** 16) * 16, 1 + random(20000));
      rig.command(
        random(256),
        random(8),
        random(90),
        random(2),
        random(20),
        random(4),
        random(20),
        random(256),
        random(256),
      );
    }
    const port = 0x3f1 + random(7);
    if (port === 0x3f6) continue;
    if (random(2)) rig.in(port);
    else rig.out(port, port === 0x3f2 ? random(256) | 4 : random(256));
    if (random(4) === 0 && rig.disk.waiting.length > 0) rig.disk.complete(random(8) === 0 ? 'EIO' : undefined);
    if (random(300) === 0) rig.disk.insert(random(3) ? patternDisk([2880, 1440, 720, 100][random(4)]!) : undefined);
    if (random(100) === 0) rig.clock.advanceTo(rig.clock.now() + 30_000_000);
    if (i % 5000 === 0) {
      const saved = rig.save();
      rig.load(saved);
      expect(hex(rig.save())).toEqual(hex(saved));
    }
  }
  rig.disk.insert(patternDisk(DISK_SECTORS));
  rig.reset();
  rig.out(0x3f2, 0x1c);
  rig.out(0x3f7, 0);
  rig.dma(0x46, 0x1000, 512);
  rig.command(READ, 0, 0, 0, 2, 2, 18, 0x1b, 0xff);
  rig.disk.completeAll();
  expect(rig.ram.slice(0x1000, 0x1200)).toEqual(patternDisk(2).slice(512));
});
