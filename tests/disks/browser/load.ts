/** Writes that everybody can compute: which block each goes to, and where the flushes are. */
export const BLOCK_BYTES = 4096;
export const BLOCKS = 1024;
export const DISK_BYTES = BLOCKS * BLOCK_BYTES;
/** A flush follows each of so many writes. */
export const WRITES_A_FLUSH = 24;

/** The block that write number `n` goes to; a fifth of them follow one another. */
export function blockOf(n: number): number {
  if (n % 5 !== 0) return (Math.imul(n ^ (n >>> 7), 0x9e3779b1) >>> 0) % BLOCKS;
  return n % BLOCKS;
}

/** What a worker does, and what it says of it. */
export type Task =
  /** Checks nothing itself: says what each block holds, 0 where a block is torn. Then writes from `from` on, for good. */
  { readonly source: 'indexeddb' | 'opfs' | 'overlay'; readonly from: number };

export type Report =
  | { readonly kind: 'found'; readonly blocks: readonly number[] }
  /** All writes before this number are flushed. */
  | { readonly kind: 'flushed'; readonly before: number }
  | { readonly kind: 'failed'; readonly text: string };
