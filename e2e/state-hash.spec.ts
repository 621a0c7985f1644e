/** The browser's half of tests/linux/state-hash.test.ts: Node and Chromium come to the same hashes at the same counts. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@playwright/test';
import { build } from 'vite';
import { pageHeaders } from '../scripts/headers.ts';
import { answer } from '../scripts/serve.ts';
import { hasLinux, LinuxGuest, linuxFiles, TIMEOUT_MS } from '../tests/linux/guest.ts';
import { runHistory } from '../tests/linux/history.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
/** From the root. */
const built = '.cache/state-hash';
let server: Server;

test.beforeAll(async () => {
  test.setTimeout(TIMEOUT_MS);
  await build({
    root,
    logLevel: 'warn',
    build: { outDir: built, emptyOutDir: true, rolldownOptions: { input: `${root}e2e/state-hash.html` } },
  });
  server = createServer(answer(`${root}${built}`, pageHeaders)).listen(0, 'localhost');
  await new Promise((resolve) => server.once('listening', resolve));
});
test.afterAll(() => void server.close());

test('Debian from power-on to the prompt: the same state hash at the same instruction counts as in Node', async ({
  page,
}) => {
  test.skip(!hasLinux, 'no kernel: npm run roms fetches it');
  test.setTimeout(2 * TIMEOUT_MS);
  await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/e2e/state-hash.html`);
  await page.waitForFunction(() => 'historyOf' in globalThis);
  const guest = new LinuxGuest();
  const [inPage, inNode] = await Promise.all([
    page.evaluate(() => globalThis.historyOf('-accel', 'tcg,engine=jit')),
    runHistory(guest.vm, linuxFiles(), ['-accel', 'tcg,engine=jit']),
  ]);
  await guest.vm.quit();
  expect(inPage.checkpoints).toEqual(inNode.checkpoints);
  expect(inPage.output).toBe(inNode.output);
});
