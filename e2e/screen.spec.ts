/** The guest's screen on the page: firmware's text as pixels, and as text for those who cannot see it. */
import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@playwright/test';
import { build } from 'vite';
import { pageHeaders } from '../scripts/headers.ts';
import { answer } from '../scripts/serve.ts';
import { seriousFaults } from './machine-page.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
/** From the root. */
const built = '.cache/screen';
const ROMS = ['bios-256k.bin', 'vgabios-stdvga.bin'];
let server: Server;

test.beforeAll(async () => {
  test.setTimeout(120_000);
  await build({
    root,
    logLevel: 'warn',
    build: { outDir: built, emptyOutDir: true, rolldownOptions: { input: `${root}e2e/screen.html` } },
  });
  server = createServer(answer(`${root}${built}`, pageHeaders)).listen(0, 'localhost');
  await new Promise((resolve) => server.once('listening', resolve));
});
test.afterAll(() => void server.close());

test('SeaBIOS writes on the screen; its picture can be saved, its text read', async ({ page }) => {
  test.skip(
    ROMS.some((name) => !existsSync(`${root}roms/out/${name}`)),
    'no firmware: npm run roms fetches it',
  );
  await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/e2e/screen.html`);
  await page.waitForFunction(() => 'showMachine' in globalThis);
  await page.evaluate((roms) => void globalThis.showMachine(['-M', 'pc', '-m', '32'], roms), ROMS);
  await expect(page.locator('.screen-text')).toContainText('No bootable device.', { timeout: 60_000 });
  const surface = page.getByRole('application', { name: 'Screen of the guest' });
  await expect(surface).toHaveAttribute('data-picture', '720x400');
  await surface.focus();
  await expect(surface).toBeFocused();
  expect(await seriousFaults(page)).toEqual([]);

  const saving = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Save a screenshot' }).click();
  expect((await saving).suggestedFilename()).toBe('screenshot.png');
  // White on black: SeaBIOS's lines, and nothing in the lower half.
  const lit = await page.evaluate(async () => {
    const canvas = document.querySelector('canvas');
    const copy = new OffscreenCanvas(720, 400).getContext('2d');
    if (canvas === null || copy === null) return undefined;
    copy.drawImage(canvas, 0, 0);
    const count = (y: number): number =>
      copy.getImageData(0, y, 720, 200).data.filter((value, i) => i % 4 === 0 && value > 100).length;
    return { upper: count(0), lower: count(200) };
  });
  expect(lit?.upper).toBeGreaterThan(1000);
  expect(lit?.lower).toBe(0);
  await page.screenshot({ path: '.cache/screen.png' });
});
