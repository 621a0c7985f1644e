import { describe, expect, test } from 'vitest';
import { testDrive } from '../../../block/drive.fixture.ts';
import { VirtualClock } from '../../core/clock.ts';
import { createDevice, loadDevices } from '../../core/device.ts';
import { resetAll } from '../../core/reset.ts';
import { bigEndian, type ScsiBus } from '../scsi/scsi.ts';
import { scsiCd, scsiHd } from '../scsi/scsi-disk.ts';
import { FUZZ_ACCESSES, fuzzDevice, type Random } from './virtio-fuzz.fixture.ts';
import { joined, le, virtioRig } from './virtio-rig.fixture.ts';
import { virtioScsiPci } from './virtio-scsi.ts';

const SECTOR = 512;
const CONTROL = 0;
const EVENT = 1;
const REQUEST = 2;
const lunOf = (target: number, lun: number) => Uint8Array.from([1, target, 0x40 | (lun >> 8), lun & 0xff, 0, 0, 0, 0]);
const header = (cdb: readonly number[], { target = 0, lun = 0, tag = 7 } = {}) =>
  joined(
    lunOf(target, lun),
    le([tag, 8], [0, 3]),
    Uint8Array.from({ length: 32 }, (_, i) => cdb[i] ?? 0),
  );
const pattern = (length: number, seed = 1) => Uint8Array.from({ length }, (_, i) => (i * 5 + seed * 29) & 0xff);
const ascii = (bytes: Uint8Array, from: number, to: number) => String.fromCharCode(...bytes.slice(from, to));

function decode({ bytes, written }: { bytes: Uint8Array; written: number }) {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const senseLength = view.getUint32(0, true);
  return {
    sense: senseLength === 0 ? undefined : [bytes[14]! & 15, bytes[24], bytes[25]],
    resid: view.getUint32(4, true),
    status: bytes[10],
    response: bytes[11],
    data: bytes.slice(108, written),
  };
}

function scsi({ sectors = 64, hd = {}, cd = undefined as Uint8Array | null | undefined, props = {} } = {}) {
  const clock = new VirtualClock();
  const drive = testDrive(pattern(sectors * SECTOR));
  const build = (disk = drive, discDrive = testDrive(cd ?? undefined, { media: 'cdrom', readonly: true })) => {
    const rig = virtioRig(virtioScsiPci, props);
    const parent = rig.device.parts.buses?.[0] as ScsiBus;
    const units = [createDevice(scsiHd, { clock, props: { drive: disk, parent, ...hd } })];
    if (cd !== undefined) units.push(createDevice(scsiCd, { clock, props: { drive: discDrive, parent } }));
    resetAll([rig.device, ...units]);
    return { rig, units, parent, discDrive };
  };
  const made = build();
  const { rig } = made;
  const drives = () => [drive, made.discDrive];
  const submit = (cdb: readonly number[], out: Uint8Array | undefined, inLength: number, where = {}) => {
    rig.add(REQUEST, [header(cdb, where), ...(out ? [out] : []), 108, ...(inLength > 0 ? [inLength] : [])]);
    rig.notify(REQUEST);
  };
  return {
    ...made,
    drive,
    build,
    submit,
    answers: () => rig.collect(REQUEST).map(decode),
    /** A command to its end. */
    run(cdb: readonly number[], { out = undefined as Uint8Array | undefined, room = 0, target = 0, lun = 0 } = {}) {
      submit(cdb, out, room, { target, lun });
      for (const each of drives()) each.completeAll();
      const [answer] = rig.collect(REQUEST).map(decode);
      if (answer === undefined) throw new Error('no answer');
      return answer;
    },
    started() {
      rig.start();
      this.run([0]); // takes the attention of power-on
      if (cd !== undefined) this.run([0], { target: 1 });
      return this;
    },
  };
}

test('it is PCI device 0x1004 with QEMU’s limits', () => {
  const { rig } = scsi();
  rig.start();
  expect([rig.pci.read(0, 4), rig.pci.read(8, 4), rig.common.read(0x12, 2)]).toEqual([0x1004_1af4, 0x0100_0000, 3]);
  const words = [0, 4, 8, 12, 16, 20, 24, 32].map((at) => rig.config(at, 4));
  expect(words).toEqual([1, 126, 0xffff, 128, 16, 96, 32, 16383]);
  expect([rig.config(28, 2), rig.config(30, 2)]).toEqual([0, 255]);
});

test('the first command hears of the reset, but INQUIRY works and REQUEST SENSE takes it', () => {
  const s = scsi();
  s.rig.start();
  expect(s.run([0x12, 0, 0, 0, 36], { room: 36 }).sense).toBeUndefined();
  expect(s.run([0])).toMatchObject({ status: 2, sense: [6, 0x29, 0] });
  expect(s.run([0])).toMatchObject({ status: 0, response: 0 });
  s.rig.start();
  expect([...s.run([3, 0, 0, 0, 18], { room: 18 }).data.slice(0, 3)]).toEqual([0x70, 0, 6]);
  expect(s.run([0]).status).toBe(0);
});

describe('who is there', () => {
  test('no target is a bad target; an absent unit of a target says so itself', () => {
    const s = scsi({ hd: { lun: 3 } }).started();
    expect(s.run([0], { target: 5 }).response).toBe(3);
    expect(s.run([0], { lun: 2 })).toMatchObject({ status: 2, sense: [5, 0x25, 0] });
    expect(s.run([0x12, 0, 0, 0, 36], { lun: 2, room: 36 }).data[0]).toBe(0x7f);
    expect([...s.run([0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 64], { room: 64 }).data]).toEqual([
      ...bigEndian([16, 4], [0, 4], [0, 8]),
      ...[0, 3, 0, 0, 0, 0, 0, 0],
    ]);
  });
  test('places are chosen or refused by name', () => {
    const { parent } = scsi();
    const make = (props: object) => () =>
      createDevice(scsiHd, {
        clock: new VirtualClock(),
        props: { drive: testDrive(new Uint8Array(512)), parent, ...props },
      });
    expect(make({ 'scsi-id': 0, lun: 0 })).toThrow('lun already used by another device: 0:0:0');
    expect(make({ 'scsi-id': 256 })).toThrow('bad scsi device id: 256');
    expect(make({ channel: 1 })).toThrow('bad scsi channel id: 1');
    expect(make({ 'scsi-id': 0 })().parts.firmware.boot[0]?.suffix).toBe('/disk@0,1');
    expect(make({})().parts.firmware.boot[0]?.suffix).toBe('/disk@1,0');
  });
});

describe('what a disk says of itself', () => {
  test('INQUIRY', () => {
    const s = scsi().started();
    const { data, resid } = s.run([0x12, 0, 0, 0, 36], { room: 40 });
    expect([...data.slice(0, 8)]).toEqual([0, 0, 5, 0x12, 31, 0, 0, 0x12]);
    expect([ascii(data, 8, 36), resid]).toEqual(['QEMU    QEMU HARDDISK   2.5+', 4]);
    expect(s.run([0x12, 0, 1, 0, 36], { room: 36 }).sense).toEqual([5, 0x24, 0]);
  });
  test('vital product data', () => {
    const s = scsi({ hd: { serial: 'S/N-1' } }).started();
    const page = (n: number) => s.run([0x12, 1, n, 0, 255], { room: 255 }).data;
    expect([...page(0)]).toEqual([0, 0, 0, 6, 0, 0x80, 0x83, 0xb0, 0xb1, 0xb2]);
    expect(ascii(page(0x80), 4, 9)).toBe('S/N-1');
    expect([...page(0x83).slice(0, 8)]).toEqual([0, 0x83, 0, 9, 2, 0, 0, 5]);
    expect(page(0xb0)).toHaveLength(64);
    expect([...page(0xb2)]).toEqual([0, 0xb2, 0, 4, 0, 0xe0, 2, 0]);
    expect(s.run([0x12, 1, 0x99, 0, 255], { room: 255 }).sense).toEqual([5, 0x24, 0]);
  });
  test('capacity in 10 and 16 bytes', () => {
    const s = scsi({ sectors: 1000, hd: { physical_block_size: 4096 } }).started();
    expect([...s.run([0x25], { room: 8 }).data]).toEqual(bigEndian([999, 4], [512, 4]));
    const { data } = s.run([0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32], { room: 32 });
    expect([...data.slice(0, 15)]).toEqual(bigEndian([999, 8], [512, 4], [0, 1], [3, 1], [0x80, 1]));
  });
  test('mode pages, what can be changed of them, and changing it', () => {
    const s = scsi().started();
    const { data } = s.run([0x1a, 0, 0x3f, 0, 255], { room: 255 });
    expect([...data.slice(0, 4)]).toEqual([data.length - 1, 0, 0, 8]);
    const caching = (control: number) => s.run([0x1a, 8, (control << 6) | 8, 0, 64], { room: 64 });
    expect([caching(0).data[6], caching(1).data[6], caching(3).sense]).toEqual([4, 4, [5, 0x39, 0]]);
    const page = Uint8Array.from([0, 0, 0, 0, 8, 18, ...new Array<number>(18).fill(0)]);
    s.submit([0x15, 0x10, 0, 0, 24], page, 0);
    expect(s.drive.waiting).toEqual(['flush']);
    s.drive.completeAll();
    expect([s.answers()[0]?.status, caching(0).data[6]]).toEqual([0, 0]);
    s.submit([0x2a, 0, 0, 0, 0, 0, 0, 0, 1], pattern(512), 0);
    s.drive.complete();
    expect(s.drive.waiting).toEqual(['flush']);
  });
});

describe('blocks', () => {
  test.each<[string, readonly number[]]>([
    ['6', [0x08, 0, 0, 3, 2]],
    ['10', [0x28, 0, 0, 0, 0, 3, 0, 0, 2]],
    ['12', [0xa8, 0, 0, 0, 0, 3, 0, 0, 0, 2]],
    ['16', [0x88, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 2]],
  ])('READ and WRITE (%s)', (_name, cdb) => {
    const s = scsi().started();
    const { data, status, resid } = s.run(cdb, { room: 1024 });
    expect([status, resid, data]).toEqual([0, 0, s.drive.bytes.slice(1536, 2560)]);
    const write = [(cdb[0] ?? 0) + 2, ...cdb.slice(1)];
    expect(s.run(write, { out: pattern(1024, 8) })).toMatchObject({ status: 0, resid: 0 });
    expect(s.drive.bytes.slice(1536, 2560)).toEqual(pattern(1024, 8));
  });
  test('beyond the end, more than there is room for, less than was brought', () => {
    const s = scsi().started();
    expect(s.run([0x28, 0, 0, 0, 0, 63, 0, 0, 2], { room: 1024 }).sense).toEqual([5, 0x21, 0]);
    expect(s.run([0x28, 0, 0, 0, 0, 0, 0, 0, 2], { room: 512 }).response).toBe(1);
    expect(s.run([0x28, 0, 0, 0, 0, 0, 0, 0, 1], { room: 1024 })).toMatchObject({ response: 0, resid: 512 });
    const before = s.drive.bytes.slice();
    expect(s.run([0x2a, 0, 0, 0, 0, 0, 0, 0, 2], { out: pattern(512, 99) }).response).toBe(1);
    expect(s.drive.bytes).toEqual(before);
    expect(s.run([0x28], { room: 512 })).toMatchObject({ status: 0, resid: 512 });
  });
  test('a write with FUA is flushed; SYNCHRONIZE CACHE flushes', () => {
    const s = scsi().started();
    s.submit([0x2a, 8, 0, 0, 0, 0, 0, 0, 1], pattern(512), 0);
    s.drive.complete();
    expect(s.drive.waiting).toEqual(['flush']);
    s.drive.complete();
    s.submit([0x35], undefined, 0);
    expect(s.drive.waiting).toEqual(['flush']);
  });
  test('WRITE SAME repeats a block, and zeros cheaply; none is refused', () => {
    const s = scsi().started();
    s.run([0x41, 0, 0, 0, 0, 4, 0, 0, 3], { out: pattern(512, 3) });
    expect(s.drive.bytes.slice(2048, 3584)).toEqual(joined(pattern(512, 3), pattern(512, 3), pattern(512, 3)));
    s.submit([0x93, 8, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 2], new Uint8Array(512), 0);
    expect(s.drive.waiting).toEqual(['zero 2048 1024']);
    s.drive.completeAll();
    s.answers();
    expect(s.run([0x41], { out: pattern(512) }).sense).toEqual([5, 0x24, 0]);
  });
  test('UNMAP takes ranges one after the other', () => {
    const s = scsi().started();
    const list = Uint8Array.from(bigEndian([38, 2], [32, 2], [0, 4], [1, 8], [2, 4], [0, 4], [10, 8], [1, 4], [0, 4]));
    s.submit([0x42, 0, 0, 0, 0, 0, 0, 0, list.length], list, 0);
    expect(s.drive.waiting).toEqual(['discard 512 1024']);
    s.drive.complete();
    expect(s.drive.waiting).toEqual(['discard 5120 512']);
    s.drive.complete();
    expect(s.answers()).toMatchObject([{ status: 0, resid: 0 }]);
    const far = Uint8Array.from(bigEndian([22, 2], [16, 2], [0, 4], [63, 8], [2, 4], [0, 4]));
    expect(s.run([0x42, 0, 0, 0, 0, 0, 0, 0, far.length], { out: far }).sense).toEqual([5, 0x21, 0]);
  });
  test('errors of the drive become sense data', () => {
    const s = scsi().started();
    for (const [error, sense] of [
      ['EIO', [0x0b, 0, 6]],
      ['ENOSPC', [7, 0x27, 7]],
    ] as const) {
      s.submit([0x2a, 0, 0, 0, 0, 0, 0, 0, 1], pattern(512), 0);
      s.drive.complete(error);
      expect(s.answers()).toMatchObject([{ status: 2, sense }]);
    }
    expect(s.run([0xff]).sense).toEqual([5, 0x20, 0]);
  });
});

describe('a CD-ROM drive', () => {
  const disc = pattern(2048 * 20, 4);
  test('reads blocks of 2048 bytes, shows its table of contents, and cannot write', () => {
    const s = scsi({ cd: disc }).started();
    expect([...s.run([0x25], { target: 1, room: 8 }).data]).toEqual(bigEndian([19, 4], [2048, 4]));
    expect(s.run([0x28, 0, 0, 0, 0, 2, 0, 0, 1], { target: 1, room: 2048 }).data).toEqual(disc.slice(4096, 6144));
    expect(s.run([0x43, 0, 0, 0, 0, 0, 0, 0, 20], { target: 1, room: 20 }).data.slice(0, 4)).toEqual(
      Uint8Array.from([0, 18, 1, 1]),
    );
    expect(s.run([0x2a, 0, 0, 0, 0, 0, 0, 0, 1], { target: 1, out: disc.slice(0, 2048) }).sense).toEqual([5, 0x20, 0]);
    expect(ascii(s.run([0x12, 0, 0, 0, 36], { target: 1, room: 36 }).data, 16, 32)).toBe('QEMU CD-ROM     ');
  });
  test('without a medium is not ready; a new one is an attention and an event', () => {
    const s = scsi({ cd: null }).started();
    expect(s.run([0], { target: 1 }).sense).toEqual([2, 0x3a, 0]);
    s.discDrive.insert(disc);
    expect([...s.run([0x4a, 1, 0, 0, 16, 0, 0, 0, 8], { target: 1, room: 8 }).data.slice(4, 6)]).toEqual([2, 2]);
    expect(s.run([0], { target: 1 }).sense).toEqual([6, 0x28, 0]);
    expect(s.run([0], { target: 1 }).status).toBe(0);
  });
  test('opens its tray unless it is locked', () => {
    const s = scsi({ cd: disc }).started();
    s.run([0x1e, 0, 0, 0, 1], { target: 1 });
    expect(s.run([0x1b, 0, 0, 0, 2], { target: 1 }).sense).toEqual([5, 0x53, 2]);
    s.run([0x1e], { target: 1 });
    expect(s.run([0x1b, 0, 0, 0, 2], { target: 1 }).status).toBe(0);
    expect([s.discDrive.open, s.run([0], { target: 1 }).sense]).toEqual([true, [2, 0x3a, 0]]);
    s.run([0x1b, 0, 0, 0, 3], { target: 1 });
    expect([s.discDrive.open, s.run([0], { target: 1 }).status]).toEqual([false, 0]);
  });
});

describe('task management', () => {
  const tmf = (subtype: number, { target = 0, lun = 0, tag = 7 } = {}) =>
    joined(le([0, 4], [subtype, 4]), lunOf(target, lun), le([tag, 8]));
  test('aborts a command by its tag, and resets a unit', () => {
    const s = scsi().started();
    s.submit([0x28, 0, 0, 0, 0, 0, 0, 0, 1], undefined, 512, { tag: 11 });
    s.submit([0x28, 0, 0, 0, 0, 1, 0, 0, 1], undefined, 512, { tag: 12 });
    const ask = (request: Uint8Array) => s.rig.ask(CONTROL, [request, 1]).bytes[0];
    expect([ask(tmf(6, { tag: 11 })), ask(tmf(6, { tag: 99 })), ask(tmf(7))]).toEqual([10, 0, 10]);
    expect(ask(tmf(0, { tag: 11 }))).toBe(0);
    expect(s.answers()).toMatchObject([{ response: 2 }]);
    expect(ask(tmf(5))).toBe(0);
    expect(s.answers()).toMatchObject([{ response: 4 }]);
    expect([ask(tmf(5, { target: 9 })), ask(tmf(5, { lun: 4 })), ask(tmf(2))]).toEqual([3, 12, 11]);
    expect(s.run([0]).sense).toEqual([6, 0x29, 0]);
    s.drive.completeAll();
    expect(s.answers()).toEqual([]);
  });
});

test('a disk that grows is an event and an attention', () => {
  const s = scsi().started();
  s.rig.add(EVENT, [16]);
  s.rig.notify(EVENT);
  s.drive.insert(new Uint8Array(128 * 512));
  expect(s.rig.collect(EVENT)[0]?.bytes).toEqual(
    joined(le([3, 4]), Uint8Array.from([1, 0, 0, 0, 0, 0, 0, 0]), le([0x092a, 4])),
  );
  expect(s.run([0]).sense).toEqual([6, 0x2a, 9]);
  s.drive.insert(new Uint8Array(64 * 512));
  s.rig.add(EVENT, [16]);
  s.rig.notify(EVENT);
  s.drive.insert(new Uint8Array(32 * 512));
  expect(s.rig.collect(EVENT)[0]?.bytes.slice(0, 4)).toEqual(le([0x8000_0003, 4]));
});

test('commands under way are done again by a machine that is loaded in the middle of them', () => {
  const s = scsi().started();
  s.submit([0x2a, 0, 0, 0, 0, 9, 0, 0, 1], pattern(512, 6), 0);
  s.submit([0x28, 0, 0, 0, 0, 3, 0, 0, 1], undefined, 512);
  const second = testDrive(s.drive.bytes.slice());
  const other = s.build(second);
  other.rig.ram.set(s.rig.ram);
  const saved = [s.rig.device, ...s.units].map((device) => device.save());
  const devices = [other.rig.device, ...other.units];
  loadDevices(devices.map((device, i) => ({ device, bytes: saved[i] as Uint8Array })));
  expect(devices.map((device) => device.save())).toEqual(saved);
  expect(second.waiting).toEqual(['write 4608 512', 'read 1536 512']);
  second.completeAll();
  expect(second.bytes.slice(4608, 5120)).toEqual(pattern(512, 6));
  other.rig.adopt('modern', new Map([[REQUEST, s.rig.queueOf(REQUEST)]]));
  expect(other.rig.collect(REQUEST).map(decode)).toMatchObject([{ status: 0 }, { status: 0 }]);
});

test('a request without room for its answer breaks the adapter', () => {
  const s = scsi().started();
  s.rig.add(REQUEST, [header([0]), 20]);
  s.rig.notify(REQUEST);
  expect(s.rig.log.join()).toContain('wrong size for virtio-scsi headers');
  expect(s.rig.status & 0x40).toBe(0x40);
});

test('a guest’s nonsense neither crashes nor hangs the adapter and its units', () => {
  const s = scsi({ cd: pattern(2048 * 8) });
  const opcodes = [
    0, 3, 8, 0x0a, 0x12, 0x15, 0x1a, 0x1b, 0x1e, 0x25, 0x28, 0x2a, 0x2f, 0x35, 0x41, 0x42, 0x43, 0x46, 0x4a, 0x51, 0x55,
    0x5a, 0x88, 0x8a, 0x93, 0x9e, 0xa0, 0xa8, 0xad, 0xbd,
  ]; // prettier-ignore
  const cdb = (random: Random) => [
    random.below(8) ? random.pick(opcodes) : random.below(256),
    ...Array.from({ length: 15 }, () => (random.below(3) ? 0 : random.below(random.pick([2, 8, 256])))),
  ];
  fuzzDevice(s.rig as unknown as Parameters<typeof fuzzDevice>[0], {
    accesses: FUZZ_ACCESSES,
    seed: 5,
    queues: 3,
    request: (random) => [
      random.below(4)
        ? header(cdb(random), { target: random.below(3), lun: random.below(2) })
        : le([random.below(3), 4], [random.below(9), 4], [1, 16]), // prettier-ignore
      ...(random.below(2)
        ? [
            Uint8Array.from({ length: random.pick([4, 24, 512, 1024]) }, () =>
              random.pick([0, 0, 8, 18, random.below(256)]),
            ),
          ]
        : []), // prettier-ignore
      108 + (random.below(2) ? random.below(2048) : 0),
    ],
    outside(random) {
      const drive = random.pick([s.drive, s.discDrive]);
      if (random.below(20) === 0) s.discDrive.insert(random.below(2) ? undefined : new Uint8Array(2048 * 9));
      else if (drive.waiting.length > 0)
        drive.complete(random.pick([undefined, 'EIO']), random.below(drive.waiting.length));
    },
  });
  s.rig.start();
  s.drive.completeAll();
  s.run([0]);
  expect(s.run([0x25], { room: 8 }).status).toBe(0);
}, 600_000);
