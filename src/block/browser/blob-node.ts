/** A file that the person picked: read-only, never in memory as a whole. */
import { BlockFailure, type BlockNode } from '../api.ts';
import { createReadCache } from '../read-cache.ts';

const CHUNK_BYTES = 256 << 10;
const CACHE_BYTES = 32 << 20;

export function createBlobNode(blob: Blob, name: string): BlockNode {
  return createReadCache(
    {
      driver: 'file',
      sizeBytes: blob.size,
      async fetch(offset, length) {
        try {
          return new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer());
        } catch {
          // The browser says no more than that it can't be read.
          throw new BlockFailure('EIO', `'${name}' was changed or deleted since it was picked`);
        }
      },
      async close() {},
    },
    { chunkBytes: CHUNK_BYTES, cacheBytes: CACHE_BYTES, readAhead: 4 },
  );
}
