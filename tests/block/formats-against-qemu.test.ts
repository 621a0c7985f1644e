import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BlockNode } from '../../src/block/api.ts';
import { deflateRaw } from '../../src/block/formats/compression.ts';
import { getU64BE, viewOf } from '../../src/block/formats/fields.ts';
import { writableFormat } from '../../src/block/formats/formats.ts';
import type { ImageNode } from '../../src/block/formats/image.ts';
import { MemoryNode } from '../../src/block/formats/memory-node.fixture.ts';
import { randomBytes, randomOf } from '../../src/block/formats/qcow2/sequence.fixture.ts';
import { type ImageStore, openImage } from '../../src/block/open-image.ts';
import { VmError } from '../../src/util/errors.ts';
import { cloopOf, dmgOf } from './packed-images.ts';
import { Desk } from './qemu-img.ts';

const desk = new Desk();
afterAll(() => desk.remove());

const SIZE = 6 << 20;
const random = randomOf(4);
const disk = new Uint8Array(SIZE);

beforeAll(() => {
  for (let i = 0; i < 9; i++) disk.set(randomBytes(random, 90_000), random(SIZE - 90_000));
  desk.write('disk.raw', disk);
});

/** The desk's files in memory; what was written goes back by `save`. */
class Copies implements ImageStore {
  private readonly files = new Map<string, MemoryNode>();

  async openFile(name: string, { readonly }: { readonly: boolean }): Promise<BlockNode> {
    let file = this.files.get(name);
    try {
      file ??= new MemoryNode(desk.read(name), { readonly });
    } catch (error) {
      throw new VmError(`Could not open '${name}': No such file or directory`, { cause: error });
    }
    this.files.set(name, file);
    return file;
  }

  resolve(_: string, name: string): string {
    return name;
  }

  identity(name: string): string {
    return name;
  }

  save(): void {
    for (const [name, file] of this.files) if (!file.readonly) desk.write(name, file.contents());
  }
}

async function contents(image: ImageNode): Promise<Uint8Array> {
  const bytes = new Uint8Array(image.sizeBytes);
  await image.read(0, bytes);
  return bytes;
}

const sameStart = (bytes: Uint8Array, other: Uint8Array): boolean =>
  Buffer.compare(bytes.subarray(0, other.length), other) === 0 &&
  bytes.subarray(other.length).every((byte) => byte === 0);

/** Writes here and there to the image and to the model. */
async function scribble(image: ImageNode, model: Uint8Array): Promise<void> {
  for (let i = 0; i < 20; i++) {
    const bytes = randomBytes(random, 512 * (1 + random(300)));
    const at = 512 * random((model.length - bytes.length) / 512);
    if (i % 5 === 4) {
      await image.writeZeroes(at, bytes.length);
      model.fill(0, at, at + bytes.length);
    } else {
      await image.write(at, bytes);
      model.set(bytes, at);
    }
    if (i % 7 === 6) await image.flush();
  }
}

const THEIRS: readonly { format: string; options: string; writes: boolean; probed?: string; checks?: boolean }[] = [
  { format: 'vmdk', options: 'subformat=monolithicSparse', writes: true, checks: true },
  { format: 'vmdk', options: 'subformat=monolithicFlat', writes: true },
  { format: 'vmdk', options: 'subformat=twoGbMaxExtentSparse', writes: true },
  { format: 'vmdk', options: 'subformat=twoGbMaxExtentFlat', writes: true },
  { format: 'vmdk', options: 'subformat=streamOptimized', writes: false },
  { format: 'vdi', options: 'static=off', writes: true, checks: true },
  { format: 'vdi', options: 'static=on', writes: true, checks: true },
  { format: 'vpc', options: 'subformat=dynamic', writes: true },
  { format: 'vpc', options: 'subformat=dynamic,force_size=on', writes: true },
  { format: 'vpc', options: 'subformat=fixed,force_size=on', writes: true, probed: 'raw' },
  { format: 'vhdx', options: 'subformat=dynamic', writes: true, checks: true },
  { format: 'vhdx', options: 'subformat=fixed,block_size=1M', writes: true, checks: true },
  { format: 'qed', options: 'cluster_size=65536', writes: true, checks: true },
  { format: 'qed', options: 'cluster_size=4096', writes: true, checks: true },
  { format: 'parallels', options: 'cluster_size=1M', writes: true, checks: true },
  { format: 'qcow', options: '', writes: false },
];

function convertTheirs(format: string, options: string, name: string): void {
  desk.must('convert', '-f', 'raw', '-O', format, ...(options ? ['-o', options] : []), 'disk.raw', name);
}

describe.each(THEIRS)('$format $options of qemu-img', ({ format, options, probed = format }) => {
  test('reads as it was', async () => {
    convertTheirs(format, options, 'theirs.img');
    const found = await openImage(new Copies(), 'theirs.img', { readonly: true });
    expect(found.driver).toBe(probed);
    const image = await openImage(new Copies(), 'theirs.img', { format, readonly: true });
    expect(sameStart(await contents(image), disk)).toBe(true);
    // Where zeros are said to be, there are zeros.
    for (let at = 0; at < image.sizeBytes; ) {
      const { length, zero } = await image.extentAt(at);
      if (zero) expect(disk.subarray(at, at + length).every((byte) => byte === 0)).toBe(true);
      at += length;
    }
  });
});

describe.each(THEIRS.filter(({ writes }) => writes))('$format $options of qemu-img', ({ format, options, checks }) => {
  test('can be written', async () => {
    convertTheirs(format, options, 'written.img');
    const store = new Copies();
    const image = await openImage(store, 'written.img', { format });
    const model = new Uint8Array(image.sizeBytes);
    model.set(disk);
    await scribble(image, model);
    expect(sameStart(await contents(image), model)).toBe(true);
    await image.close();
    store.save();
    desk.write('model.raw', model);
    desk.must('compare', '-f', 'raw', '-F', format, 'model.raw', 'written.img');
    if (checks) desk.must('check', '-f', format, 'written.img');
  });
});

describe.each(THEIRS.filter(({ writes }) => !writes))('$format $options of qemu-img', ({ format, options }) => {
  test('cannot be written, and says so', async () => {
    convertTheirs(format, options, 'theirs.img');
    const image = await openImage(new Copies(), 'theirs.img', { format });
    expect(image.readonly).toBe(true);
    await expect(image.write(0, new Uint8Array(512))).rejects.toThrow('read-only');
  });
});

test.each([
  ['vmdk', {}],
  ['vdi', {}],
  ['vdi', { static: 'on' }],
  ['qed', {}],
  ['qed', { cluster_size: '4096' }],
  ['parallels', {}],
  ['parallels', { cluster_size: '64k' }],
  ['vpc', {}],
  ['vpc', { subformat: 'fixed' }],
] as const)('%s %o that we create and write reads the same in qemu-img', async (format, options) => {
  const file = new MemoryNode();
  await writableFormat(format).create(file, {
    name: 'ours.img',
    sizeBytes: SIZE,
    options: new Map(Object.entries(options)),
  });
  desk.write('ours.img', file.contents());
  const store = new Copies();
  const image = await openImage(store, 'ours.img', { format });
  expect(image.sizeBytes).toBe(SIZE);
  const model = new Uint8Array(SIZE);
  await scribble(image, model);
  await image.close();
  store.save();
  desk.write('model.raw', model);
  desk.must('compare', '-f', 'raw', '-F', format, 'model.raw', 'ours.img');
});

test('a VHDX that was not closed is mended from its log, by qemu-img and by us', async () => {
  desk.must('create', '-q', '-f', 'vhdx', '-o', 'block_size=1M', 'crashed.img', '6M');
  const file = new MemoryNode(desk.read('crashed.img'));
  const store = { openFile: async () => file, resolve: (_: string, to: string) => to, identity: (to: string) => to };
  const image = await openImage(store, 'crashed.img', { format: 'vhdx' });
  const model = new Uint8Array(SIZE).fill(5, 1 << 20, 3 << 20);
  await image.write(1 << 20, model.subarray(1 << 20, 3 << 20));
  // The crash comes when the log is written and the block table is not: its sector is still the old one.
  const table = 2 << 20;
  const old = file.bytes.slice(table, table + 4096);
  await image.flush();
  expect(file.bytes.slice(table, table + 4096)).not.toEqual(old);
  file.bytes.set(old, table);
  desk.write('crashed.img', file.contents());
  await expect(openImage(new Copies(), 'crashed.img', { format: 'vhdx', readonly: true })).rejects.toThrow(
    'log has to be replayed',
  );
  const copies = new Copies();
  const mended = await openImage(copies, 'crashed.img', { format: 'vhdx' });
  expect(sameStart(await contents(mended), model)).toBe(true);
  await mended.close();
  desk.must('check', '-f', 'vhdx', '-r', 'all', 'crashed.img');
  desk.write('model.raw', model);
  desk.must('compare', '-f', 'raw', '-F', 'vhdx', 'model.raw', 'crashed.img');
  copies.save();
  desk.must('compare', '-f', 'raw', '-F', 'vhdx', 'model.raw', 'crashed.img');
});

test('compressed clusters of qcow are read', async () => {
  desk.must('convert', '-f', 'raw', '-O', 'qcow', 'disk.raw', 'packed.img');
  const bytes = desk.read('packed.img');
  const view = viewOf(bytes);
  const clusterBits = bytes[32]!;
  const table = getU64BE(view, getU64BE(view, 40));
  // Of the first clusters one that is stored: it becomes a compressed one at the end of the file.
  const index = Array.from({ length: 512 }, (_, i) => i).find((i) => getU64BE(view, table + i * 8) !== 0)!;
  const packed = deflateRaw(disk.subarray(index << clusterBits, (index + 1) << clusterBits), 12);
  view.setBigUint64(
    table + index * 8,
    (1n << 63n) | (BigInt(packed.length) << BigInt(63 - clusterBits)) | BigInt(bytes.length),
  );
  desk.write('packed.img', Buffer.concat([bytes, packed, new Uint8Array(512)]));
  desk.must('compare', '-f', 'raw', '-F', 'qcow', 'disk.raw', 'packed.img');
  const image = await openImage(new Copies(), 'packed.img', { readonly: true });
  expect((await image.extentAt(index << clusterBits)).compressed).toBe(true);
  expect(sameStart(await contents(image), disk)).toBe(true);
});

test.each([
  ['qed', 'backing_fmt=raw'],
  ['qcow', ''],
  ['vmdk', ''],
])('%s images stand on others', async (format, _) => {
  const base = format === 'vmdk' ? 'vmdk' : 'raw';
  desk.must('convert', '-f', 'raw', '-O', base, 'disk.raw', 'base.img');
  desk.must('create', '-q', '-f', format, '-b', 'base.img', '-F', base, 'top.img');
  desk.run('qemu-io', ['-f', format, '-c', 'write -P 9 100k 300k', 'top.img']);
  const image = await openImage(new Copies(), 'top.img', { readonly: true });
  expect(image.info?.backing?.name).toBe('base.img');
  const expected = disk.slice().fill(9, 100 << 10, 400 << 10);
  expect(sameStart(await contents(image), expected)).toBe(true);
});

test('a VMDK on another one is written without losing what its parent has', async () => {
  desk.must('convert', '-f', 'raw', '-O', 'vmdk', 'disk.raw', 'base.vmdk');
  desk.must('create', '-q', '-f', 'vmdk', '-b', 'base.vmdk', '-F', 'vmdk', 'top.vmdk');
  const store = new Copies();
  const image = await openImage(store, 'top.vmdk');
  const model = disk.slice();
  await scribble(image, model);
  await image.close();
  store.save();
  desk.write('model.raw', model);
  desk.must('compare', '-f', 'raw', '-F', 'vmdk', 'model.raw', 'top.vmdk');
});

test.each([
  ['cloop', (bytes: Uint8Array) => cloopOf(bytes, 65536)],
  ['dmg', (bytes: Uint8Array) => dmgOf(bytes, 65536)],
] as const)('%s images are read as qemu-img reads them', async (format, make) => {
  desk.write(`packed.${format}`, make(disk));
  desk.must('compare', '-f', 'raw', '-F', format, 'disk.raw', `packed.${format}`);
  const image = await openImage(new Copies(), `packed.${format}`, { readonly: true });
  expect(image.driver).toBe(format);
  expect(sameStart(await contents(image), disk)).toBe(true);
});
