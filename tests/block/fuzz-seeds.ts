/** Small images of each format, to be damaged. */
import { deflateZlib } from '../../src/block/formats/compression.ts';
import { writableFormat } from '../../src/block/formats/formats.ts';
import { MemoryNode } from '../../src/block/formats/memory-node.fixture.ts';
import { createQcow2, type Qcow2CreateOptions } from '../../src/block/formats/qcow2/create.ts';
import { Qcow2Image } from '../../src/block/formats/qcow2/image.ts';
import { randomBytes, randomOf } from '../../src/block/formats/qcow2/sequence.fixture.ts';
import { openImage } from '../../src/block/open-image.ts';
import type { Seed } from './fuzz.ts';
import { cloopOf, dmgOf } from './packed-images.ts';
import type { Desk } from './qemu-img.ts';

const KIB = 1024;

async function qcow2Seed(options: Partial<Qcow2CreateOptions>): Promise<Seed> {
  const file = new MemoryNode();
  const random = randomOf(1);
  const sizeBytes = 256 * KIB;
  await createQcow2(file, { name: 'seed', sizeBytes, ...options });
  const image = await Qcow2Image.open(file, { name: 'seed' });
  for (let i = 0; i < 6; i++) await image.write(random(200) * KIB, randomBytes(random, 20 * KIB));
  for (const name of ['one', 'two']) {
    if ((options.refcountBits ?? 16) > 2)
      await image.snapshots.create(name, { dateSeconds: 0, dateNanoseconds: 0, vmClockNs: 0 });
    await image.write(random(200) * KIB, randomBytes(random, 20 * KIB));
    const cluster = Math.min(image.clusterSize, sizeBytes);
    await image.writeCompressed(0, new Uint8Array(cluster).fill(7));
    await image.writeZeroes(64 * KIB, 16 * KIB);
  }
  await image.close();
  const bytes = file.contents();
  // Small images are all structure; of large ones the first clusters are.
  return {
    format: 'qcow2',
    bytes,
    metadata: [
      { start: 0, length: 256 },
      { start: 0, length: bytes.length },
    ],
  };
}

async function oursSeed(format: string, options: Record<string, string>, tables: number): Promise<Seed> {
  const file = new MemoryNode();
  await writableFormat(format).create(file, {
    name: 'seed',
    sizeBytes: 8 << 20,
    options: new Map(Object.entries(options)),
  });
  const store = {
    openFile: async () => file,
    resolve: (_: string, name: string) => name,
    identity: (name: string) => name,
  };
  const image = await openImage(store, 'seed', { format });
  await image.write(3 << 20, new Uint8Array(4096).fill(3));
  await image.close();
  return {
    format,
    bytes: file.contents(),
    metadata: [
      { start: 0, length: 512 },
      { start: 0, length: tables },
    ],
  };
}

function theirsSeed(desk: Desk, format: string, options: string, tables: readonly (readonly [number, number])[]): Seed {
  desk.must('create', '-q', '-f', format, ...(options ? ['-o', options] : []), 'seed.img', '8M');
  desk.run('qemu-io', ['-f', format, '-c', 'write -P 3 3M 64k', 'seed.img']);
  const bytes = desk.read('seed.img');
  return {
    format,
    bytes,
    metadata: tables.map(([start, length]) => ({ start, length: Math.min(length, bytes.length - start) })),
  };
}

function packedSeed(format: string, bytes: Uint8Array): Seed {
  const ends = [
    { start: 0, length: Math.min(bytes.length, 1024) },
    { start: Math.max(0, bytes.length - 1024), length: Math.min(bytes.length, 1024) },
  ];
  return { format, bytes, metadata: [...ends, { start: 0, length: bytes.length }] };
}

export async function fuzzSeeds(desk: Desk): Promise<Seed[]> {
  const text = new Uint8Array(64 * KIB).map((_, i) => (i >> 6) & 0xff);
  desk.must('create', '-q', '-f', 'vmdk', '-o', 'subformat=monolithicFlat', 'flat.vmdk', '8M');
  return [
    await qcow2Seed({ clusterSize: 512 }),
    await qcow2Seed({ clusterSize: 4096, lazyRefcounts: true }),
    await qcow2Seed({ clusterSize: 1024, refcountBits: 64 }),
    await qcow2Seed({ clusterSize: 512, refcountBits: 1 }),
    await qcow2Seed({ version: 2, clusterSize: 2048 }),
    await oursSeed('vmdk', {}, 64 * KIB),
    await oursSeed('vdi', {}, 1024),
    await oursSeed('vpc', {}, 2048),
    await oursSeed('vpc', { subformat: 'fixed' }, 1024),
    packedSeed('vmdk', desk.read('flat.vmdk')),
    theirsSeed(desk, 'vmdk', 'subformat=streamOptimized', [
      [0, 1024],
      [0, 64 * KIB],
    ]),
    theirsSeed(desk, 'vhdx', 'subformat=dynamic', [
      [64 * KIB, 128],
      [128 * KIB, 128],
      [192 * KIB, 128],
      [2 << 20, 512],
      [(3 << 20) + 64 * KIB, 64],
      [3 << 20, 256],
    ]),
    theirsSeed(desk, 'qed', '', [
      [0, 64],
      [64 * KIB, 64],
      [320 * KIB, 1024],
    ]),
    theirsSeed(desk, 'parallels', '', [
      [0, 64],
      [0, 256],
    ]),
    theirsSeed(desk, 'qcow', '', [
      [0, 64],
      [0, 8192],
    ]),
    packedSeed('cloop', cloopOf(text, 4096)),
    packedSeed('dmg', dmgOf(text, 4096)),
    packedSeed('raw', deflateZlib(text)),
  ];
}
