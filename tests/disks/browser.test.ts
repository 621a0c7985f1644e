/** Disks in a real browser: they stay, they are locked, they run full, and images below them never change. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BrowserContext, chromium, type Page } from 'playwright';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { bundle, chromiumPath, openSite, type Site } from './browser/chromium.ts';
import type { Call } from './browser/disks.worker.ts';

const LIMIT_MS = 60_000;
const MIB = 2 ** 20;

interface Reply {
  readonly value?: unknown;
  readonly error?: string;
}

declare global {
  /** In the page. */
  var disks: Worker;
}

/** In a worker, or in the page's own thread, which runs the worker's script. */
async function call(page: Page, call: Call, thread: 'worker' | 'page' = 'worker'): Promise<Reply> {
  if (thread === 'page') await page.addScriptTag({ url: '/worker.js', type: 'module' });
  return page.evaluate(
    ({ call, thread }) =>
      new Promise<Reply>((resolve) => {
        if (thread === 'worker') globalThis.disks ??= new Worker('/worker.js', { type: 'module' });
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = ({ data }) => resolve(data);
        // A picked file can't be sent to the page: it is made there.
        const { source } = call as { source?: { base?: { kind: string; text?: string } } };
        if (source?.base?.kind === 'text') {
          Object.assign(source, {
            base: { kind: 'file', file: new File([source.base.text ?? ''], 'f', { lastModified: 1 }) },
          });
        }
        if (thread === 'worker') globalThis.disks.postMessage(call, [port2]);
        else globalThis.window.postMessage(call, '*', [port2]);
      }),
    { call, thread },
  );
}

describe.skipIf(chromiumPath() === undefined)('in Chromium', { timeout: LIMIT_MS }, () => {
  let site: Site;
  let context: BrowserContext;
  let page: Page;
  beforeAll(async () => {
    site = await openSite(await bundle(fileURLToPath(new URL('browser/disks.worker.ts', import.meta.url))), 'blank');
  }, LIMIT_MS);
  afterAll(() => site?.close());
  beforeEach(async () => {
    // With a profile of its own, for a private window has its files in memory.
    context = await chromium.launchPersistentContext(mkdtempSync(join(tmpdir(), 'lockstep-disks-')), {
      executablePath: chromiumPath() ?? 'chromium',
      args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
    });
    page = await context.newPage();
    await page.goto(site.url);
    return () => context.close();
  }, LIMIT_MS);
  const does = async (what: Call, at = page): Promise<unknown> => {
    const { value, error } = await call(at, what);
    if (error !== undefined) throw new Error(error);
    return value;
  };
  const disk = (name: string, createBytes?: number): Call => ({
    do: 'open',
    as: 'd',
    source: { kind: 'indexeddb', name, ...(createBytes !== undefined && { createBytes }) },
  });

  test('a disk stays, is listed, and is gone when it is deleted', async () => {
    expect(await does(disk('a'))).toBeUndefined();
    expect(await does(disk('a', 40 * MIB))).toBe(40 * MIB);
    await does({ do: 'write', to: 'd', offset: 100_000, length: 200_000, byte: 7 });
    await does({ do: 'close', what: 'd' });
    await page.reload();
    expect(await does(disk('a'))).toBe(40 * MIB);
    expect(await does({ do: 'read', from: 'd', offset: 99_999, length: 200_002 })).toEqual([0, 7, 0]);
    await does({ do: 'close', what: 'd' });
    expect(await does({ do: 'list' })).toEqual([{ place: 'indexeddb', name: 'a' }]);
    await does({ do: 'delete', name: 'a' });
    expect(await does({ do: 'list' })).toEqual([]);
  });

  test('a second tab is refused the disk that a first one has, until that is closed', async () => {
    await does(disk('b', MIB));
    const other = await context.newPage();
    await other.goto(site.url);
    await expect(does(disk('b'), other)).rejects.toThrow("disk 'b' is in use in another tab");
    await page.close();
    await expect.poll(() => call(other, disk('b'))).toEqual({ value: MIB });
  });

  test.each(['opfs', 'indexeddb'] as const)(
    'what is written over a picked file stays in %s, and fits no other file',
    async (place) => {
      const over = (text: string, readonly = false): Call =>
        ({
          do: 'open',
          as: 'd',
          readonly,
          source: { kind: 'overlay', name: `over/${place}`, place, base: { kind: 'text', text } },
        }) as unknown as Call;
      expect(await call(page, over('x'.repeat(70_000), true), 'page')).toEqual({ value: 70_000 });
      await call(page, { do: 'close', what: 'd' }, 'page');
      expect(await does({ do: 'list' })).toEqual([]);
      expect(await does(over('x'.repeat(70_000)))).toBe(70_000);
      await does({ do: 'write', to: 'd', offset: 10, length: 5, byte: 1 });
      await does({ do: 'close', what: 'd' });
      await page.reload();
      await call(page, over('x'.repeat(70_000), true), 'page');
      const read: Call = { do: 'read', from: 'd', offset: 0, length: 70_000 };
      expect(await call(page, read, 'page')).toEqual({ value: [120, 1, 120] });
      await call(page, { do: 'close', what: 'd' }, 'page');
      await does(over('x'.repeat(70_000)));
      expect(await does({ do: 'read', from: 'd', offset: 0, length: 70_000 })).toEqual([120, 1, 120]);
      await does({ do: 'close', what: 'd' });
      await expect(does(over('x'.repeat(70_001)))).rejects.toThrow('was made over another image');
      expect(await does({ do: 'list' })).toMatchObject([{ place, name: `over/${place}` }]);
      await does({ do: 'delete', name: `over/${place}` });
      expect(await does({ do: 'list' })).toEqual([]);
    },
  );

  test('a full store fails with ENOSPC, keeps what is written, and goes on when there is room', async () => {
    const session = await context.newCDPSession(page);
    const { origin } = new URL(site.url);
    const quota = (quotaSize: number) => session.send('Storage.overrideQuotaForOrigin', { origin, quotaSize });
    // Chromium remembers for a while how much room there was.
    await quota(8 * MIB);
    await does(disk('full', 400 * MIB));
    await does({ do: 'noise', on: 'd', offset: 0, length: 2 * MIB });
    await does({ do: 'flush', what: 'd' });
    await does({ do: 'noise', on: 'd', offset: 2 * MIB, length: 14 * MIB });
    await expect(does({ do: 'flush', what: 'd' })).rejects.toThrow('ENOSPC');
    expect(await does({ do: 'isNoise', on: 'd', offset: 2 * MIB, length: 14 * MIB })).toBe(true);
    await quota(1000 * MIB);
    await expect.poll(() => call(page, { do: 'flush', what: 'd' }), { timeout: LIMIT_MS / 2 }).toEqual({});
    await page.reload();
    await does(disk('full'));
    expect(await does({ do: 'isNoise', on: 'd', offset: 0, length: 2 * MIB })).toBe(true);
    expect(await does({ do: 'isNoise', on: 'd', offset: 2 * MIB, length: 14 * MIB })).toBe(true);
  });

  test('a file of the private file system has one writer, or many readers', async () => {
    const open = (as: string, readonly: boolean, createBytes?: number): Call => ({
      do: 'open',
      as,
      readonly,
      source: { kind: 'opfs', path: 'folder/f.img', ...(createBytes !== undefined && { createBytes }) },
    });
    expect(await does(open('d', false))).toBeUndefined();
    expect(await does(open('d', false, 3 * MIB))).toBe(3 * MIB);
    await does({ do: 'write', to: 'd', offset: MIB, length: 5, byte: 4 });
    await expect(does(open('e', true))).rejects.toThrow('in use in another tab');
    await does({ do: 'close', what: 'd' });
    await does(open('e', true));
    await does(open('f', true));
    expect(await does({ do: 'read', from: 'f', offset: MIB - 1, length: 7 })).toEqual([0, 4, 0]);
    expect((await call(page, { do: 'write', to: 'f', offset: 0, length: 1, byte: 1 })).error).toContain('EROFS');
  });
});
