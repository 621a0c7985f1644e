import { gzipSync } from 'node:zlib';
import { expect, test } from '@playwright/test';
import { KERNEL_LINE, startLinux, waitForText } from './machine-page.ts';

/** What the page may weigh before a machine's own files, gzipped. */
const MOST_BYTES = 600 * 1024;

test('the first load is small', async ({ page }) => {
  const sizes = new Map<string, number>();
  page.on('response', async (response) => {
    const body = await response.body().catch(() => Buffer.alloc(0));
    sizes.set(response.url(), gzipSync(body).length);
  });
  await page.goto('/', { waitUntil: 'networkidle' });
  const total = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  test.info().annotations.push({ type: 'first load', description: `${Math.round(total / 1024)} KiB gzipped` });
  expect(sizes.size).toBeGreaterThan(3);
  expect(total).toBeLessThan(MOST_BYTES);
});

test('without a network the page opens and runs what was fetched before', async ({ page, context }) => {
  await page.goto('/');
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  await page.reload(); // from here on the service worker sees what is fetched
  await startLinux(page);
  await waitForText(page, KERNEL_LINE, 90_000);
  page.on('dialog', (dialog) => void dialog.accept());
  await context.setOffline(true);
  await page.goto('/#/');
  await page.reload();
  await page.getByRole('button', { name: 'Run Linux 6.1 i386' }).click();
  await waitForText(page, KERNEL_LINE, 90_000);
});
