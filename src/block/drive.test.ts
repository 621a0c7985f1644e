import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BlockFailure, type BlockNode } from './api.ts';
import { createMemoryNode } from './backends/memory.ts';
import { type CompletionMode, DiskWork } from './disk-work.ts';
import { type DriveEvent, HostDrive, type HostDriveOptions, isDriveEvent } from './drive.ts';

/** Work of the host that waits until the test lets it go on. */
interface Gate {
  readonly what: string;
  open(failure?: BlockFailure): void;
}

/** An image whose requests end when the test says so. */
function gated(bytes: Uint8Array) {
  const memory = createMemoryNode(bytes);
  const gates: Gate[] = [];
  let closed = false;
  const through = (what: string, body: () => Promise<void>): Promise<void> =>
    new Promise((resolve, reject) => {
      gates.push({
        what,
        open(failure) {
          if (failure === undefined) body().then(resolve, reject);
          else reject(failure);
        },
      });
    });
  const node: BlockNode = {
    ...memory,
    sizeBytes: bytes.length,
    read: (offset, into) => through(`read ${offset} ${into.length}`, () => memory.read(offset, into)),
    write: (offset, from) => through(`write ${offset} ${from.length}`, () => memory.write(offset, from)),
    flush: () => through('flush', () => memory.flush()),
    close: async () => {
      closed = true;
    },
  };
  return { node, gates, closed: () => closed };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function createRig(
  node: BlockNode | undefined,
  options: Partial<HostDriveOptions> = {},
  mode: CompletionMode = 'live',
) {
  const work = new DiskWork(mode);
  const events: DriveEvent[] = [];
  const heard: string[] = [];
  const stops: string[] = [];
  const broken: unknown[] = [];
  const drive = new HostDrive({
    id: 'hd0',
    work,
    medium: node && { name: 'disk.img', node },
    post: (event) => void events.push(event),
    onStopped: ({ code }) => void stops.push(code),
    onBroken: (error) => void broken.push(error),
    nowNs: () => 0,
    ...options,
  });
  drive.attach({
    completed: (id, error, bytes) =>
      void heard.push(`${id} ${error ?? (bytes ? `[${[...bytes.slice(0, 2)]}]` : 'ok')}`),
    mediumChanged: () => void heard.push(`medium ${drive.sizeBytes}`),
    ejectRequested: () => void heard.push('eject'),
  });
  /** Lets the host work, then delivers what it has posted. */
  const deliver = async (): Promise<void> => {
    await turn();
    for (const event of events.splice(0)) {
      expect(isDriveEvent(JSON.parse(JSON.stringify(event)))).toBe(true);
      drive.receive(event);
    }
  };
  return { drive, work, events, heard, stops, broken, deliver };
}

const sectors = (count: number, byte: number): Uint8Array => new Uint8Array(count * 512).fill(byte);

describe('requests', () => {
  test('end later, and only when their event is delivered', async () => {
    const rig = createRig(createMemoryNode(sectors(4, 7)));
    expect(rig.drive.read(512, 1024)).toBe(1);
    await turn();
    expect(rig.heard).toEqual([]);
    expect(rig.events).toEqual([{ request: 1, error: null }]);
    await rig.deliver();
    expect(rig.heard).toEqual(['1 [7,7]']);
  });

  test('that overlap keep their order; others do not wait', async () => {
    const { node, gates } = gated(sectors(8, 0));
    const rig = createRig(node);
    rig.drive.write(0, sectors(2, 1));
    rig.drive.read(512, 512);
    rig.drive.write(512, sectors(1, 2));
    rig.drive.read(2048, 512);
    rig.drive.read(2048, 1024);
    rig.drive.flush();
    expect(gates.map(({ what }) => what)).toEqual(['write 0 1024', 'read 2048 512', 'read 2048 1024', 'flush']);
    gates[0]?.open();
    await turn();
    expect(gates.at(-1)?.what).toBe('read 512 512');
    gates.at(-1)?.open();
    await turn();
    expect(gates.at(-1)?.what).toBe('write 512 512');
    await rig.deliver();
    expect(rig.heard).toEqual(['1 ok', '2 [1,1]']);
  });

  test.each<[string, (drive: HostDrive) => void, Partial<HostDriveOptions>, string]>([
    ['beyond the end', (drive) => drive.read(512, 1024), {}, 'EIO'],
    ['to write what is read-only', (drive) => drive.write(0, sectors(1, 0)), { readonly: true }, 'EROFS'],
    ['to write a CD', (drive) => drive.writeZeroes(0, 512), { media: 'cdrom' }, 'EROFS'],
    ['without a medium', (drive) => drive.flush(), { medium: undefined }, 'ENOMEDIUM'],
  ])('%s fail', async (_what, ask, options, code) => {
    const rig = createRig(createMemoryNode(sectors(2, 0)), options);
    ask(rig.drive);
    expect(rig.heard).toEqual([]);
    await rig.deliver();
    expect(rig.heard).toEqual([`1 ${code}`]);
  });

  test('reach beyond an odd end: the rest reads as zeros, and writes make the image grow', async () => {
    const node = createMemoryNode(new Uint8Array(700).fill(9));
    const rig = createRig(node);
    expect(rig.drive.sizeBytes).toBe(1024);
    let bytes = new Uint8Array();
    const other = new HostDrive({
      id: 'x',
      work: rig.work,
      medium: { name: 'x', node },
      post: (event) => other.receive(event),
      nowNs: () => 0,
    });
    other.attach({ completed: (_id, _error, read) => void (bytes = Uint8Array.from(read ?? [])) });
    other.read(512, 512);
    await turn();
    expect([bytes[187], bytes[188], bytes[511]]).toEqual([9, 0, 0]);
    rig.drive.write(512, sectors(1, 5));
    await rig.deliver();
    expect(node.sizeBytes).toBe(1024);
  });

  test('that the device forgot still reach the disk, and it does not hear of them', async () => {
    const bytes = sectors(2, 0);
    const rig = createRig(createMemoryNode(bytes));
    rig.drive.write(0, sectors(1, 3));
    rig.drive.forget();
    await rig.deliver();
    expect(rig.heard).toEqual([]);
    expect(bytes[0]).toBe(3);
  });

  test('a write-through write ends after a flush', async () => {
    const { node, gates } = gated(sectors(2, 0));
    const rig = createRig(node, { cache: 'writethrough' });
    rig.drive.write(0, sectors(1, 3));
    gates[0]?.open();
    await rig.deliver();
    expect(rig.heard).toEqual([]);
    expect(gates[1]?.what).toBe('flush');
    gates[1]?.open();
    await rig.deliver();
    expect(rig.heard).toEqual(['1 ok']);
  });

  test('a bug of an image is not taken for an error of the disk', async () => {
    const node = { ...createMemoryNode(sectors(2, 0)), read: () => Promise.reject(new Error('BUG: x')) };
    const rig = createRig(node);
    rig.drive.read(0, 512);
    await rig.deliver();
    expect(rig.heard).toEqual([]);
    expect(rig.broken).toEqual([new Error('BUG: x')]);
  });
});

describe('with a fixed rate of instructions', () => {
  test('ends are held until the host has done all, and come in the order of the requests', async () => {
    const { node, gates } = gated(sectors(8, 0));
    const rig = createRig(node, {}, 'exact');
    rig.drive.read(0, 512);
    rig.drive.read(512, 512);
    rig.drive.read(1024, 512);
    for (const n of [2, 0]) gates[n]?.open();
    await rig.deliver();
    expect(rig.heard).toEqual([]);
    expect(rig.work.mustWait).toBe(true);
    gates[1]?.open();
    await rig.work.settled();
    await rig.deliver();
    expect(rig.heard).toEqual(['1 [0,0]', '2 [0,0]', '3 [0,0]']);
    expect(rig.work.mustWait).toBe(false);
  });
});

describe('errors', () => {
  const full = new BlockFailure('ENOSPC', 'no space left');
  const broken = new BlockFailure('EIO', 'unreadable');

  test.each([
    ['write', 'enospc', full, 'stops'],
    ['write', 'enospc', broken, '1 EIO'],
    ['write', 'report', full, '1 ENOSPC'],
    ['write', 'ignore', broken, '1 ok'],
    ['write', 'stop', broken, 'stops'],
    ['read', 'report', broken, '1 EIO'],
    ['read', 'stop', broken, 'stops'],
  ] as const)('a %s under the policy %s: %s', async (operation, policy, failure, expected) => {
    const { node, gates } = gated(sectors(2, 0));
    const rig = createRig(node, operation === 'write' ? { writeErrors: policy } : { readErrors: policy });
    if (operation === 'write') rig.drive.write(0, sectors(1, 1));
    else rig.drive.read(0, 512);
    gates[0]?.open(failure);
    await rig.deliver();
    if (expected !== 'stops') {
      expect(rig.heard).toEqual([expected]);
      return;
    }
    expect(rig.heard).toEqual([]);
    expect(rig.stops).toEqual([failure.code]);
    expect(rig.drive.hasStopped).toBe(true);
    rig.drive.retry();
    gates[1]?.open();
    await rig.deliver();
    expect(rig.heard).toHaveLength(1);
  });

  test('a write that waits to be tried again is not overtaken by a later one to the same sector', async () => {
    const bytes = sectors(1, 0);
    const { node, gates } = gated(bytes);
    const rig = createRig(node);
    rig.drive.write(0, sectors(1, 1));
    gates[0]?.open(full);
    await rig.deliver();
    rig.drive.write(0, sectors(1, 2));
    expect(gates).toHaveLength(1);
    rig.drive.retry();
    gates[1]?.open();
    await turn();
    gates[2]?.open();
    await rig.deliver();
    expect(rig.heard).toEqual(['1 ok', '2 ok']);
    expect(bytes[0]).toBe(2);
  });
});

describe('a throttle', () => {
  test('holds requests back, but not a run whose ends fall on fixed counts', async () => {
    for (const mode of ['live', 'exact'] as const) {
      const rests: (() => void)[] = [];
      const rest = (): Promise<void> => new Promise((resolve) => rests.push(resolve));
      const rig = createRig(createMemoryNode(sectors(4, 1)), { throttle: { iopsTotal: 10 }, rest }, mode);
      for (let n = 0; n < 3; n++) rig.drive.read(n * 512, 512);
      await rig.deliver();
      expect(rig.heard).toHaveLength(mode === 'live' ? 2 : 3);
      for (const go of rests) go();
      await rig.deliver();
      expect(rig.heard).toHaveLength(3);
    }
  });
});

describe('closing', () => {
  test('waits for requests that wait for others', async () => {
    const bytes = sectors(1, 0);
    const { node, gates, closed } = gated(bytes);
    const rig = createRig(node);
    rig.drive.write(0, sectors(1, 1));
    rig.drive.write(0, sectors(1, 2));
    const closing = rig.drive.close();
    gates[0]?.open();
    await turn();
    expect(closed()).toBe(false);
    gates[1]?.open();
    await closing;
    expect([closed(), bytes[0]]).toEqual([true, 2]);
  });
});

describe('media', () => {
  test('a new one ends what is under way on the old one, which is closed when the host is done', async () => {
    const old = gated(sectors(2, 0));
    const rig = createRig(old.node, { media: 'cdrom' });
    rig.drive.read(0, 512);
    rig.drive.insert({ name: 'new.iso', node: createMemoryNode(sectors(4, 6), { readonly: true }) });
    await rig.deliver();
    expect(rig.heard).toEqual(['1 ENOMEDIUM', 'medium 2048']);
    expect(old.closed()).toBe(false);
    old.gates[0]?.open();
    await rig.deliver();
    expect(old.closed()).toBe(true);
    rig.drive.read(0, 512);
    await rig.deliver();
    expect(rig.heard.at(-1)).toBe('2 [6,6]');
    rig.drive.insert(undefined);
    await rig.deliver();
    expect(rig.drive.inserted).toBe(false);
    expect(rig.heard.at(-1)).toBe('medium 0');
  });

  test('requests wait while something else has the image for itself', async () => {
    const { node, gates } = gated(sectors(2, 0));
    const rig = createRig(node);
    rig.drive.read(0, 512);
    let entered = false;
    let leave = (): void => {};
    const alone = rig.drive.alone(() => {
      entered = true;
      return new Promise<void>((resolve) => {
        leave = resolve;
      });
    });
    rig.drive.read(512, 512);
    await turn();
    expect(entered).toBe(false);
    gates[0]?.open();
    await turn();
    expect(entered).toBe(true);
    expect(gates).toHaveLength(1);
    leave();
    await alone;
    expect(gates).toHaveLength(2);
  });
});

test('any mix of requests, in any order of the host, leaves the disk as if they had run one after the other', async () => {
  const request = fc.record({
    write: fc.boolean(),
    sector: fc.integer({ min: 0, max: 7 }),
    count: fc.integer({ min: 1, max: 4 }),
    byte: fc.integer({ min: 1, max: 255 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(request, { maxLength: 12 }), fc.infiniteStream(fc.nat()), async (requests, choices) => {
      const bytes = sectors(11, 0);
      const model = sectors(11, 0);
      const { node, gates } = gated(bytes);
      const rig = createRig(node);
      const expected: string[] = [];
      for (const [i, { write, sector, count, byte }] of requests.entries()) {
        const at = sector * 512;
        if (write) {
          rig.drive.write(at, sectors(count, byte));
          model.fill(byte, at, at + count * 512);
          expected.push(`${i + 1} ok`);
        } else {
          rig.drive.read(at, count * 512);
          expected.push(`${i + 1} [${model[at]},${model[at + 1]}]`);
        }
      }
      while (rig.work.busy) {
        const [gate] = gates.splice((choices.next().value as number) % gates.length, 1);
        gate?.open();
        await turn();
      }
      await rig.deliver();
      expect(rig.heard.sort()).toEqual(expected.sort());
      expect(bytes).toEqual(model);
    }),
    { numRuns: 60 },
  );
});
