import { expect, test } from 'vitest';
import { BlockFailure } from '../../api.ts';
import { MemoryNode } from '../memory-node.fixture.ts';
import { createQcow2 } from './create.ts';
import { Qcow2Image } from './image.ts';
import { type Random, randomOf } from './sequence.fixture.ts';

const SECTOR = 512;
const AT = { dateSeconds: 0, dateNanoseconds: 0, vmClockNs: 0 };

/** A file on a disk that is full now and then. */
class FullNow extends MemoryNode {
  isFull: () => boolean = () => false;

  private refuse(): void {
    if (this.isFull()) throw new BlockFailure('ENOSPC', 'no space left');
  }

  override async write(offset: number, from: Uint8Array): Promise<void> {
    this.refuse();
    await super.write(offset, from);
  }

  override async writeZeroes(offset: number, length: number): Promise<void> {
    this.refuse();
    await super.writeZeroes(offset, length);
  }

  override async resize(sizeBytes: number): Promise<void> {
    this.refuse();
    await super.resize(sizeBytes);
  }

  override async flush(): Promise<void> {
    this.refuse();
    await super.flush();
  }
}

async function run(random: Random): Promise<number> {
  const file = new FullNow();
  const sectors = 200 + random(600);
  const clusterSize = 512 << random(4);
  await createQcow2(file, { name: 'image', sizeBytes: sectors * SECTOR, clusterSize, lazyRefcounts: random(3) === 0 });
  const image = await Qcow2Image.open(file, { name: 'image' });
  // What each sector may hold: after a write that failed, the old or the new.
  const possible = Array.from({ length: sectors }, () => new Set([0]));
  let failures = 0;
  const attempt = async (
    first: number,
    count: number,
    value: number | undefined,
    body: () => Promise<void>,
  ): Promise<void> => {
    const touched = value === undefined ? [] : possible.slice(first, first + count);
    try {
      await body();
      for (const values of touched) values.clear();
    } catch (error) {
      expect(error).toBeInstanceOf(BlockFailure);
      expect((error as BlockFailure).code).toBe('ENOSPC');
      failures++;
    }
    for (const values of touched) values.add(value!);
  };
  const odds = 5 + random(40);
  for (let i = 0; i < 80; i++) {
    file.isFull = () => random(odds) === 0;
    const first = random(sectors);
    const count = Math.min(sectors - first, 1 + random(20));
    const kind = random(10);
    if (kind < 5) {
      await attempt(first, count, i + 1, () => image.write(first * SECTOR, new Uint8Array(count * SECTOR).fill(i + 1)));
    } else if (kind === 5) {
      await attempt(first, count, 0, () => image.writeZeroes(first * SECTOR, count * SECTOR));
    } else if (kind === 6) {
      const start = Math.floor((first * SECTOR) / clusterSize) * clusterSize;
      const length = Math.min(clusterSize, sectors * SECTOR - start);
      const bytes = new Uint8Array(length).fill(i + 1);
      await attempt(start / SECTOR, length / SECTOR, i + 1, () => image.writeCompressed(start, bytes));
    } else if (kind === 7) {
      const { list } = image.snapshots;
      if (list.length < 3) await attempt(0, 0, undefined, () => image.snapshots.create(`s${i}`, AT));
      else await attempt(0, 0, undefined, () => image.snapshots.delete(list[0]!.name));
    } else {
      await attempt(0, 0, undefined, () => image.flush());
    }
    file.isFull = () => false;
    if (i % 10 !== 9) continue;
    const disk = new Uint8Array(sectors * SECTOR);
    await image.read(0, disk);
    expect(disk.findIndex((byte, at) => !possible[Math.floor(at / SECTOR)]!.has(byte))).toBe(-1);
  }
  await image.close();
  const opened = await Qcow2Image.open(file, { name: 'image' });
  expect(await opened.check('none', () => {})).toMatchObject({ corruptions: 0, checkErrors: 0 });
  const disk = new Uint8Array(sectors * SECTOR);
  await opened.read(0, disk);
  expect(disk.findIndex((byte, at) => !possible[Math.floor(at / SECTOR)]!.has(byte))).toBe(-1);
  return failures;
}

test('requests that fail for want of space leave the image sound, and what was written before as it was', async () => {
  let failures = 0;
  for (let seed = 1; seed <= 24; seed++) {
    try {
      failures += await run(randomOf(seed));
    } catch (error) {
      throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : error}`, { cause: error });
    }
  }
  expect(failures).toBeGreaterThan(100);
});
