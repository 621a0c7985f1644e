import { expect, test } from 'vitest';
import { createRawNode } from '../../raw.ts';
import { MemoryNode } from '../memory-node.fixture.ts';
import { createQcow2, type Qcow2CreateOptions } from './create.ts';
import { parseHeader } from './header.ts';
import { Qcow2Image } from './image.ts';

const MIB = 1 << 20;
const AT = { dateSeconds: 0, dateNanoseconds: 0, vmClockNs: 0 };

async function newFile(options: Partial<Qcow2CreateOptions> = {}): Promise<MemoryNode> {
  const file = new MemoryNode();
  await createQcow2(file, { name: 'image', sizeBytes: MIB, ...options });
  return file;
}

const open = (file: MemoryNode, readonly = false): Promise<Qcow2Image> =>
  Qcow2Image.open(file, { name: 'image', readonly });

async function bytesAt(image: Qcow2Image, offset: number, length: number): Promise<number[]> {
  const bytes = new Uint8Array(length);
  await image.read(offset, bytes);
  return [...bytes];
}

test('versions other than 2 and 3 are refused', async () => {
  const file = await newFile();
  file.bytes[7] = 4;
  await expect(open(file)).rejects.toThrow("image 'image': qcow2 version 4 is not supported (2 or 3)");
});

test('incompatible features are refused by the names that the image or the specification gives them', async () => {
  const file = await newFile();
  file.bytes[79] = 0b10100;
  file.bytes[76] = 1;
  await expect(open(file)).rejects.toThrow('external data file, extended L2 entries, unknown feature (bit 24)');
  const table = file.bytes.findIndex((_, i) => new DataView(file.bytes.buffer).getUint32(i) === 0x6803f857);
  file.bytes[table + 8 + 1] = 24;
  file.bytes.set(new TextEncoder().encode('warp drive'), table + 10);
  await expect(open(file)).rejects.toThrow('warp drive');
});

test('unknown compatible features are ignored, unknown autoclear features cleared by the first open for writing', async () => {
  const file = await newFile();
  file.bytes[80] = 0xff;
  file.bytes[88] = 0x80;
  await (await open(file, true)).close();
  expect(file.bytes[88]).toBe(0x80);
  await (await open(file)).close();
  expect(file.bytes[88]).toBe(0);
  expect(file.bytes[80]).toBe(0xff);
});

test('header extensions that nobody knows survive a change of the backing file', async () => {
  const file = await newFile();
  const view = new DataView(file.bytes.buffer);
  const end = 112 + 8 + view.getUint32(116);
  view.setUint32(end, 0x12345678);
  view.setUint32(end + 4, 5);
  file.bytes.set([1, 2, 3, 4, 5], end + 8);
  const image = await open(file);
  await image.changeBacking({ name: 'base.img', format: 'raw' });
  await image.close();
  const header = parseHeader(file.bytes, 'image');
  expect(header).toMatchObject({ backingName: 'base.img', backingFormat: 'raw' });
  expect(header.extensions).toContainEqual({ type: 0x12345678, data: Uint8Array.of(1, 2, 3, 4, 5) });
});

test('an image that is marked corrupt can be read, not written', async () => {
  const file = await newFile();
  file.bytes[79] = 2;
  await expect(open(file)).rejects.toThrow('corrupt');
  await (await open(file, true)).close();
});

test('lazy refcounts mark the image dirty until it is closed, and are put right by the next open', async () => {
  const file = await newFile({ lazyRefcounts: true });
  const image = await open(file);
  expect(file.bytes[79]).toBe(0);
  await image.write(0, new Uint8Array(100_000).fill(7));
  await image.flush();
  expect(file.bytes[79]).toBe(1);
  const crashed = new MemoryNode(file.contents());
  await image.close();
  expect(file.bytes[79]).toBe(0);
  const found = await open(crashed, true);
  expect((await found.check('none', () => {})).corruptions).toBeGreaterThan(0);
  const opened = await open(crashed);
  expect(await opened.check('none', () => {})).toMatchObject({ corruptions: 0, leaks: 0 });
  expect(await bytesAt(opened, 99_999, 2)).toEqual([7, 0]);
  await opened.close();
  expect(crashed.bytes[79]).toBe(0);
});

test('the state of a machine goes into its snapshot, beyond the end of the disk', async () => {
  const file = await newFile({ clusterSize: 4096 });
  const image = await open(file);
  const state = new Uint8Array(50_000).map((_, i) => i * 7);
  await image.write(0, new Uint8Array(512).fill(1));
  await image.writeVmState(0, state.subarray(0, 20_000));
  await image.writeVmState(20_000, state.subarray(20_000));
  await image.snapshots.create('machine', { ...AT, vmStateBytes: state.length });
  await image.write(0, new Uint8Array(512).fill(2));
  expect(await image.check('none', () => {})).toMatchObject({ corruptions: 0, leaks: 0 });
  await image.snapshots.apply('machine');
  const read = new Uint8Array(state.length);
  await image.readVmState(0, read);
  expect(read).toEqual(state);
  expect(await bytesAt(image, 0, 1)).toEqual([1]);
  expect(image.snapshots.list[0]).toMatchObject({ id: '1', name: 'machine', vmStateBytes: 50_000, diskBytes: MIB });
  await image.resize(8 * MIB);
  expect((await bytesAt(image, MIB, 7 * MIB)).every((byte) => byte === 0)).toBe(true);
  await image.snapshots.delete('machine');
  expect(await image.check('none', () => {})).toMatchObject({ corruptions: 0, leaks: 0 });
  await image.close();
});

test('what an image does not hold comes from its backing image, and zeros do not', async () => {
  const base = new MemoryNode(new Uint8Array(100_000).fill(3));
  const file = await newFile({ backing: { name: 'base', format: 'raw' } });
  const image = await Qcow2Image.open(file, { name: 'image', openOther: async () => createRawNode(base) });
  await image.write(65_536 + 512, Uint8Array.of(4));
  expect(await bytesAt(image, 65_536 + 511, 3)).toEqual([3, 4, 3]);
  expect(await bytesAt(image, 99_999, 2)).toEqual([3, 0]);
  await image.writeZeroes(0, 65_536);
  expect(await bytesAt(image, 0, 1)).toEqual([0]);
  expect(await image.extentAt(0)).toMatchObject({ length: 65_536, zero: true, allocated: true });
  await image.resize(2 * MIB);
  await image.close();
});

test('a shorter image that grows again shows neither its old end nor that of its backing image', async () => {
  const base = new MemoryNode(new Uint8Array(MIB).fill(3));
  const file = await newFile({ backing: { name: 'base', format: 'raw' } });
  const image = await Qcow2Image.open(file, { name: 'image', openOther: async () => createRawNode(base) });
  await image.write(500_000, new Uint8Array(200_000).fill(4));
  await image.resize(600_064);
  await image.resize(MIB);
  expect(await bytesAt(image, 600_063, 2)).toEqual([4, 0]);
  expect((await bytesAt(image, 600_064, MIB - 600_064)).every((byte) => byte === 0)).toBe(true);
  await image.close();
});

test('an entry that lies does not make data overwrite tables: the image is marked corrupt instead', async () => {
  const file = await newFile();
  const image = await open(file);
  await image.write(0, new Uint8Array(2 * 65536).fill(1));
  await image.close();
  // The second cluster is said to be where the L1 table is.
  const view = new DataView(file.bytes.buffer);
  const l1 = view.getUint32(44);
  const l2 = view.getUint32(l1 + 4);
  view.setUint32(l2 + 12, l1);
  const opened = await open(file);
  await expect(opened.write(65536, new Uint8Array(512))).rejects.toThrow('data would overwrite tables');
  await expect(opened.write(0, new Uint8Array(512))).rejects.toThrow('marked corrupt');
  expect(await bytesAt(opened, 0, 1)).toEqual([1]);
  await opened.close();
  expect(file.bytes[79]).toBe(2);
});

test('a count that lies does not make data overwrite other data', async () => {
  const file = await newFile();
  const image = await open(file);
  await image.write(0, new Uint8Array(4 * 65536).fill(1));
  await image.close();
  const host = (await (await open(file, true)).extentAt(65536)).hostOffset!;
  file.bytes[0x20000 + (host >> 16) * 2 + 1] = 0;
  const opened = await open(file);
  await expect(opened.write(MIB / 2, new Uint8Array(512).fill(2))).rejects.toThrow('in use but counted as free');
  expect((await bytesAt(opened, 0, 4 * 65536)).every((byte) => byte === 1)).toBe(true);
  await opened.close();
  await expect(open(file)).rejects.toThrow('corrupt');
  const checked = await Qcow2Image.open(file, { name: 'image', forCheck: true });
  await checked.check('all', () => {});
  await checked.close();
  const good = await open(file);
  expect(await good.check('none', () => {})).toMatchObject({ corruptions: 0, leaks: 0 });
  expect((await bytesAt(good, 0, 4 * 65536)).every((byte) => byte === 1)).toBe(true);
  await good.close();
});

test('requests at once do not disturb one another', async () => {
  const file = await newFile({ clusterSize: 1024 });
  const image = await open(file);
  const writes = Array.from({ length: 200 }, (_, i) => image.write(i * 700, new Uint8Array(700).fill(i + 1)));
  await Promise.all([...writes, image.flush(), image.read(0, new Uint8Array(5000))]);
  const read = await Promise.all(Array.from({ length: 200 }, (_, i) => bytesAt(image, i * 700, 700)));
  expect(read.every((bytes, i) => bytes.every((byte) => byte === i + 1))).toBe(true);
  expect(await image.check('none', () => {})).toMatchObject({ corruptions: 0, leaks: 0 });
});

test.each([
  [{ clusterSize: 1000 }, 'Cluster size must be a power of two between 512 and 2048k'],
  [{ refcountBits: 3 }, 'Refcount width must be a power of two'],
  [{ version: 2, refcountBits: 8 }, 'Different refcount widths than 16 bits'],
  [{ clusterSize: 512, sizeBytes: 2 ** 40 }, 'too large'],
] as const)('an image with %o is refused', async (options, message) => {
  await expect(newFile(options)).rejects.toThrow(message);
});
