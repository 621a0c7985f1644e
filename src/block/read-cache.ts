/** A cache over an image that is slow to ask and does not change: chunks, the least recently used let go first. */
import { BlockFailure, type BlockNode } from './api.ts';

export interface SlowSource {
  readonly driver: string;
  readonly sizeBytes: number;
  /** Exactly this range. */
  fetch(offset: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

export interface ReadCacheOptions {
  readonly chunkBytes: number;
  readonly cacheBytes: number;
  /** Chunks fetched beyond what was asked for, when reads follow one another. */
  readonly readAhead?: number;
}

export function createReadCache(
  source: SlowSource,
  { chunkBytes, cacheBytes, readAhead = 0 }: ReadCacheOptions,
): BlockNode {
  const capacity = Math.max(2 + readAhead, Math.floor(cacheBytes / chunkBytes));
  const chunks = new Map<number, Uint8Array>();
  const running = new Map<number, Promise<Uint8Array>>();
  const { sizeBytes } = source;
  let expected = -1;

  /** Asks for neighbouring chunks in one go. */
  function fetchRun(first: number, count: number): void {
    const start = first * chunkBytes;
    const all = source.fetch(start, Math.min(count * chunkBytes, sizeBytes - start));
    for (let i = 0; i < count; i++) {
      const n = first + i;
      const one = all.then((bytes) => {
        const chunk = count === 1 ? bytes : bytes.slice(i * chunkBytes, (i + 1) * chunkBytes);
        chunks.set(n, chunk);
        for (const old of chunks.keys()) {
          if (chunks.size <= capacity) break;
          chunks.delete(old);
        }
        return chunk;
      });
      running.set(n, one);
      const forget = (): void => void running.delete(n);
      one.then(forget, forget);
    }
  }

  function request(from: number, to: number): void {
    for (let n = from; n < to; n++) {
      if (chunks.has(n) || running.has(n)) continue;
      let end = n + 1;
      while (end < to && !chunks.has(end) && !running.has(end)) end++;
      fetchRun(n, end - n);
      n = end;
    }
  }

  async function chunk(n: number): Promise<Uint8Array> {
    const known = chunks.get(n);
    if (known !== undefined) {
      chunks.delete(n);
      chunks.set(n, known);
      return known;
    }
    if (!running.has(n)) fetchRun(n, 1);
    return running.get(n) as Promise<Uint8Array>;
  }

  const refuse = async (): Promise<never> => {
    throw new BlockFailure('EROFS', 'the image is read-only');
  };
  return {
    driver: source.driver,
    sizeBytes,
    readonly: true,
    async read(offset, into) {
      if (offset < 0 || offset + into.length > sizeBytes) {
        throw new BlockFailure('EIO', `request at ${offset} for ${into.length} bytes exceeds the ${sizeBytes} bytes`);
      }
      if (into.length === 0) return;
      const first = Math.floor(offset / chunkBytes);
      const end = Math.ceil((offset + into.length) / chunkBytes);
      const sequential = first === expected || first === expected - 1;
      expected = end;
      const last = Math.ceil(sizeBytes / chunkBytes);
      // No more at once than the cache holds.
      request(first, Math.min(sequential ? end + readAhead : end, last, first + capacity));
      for (let n = first; n < end; n++) {
        const bytes = await chunk(n);
        const from = Math.max(offset, n * chunkBytes);
        const to = Math.min(offset + into.length, (n + 1) * chunkBytes);
        into.set(bytes.subarray(from - n * chunkBytes, to - n * chunkBytes), from - offset);
      }
    },
    write: refuse,
    writeZeroes: refuse,
    discard: refuse,
    resize: refuse,
    async flush() {},
    async extentAt(offset) {
      return { length: sizeBytes - offset, zero: false, allocated: true };
    },
    async close() {
      chunks.clear();
      await source.close();
    },
  };
}
