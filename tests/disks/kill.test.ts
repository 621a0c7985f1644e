/**
 * Chromium is killed in the middle of writing. When it comes back, a disk shows every write that a flush had ended
 * for, and of later ones any, but nothing else and nothing torn. KILLS says how often.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundle, chromiumPath, launch, openSite, type Site } from './browser/chromium.ts';
import { BLOCKS, blockOf, type Report, type Task } from './browser/load.ts';

const KILLS = Number(process.env['KILLS'] ?? 3);
const LIMIT_MS = 60_000;
/** Writes that may happen while a report is on its way. */
const MOST_UNHEARD = 1_000_000;

describe.skipIf(chromiumPath() === undefined)('after a kill in the middle of writing', () => {
  let site: Site;
  beforeAll(async () => {
    site = await openSite(await bundle(fileURLToPath(new URL('browser/load.worker.ts', import.meta.url))));
  }, LIMIT_MS);
  afterAll(() => site?.close());

  const sources = ['indexeddb', 'opfs', 'overlay'] as const;
  test.each(sources)('%s has all that was flushed', { timeout: (KILLS + 1) * LIMIT_MS }, async (source) => {
    const profile = mkdtempSync(join(tmpdir(), 'lockstep-kill-'));
    /** Number of the last write to each block that is known to be flushed. */
    const least = new Array<number>(BLOCKS).fill(0);
    /** Writes below this may have happened. */
    let possible = 1;
    let flushes = 0;
    // The last time it comes back only to be looked at.
    for (let kill = 0; kill <= KILLS; kill++) {
      const from = possible;
      let flushed = from;
      // Reports may overtake one another.
      const before = least.slice();
      // Some kills come while the first flush runs, some in the middle of a long run.
      let left = Math.floor(Math.random() * 30);
      const done = Promise.withResolvers<void>();
      const hear = (report: Report): void => {
        if (report.kind === 'failed') done.reject(new Error(report.text));
        if (report.kind === 'found') checkBlocks(report.blocks, before, from);
        if (report.kind !== 'flushed') return;
        for (; flushed < report.before; flushed++) least[blockOf(flushed)] = flushed;
        flushes++;
        if (left-- === 0) setTimeout(done.resolve, Math.random() * 20);
      };
      site.serve({ source, from } satisfies Task, (report) => {
        try {
          hear(report as Report);
        } catch (error) {
          done.reject(error);
        }
      });
      const browser = launch(profile, site.url);
      const late = setTimeout(() => done.reject(new Error('Chromium did not write')), LIMIT_MS);
      try {
        await done.promise;
      } finally {
        clearTimeout(late);
        await browser.kill();
      }
      // Reports that were under way are lost: so much at most was written since the last that came.
      possible = flushed + MOST_UNHEARD;
    }
    console.log(`${source}: ${KILLS} kills, ${flushes} flushes`);
  });
});

/** Each block holds its last flushed write, or a later one below `possible`. */
function checkBlocks(blocks: readonly number[], least: readonly number[], possible: number): void {
  expect(blocks).toHaveLength(BLOCKS);
  for (const [block, n] of blocks.entries()) {
    expect(n, `block ${block} is torn`).toBeGreaterThanOrEqual(0);
    expect(n, `block ${block} lost a flushed write`).toBeGreaterThanOrEqual(least[block] as number);
    expect(n, `block ${block} holds a write that never was`).toBeLessThan(possible);
    if (n > 0) expect(blockOf(n), `block ${block} holds another's write`).toBe(block);
  }
}
