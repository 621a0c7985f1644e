/** Patterns of requests on the disks of a browser; what each does in a second. */
import type { BlockNode } from '../../src/block/api.ts';
import type { ImageSource } from '../../src/vm/api.ts';
import { openSource } from '../../src/vm/image-sources.ts';

export interface DisksTask {
  readonly diskBytes: number;
  /** How long each pattern runs. */
  readonly ms: number;
}

export interface DiskRow {
  readonly disk: string;
  readonly pattern: string;
  readonly operations: number;
  readonly bytes: number;
  readonly ms: number;
}

interface Pattern {
  readonly name: string;
  readonly kind: 'read' | 'write';
  readonly bytes: number;
  readonly order: 'sequential' | 'random';
  /** Requests under way at once. */
  readonly depth: number;
  /** A flush follows each of so many writes. */
  readonly flushEvery?: number;
}

const PATTERNS: readonly Pattern[] = [
  {
    name: 'write 1 MiB in order, flushed every 16',
    kind: 'write',
    bytes: 1 << 20,
    order: 'sequential',
    depth: 4,
    flushEvery: 16,
  },
  { name: 'read 1 MiB in order', kind: 'read', bytes: 1 << 20, order: 'sequential', depth: 4 },
  { name: 'read 4 KiB at random, 1 at once', kind: 'read', bytes: 4096, order: 'random', depth: 1 },
  { name: 'read 4 KiB at random, 32 at once', kind: 'read', bytes: 4096, order: 'random', depth: 32 },
  {
    name: 'write 4 KiB at random, flushed every 256',
    kind: 'write',
    bytes: 4096,
    order: 'random',
    depth: 32,
    flushEvery: 256,
  },
  { name: 'write 4 KiB at random, flushed each', kind: 'write', bytes: 4096, order: 'random', depth: 1, flushEvery: 1 },
];

async function run(node: BlockNode, { kind, bytes, order, depth, flushEvery }: Pattern, ms: number) {
  const slots = Math.floor(node.sizeBytes / bytes);
  const data = crypto.getRandomValues(new Uint8Array(65536));
  let next = 0;
  let random = 12345;
  let operations = 0;
  const start = performance.now();
  const worker = async (): Promise<void> => {
    const buffer = new Uint8Array(bytes);
    for (let at = 0; at < bytes; at += data.length) buffer.set(data.subarray(0, Math.min(data.length, bytes - at)), at);
    while (performance.now() - start < ms) {
      random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
      const slot = order === 'random' ? random % slots : next++ % slots;
      if (kind === 'read') await node.read(slot * bytes, buffer);
      else await node.write(slot * bytes, buffer);
      operations++;
      if (flushEvery !== undefined && operations % flushEvery === 0) await node.flush();
    }
  };
  await Promise.all(Array.from({ length: depth }, worker));
  if (kind === 'write') await node.flush();
  return { operations, bytes: operations * bytes, ms: performance.now() - start };
}

async function fill(node: BlockNode): Promise<void> {
  const piece = new Uint8Array(1 << 20);
  for (let at = 0; at < piece.length; at += 65536) crypto.getRandomValues(piece.subarray(at, at + 65536));
  for (let at = 0; at < node.sizeBytes; at += piece.length) await node.write(at, piece);
  await node.flush();
}

async function measure({ diskBytes, ms }: DisksTask): Promise<DiskRow[]> {
  const rows: DiskRow[] = [];
  const disks: readonly { readonly disk: string; readonly source: ImageSource }[] = [
    { disk: 'IndexedDB', source: { kind: 'indexeddb', name: 'bench', createBytes: diskBytes } },
    {
      disk: 'overlay in OPFS',
      source: {
        kind: 'overlay',
        name: 'bench',
        place: 'opfs',
        base: { kind: 'bytes', bytes: new Uint8Array(diskBytes) },
      },
    },
    { disk: 'OPFS', source: { kind: 'opfs', path: 'bench.img', createBytes: diskBytes } },
  ];
  for (const { disk, source } of disks) {
    const created = await openSource(source, disk, false);
    if (created === undefined) throw new Error(`no ${disk}`);
    await fill(created);
    await created.close();
    for (const pattern of PATTERNS) {
      // Opened anew: nothing is in its cache.
      const node = (await openSource(
        source.kind === 'opfs' ? { kind: 'opfs', path: 'bench.img' } : source,
        disk,
        false,
      )) as BlockNode;
      rows.push({ disk, pattern: pattern.name, ...(await run(node, pattern, ms)) });
      await node.close();
    }
  }
  return rows;
}

globalThis.onmessage = ({ data }: MessageEvent<DisksTask>) => {
  measure(data).then(
    (rows) => globalThis.postMessage({ rows }),
    (error: unknown) => globalThis.postMessage({ failure: String(error) }),
  );
};
