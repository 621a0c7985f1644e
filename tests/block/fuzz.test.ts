import { afterAll, beforeAll, expect, test } from 'vitest';
import type { BlockNode } from '../../src/block/api.ts';
import { MemoryNode } from '../../src/block/formats/memory-node.fixture.ts';
import { createQcow2 } from '../../src/block/formats/qcow2/create.ts';
import { Qcow2Image } from '../../src/block/formats/qcow2/image.ts';
import { randomOf, randomSequence } from '../../src/block/formats/qcow2/sequence.fixture.ts';
import { guidAt, sign } from '../../src/block/formats/vhdx/structures.ts';
import { openImage } from '../../src/block/open-image.ts';
import { damage, exercise, type Seed } from './fuzz.ts';
import { fuzzSeeds } from './fuzz-seeds.ts';
import { PatchedNode } from './patched-node.ts';
import { Desk } from './qemu-img.ts';

const desk = new Desk();
afterAll(() => desk.remove());

const CASES = 100;
const HEADER_BYTES = 600;
let seeds: Seed[] = [];

beforeAll(async () => {
  seeds = await fuzzSeeds(desk);
});

test('images cut at any byte of their headers are refused or read, and nothing else', async () => {
  for (const { format, bytes } of seeds) {
    for (let sizeBytes = 0; sizeBytes < Math.min(HEADER_BYTES, bytes.length); sizeBytes++) {
      await exercise(new PatchedNode(bytes, { sizeBytes }), format, randomOf(sizeBytes));
    }
  }
});

test('damaged images are refused or read, and nothing else', async () => {
  let opened = 0;
  for (const [i, seed] of seeds.entries()) {
    for (let n = 0; n < CASES; n++) {
      const random = randomOf(i * 1_000_003 + n);
      if (await exercise(damage(seed, random), seed.format, random)) opened++;
    }
  }
  // Enough of them go on to be asked something.
  expect(opened).toBeGreaterThan((seeds.length * CASES) / 4);
});

test('block tables that begin anywhere are refused by their offsets', async () => {
  const seedOf = (format: string): PatchedNode => new PatchedNode(seeds.find((seed) => seed.format === format)!.bytes);
  const open = (file: BlockNode, format: string): Promise<unknown> => {
    const store = { openFile: async () => file, resolve: (_: string, to: string) => to, identity: (to: string) => to };
    return openImage(store, 'image', { format });
  };
  const vpc = seedOf('vpc');
  vpc.patch(512 + 23, Uint8Array.of(vpc.byteAt(512 + 23) + 2));
  await expect(open(vpc, 'vpc')).rejects.toThrow("the VPC block table's offset 0x602 is not aligned");
  const vhdx = seedOf('vhdx');
  for (const at of [192 << 10, 256 << 10]) {
    const table = new Uint8Array(64 << 10);
    await vhdx.read(at, table);
    const view = new DataView(table.buffer);
    for (let entry = 16; entry < 80; entry += 32) {
      if (guidAt(view, entry).startsWith('2dc27766')) view.setUint8(entry + 16, 7);
    }
    sign(table, 'regi');
    vhdx.patch(at, table);
  }
  await expect(open(vhdx, 'vhdx')).rejects.toThrow("the VHDX block table's offset");
});

test('counts that lie are put right by a check, and no contents are lost', async () => {
  for (let seed = 1; seed <= 12; seed++) {
    const file = new MemoryNode();
    const clusterSize = [512, 4096, 65536][seed % 3]!;
    const refcountBits = [1, 4, 16, 64][seed % 4]!;
    const { disk } = await randomSequence(file, { seed, steps: 12, options: { clusterSize, refcountBits } });
    const random = randomOf(seed);
    const view = new DataView(file.bytes.buffer);
    const table = view.getUint32(52);
    const block = view.getUint32(table + 4);
    for (let i = 0; i < 20; i++) file.bytes[block + random(clusterSize)] = random(256);
    if (seed % 2 === 0) view.setUint32(table + 4, random(file.sizeBytes));
    const damaged = await Qcow2Image.open(file, { name: 'image', forCheck: true });
    await damaged.check('all', () => {});
    await damaged.close();
    const image = await Qcow2Image.open(file, { name: 'image' });
    expect(await image.check('none', () => {})).toMatchObject({ corruptions: 0, leaks: 0 });
    const read = new Uint8Array(image.sizeBytes);
    await image.read(0, read);
    expect(Buffer.compare(read, disk)).toBe(0);
    await image.close();
    desk.write('repaired.qcow2', file.contents());
    desk.must('check', 'repaired.qcow2');
  }
});

test('chains that lead back to themselves, or go on for ever, are refused', async () => {
  const files = new Map<string, MemoryNode>();
  const store = {
    async openFile(name: string): Promise<BlockNode> {
      const number = Number(name);
      const next = number === 3 ? 1 : number + 1;
      const file = files.get(name) ?? new MemoryNode();
      if (file.sizeBytes === 0) {
        await createQcow2(file, {
          name,
          sizeBytes: 512,
          clusterSize: 512,
          backing: { name: String(next), format: 'qcow2' },
        });
      }
      files.set(name, file);
      return file;
    },
    resolve: (_: string, name: string) => name,
    identity: (name: string) => name,
  };
  await expect(openImage(store, '1', { readonly: true })).rejects.toThrow(
    "image '1' stands on itself: '1' on '2' on '3' on '1'",
  );
  await expect(openImage(store, '4', { readonly: true })).rejects.toThrow(
    "image '204': more than 200 images stand on it",
  );
});
