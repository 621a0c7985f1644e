import { expect, test } from 'vitest';
import { CrashingNode } from './crash.fixture.ts';
import { createQcow2 } from './create.ts';
import { Qcow2Image } from './image.ts';
import { type Random, randomOf } from './sequence.fixture.ts';

const SECTOR = 512;
const AT = { dateSeconds: 0, dateNanoseconds: 0, vmClockNs: 0 };

/** What each sector may hold after a crash: what was flushed last, and all that was written since. */
class Sectors {
  readonly now: Uint8Array;
  private possible: Set<number>[];

  constructor(sectors: number) {
    this.now = new Uint8Array(sectors);
    this.possible = [...this.now].map((value) => new Set([value]));
  }

  set(first: number, count: number, value: number): void {
    for (let i = first; i < Math.min(first + count, this.now.length); i++) {
      this.now[i] = value;
      this.possible[i]!.add(value);
    }
  }

  flushed(): void {
    this.possible = [...this.now].map((value) => new Set([value]));
  }

  firstWrong(disk: Uint8Array): number {
    return disk.findIndex((byte, i) => !this.possible[Math.floor(i / SECTOR)]!.has(byte));
  }
}

async function crashingRun(random: Random): Promise<number> {
  const clusterSize = 512 << random(4);
  const lazyRefcounts = random(4) === 0;
  const sizeBytes = SECTOR * (1 + random(600));
  const file = new CrashingNode();
  await createQcow2(file, { name: 'image', sizeBytes, clusterSize, lazyRefcounts });
  const image = await Qcow2Image.open(file, { name: 'image' });
  const sectors = new Sectors(sizeBytes / SECTOR);
  let crashes = 0;
  for (let i = 0; i < 40; i++) {
    const kind = random(12);
    const first = random(sectors.now.length);
    const count = Math.min(sectors.now.length - first, 1 + random(12));
    if (kind < 6) {
      await image.write(first * SECTOR, new Uint8Array(count * SECTOR).fill(i + 1));
      sectors.set(first, count, i + 1);
    } else if (kind === 6) {
      await image.writeZeroes(first * SECTOR, count * SECTOR);
      sectors.set(first, count, 0);
    } else if (kind === 7) {
      const start = Math.floor((first * SECTOR) / clusterSize) * clusterSize;
      const length = Math.min(clusterSize, sizeBytes - start);
      await image.writeCompressed(start, new Uint8Array(length).fill(i + 1));
      sectors.set(start / SECTOR, length / SECTOR, i + 1);
    } else {
      if (kind < 10) await image.flush();
      else if (kind === 10 && image.snapshots.list.length < 3) await image.snapshots.create(`s${i}`, AT);
      else if (kind === 11 && image.snapshots.list.length > 0)
        await image.snapshots.delete(image.snapshots.list[0]!.name);
      else continue;
      sectors.flushed();
    }
    const share = random(101);
    const found = file.afterCrash(() => random(100) < share);
    if (!lazyRefcounts) {
      const asItIs = await Qcow2Image.open(found, { name: 'image', readonly: true });
      expect(await asItIs.check('none', () => {})).toMatchObject({ corruptions: 0, checkErrors: 0 });
    }
    const opened = await Qcow2Image.open(found, { name: 'image' });
    expect(await opened.check('none', () => {})).toMatchObject({ corruptions: 0, checkErrors: 0 });
    const disk = new Uint8Array(sizeBytes);
    await opened.read(0, disk);
    expect(sectors.firstWrong(disk)).toBe(-1);
    crashes++;
  }
  return crashes;
}

test('wherever a crash cuts, the image is sound and has all that was flushed', async () => {
  let crashes = 0;
  for (let seed = 1; seed <= 40; seed++) crashes += await crashingRun(randomOf(seed));
  expect(crashes).toBeGreaterThan(1000);
});
