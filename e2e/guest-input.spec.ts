/** Keyboard, mouse and touch in a real browser, on their way to the guest. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import AxeBuilder from '@axe-core/playwright';
import { expect, type Page, test } from '@playwright/test';
import { build } from 'vite';
import { pageHeaders } from '../scripts/headers.ts';
import { answer } from '../scripts/serve.ts';

import type { guestGot } from './guest-input.page.tsx';

const root = fileURLToPath(new URL('..', import.meta.url));
/** From the root. */
const built = '.cache/guest-input';
let server: Server;

test.beforeAll(async () => {
  await build({
    root,
    logLevel: 'warn',
    build: { outDir: built, emptyOutDir: true, rolldownOptions: { input: `${root}e2e/guest-input.html` } },
  });
  server = createServer(answer(`${root}${built}`, pageHeaders)).listen(0, 'localhost');
  await new Promise((resolve) => server.once('listening', resolve));
});
test.afterAll(() => void server.close());

const got = (page: Page): Promise<string[]> =>
  page.evaluate(() => (globalThis as unknown as typeof guestGot).guestGot());
const screenOf = (page: Page) => page.getByRole('application');

test.beforeEach(async ({ page }) => {
  await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/e2e/guest-input.html`);
  await screenOf(page).waitFor();
});

test('keys go to the guest, Tab included; Ctrl+Alt+B leaves, and nothing stays down', async ({ page }) => {
  await screenOf(page).focus();
  await page.keyboard.press('a');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Shift+F5');
  expect(await got(page)).toEqual(['+a', '-a', '+tab', '-tab', '+shift', '+f5', '-f5', '-shift']);
  await expect(page.locator('.guest-hint')).toContainText('Ctrl+Alt+B leaves the screen');
  await page.keyboard.press('Control+Alt+b');
  await expect(page.locator('#kind')).toBeFocused();
  expect(await got(page)).toEqual(['+ctrl', '+alt', '-ctrl', '-alt']);
});

test('a click gives the mouse to the guest, Ctrl+Alt+G gives it back', async ({ page }) => {
  const box = (await screenOf(page).boundingBox())!;
  await page.mouse.click(box.x + 50, box.y + 50);
  await expect(page.locator('.guest-hint')).toContainText('Esc or Ctrl+Alt+G gives it back');
  await got(page);
  await page.mouse.move(box.x + 80, box.y + 40);
  await page.mouse.down({ button: 'right' });
  await page.mouse.up({ button: 'right' });
  await page.mouse.wheel(0, 120);
  await expect.poll(() => got(page)).toEqual(expect.arrayContaining(['{"buttons":2}', '{"buttons":0}']));
  await page.keyboard.press('Control+Alt+g');
  await expect(page.locator('.guest-hint')).toContainText('click to give it the mouse');
  await got(page);
  await page.mouse.move(box.x + 100, box.y + 100);
  expect(await got(page)).toEqual([]);
});

test('a tablet gets places, without a lock', async ({ page }) => {
  await page.locator('#kind').click();
  const box = (await screenOf(page).boundingBox())!;
  await page.mouse.click(box.x + 1, box.y + box.height - 2);
  await expect
    .poll(() => got(page))
    .toEqual(
      expect.arrayContaining([expect.stringMatching(/"x":\d{1,3},"y":32\d\d\d/), '{"buttons":1}', '{"buttons":0}']),
    );
});

test('on-screen keys: a modifier sticks to one key; Ctrl+Alt+Del; a text is typed and what cannot be is said', async ({
  page,
}) => {
  await page.getByRole('button', { name: 'Ctrl', exact: true }).click();
  await page.getByRole('button', { name: 'Esc' }).click();
  await page.getByRole('button', { name: 'Ctrl+Alt+Del' }).click();
  await page.getByRole('button', { name: 'More keys' }).click();
  await page.getByRole('button', { name: 'F2', exact: true }).click();
  expect((await got(page)).join(' ')).toBe('+ctrl +esc -esc -ctrl +ctrl +alt +delete -delete -alt -ctrl +f2 -f2');
  await page.getByRole('button', { name: 'Type a text' }).click();
  await page.getByLabel('Text to type').fill('xä');
  await page.getByRole('button', { name: 'Type', exact: true }).click();
  await expect(page.getByText('Left out, as this keyboard does not have them: ä')).toBeVisible();
  expect(await got(page)).toEqual(['typed 2d ad']);
});

test('has no accessibility violations', async ({ page }) => {
  await page.getByRole('button', { name: 'More keys' }).click();
  await page.getByRole('button', { name: 'Type a text' }).click();
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
});

test.describe('touch', () => {
  test.use({ hasTouch: true });
  test('a tap clicks', async ({ page }) => {
    const box = (await screenOf(page).boundingBox())!;
    await page.touchscreen.tap(box.x + 100, box.y + 100);
    await expect.poll(() => got(page)).toEqual(['{"buttons":1}', '{"buttons":0}']);
  });
});
