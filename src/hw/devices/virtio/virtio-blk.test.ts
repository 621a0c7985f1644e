import { describe, expect, test } from 'vitest';
import { testDrive } from '../../../block/drive.fixture.ts';
import { virtioBlkPci } from './virtio-blk.ts';
import { joined, le, virtioRig } from './virtio-rig.fixture.ts';

const SECTOR = 512;
const OK = 0;
const IOERR = 1;
const UNSUPP = 2;
const pattern = (length: number, seed = 1) => Uint8Array.from({ length }, (_, i) => (i * 7 + seed * 13) & 0xff);
const header = (type: number, sector = 0) => le([type, 4], [0, 4], [sector, 8]);
const range = (sector: number, count: number, flags = 0) => le([sector, 8], [count, 4], [flags, 4]);

function disk({ sectors = 64, readonly = false, props = {} as Record<string, unknown> } = {}) {
  const drive = testDrive(pattern(sectors * SECTOR), { readonly });
  const rig = virtioRig(virtioBlkPci, { drive, ...props });
  const request = (...pieces: (Uint8Array | number)[]) =>
    rig.ask(0, [...pieces.slice(0, -1), ...pieces.slice(-1)], () => drive.completeAll());
  return { drive, rig, request };
}
const statusOf = ({ bytes }: { bytes: Uint8Array }) => bytes.at(-1);

describe('identification', () => {
  test('a transitional device has QEMU’s numbers and both register layouts', () => {
    const { rig } = disk();
    expect(rig.pci.read(0, 4)).toBe(0x1001_1af4);
    expect(rig.pci.read(8, 4)).toBe(0x0100_0000);
    expect(rig.pci.read(0x2c, 4)).toBe(0x0002_1af4);
    expect(rig.pci.read(0x3d, 1)).toBe(1);
    const list = [];
    for (let at = rig.pci.read(0x34, 1); at !== 0; at = rig.pci.read(at + 1, 1))
      list.push([at, rig.pci.read(at + 3, 1)]);
    expect(list).toEqual([
      [0x84, 5],
      [0x70, 2],
      [0x60, 4],
      [0x50, 3],
      [0x40, 1],
    ]);
    rig.pci.write(0x10, 0xffff_ffff, 4);
    rig.pci.write(0x20, 0xffff_ffff, 4);
    expect(rig.pci.read(0x10, 4)).toBe(0xffff_ff81); // 128 ports
    expect(rig.pci.read(0x20, 4)).toBe(0xffff_c00c); // 16 KiB, 64 bits, prefetchable
  });

  test('without the legacy interface it is device 0x1042 of revision 1, without the modern one it has no BAR 4', () => {
    const modern = disk({ props: { 'disable-legacy': 'on' } }).rig;
    expect([modern.pci.read(0, 4), modern.pci.read(8, 1), modern.pci.read(0x2c, 4)]).toEqual([
      0x1042_1af4, 1, 0x1100_1af4,
    ]);
    modern.pci.write(0x10, 0xffff_ffff, 4);
    expect(modern.pci.read(0x10, 4)).toBe(0);
    const legacy = disk({ props: { 'disable-modern': true } }).rig;
    expect([legacy.pci.read(0, 4), legacy.pci.read(0x34, 1)]).toEqual([0x1001_1af4, 0]);
    expect(() => disk({ props: { 'disable-modern': true, 'disable-legacy': 'on' } })).toThrow(
      'neither modern nor legacy',
    );
  });

  test('what cannot work is refused by name', () => {
    expect(() => virtioRig(virtioBlkPci, {})).toThrow('drive property not set');
    expect(() => virtioRig(virtioBlkPci, { drive: testDrive(undefined) })).toThrow('drive is empty');
    expect(() => disk({ props: { logical_block_size: 1000 } })).toThrow("logical_block_size doesn't take value 1000");
    expect(() => disk({ props: { 'num-queues': 0 } })).toThrow('num-queues');
    expect(() => disk({ props: { 'queue-size': 100 } })).toThrow('queue-size');
  });
});

describe.each(['modern', 'legacy'] as const)('requests by the %s interface', (as) => {
  test('a read gives the sectors and interrupts once', () => {
    const { rig, request } = disk();
    rig.start({ as });
    const answer = request(header(0, 3), 1024, 1);
    expect(answer.written).toBe(1025);
    expect([statusOf(answer), answer.bytes.slice(0, 1024)]).toEqual([OK, pattern(64 * SECTOR).slice(1536, 2560)]);
    expect([rig.irq, rig.interrupts, rig.readIsr(), rig.irq, rig.readIsr()]).toEqual([true, 1, 1, false, 0]);
  });

  test('a write reaches the disk, and the answer comes when the drive is done', () => {
    const { rig, drive } = disk();
    rig.start({ as });
    rig.add(0, [header(1, 5), pattern(512, 9), pattern(512, 10), 1]);
    rig.notify(0);
    expect(drive.waiting).toEqual(['write 2560 1024']);
    expect([rig.collect(0), rig.irq]).toEqual([[], false]);
    drive.complete();
    expect(statusOf(rig.collect(0)[0]!)).toBe(OK);
    expect(drive.bytes.slice(2560, 3584)).toEqual(joined(pattern(512, 9), pattern(512, 10)));
  });

  test('any layout: header, data and status may be cut anywhere', () => {
    const { rig, request, drive } = disk();
    rig.start({ as });
    const data = pattern(1024, 3);
    const all = joined(header(1, 0), data);
    expect(statusOf(request(all.slice(0, 3), all.slice(3, 700), all.slice(700), 1))).toBe(OK);
    expect(drive.bytes.slice(0, 1024)).toEqual(data);
    const answer = request(header(0, 0), 100, 925);
    expect([answer.bytes.slice(0, 1024), statusOf(answer)]).toEqual([data, OK]);
  });

  test('GET ID gives 20 bytes', () => {
    const { rig, request } = disk({ props: { serial: 'disk-of-mine' } });
    rig.start({ as });
    const answer = request(header(8), 20, 1);
    expect([String.fromCharCode(...answer.bytes.slice(0, 20)), statusOf(answer)]).toEqual([
      'disk-of-mine'.padEnd(20, '\0'),
      OK,
    ]);
  });

  test('configuration shows size, geometry and block size', () => {
    const { rig } = disk({ sectors: 2048, props: { physical_block_size: 4096 } });
    rig.start({ as });
    expect([rig.config(0, 4), rig.config(4, 4), rig.config(12, 4), rig.config(20, 4)]).toEqual([2048, 0, 126, 512]);
    expect([rig.config(16, 2), rig.config(18, 1), rig.config(19, 1), rig.config(24, 1)]).toEqual([2, 16, 63, 3]);
  });
});

describe('a request', () => {
  test('beyond the end, of part of a sector, or to a read-only disk ends with an I/O error', () => {
    const { rig, request } = disk();
    rig.start();
    expect(statusOf(request(header(0, 64), 512, 1))).toBe(IOERR);
    expect(statusOf(request(header(0, 63), 1024, 1))).toBe(IOERR);
    expect(statusOf(request(header(0, 2 ** 60), 512, 1))).toBe(IOERR);
    expect(statusOf(request(header(0, 0), 100, 1))).toBe(IOERR);
    const locked = disk({ readonly: true });
    locked.rig.start();
    expect(locked.rig.offered() & 0x20n).toBe(0x20n);
    expect(statusOf(locked.request(header(1, 0), pattern(512), 1))).toBe(IOERR);
    expect(statusOf(locked.request(header(13), range(0, 1), 1))).toBe(IOERR);
  });

  test('that the drive fails ends with an I/O error', () => {
    const { rig, drive } = disk();
    rig.start();
    expect(statusOf(rig.ask(0, [header(1, 0), pattern(512), 1], () => drive.complete('ENOSPC')))).toBe(IOERR);
  });

  test('of an unknown type, or with a SCSI command, is unsupported', () => {
    const { rig, request } = disk();
    rig.start();
    expect([statusOf(request(header(2), 1)), statusOf(request(header(99), 1))]).toEqual([UNSUPP, UNSUPP]);
  });

  test('to discard or zero a range takes one range, refuses unknown flags and too much', () => {
    const { rig, request, drive } = disk({ props: { 'max-write-zeroes-sectors': 8 } });
    rig.start();
    expect(statusOf(request(header(13), range(2, 2, 1), 1))).toBe(OK);
    expect(drive.bytes.slice(1024, 2048).every((b) => b === 0)).toBe(true);
    expect(statusOf(request(header(11), range(0, 4), 1))).toBe(OK);
    expect(statusOf(request(header(11), range(0, 4, 1), 1))).toBe(UNSUPP);
    expect(statusOf(request(header(13), range(0, 4, 2), 1))).toBe(UNSUPP);
    expect(statusOf(request(header(13), joined(range(0, 1), range(1, 1)), 1))).toBe(UNSUPP);
    expect(statusOf(request(header(13), range(0, 9), 1))).toBe(IOERR);
    expect(statusOf(request(header(11), range(60, 5), 1))).toBe(IOERR);
    expect(rig.config(48, 4)).toBe(8);
  });

  test('too short for its header breaks the device until it is reset', () => {
    const { rig, request } = disk();
    rig.start();
    rig.add(0, [new Uint8Array(8), 1]);
    rig.notify(0);
    expect(rig.log).toEqual(["guest_errors: virtio device 'virtio-blk-pci': virtio-blk missing headers"]);
    expect([rig.status & 0x40, rig.readIsr()]).toEqual([0x40, 2]);
    rig.add(0, [header(8), 20, 1]);
    rig.notify(0);
    expect(rig.collect(0)).toEqual([]);
    rig.start();
    expect(rig.status).toBe(0x0f);
    expect(statusOf(request(header(8), 20, 1))).toBe(OK);
  });
});

describe('the write cache', () => {
  const writes = (rig: ReturnType<typeof disk>['rig'], drive: ReturnType<typeof disk>['drive']): string[] => {
    rig.add(0, [header(1), pattern(512), 1]);
    rig.notify(0);
    const seen = [...drive.waiting];
    drive.complete();
    seen.push(...drive.waiting);
    drive.completeAll();
    expect(statusOf(rig.collect(0)[0]!)).toBe(OK);
    return seen;
  };
  test('is on for a driver that flushes', () => {
    const { rig, drive, request } = disk();
    rig.start();
    expect(writes(rig, drive)).toEqual(['write 0 512']);
    expect(statusOf(request(header(4), 1))).toBe(OK);
    rig.add(0, [header(4), 1]);
    rig.notify(0);
    expect(drive.waiting).toEqual(['flush']);
  });
  test('is off for one that cannot: each write is flushed', () => {
    const { rig, drive } = disk();
    rig.start({ features: (bit) => bit !== 9 && bit !== 11 });
    expect(writes(rig, drive)).toEqual(['write 0 512', 'flush']);
  });
  test('can be switched by the driver', () => {
    const { rig, drive } = disk();
    rig.start();
    rig.writeConfig(32, 0, 1);
    expect(writes(rig, drive)).toEqual(['write 0 512', 'flush']);
    expect(rig.config(32, 1)).toBe(0);
  });
});

describe('requests under way', () => {
  test('end in any order, each with its own answer', () => {
    const { rig, drive } = disk();
    rig.start();
    const heads = [0, 1, 2].map((sector) => rig.add(0, [header(0, sector), 512, 1]));
    rig.notify(0);
    drive.complete(undefined, 2);
    drive.complete(undefined, 0);
    drive.complete();
    const answers = rig.collect(0);
    expect(answers.map(({ head }) => head)).toEqual([heads[2], heads[0], heads[1]]);
    expect(answers[0]?.bytes.slice(0, 512)).toEqual(drive.bytes.slice(1024, 1536));
  });

  test('are forgotten at a reset by driver or machine', () => {
    for (const way of ['driver', 'machine'] as const) {
      const { rig, drive } = disk();
      rig.start();
      rig.add(0, [header(1), pattern(512, 77), 1]);
      rig.notify(0);
      if (way === 'driver') rig.status = 0;
      else rig.reset();
      expect([drive.waiting, drive.bytes.slice(0, 512)]).toEqual([[], pattern(512, 77)]);
      rig.start();
      expect(rig.collect(0)).toEqual([]);
    }
  });

  test('are done again by a machine that is loaded in the middle of them', () => {
    const { rig, drive } = disk();
    rig.start();
    rig.add(0, [header(1, 7), pattern(512, 5), 1]);
    rig.add(0, [header(0, 1), 512, 1], { indirect: true });
    rig.notify(0);
    const second = testDrive(drive.bytes.slice());
    const other = rig.reloaded({ drive: second });
    expect(other.device.save()).toEqual(rig.device.save());
    expect(second.waiting).toEqual(['write 3584 512', 'read 512 512']);
    second.completeAll();
    expect(other.collect(0).map(statusOf)).toEqual([OK, OK]);
    expect(second.bytes.slice(3584, 4096)).toEqual(pattern(512, 5));
    expect(other.irq).toBe(true);
  });

  test('hold at most 64 MiB; the rest follows when there is room', () => {
    const ram = new Uint8Array(2 ** 25);
    const drive = testDrive(new Uint8Array(2 ** 25));
    const rig = virtioRig(virtioBlkPci, { drive }, ram);
    rig.start();
    for (let i = 0; i < 5; i++) rig.add(0, [header(0, 0), 2 ** 24, 1]);
    rig.notify(0);
    expect(drive.waiting).toHaveLength(4);
    drive.complete();
    expect(drive.waiting).toHaveLength(4);
    drive.completeAll();
    expect(rig.collect(0).map(({ written }) => written)).toEqual(new Array(5).fill(2 ** 24 + 1));
  });
});

test('a change of the medium’s size is a change of configuration', () => {
  const { rig, drive } = disk();
  rig.start();
  const before = rig.common.read(0x15, 1);
  drive.insert(new Uint8Array(SECTOR * 100));
  expect([rig.readIsr(), rig.config(0, 4), rig.common.read(0x15, 1) - before]).toEqual([2, 100, 1]);
});

test('several queues work side by side', () => {
  const { rig, drive } = disk({ props: { 'num-queues': 3 } });
  rig.start();
  expect([rig.config(34, 2), rig.common.read(0x12, 2)]).toEqual([3, 3]);
  for (const queue of [0, 1, 2]) {
    rig.add(queue, [header(0, queue), 512, 1]);
    rig.notify(queue);
  }
  drive.completeAll();
  for (const queue of [0, 1, 2]) {
    const answers = rig.collect(queue);
    expect(answers.map(statusOf)).toEqual([OK]);
    expect(answers[0]?.bytes.slice(0, 512)).toEqual(drive.bytes.slice(queue * 512, queue * 512 + 512));
  }
});
