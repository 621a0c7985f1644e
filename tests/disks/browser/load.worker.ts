/** Loads a disk of the browser with writes and flushes until somebody ends the browser. */
import { openSource } from '../../../src/vm/image-sources.ts';
import { BLOCK_BYTES, BLOCKS, blockOf, DISK_BYTES, type Report, type Task, WRITES_A_FLUSH } from './load.ts';

const NAME = 'kill-test';
const report = (report: Report): void => globalThis.postMessage(report);

async function work({ source, from }: Task): Promise<void> {
  const node = await openSource(
    source === 'opfs'
      ? { kind: 'opfs', path: NAME, ...(from === 1 && { createBytes: DISK_BYTES }) }
      : source === 'overlay'
        ? { kind: 'overlay', name: NAME, place: 'opfs', base: { kind: 'bytes', bytes: new Uint8Array(DISK_BYTES) } }
        : { kind: 'indexeddb', name: NAME, createBytes: DISK_BYTES },
    NAME,
    false,
  );
  if (node === undefined) throw new Error('the disk is gone');
  const words = new Uint32Array(BLOCK_BYTES / 4);
  const bytes = new Uint8Array(words.buffer);
  const blocks: number[] = [];
  for (let block = 0; block < BLOCKS; block++) {
    await node.read(block * BLOCK_BYTES, bytes);
    const [first = 0] = words;
    blocks.push(words.every((word) => word === first) ? first : -1);
  }
  report({ kind: 'found', blocks });
  for (let n = from; ; ) {
    const running: Promise<void>[] = [];
    const taken = new Set<number>();
    for (let i = 0; i < WRITES_A_FLUSH; i++, n++) {
      const block = blockOf(n);
      // As a drive does: what overlaps waits.
      if (taken.has(block)) await Promise.all(running.splice(0));
      taken.add(block);
      running.push(node.write(block * BLOCK_BYTES, new Uint8Array(new Uint32Array(BLOCK_BYTES / 4).fill(n).buffer)));
    }
    await Promise.all(running);
    await node.flush();
    report({ kind: 'flushed', before: n });
  }
}

globalThis.onmessage = ({ data }: MessageEvent<Task>) => {
  work(data).catch((error: unknown) => report({ kind: 'failed', text: String(error) }));
};
