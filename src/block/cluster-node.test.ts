import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BlockFailure, type BlockNode } from './api.ts';
import { createMemoryNode } from './backends/memory.ts';
import { CLUSTER, type ClusterCommit, type ClusterGeometry, ClusterNode, type ClusterStore } from './cluster-node.ts';

const CLUSTER_BYTES = 16;

/** A store that keeps what it has after each commit, so that a test can go back to any of them. */
class TestStore implements ClusterStore {
  readonly clusters: Map<number, Uint8Array | 0 | 2>;
  geometry: ClusterGeometry;
  full = false;
  readonly commits: ('durable' | 'relaxed')[] = [];
  /** Called when a commit is in. */
  onCommitted: () => void = () => {};

  constructor(geometry: ClusterGeometry, clusters: ReadonlyMap<number, Uint8Array | 0 | 2> = new Map()) {
    this.geometry = geometry;
    this.clusters = new Map([...clusters].map(([n, value]) => [n, typeof value === 'number' ? value : value.slice()]));
  }
  async load(clusters: readonly number[]): Promise<Uint8Array[]> {
    await Promise.resolve();
    return clusters.map((n) => {
      const bytes = this.clusters.get(n);
      if (!(bytes instanceof Uint8Array)) throw new Error(`cluster ${n} is not stored`);
      return bytes.slice();
    });
  }
  async commit({ clusters, geometry }: ClusterCommit, durable: boolean): Promise<void> {
    await Promise.resolve();
    if (this.full) throw new BlockFailure('ENOSPC', 'full');
    for (const [n, value] of clusters) {
      if (value === CLUSTER.ABSENT) this.clusters.delete(n);
      else this.clusters.set(n, typeof value === 'number' ? value : value.slice());
    }
    this.geometry = geometry;
    this.commits.push(durable ? 'durable' : 'relaxed');
    this.onCommitted();
    await Promise.resolve();
  }
  async close(): Promise<void> {}
  reopened(): TestStore {
    return new TestStore(this.geometry, this.clusters);
  }
  node(backing?: BlockNode, cacheBytes = 8 * CLUSTER_BYTES): ClusterNode {
    const states = new Uint8Array(Math.ceil(this.geometry.sizeBytes / CLUSTER_BYTES));
    for (const [n, value] of this.clusters) states[n] = typeof value === 'number' ? value : CLUSTER.DATA;
    const { geometry } = this;
    return new ClusterNode({ driver: 'test', geometry, states, store: this, cacheBytes, ...(backing && { backing }) });
  }
}

const geometryOf = (sizeBytes: number): ClusterGeometry => ({
  clusterBytes: CLUSTER_BYTES,
  sizeBytes,
  backingBytes: Number.MAX_SAFE_INTEGER,
});

async function contents(node: BlockNode): Promise<Uint8Array> {
  const bytes = new Uint8Array(node.sizeBytes);
  await node.read(0, bytes);
  return bytes;
}

type Operation =
  | {
      readonly kind: 'write' | 'zero' | 'read';
      readonly offset: number;
      readonly length: number;
      readonly byte: number;
    }
  | { readonly kind: 'flush' }
  | { readonly kind: 'resize'; readonly size: number };

const SIZE = 400;
const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constantFrom('write' as const, 'write' as const, 'zero' as const, 'read' as const),
      offset: fc.nat(SIZE - 1),
      length: fc.integer({ min: 1, max: 100 }),
      byte: fc.integer({ min: 1, max: 255 }),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: 'flush' as const }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('resize' as const), size: fc.integer({ min: 50, max: 600 }) }),
  },
);

describe('an image in clusters', () => {
  test.each([true, false])('is the same as an array of bytes, over another image: %s', async (hasBacking) => {
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 40 }), async (operations) => {
        const below = Uint8Array.from({ length: 250 }, (_, i) => 256 - i);
        const backing = hasBacking ? createMemoryNode(below.slice(), { readonly: true }) : undefined;
        const store = new TestStore(geometryOf(SIZE));
        const node = store.node(backing);
        let model = new Uint8Array(SIZE);
        if (hasBacking) model.set(below);
        for (const op of operations) {
          if (op.kind === 'flush') await node.flush();
          else if (op.kind === 'resize') {
            const resized = new Uint8Array(op.size);
            resized.set(model.subarray(0, op.size));
            model = resized;
            await node.resize(op.size);
          } else {
            const end = Math.min(model.length, op.offset + op.length);
            const length = end - op.offset;
            if (length <= 0) continue;
            if (op.kind === 'write') await node.write(op.offset, new Uint8Array(length).fill(op.byte));
            else if (op.kind === 'zero') await node.writeZeroes(op.offset, length);
            else {
              const into = new Uint8Array(length);
              await node.read(op.offset, into);
              expect(into).toEqual(model.slice(op.offset, end));
            }
            if (op.kind !== 'read') model.fill(op.kind === 'write' ? op.byte : 0, op.offset, end);
          }
        }
        expect(await contents(node)).toEqual(model);
        await node.flush();
        expect(await contents(store.reopened().node(backing))).toEqual(model);
      }),
      { numRuns: 300 },
    );
  });

  test('after the death of the process at any commit shows all that was flushed, and no byte that was never there', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 40 }), async (operations) => {
        const store = new TestStore(geometryOf(SIZE));
        const node = store.node(undefined, 0);
        /** What each byte may be: as last flushed, or anything written since. */
        let possible = Array.from({ length: SIZE }, () => new Set([0]));
        let current = new Uint8Array(SIZE);
        const checks: Promise<void>[] = [];
        store.onCommitted = () => {
          const survivor = store.reopened().node();
          const allowed = possible.map((set) => new Set(set));
          checks.push(
            contents(survivor).then((bytes) => {
              const wrong = bytes.findIndex((byte, i) => allowed[i]?.has(byte) !== true);
              expect(wrong, `byte ${wrong} is ${bytes[wrong]}`).toBe(-1);
            }),
          );
        };
        for (const op of operations) {
          if (op.kind === 'flush') {
            await node.flush();
            possible = Array.from(current, (byte) => new Set([byte]));
            store.onCommitted();
          } else if (op.kind === 'write' || op.kind === 'zero') {
            const end = Math.min(SIZE, op.offset + op.length);
            const byte = op.kind === 'write' ? op.byte : 0;
            for (let i = op.offset; i < end; i++) possible[i]?.add(byte);
            current = current.fill(byte, op.offset, end);
            if (op.kind === 'write') await node.write(op.offset, new Uint8Array(end - op.offset).fill(byte));
            else await node.writeZeroes(op.offset, end - op.offset);
          }
        }
        await Promise.all(checks);
      }),
      { numRuns: 300 },
    );
  });

  test('takes requests that run side by side', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(99), fc.integer({ min: 1, max: 255 }))), async (writes) => {
        const store = new TestStore(geometryOf(SIZE));
        const node = store.node(createMemoryNode(new Uint8Array(SIZE).fill(7)), 0);
        const model = new Uint8Array(SIZE).fill(7);
        const seen = new Set<number>();
        const running: Promise<void>[] = [];
        for (const [slot, byte] of writes) {
          if (seen.has(slot)) continue;
          seen.add(slot);
          model.fill(byte, slot * 4, slot * 4 + 4);
          running.push(node.write(slot * 4, new Uint8Array(4).fill(byte)));
          if (byte % 5 === 0) running.push(node.flush());
          if (byte % 7 === 0) running.push(node.read(0, new Uint8Array(SIZE)));
        }
        await Promise.all(running);
        expect(await contents(node)).toEqual(model);
        await node.flush();
        expect(await contents(store.reopened().node(createMemoryNode(new Uint8Array(SIZE).fill(7))))).toEqual(model);
      }),
      { numRuns: 200 },
    );
  });

  test('keeps what does not fit, and goes on when there is room', async () => {
    const store = new TestStore(geometryOf(4096));
    const node = store.node(undefined, 0);
    store.full = true;
    const failures: string[] = [];
    for (let n = 0; n < 12; n++) {
      await node
        .write(n * CLUSTER_BYTES, new Uint8Array(CLUSTER_BYTES).fill(n + 1))
        .catch((error: BlockFailure) => failures.push(error.code));
    }
    expect(new Set(failures)).toEqual(new Set(['ENOSPC']));
    await expect(node.flush()).rejects.toMatchObject({ code: 'ENOSPC' });
    store.full = false;
    await node.flush();
    expect((await contents(store.reopened().node()))[7 * CLUSTER_BYTES]).toBe(8);
  });

  test('a flush makes durable what went to the store before, and does nothing twice', async () => {
    const store = new TestStore(geometryOf(4096));
    const node = store.node(undefined, 0);
    await node.write(0, new Uint8Array(8 * CLUSTER_BYTES).fill(1));
    await node.write(0, new Uint8Array(CLUSTER_BYTES));
    await node.flush();
    await node.flush();
    expect(store.commits.at(-1)).toBe('durable');
    expect(store.commits.filter((kind) => kind === 'durable')).toHaveLength(1);
  });

  test('what nobody flushes goes to the store a little later, and a flush makes it durable', async () => {
    const store = new TestStore(geometryOf(4096));
    const due: (() => void)[] = [];
    const { geometry } = store;
    const later = (body: () => void): void => void due.push(body);
    const node = new ClusterNode({ driver: 'test', geometry, store, cacheBytes: 1024, later });
    await node.write(0, Uint8Array.of(1));
    await node.write(100, Uint8Array.of(2));
    expect(due).toHaveLength(1);
    due[0]?.();
    await node.read(0, new Uint8Array(1));
    await new Promise((resolve) => setImmediate(resolve));
    expect(store.commits).toEqual(['relaxed']);
    await node.flush();
    expect(store.commits).toEqual(['relaxed', 'durable']);
    expect((await contents(store.reopened().node()))[100]).toBe(2);
    await node.write(0, Uint8Array.of(3));
    expect(due).toHaveLength(2);
  });

  test('without a store takes memory up to its limit', async () => {
    const node = new ClusterNode({ driver: 'cow', geometry: geometryOf(4096), cacheBytes: 8 * CLUSTER_BYTES });
    await node.write(0, new Uint8Array(8 * CLUSTER_BYTES).fill(1));
    await node.write(5, Uint8Array.of(9));
    await expect(node.write(2000, Uint8Array.of(1))).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(await node.extentAt(0)).toEqual({ length: 128, zero: false, allocated: true });
    expect(await node.extentAt(130)).toEqual({ length: 4096 - 130, zero: true, allocated: false });
  });
});
