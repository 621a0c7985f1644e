import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ClusterGeometry, ClusterNode } from '../cluster-node.ts';
import { openFileStore, readFileStore, type StoreFiles, type SyncFile } from './file-store.ts';

const CLUSTER_BYTES = 16;
const SIZE = 400;
const GEOMETRY: ClusterGeometry = { clusterBytes: CLUSTER_BYTES, sizeBytes: SIZE, backingBytes: SIZE };

/** A file that remembers what it was at its last flush, and each write since. */
class TestFile implements SyncFile {
  bytes = new Uint8Array();
  private flushed = new Uint8Array();
  private since: (() => void)[] = [];
  private readonly onChange: () => void;
  room = Number.POSITIVE_INFINITY;

  constructor(onChange: () => void, bytes = new Uint8Array()) {
    this.onChange = onChange;
    this.bytes = bytes;
    this.flushed = bytes;
  }
  read(into: Uint8Array<ArrayBuffer>, { at }: { at: number }): number {
    const there = this.bytes.subarray(at, at + into.length);
    into.set(there);
    return there.length;
  }
  write(from: Uint8Array<ArrayBuffer>, { at }: { at: number }): number {
    const length = Math.min(from.length, Math.max(0, this.room - at));
    const copy = from.slice(0, length);
    this.change(() => {
      if (this.bytes.length < at + length) this.truncateNow(at + length);
      this.bytes.set(copy, at);
    });
    return length;
  }
  truncate(size: number): void {
    this.change(() => this.truncateNow(size));
  }
  getSize(): number {
    return this.bytes.length;
  }
  flush(): void {
    this.flushed = this.bytes.slice();
    this.since = [];
  }
  close(): void {}
  /** What the file may be after the power failed: of what came since the last flush, only some. */
  afterPowerFailure(keep: () => boolean): Uint8Array<ArrayBuffer> {
    const now = this.bytes;
    this.bytes = this.flushed.slice();
    for (const apply of this.since) if (keep()) apply();
    const result = this.bytes;
    this.bytes = now;
    return result;
  }
  private change(apply: () => void): void {
    this.bytes = this.bytes.slice();
    apply();
    this.since.push(apply);
    this.onChange();
  }
  private truncateNow(size: number): void {
    const resized = new Uint8Array(size);
    resized.set(this.bytes.subarray(0, size));
    this.bytes = resized;
  }
}

function openNode(files: StoreFiles, create = true, base?: string): ClusterNode | undefined {
  const opened = openFileStore(files, { name: 'd', create: create ? GEOMETRY : undefined, base, longLog: 1000 });
  if (opened === undefined) return undefined;
  return new ClusterNode({ driver: 'test', ...opened, cacheBytes: 8 * CLUSTER_BYTES });
}

function newFiles(onChange: () => void = () => {}) {
  const data = new TestFile(onChange);
  const logs = [new TestFile(onChange), new TestFile(onChange)] as const;
  return { data, logs };
}

async function contents(node: ClusterNode | undefined): Promise<Uint8Array> {
  const bytes = new Uint8Array(node?.sizeBytes ?? 0);
  await node?.read(0, bytes);
  return bytes;
}

const operation = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constantFrom('write' as const, 'write' as const, 'zero' as const),
      offset: fc.nat(SIZE - 1),
      length: fc.integer({ min: 1, max: 100 }),
      byte: fc.integer({ min: 1, max: 255 }),
    }),
  },
  { weight: 3, arbitrary: fc.constant({ kind: 'flush' as const }) },
);

describe('a disk in files', () => {
  test.each(['a kill', 'a power failure'])('after %s at any point shows all that was flushed', async (death) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(operation, { maxLength: 25 }),
        fc.infiniteStream(fc.boolean()),
        async (operations, coins) => {
          const keep = (): boolean => death === 'a kill' || (coins.next().value as boolean);
          let possible = Array.from({ length: SIZE }, () => new Set([0]));
          const current = new Uint8Array(SIZE);
          const checks: Promise<void>[] = [];
          let isMade = false;
          const die = (): void => {
            const copy = (file: TestFile): TestFile => new TestFile(() => {}, file.afterPowerFailure(keep));
            const survivor = openNode(
              { data: copy(files.data), logs: [copy(files.logs[0]), copy(files.logs[1])] },
              !isMade,
            );
            expect(survivor).toBeDefined();
            const allowed = possible.map((set) => new Set(set));
            checks.push(
              contents(survivor).then((bytes) => {
                const wrong = bytes.findIndex((byte, i) => allowed[i]?.has(byte) !== true);
                expect(wrong, `byte ${wrong} is ${bytes[wrong]}`).toBe(-1);
                expect(bytes).toHaveLength(SIZE);
              }),
            );
          };
          const files = newFiles(() => die());
          const node = openNode(files) as ClusterNode;
          isMade = true;
          for (const op of operations) {
            if (op.kind === 'flush') {
              await node.flush();
              possible = Array.from(current, (byte) => new Set([byte]));
              die();
              continue;
            }
            const end = Math.min(SIZE, op.offset + op.length);
            const byte = op.kind === 'write' ? op.byte : 0;
            for (let i = op.offset; i < end; i++) possible[i]?.add(byte);
            current.fill(byte, op.offset, end);
            if (op.kind === 'write') await node.write(op.offset, new Uint8Array(end - op.offset).fill(byte));
            else await node.writeZeroes(op.offset, end - op.offset);
          }
          await Promise.all(checks);
          expect(await contents(node)).toEqual(current);
        },
      ),
      { numRuns: 40 },
    );
  });

  test('is there again, with its size; over another image it is refused', async () => {
    const files = newFiles();
    expect(openNode(files, false)).toBeUndefined();
    const node = openNode(files, true, 'base 1') as ClusterNode;
    await node.resize(1000);
    await node.write(500, new Uint8Array(400).fill(8));
    await node.flush();
    const again = openNode(files, false, 'base 1');
    expect(again?.sizeBytes).toBe(1000);
    expect((await contents(again)).slice(499, 902)).toEqual(Uint8Array.of(0, ...new Array(400).fill(8), 0, 0));
    expect(() => openNode(files, false, 'base 2')).toThrow('made over another image');
  });

  test('is read by threads that may do no more', async () => {
    const files = newFiles();
    const node = openNode(files) as ClusterNode;
    await node.write(30, new Uint8Array(100).fill(9));
    await node.flush();
    const logs = files.logs.map(({ bytes }) => bytes);
    const readData = async (at: number, length: number) => files.data.bytes.slice(at, at + length);
    const opened = readFileStore(logs, readData, { name: 'd' });
    if (opened === undefined) throw new Error('not there');
    const reader = new ClusterNode({ driver: 'test', ...opened, readonly: true, cacheBytes: 64 });
    expect(await contents(reader)).toEqual(await contents(node));
    await expect(reader.write(0, Uint8Array.of(1))).rejects.toMatchObject({ code: 'EROFS' });
    expect(readFileStore([new Uint8Array(), new Uint8Array(3)], readData, { name: 'd' })).toBeUndefined();
  });

  test('writes its log anew when it is mostly out of date, and uses slots again', async () => {
    const files = newFiles();
    const node = openNode(files) as ClusterNode;
    for (let round = 0; round < 500; round++) {
      await node.write((round % 4) * CLUSTER_BYTES, new Uint8Array(CLUSTER_BYTES).fill(1 + (round % 200)));
      await node.flush();
      await node.writeZeroes((round % 4) * CLUSTER_BYTES, CLUSTER_BYTES);
      await node.flush();
    }
    await node.write(0, Uint8Array.of(77));
    await node.flush();
    expect(Math.max(...files.logs.map((log) => log.getSize()))).toBeLessThan(1100);
    expect(files.data.getSize()).toBeLessThan(8 * CLUSTER_BYTES);
    expect((await contents(openNode(files, false)))[0]).toBe(77);
  });

  test('that has no room fails with ENOSPC, and loses nothing', async () => {
    const files = newFiles();
    const node = openNode(files) as ClusterNode;
    await node.write(0, new Uint8Array(3 * CLUSTER_BYTES).fill(1));
    await node.flush();
    files.data.room = 4 * CLUSTER_BYTES;
    await node.write(2 * CLUSTER_BYTES, new Uint8Array(4 * CLUSTER_BYTES).fill(2));
    await expect(node.flush()).rejects.toMatchObject({ code: 'ENOSPC' });
    files.data.room = Number.POSITIVE_INFINITY;
    await node.flush();
    expect([...new Set(await contents(openNode(files, false)))]).toEqual([1, 2, 0]);
  });

  test('whatever its files hold, it is opened or refused with a VmError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(300), fc.nat(255), (noise, at, byte) => {
        const files = newFiles();
        openNode(files);
        const [log] = files.logs;
        const damaged = log.bytes.slice();
        damaged[at % damaged.length] = byte;
        for (const bytes of [noise, damaged]) {
          const broken = { data: files.data, logs: [new TestFile(() => {}, bytes), files.logs[1]] } as const;
          try {
            openNode(broken, false);
          } catch (error) {
            expect((error as Error).name).toBe('VmError');
          }
        }
      }),
    );
  });
});
