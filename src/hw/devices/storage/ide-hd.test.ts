/** Cases from ATA/ATAPI-6 (T13/1410D revision 3b) and the Programming Interface for Bus Master IDE Controller 1.0. */
import { describe, expect, test } from 'vitest';
import { testDrive } from '../../../block/drive.fixture.ts';
import { VmError } from '../../../util/errors.ts';
import { VirtualClock } from '../../core/clock.ts';
import { createDevice } from '../../core/device.ts';
import { ideHd } from './ide-hd.ts';
import { type IdeRig, ideRig, patternDisk, reloaded } from './ide-rig.fixture.ts';

/** Much faster to compare than bytes. */
const hex = (saved: readonly Uint8Array[]): string[] => saved.map((bytes) => Buffer.from(bytes).toString('hex'));

const STATUS = 0x3f6;
const sector = (rig: IdeRig, lba: number, count = 1) => rig.disk.bytes.slice(lba * 512, (lba + count) * 512);

describe('PIO', () => {
  test('READ SECTORS is busy while the disk works, then offers a sector for each interrupt (§9.7)', () => {
    const rig = ideRig();
    rig.command(0x20, { lba: 7, count: 2 });
    expect(rig.in(STATUS) & 0x88).toBe(0x80);
    rig.disk.complete();
    expect(rig.in(STATUS)).toBe(0x58);
    expect(rig.irq).toEqual({ level: true, edges: 1 });
    expect(rig.in(0x1f7)).toBe(0x58);
    expect(rig.irq.level).toBe(false);
    expect(rig.words(256)).toEqual(sector(rig, 7));
    expect(rig.in(STATUS) & 0x88).toBe(0x80);
    rig.disk.complete();
    expect(rig.words(256)).toEqual(sector(rig, 8));
    expect(rig.in(STATUS)).toBe(0x50);
    expect(rig.irq.edges).toBe(2);
    expect(rig.in(0x1f3)).toBe(9);
  });

  test('nIEN keeps the interrupt away, not the data (§7.8)', () => {
    const rig = ideRig();
    rig.out(STATUS, 2);
    rig.command(0x20);
    rig.disk.complete();
    expect(rig.irq.edges).toBe(0);
    expect(rig.words(256)).toEqual(sector(rig, 0));
  });

  test('WRITE SECTORS takes the first sector without an interrupt (§9.8)', () => {
    const rig = ideRig();
    rig.command(0x30, { lba: 20, count: 2 });
    expect(rig.in(STATUS)).toBe(0x58);
    expect(rig.irq.edges).toBe(0);
    for (let i = 0; i < 256; i++) rig.out(0x1f0, 0x1234, 2);
    expect(rig.disk.waiting).toEqual(['write 10240 512']);
    rig.disk.complete();
    expect(rig.irq.edges).toBe(1);
    for (let i = 0; i < 128; i++) rig.out(0x1f0, 0x55667788, 4);
    rig.disk.complete();
    expect(rig.in(STATUS)).toBe(0x50);
    expect(sector(rig, 20).slice(0, 4)).toEqual(Uint8Array.of(0x34, 0x12, 0x34, 0x12));
    expect(sector(rig, 21).slice(508)).toEqual(Uint8Array.of(0x88, 0x77, 0x66, 0x55));
  });

  test('a command during another one is not taken', () => {
    const rig = ideRig();
    rig.command(0x20);
    rig.out(0x1f7, 0xec);
    rig.out(0x1f3, 99);
    rig.disk.complete();
    expect(rig.words(256)).toEqual(sector(rig, 0));
    expect(rig.in(0x1f3)).toBe(1);
  });

  test('an address beyond the end aborts: ERR and ABRT', () => {
    const rig = ideRig();
    rig.command(0x20, { lba: 4096 });
    expect(rig.in(STATUS)).toBe(0x41);
    expect(rig.in(0x1f1)).toBe(0x04);
    expect(rig.irq.edges).toBe(1);
  });

  test('an error of the host is an error of the disk', () => {
    for (const code of [0x20, 0x30]) {
      const rig = ideRig();
      rig.command(code);
      if (code === 0x30) for (let i = 0; i < 256; i++) rig.out(0x1f0, 0, 2);
      rig.disk.complete('EIO');
      expect(rig.in(STATUS)).toBe(0x41);
      expect(rig.in(0x1f1)).toBe(0x04);
    }
  });

  test('48-bit addresses come from two writes to each register (§6.20)', () => {
    const rig = ideRig({ disk: testDrive(patternDisk(4096)) });
    for (const [port, high, low] of [
      [0x1f2, 0, 1],
      [0x1f3, 0, 0x34],
      [0x1f4, 0, 0x02],
      [0x1f5, 0, 0],
    ] as const) {
      rig.out(port, high);
      rig.out(port, low);
    }
    rig.out(0x1f6, 0xe0);
    rig.out(0x1f7, 0x24);
    rig.disk.complete();
    expect(rig.words(256)).toEqual(sector(rig, 0x234));
    rig.out(0x1f3, 1);
    rig.out(0x1f3, 2);
    rig.out(STATUS, 0x80);
    expect(rig.in(0x1f3)).toBe(1);
    rig.out(STATUS, 0);
    expect(rig.in(0x1f3)).toBe(2);
  });

  test('without a write cache a write ends when it is safe', () => {
    const rig = ideRig();
    rig.command(0xef, { feature: 0x82 });
    rig.disk.complete();
    rig.command(0x30);
    for (let i = 0; i < 256; i++) rig.out(0x1f0, 0, 2);
    rig.disk.complete();
    expect(rig.in(STATUS) & 0x80).toBe(0x80);
    expect(rig.disk.waiting).toEqual(['flush']);
    rig.disk.complete();
    expect(rig.in(STATUS)).toBe(0x50);
  });

  test('the geometry of CHS addresses can be changed (INITIALIZE DEVICE PARAMETERS)', () => {
    const rig = ideRig();
    rig.command(0x91, { count: 10, device: 0xa3 });
    rig.command(0x20, { lba: 0x0001_02, device: 0xa2 }); // cylinder 1, head 2, sector 2 of 4 heads of 10 sectors
    rig.disk.complete();
    expect(rig.words(256)).toEqual(sector(rig, 40 + 20 + 1));
    rig.command(0x91, { count: 0 });
    expect(rig.in(STATUS)).toBe(0x41);
  });
});

describe('DMA', () => {
  test('READ DMA fills the regions of the table in order and interrupts once (bus master §3.1)', () => {
    const rig = ideRig();
    rig.command(0xc8, { lba: 3, count: 4 });
    expect(rig.disk.waiting).toEqual([]);
    rig.startBusMaster(
      [
        [0x4000, 1000],
        [0x8000, 1048],
      ],
      9,
    );
    expect(rig.busMasterStatus & 7).toBe(1);
    rig.disk.complete();
    expect(rig.busMasterStatus & 7).toBe(4);
    expect(rig.irq.edges).toBe(1);
    expect(rig.ram.slice(0x4000, 0x4000 + 1000)).toEqual(sector(rig, 3, 4).slice(0, 1000));
    expect(rig.ram.slice(0x8000, 0x8000 + 1048)).toEqual(sector(rig, 3, 4).slice(1000));
  });

  test('WRITE DMA of 256 sectors, to and from a saved state in the middle', () => {
    let rig = ideRig();
    rig.ram.set(
      patternDisk(256).map((byte) => byte ^ 0x5a),
      0x20000,
    );
    rig.command(0xca, { lba: 100, count: 0 });
    rig.startBusMaster(
      [
        [0x20000, 0x10000],
        [0x30000, 0x10000],
      ],
      1,
    );
    rig = reloaded(rig);
    rig.disk.completeAll();
    expect(rig.busMasterStatus & 7).toBe(4);
    expect(Buffer.compare(sector(rig, 100, 256), rig.ram.slice(0x20000, 0x40000))).toBe(0);
  });

  test('a table longer than the data leaves the bus master active, a shorter one stops it without an interrupt', () => {
    const rig = ideRig();
    rig.command(0xc8, { count: 1 });
    rig.startBusMaster([[0x4000, 1024]], 9);
    rig.disk.complete();
    expect(rig.busMasterStatus & 7).toBe(5);
    rig.out(0xc000, 0);
    rig.command(0xc8, { count: 2 });
    rig.startBusMaster([[0x4000, 512]], 9);
    expect(rig.busMasterStatus & 7).toBe(0);
    expect(rig.in(STATUS)).toBe(0x50);
    expect(rig.disk.waiting).toEqual([]);
  });

  test('stopping the bus master drops what is on its way; starting it again begins anew', () => {
    const rig = ideRig();
    rig.command(0xc8, { lba: 5 });
    rig.startBusMaster([[0x4000, 512]], 9);
    rig.out(0xc000, 8);
    rig.disk.complete();
    expect(rig.ram[0x4001]).toBe(0);
    rig.startBusMaster([[0x5000, 512]], 9);
    rig.disk.complete();
    expect(rig.ram.slice(0x5000, 0x5200)).toEqual(sector(rig, 5));
  });

  test('a command of 32 MiB is asked for in pieces', () => {
    const rig = ideRig({ disk: testDrive(new Uint8Array(65536 * 512)) });
    rig.startBusMaster(
      Array.from({ length: 512 }, () => [0x10000, 0x10000] as const),
      9,
    );
    for (const port of [0x1f2, 0x1f2, 0x1f3, 0x1f3, 0x1f4, 0x1f4, 0x1f5, 0x1f5]) rig.out(port, 0);
    rig.out(0x1f6, 0xe0);
    rig.out(0x1f7, 0x25);
    expect(rig.disk.waiting).toEqual(['read 0 1048576']);
    rig.disk.completeAll();
    expect(rig.in(STATUS)).toBe(0x50);
    expect(rig.in(0x1f2)).toBe(0);
  });
});

describe('resets and states', () => {
  test('SRST: busy while it is set, then the signature of a disk (§9.2)', () => {
    const rig = ideRig();
    rig.command(0x20, { lba: 1 });
    rig.out(STATUS, 4);
    expect(rig.in(STATUS) & 0x80).toBe(0x80);
    expect(rig.disk.waiting).toEqual([]);
    rig.out(STATUS, 0);
    expect(rig.in(STATUS)).toBe(0x50);
    expect([1, 2, 3, 4, 5, 6].map((i) => rig.in(0x1f0 + i))).toEqual([1, 1, 1, 0, 0, 0xa0]);
  });

  test('a saved state in the middle of a sector goes on in another device', () => {
    const rig = ideRig();
    rig.command(0x20, { lba: 9, count: 2 });
    const waiting = reloaded(rig);
    waiting.disk.complete();
    const first = waiting.words(100);
    const second = reloaded(waiting);
    expect(second.irq.level).toBe(true);
    const rest = second.words(156);
    expect([...first, ...rest]).toEqual([...sector(rig, 9)]);
    second.disk.complete();
    expect(second.words(256)).toEqual(sector(rig, 10));
  });

  test('a disk that grew says so and can be read to its new end', () => {
    const rig = ideRig();
    rig.disk.insert(patternDisk(5000));
    rig.command(0xec);
    expect(new DataView(rig.words(256).buffer).getUint32(120, true)).toBe(5000);
    rig.command(0x20, { lba: 4999 });
    rig.disk.completeAll();
    expect(rig.words(256)).toEqual(sector(rig, 4999));
  });

  test('refuses drives that it cannot be, naming itself', () => {
    const { controller } = ideRig();
    const create = (props: object) => () =>
      createDevice(ideHd, {
        id: 'hd9',
        clock: new VirtualClock(),
        props: { parent: controller.parts.buses[1], ...props },
      });
    const drive = testDrive(patternDisk(64));
    expect(create({})).toThrow("device 'hd9': No drive specified");
    expect(create({ drive: testDrive(undefined) })).toThrow('Device needs media, but drive is empty');
    expect(create({ drive: testDrive(patternDisk(64), { readonly: true }) })).toThrow('read-only');
    expect(create({ drive, unit: 2 })).toThrow("Can't create IDE unit 2, bus supports only 2 units");
    expect(create({ drive, cyls: 5 })).toThrow('heads must be between 1 and 16');
    expect(create({ drive, serial: 'x'.repeat(21) })).toThrow(VmError);
    create({ drive, unit: 1 })();
    expect(create({ drive, unit: 1 })).toThrow('IDE unit 1 is in use');
  });
});

describe('10^5 random accesses', () => {
  test('leave a disk that works after a reset, and a state that can be moved at any time', () => {
    let rig = ideRig();
    let x = 1;
    const random = (limit: number): number => {
      x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
      return Math.floor((x / 2 ** 32) * limit);
    };
    const accesses = Number(process.env['FUZZ_ACCESSES'] ?? 100_000);
    for (let i = 0; i < accesses; i++) {
      const port = random(10) === 0 ? 0xc000 + random(8) : random(12) === 0 ? STATUS : 0x1f0 + random(8);
      const size = port === 0x1f0 ? [2, 4][random(2)]! : 1;
      if (random(3) === 0) {
        const value = rig.in(port, size);
        expect(value >= 0 && value < 2 ** (8 * size)).toBe(true);
      } else {
        rig.out(port, random(4) === 0 ? random(2 ** (8 * size)) : random(8), size);
      }
      if (random(4) === 0 && rig.disk.waiting.length > 0) rig.disk.complete(random(8) === 0 ? 'EIO' : undefined);
      if (i % 5000 === 0) {
        const saved = rig.save();
        rig = reloaded(rig);
        expect(hex(rig.save())).toEqual(hex(saved));
      }
    }
    rig.reset();
    rig.command(0x20, { lba: 2 });
    rig.disk.completeAll();
    expect(rig.words(256)).toEqual(sector(rig, 2));
  });
});
