import { afterAll, expect, test } from 'vitest';
import { MemoryNode } from '../../src/block/formats/memory-node.fixture.ts';
import { Qcow2Image } from '../../src/block/formats/qcow2/image.ts';
import { randomBytes, randomOf } from '../../src/block/formats/qcow2/sequence.fixture.ts';
import { judgedSequence } from './qcow2-sequences.ts';
import { Desk } from './qemu-img.ts';

const desk = new Desk();
afterAll(() => desk.remove());

const SEQUENCES = 28;

test('random sequences leave images that qemu-img finds sound and reads as we do', async () => {
  for (let seed = 1; seed <= SEQUENCES; seed++) await judgedSequence(desk, seed, 40);
}, 120_000);

for (const options of [
  'compat=0.10',
  'compat=1.1',
  'compat=1.1,cluster_size=512,refcount_bits=1',
  'compat=1.1,cluster_size=2M,refcount_bits=64',
  'compat=1.1,lazy_refcounts=on,cluster_size=4k',
  'compat=1.1,preallocation=metadata',
]) {
  test(`an image that qemu-img wrote with ${options} reads as it was, is sound and can be written`, async () => {
    const random = randomOf(7);
    const disk = new Uint8Array(3 << 20);
    for (let i = 0; i < 12; i++) disk.set(randomBytes(random, 70_000), random(disk.length - 70_000));
    desk.write('disk.raw', disk);
    desk.must('create', '-q', '-f', 'qcow2', '-o', options, 'theirs.qcow2', '3M');
    desk.must('convert', '-n', '-f', 'raw', '-O', 'qcow2', 'disk.raw', 'theirs.qcow2');
    const file = new MemoryNode(desk.read('theirs.qcow2'));
    const image = await Qcow2Image.open(file, { name: 'theirs' });
    const read = new Uint8Array(image.sizeBytes);
    await image.read(0, read);
    expect(Buffer.compare(read, disk)).toBe(0);
    const lines: string[] = [];
    expect(await image.check('none', (line) => lines.push(line))).toMatchObject({ corruptions: 0, leaks: 0 });
    expect(lines).toEqual([]);
    const bytes = randomBytes(random, 300_000);
    await image.write(1_000_448, bytes);
    disk.set(bytes, 1_000_448);
    await image.close();
    desk.write('ours.qcow2', file.contents());
    desk.write('disk.raw', disk);
    desk.must('check', 'ours.qcow2');
    desk.must('compare', '-f', 'raw', '-F', 'qcow2', 'disk.raw', 'ours.qcow2');
  });
}

test('compressed clusters that qemu-img wrote are read, and rewritten', async () => {
  const random = randomOf(3);
  const disk = new Uint8Array(2 << 20);
  for (let i = 0; i < 40; i++) disk.fill(random(256), random(disk.length - 5000), random(disk.length));
  desk.write('disk.raw', disk);
  desk.must('convert', '-c', '-f', 'raw', '-O', 'qcow2', 'disk.raw', 'packed.qcow2');
  const file = new MemoryNode(desk.read('packed.qcow2'));
  const image = await Qcow2Image.open(file, { name: 'packed' });
  const read = new Uint8Array(image.sizeBytes);
  await image.read(0, read);
  expect(Buffer.compare(read, disk)).toBe(0);
  await image.write(512, randomBytes(random, 512));
  await image.read(0, disk);
  await image.close();
  desk.write('packed.qcow2', file.contents());
  desk.write('disk.raw', disk);
  desk.must('check', 'packed.qcow2');
  desk.must('compare', '-f', 'raw', '-F', 'qcow2', 'disk.raw', 'packed.qcow2');
});

test('snapshots that qemu-img took are listed, applied and deleted', async () => {
  const random = randomOf(5);
  const before = randomBytes(random, 1 << 20);
  desk.write('disk.raw', before);
  desk.must('convert', '-f', 'raw', '-O', 'qcow2', 'disk.raw', 'snap.qcow2');
  desk.must('snapshot', '-c', 'first', 'snap.qcow2');
  desk.must('snapshot', '-c', 'second', 'snap.qcow2');
  const file = new MemoryNode(desk.read('snap.qcow2'));
  const image = await Qcow2Image.open(file, { name: 'snap' });
  expect(image.snapshots.list.map(({ id, name }) => `${id} ${name}`)).toEqual(['1 first', '2 second']);
  await image.write(0, new Uint8Array(1 << 20).fill(9));
  await image.snapshots.delete('second');
  await image.snapshots.apply('first');
  const read = new Uint8Array(1 << 20);
  await image.read(0, read);
  expect(Buffer.compare(read, before)).toBe(0);
  await image.close();
  desk.write('snap.qcow2', file.contents());
  desk.must('check', 'snap.qcow2');
  desk.must('compare', '-f', 'raw', '-F', 'qcow2', 'disk.raw', 'snap.qcow2');
});

test("images that qemu-img's check calls damaged are damaged for ours, in its words, and repaired", async () => {
  desk.must('create', '-q', '-f', 'qcow2', 'bad.qcow2', '1M');
  desk.run('qemu-io', ['-c', 'write -P 5 0 256k', 'bad.qcow2']);
  const bytes = desk.read('bad.qcow2');
  // The counts of clusters 5 and 6: one too many, and none. L2 entry 2 loses its flag.
  bytes.set([0, 2, 0, 0], 0x20000 + 10);
  const l2 = new DataView(bytes.buffer).getUint32(0x30000 + 4);
  bytes[l2 + 16] = 0;
  desk.write('bad.qcow2', bytes);
  const file = new MemoryNode(bytes);
  const lines: string[] = [];
  const image = await Qcow2Image.open(file, { name: 'bad', forCheck: true });
  const result = await image.check('none', (line) => lines.push(line));
  const theirs = desk.qemuImg('check', 'bad.qcow2').text;
  expect(lines.length).toBeGreaterThan(3);
  for (const line of lines) expect(theirs).toContain(line);
  expect(theirs).toContain(`${result.corruptions} errors were found on the image`);
  expect(theirs).toContain(`${result.leaks} leaked clusters were found on the image`);
  await image.check('all', () => {});
  await image.close();
  desk.write('bad.qcow2', file.contents());
  expect(desk.must('check', 'bad.qcow2')).toContain('No errors were found on the image');
  const same = desk.run('qemu-io', ['-c', 'read -P 5 0 256k', 'bad.qcow2']);
  expect(same.text).not.toContain('Pattern verification failed');
});
