/** Random sequences on qcow2 images of all shapes, judged by qemu-img. */
import { MemoryNode } from '../../src/block/formats/memory-node.fixture.ts';
import type { Qcow2CreateOptions } from '../../src/block/formats/qcow2/create.ts';
import { randomSequence } from '../../src/block/formats/qcow2/sequence.fixture.ts';
import type { Desk } from './qemu-img.ts';

const CLUSTERS = [512, 1024, 2048, 4096, 8192, 65536, 131072, 2 << 20];
const WIDTHS = [1, 2, 4, 8, 16, 32, 64];

/** Each seed has a shape: all widths come in all sizes of clusters. */
export function shapeOf(seed: number): Omit<Qcow2CreateOptions, 'name' | 'sizeBytes'> {
  const clusterSize = CLUSTERS[seed % CLUSTERS.length]!;
  if (seed % 11 === 0) return { clusterSize, version: 2 };
  return { clusterSize, refcountBits: WIDTHS[seed % WIDTHS.length]!, lazyRefcounts: seed % 5 === 0 };
}

/** Throws if qemu-img finds fault with the image, or reads it or one of its snapshots otherwise. */
export async function judgedSequence(desk: Desk, seed: number, steps: number): Promise<void> {
  const file = new MemoryNode();
  const { disk, snapshots, history } = await randomSequence(file, { seed, steps, options: shapeOf(seed) });
  desk.write('image.qcow2', file.contents());
  desk.write('disk.raw', disk);
  const told = (text: string): Error => new Error(`seed ${seed}: ${text}\n${history.join('\n')}`);
  const check = desk.qemuImg('check', 'image.qcow2');
  if (check.status !== 0) throw told(check.text);
  const same = desk.qemuImg('compare', '-f', 'raw', '-F', 'qcow2', 'disk.raw', 'image.qcow2');
  if (same.status !== 0) throw told(same.text);
  for (const { name, disk: saved } of snapshots) {
    const read = desk.qemuImg('convert', '-l', name, '-O', 'raw', 'image.qcow2', 'snapshot.raw');
    if (read.status !== 0) throw told(read.text);
    // qemu-img gives a snapshot the size that the disk has now.
    const length = Math.min(saved.length, disk.length);
    const got = desk.read('snapshot.raw').subarray(0, length);
    if (Buffer.compare(got, saved.subarray(0, length)) !== 0) throw told(`snapshot ${name} differs`);
  }
}
