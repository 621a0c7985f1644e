/** The audio thread takes a machine's samples from shared memory, once the person has done something on the page. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@playwright/test';
import { build } from 'vite';
import { pageHeaders } from '../scripts/headers.ts';
import { answer } from '../scripts/serve.ts';
import type { sound } from './sound.page.tsx';

const root = fileURLToPath(new URL('..', import.meta.url));
/** From the root. */
const built = '.cache/sound';
let server: Server;

test.beforeAll(async () => {
  await build({
    root,
    logLevel: 'warn',
    build: { outDir: built, emptyOutDir: true, rolldownOptions: { input: `${root}e2e/sound.html` } },
  });
  server = createServer(answer(`${root}${built}`, pageHeaders)).listen(0, 'localhost');
  await new Promise((resolve) => server.once('listening', resolve));
});
test.afterAll(() => void server.close());

test('samples are played at their pace; volume and mute stay', async ({ page }) => {
  const url = `http://localhost:${(server.address() as AddressInfo).port}/e2e/sound.html`;
  await page.goto(url);
  await page.getByRole('button', { name: 'Mute' }).click();
  await page.getByRole('button', { name: 'Mute' }).click();
  const tell = (frames: number): Promise<number> =>
    page.evaluate((count) => {
      const { sound: played } = globalThis as unknown as { sound: typeof sound };
      played.addFrames(count);
      return played.waiting();
    }, frames);
  await tell(8000);
  await expect.poll(() => tell(0)).toBe(0);
  await page.getByLabel('Volume').fill('30');
  await page.getByRole('button', { name: 'Mute' }).click();
  await page.goto(url);
  await expect(page.getByLabel('Volume')).toHaveValue('30');
  await expect(page.getByRole('button', { name: 'Mute' })).toHaveAttribute('aria-pressed', 'true');
});
