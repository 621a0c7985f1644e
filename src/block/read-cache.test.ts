import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createReadCache, type ReadCacheOptions } from './read-cache.ts';

function rig(sizeBytes: number, options: Partial<ReadCacheOptions> = {}) {
  const bytes = Uint8Array.from({ length: sizeBytes }, (_, i) => (i * 7) >> 2);
  const asked: [number, number][] = [];
  const node = createReadCache(
    {
      driver: 'slow',
      sizeBytes,
      async fetch(offset, length) {
        asked.push([offset, length]);
        await new Promise((resolve) => setImmediate(resolve));
        expect(offset + length).toBeLessThanOrEqual(sizeBytes);
        return bytes.slice(offset, offset + length);
      },
      async close() {},
    },
    { chunkBytes: 16, cacheBytes: 64, ...options },
  );
  const read = async (offset: number, length: number): Promise<Uint8Array> => {
    const into = new Uint8Array(length);
    await node.read(offset, into);
    return into;
  };
  return { bytes, asked, node, read };
}

test('reads what lies there, however requests overlap', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(199), fc.nat(100), fc.boolean()), { maxLength: 20 }),
      fc.nat(3),
      async (reads, readAhead) => {
        const { bytes, read } = rig(200, { readAhead });
        const running: Promise<void>[] = [];
        for (const [offset, wanted, wait] of reads) {
          const length = Math.min(wanted, 200 - offset);
          running.push(read(offset, length).then((got) => expect(got).toEqual(bytes.slice(offset, offset + length))));
          if (wait) await Promise.all(running);
        }
        await Promise.all(running);
      },
    ),
    { numRuns: 200 },
  );
});

test('asks for neighbouring chunks at once, for what it has never again, and ahead of a reader that goes on', async () => {
  const { asked, read } = rig(1000, { cacheBytes: 400, readAhead: 2 });
  await read(5, 40);
  expect(asked).toEqual([[0, 48]]);
  await read(0, 48);
  expect(asked).toHaveLength(1);
  await read(48, 16);
  expect(asked.slice(1)).toEqual([[48, 48]]);
  await read(500, 8);
  expect(asked.slice(2)).toEqual([[496, 16]]);
});

test('lets the oldest go', async () => {
  const { asked, read } = rig(1000);
  for (const at of [0, 16, 32, 48, 0, 64]) await read(at, 16);
  asked.length = 0;
  await read(0, 16);
  expect(asked).toEqual([]);
  await read(16, 16);
  expect(asked).toHaveLength(1);
});

test('is not written to', async () => {
  await expect(rig(100).node.write(0, new Uint8Array(1))).rejects.toMatchObject({ code: 'EROFS' });
});
