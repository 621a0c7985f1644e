import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { testDrive } from '../../../block/drive.fixture.ts';
import { FEATURE } from './constants.ts';
import { virtioBlkPci } from './virtio-blk.ts';
import { FUZZ_ACCESSES, fuzzDevice } from './virtio-fuzz.fixture.ts';
import { joined, le, virtioRig } from './virtio-rig.fixture.ts';

const NEXT = 1;
const WRITE = 2;
const INDIRECT = 4;
const getId = le([8, 4], [0, 4], [0, 8]);
const readFirst = le([0, 4], [0, 4], [0, 8]);

function rigOf(options: Parameters<ReturnType<typeof blk>['rig']['start']>[0] = {}) {
  const { rig, drive } = blk();
  rig.start(options);
  return { rig, drive };
}
function blk() {
  const drive = testDrive(new Uint8Array(64 * 512));
  return { drive, rig: virtioRig(virtioBlkPci, { drive }) };
}
/** Puts a chain made by hand into the ring: descriptors [gpa, length, flags, next] from entry 0 on. */
function offer(rig: ReturnType<typeof blk>['rig'], descriptors: readonly (readonly number[])[], head = 0) {
  const { desc } = rig.queueOf(0);
  for (const [i, [gpa = 0, length = 0, flags = 0, next = 0]] of descriptors.entries()) {
    rig.writeDescriptor(desc, i, gpa, length, flags, next);
  }
  rig.makeAvailable(0, head);
  rig.notify(0);
}

describe('notifications', () => {
  test('without event indices the driver’s flag keeps the interrupt away', () => {
    const { rig } = rigOf({ features: (bit) => bit !== FEATURE.RING_EVENT_IDX && bit !== FEATURE.NOTIFY_ON_EMPTY });
    rig.guest.setUint16(rig.queueOf(0).avail, 1, true);
    rig.ask(0, [getId, 20, 1]);
    expect(rig.irq).toBe(false);
    rig.guest.setUint16(rig.queueOf(0).avail, 0, true);
    rig.ask(0, [getId, 20, 1]);
    expect(rig.irq).toBe(true);
  });

  test('with NOTIFY_ON_EMPTY the last chain interrupts in spite of the flag', () => {
    const { rig } = rigOf({ features: (bit) => bit === FEATURE.NOTIFY_ON_EMPTY });
    rig.guest.setUint16(rig.queueOf(0).avail, 1, true);
    rig.ask(0, [getId, 20, 1]);
    expect(rig.irq).toBe(true);
  });

  test('with event indices an interrupt comes when the used index passes the one that the driver names', () => {
    const { rig } = rigOf({ features: (bit) => bit === FEATURE.RING_EVENT_IDX });
    const { avail, size } = rig.queueOf(0);
    const counts = [];
    for (const event of [0, 5, 3, 3]) {
      rig.guest.setUint16(avail + 4 + 2 * size, event, true);
      rig.ask(0, [getId, 20, 1]);
      rig.readIsr();
      counts.push(rig.interrupts);
    }
    // Used index 1 passes event 0; 2 does not reach 5; 3 does not pass 3, 4 does.
    expect(counts).toEqual([1, 1, 1, 2]);
  });

  test('with event indices the device asks for a notification of the next entry', () => {
    const { rig } = rigOf();
    const { used, size } = rig.queueOf(0);
    for (let i = 1; i <= 3; i++) {
      rig.ask(0, [getId, 20, 1]);
      expect(rig.guest.getUint16(used + 4 + 8 * size, true)).toBe(i);
    }
  });

  test('indices wrap at 65536', () => {
    const { rig } = rigOf({ sizes: { 0: 8 } });
    for (let i = 0; i < 65_600; i++) {
      rig.add(0, [getId, 20, 1]);
      rig.notify(0);
      if (rig.collect(0).length !== 1) throw new Error(`chain ${i} is lost`);
    }
    expect(rig.log).toEqual([]);
  }, 30_000);
});

describe('indirect tables', () => {
  test('hold a whole chain, or the rest of one', () => {
    const { rig } = rigOf();
    rig.add(0, [getId, 20, 1], { indirect: true });
    rig.notify(0);
    expect(rig.collect(0)).toMatchObject([{ written: 21 }]);
    const request = rig.allocate(16);
    rig.ram.set(getId, request);
    const table = rig.allocate(32);
    rig.writeDescriptor(table, 0, rig.allocate(20), 20, WRITE | NEXT, 1);
    rig.writeDescriptor(table, 1, rig.allocate(1), 1, WRITE);
    offer(rig, [
      [request, 16, NEXT, 1],
      [table, 32, INDIRECT | WRITE], // §2.6.5.3.2: WRITE says nothing here
    ]);
    expect(rig.collect(0)).toMatchObject([{ written: 21 }]);
  });

  test('may be longer than the queue', () => {
    const { rig, drive } = rigOf({ sizes: { 0: 4 } });
    rig.add(0, [readFirst, ...new Array<number>(64).fill(8), 1], { indirect: true });
    rig.notify(0);
    expect(drive.waiting).toEqual(['read 0 512']);
    drive.complete();
    expect(rig.collect(0)).toMatchObject([{ written: 513 }]);
  });
});

describe('a driver that breaks the rules gets a device that needs a reset:', () => {
  const RAM = 0x20_0000;
  const HOLE = 0x80_0000;
  test.each<[string, string, readonly (readonly number[])[], number?]>([
    ['a head beyond the table', 'Guest says index 128 > 128 is available', [], 128],
    ['a loop', 'Looped descriptor', [[RAM, 16, NEXT, 0]]],
    [
      'a longer loop',
      'Looped descriptor',
      [
        [RAM, 16, NEXT, 1],
        [RAM, 16, NEXT, 0],
      ],
    ], // prettier-ignore
    ['a next beyond the table', 'Desc next is 128', [[RAM, 16, NEXT, 128]]],
    ['a buffer without length', 'zero sized buffers are not allowed', [[RAM, 0, 0]]],
    ['a buffer where no memory is', 'bogus descriptor: 0x800000, length 16', [[HOLE, 16, 0]]],
    ['a buffer that reaches out of memory', 'bogus descriptor: 0x3ffff8, length 16', [[0x3f_fff8, 16, 0]]],
    ['a buffer of 4 GiB', 'bogus descriptor: 0x200000, length 4294967295', [[RAM, 0xffff_ffff, WRITE]]],
    ['a buffer beyond all addresses', 'bogus descriptor: 0xffffffff00000000', [[0xffff_ffff_0000_0000, 16, 0]]],
    ['a buffer in a register', 'bogus descriptor: 0xfe000000, length 16', [[0xfe00_0000, 16, WRITE]]],
    [
      'readable after writable',
      'Incorrect order for descriptors',
      [
        [RAM, 16, NEXT | WRITE, 1],
        [RAM, 16, 0],
      ],
    ],
    ['an empty indirect table', 'Invalid size for indirect buffer table', [[RAM, 0, INDIRECT]]],
    ['a torn indirect table', 'Invalid size for indirect buffer table', [[RAM, 24, INDIRECT]]],
    ['an indirect table in nowhere', 'Indirect buffer table at 0x800000: no memory', [[HOLE, 32, INDIRECT]]],
    ['an indirect table with a next', 'Invalid place of an indirect buffer table', [[RAM, 32, INDIRECT | NEXT, 1]]],
  ])('%s', (_what, message, descriptors, head = 0) => {
    const { rig } = rigOf();
    offer(rig, descriptors, head);
    expect(rig.log.join()).toContain(`guest_errors: virtio device 'virtio-blk-pci': ${message}`);
    expect(rig.status & 0x40).toBe(0x40);
    expect(rig.readIsr()).toBe(2);
    expect(rig.collect(0)).toEqual([]);
    const again = rig.reloaded();
    expect(again.status & 0x40).toBe(0x40);
    rig.start();
    expect(rig.ask(0, [getId, 20, 1]).written).toBe(21);
  });

  test('a table in an indirect table', () => {
    const { rig } = rigOf();
    const table = rig.allocate(32);
    rig.writeDescriptor(table, 0, table, 32, INDIRECT);
    offer(rig, [[table, 32, INDIRECT]]);
    expect(rig.log.join()).toContain('Invalid place of an indirect buffer table');
  });

  test('an indirect table that loops', () => {
    const { rig } = rigOf();
    const table = rig.allocate(32);
    rig.writeDescriptor(table, 0, RAM, 16, NEXT, 1);
    rig.writeDescriptor(table, 1, RAM, 16, NEXT, 0);
    offer(rig, [[table, 32, INDIRECT]]);
    expect(rig.log.join()).toContain('Looped descriptor');
  });

  test('an index that jumps', () => {
    const { rig } = rigOf();
    rig.guest.setUint16(rig.queueOf(0).avail + 2, 200, true);
    rig.notify(0);
    expect(rig.log.join()).toContain('Guest moved used index from 0 to 200');
    expect(rig.status & 0x40).toBe(0x40);
  });

  test('more chains under way than the queue is long', () => {
    const { rig } = rigOf({ sizes: { 0: 2 } });
    const chain = [
      [rig.allocate(16), 16, NEXT, 1],
      [rig.allocate(513), 513, WRITE],
    ]; // prettier-ignore
    rig.ram.set(readFirst, chain[0]?.[0]);
    for (let i = 0; i < 3; i++) offer(rig, chain);
    expect(rig.log.join()).toContain('Virtqueue size exceeded');
  });

  test('rings where no memory is', () => {
    const { rig } = blk();
    rig.start({ skipQueues: true });
    rig.common.write(0x20, 0x80_0000, 4);
    rig.common.write(0x28, 0x90_0000, 4);
    rig.common.write(0x30, 0xa0_0000, 4);
    rig.common.write(0x1c, 1, 2);
    rig.memory.write(0xfe00_3000, 0, 2);
    expect(rig.log.join()).toContain('Virtqueue 0: rings are not in memory');
  });

  test('a legacy driver is not told by a status bit that it does not know', () => {
    const { rig } = rigOf({ as: 'legacy' });
    offer(rig, [[0, 0, 0]]);
    expect([rig.status & 0x40, rig.log.length]).toEqual([0, 1]);
    rig.start({ as: 'legacy' });
    expect(rig.ask(0, [getId, 20, 1]).written).toBe(21);
  });
});

test('the registers of a queue: sizes that are no powers of two are refused, nothing changes once it is enabled', () => {
  const { rig } = blk();
  rig.start({ skipQueues: true });
  for (const size of [0, 3, 256]) rig.common.write(0x18, size, 2);
  expect([rig.common.read(0x18, 2), rig.log.length]).toEqual([128, 3]);
  rig.common.write(0x18, 16, 2);
  rig.common.write(0x24, 0x12, 4);
  rig.common.write(0x1c, 1, 2);
  rig.common.write(0x18, 32, 2);
  rig.common.write(0x20, 0x1000, 4);
  expect([rig.common.read(0x18, 2), rig.common.read(0x20, 4), rig.common.read(0x24, 4)]).toEqual([16, 0, 0x12]);
  expect([rig.common.read(0x1a, 2), rig.common.read(0x10, 2)]).toEqual([0xffff, 0xffff]);
  rig.common.write(0x16, 7, 2);
  expect([rig.common.read(0x18, 2), rig.common.read(0x1e, 2)]).toEqual([0, 7]);
  rig.status = 0;
  expect([rig.common.read(0x16, 2), rig.common.read(0x18, 2), rig.common.read(0x1c, 2)]).toEqual([0, 128, 0]);
});

test('features are settled once the driver has said so, and only offered ones can be accepted', () => {
  const { rig } = blk();
  rig.start({ features: (bit) => bit === 9 });
  const features = () =>
    [0, 1].map((word) => {
      rig.common.write(8, word, 4);
      return rig.common.read(0xc, 4);
    });
  expect(features()).toEqual([1 << 9, 1]);
  rig.common.write(0xc, 0xffff_ffff, 4);
  expect(features()).toEqual([1 << 9, 1]);
  rig.status = 0;
  rig.common.write(8, 0, 4);
  rig.common.write(0xc, 0xffff_ffff, 4);
  expect(BigInt(features()[0] ?? 0)).toBe(rig.offered() & 0xffff_ffffn);
});

test('the registers are also reached through configuration space (§4.1.4.7)', () => {
  const { rig } = rigOf();
  const window = (offset: number, length: number) => {
    rig.pci.write(0x88, 4, 1);
    rig.pci.write(0x8c, offset, 4);
    rig.pci.write(0x90, length, 4);
  };
  window(0x14, 1);
  expect(rig.pci.read(0x94, 1)).toBe(0x0f);
  window(0x2000, 4);
  expect(rig.pci.read(0x94, 4)).toBe(64);
  window(0x14, 1);
  rig.pci.write(0x94, 0, 4);
  expect(rig.status).toBe(0);
  for (const [offset, length] of [
    [0x3ffe, 4],
    [0x4000, 4],
    [0, 3],
    [0, 0],
  ] as const) {
    window(offset, length);
    rig.pci.write(0x94, 0xffff_ffff, 4);
    expect(rig.pci.read(0x94, 4)).toBe(0xffff_ffff);
  }
});

test('a device that may not be bus master any more stops', () => {
  const { rig } = rigOf();
  rig.pci.write(4, 3, 2);
  expect(rig.status).toBe(0x0b);
});

test('chains of any shape, plain and indirect, come back whole and in order', () => {
  const shape = fc.record({
    sector: fc.integer({ min: 0, max: 60 }),
    sectors: fc.integer({ min: 1, max: 4 }),
    write: fc.boolean(),
    cuts: fc.array(fc.nat(), { maxLength: 6 }),
    indirect: fc.boolean(),
    reload: fc.boolean(),
  });
  const cut = (bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] => {
    const at = [...new Set([0, ...cuts.map((n) => n % bytes.length), bytes.length])].sort((a, b) => a - b);
    return at.slice(1).map((end, i) => bytes.slice(at[i], end));
  };
  fc.assert(
    fc.property(fc.array(shape, { maxLength: 20 }), fc.constantFrom('modern', 'legacy'), (shapes, as) => {
      let { rig, drive } = rigOf({ as });
      const model = new Uint8Array(64 * 512);
      for (const [n, { sector, sectors, write, cuts, indirect, reload }] of shapes.entries()) {
        const data = Uint8Array.from({ length: sectors * 512 }, (_, i) => (n + 1) * (i + 3));
        const head = le([write ? 1 : 0, 4], [0, 4], [sector, 8]);
        const pieces = write
          ? [...cut(joined(head, data), cuts), 1]
          : [head, ...cut(new Uint8Array(data.length + 1), cuts).map(({ length }) => length)];
        rig.add(0, pieces, { indirect });
        rig.notify(0);
        if (reload) {
          drive = testDrive(drive.bytes.slice());
          rig = rig.reloaded({ drive });
        }
        drive.completeAll();
        const [answer] = rig.collect(0);
        const at = sector * 512;
        if (write) model.set(data, at);
        expect(answer?.bytes.at(-1)).toBe(0);
        if (!write) expect(answer?.bytes.slice(0, -1)).toEqual(model.slice(at, at + data.length));
      }
      expect(drive.bytes).toEqual(model);
      expect(rig.log).toEqual([]);
    }),
    { numRuns: 25 },
  );
});

test('a guest’s nonsense neither crashes nor hangs the device, and its state can be moved at any time', () => {
  const { rig, drive } = blk();
  fuzzDevice(rig as unknown as Parameters<typeof fuzzDevice>[0], {
    accesses: FUZZ_ACCESSES,
    seed: 1,
    request: (random) => [
      le([random.pick([0, 1, 4, 8, 11, 13, 99]), 4], [0, 4], [random.below(70), 8]),
      ...(random.below(2) ? [new Uint8Array(512 * random.below(3) + 16)] : []),
      ...(random.below(2) ? [512 * (1 + random.below(3))] : []),
      1,
    ],
    outside(random) {
      if (drive.waiting.length > 0)
        drive.complete(random.pick([undefined, 'EIO', undefined]), random.below(drive.waiting.length));
    },
  });
  rig.start();
  expect(rig.ask(0, [getId, 20, 1]).written).toBe(21);
}, 600_000);
