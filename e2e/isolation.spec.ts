import { expect, test } from '@playwright/test';
import { plainHost } from '../playwright.config.ts';
import { KERNEL_LINE, waitForText } from './machine-page.ts';

test('the page is cross-origin isolated by its headers, and needs no service worker', async ({ page }) => {
  await page.goto('/');
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
  expect(await page.evaluate(async () => (await navigator.serviceWorker.getRegistrations()).length)).toBe(0); // so far
});

test('on a host that sends no headers the service worker isolates the page', async ({ page }) => {
  const first = await page.request.get(plainHost);
  expect(first.headers()['cross-origin-opener-policy']).toBeUndefined();
  await page.goto(plainHost);
  await expect.poll(() => page.evaluate(() => crossOriginIsolated).catch(() => false)).toBe(true);
  await page.getByRole('button', { name: 'Start' }).first().click();
  await waitForText(page, KERNEL_LINE);
});

test('a page that cannot be isolated says what is missing, and is loaded again once at most', async ({ browser }) => {
  const context = await browser.newContext({ serviceWorkers: 'block' });
  const page = await context.newPage();
  let loads = 0;
  page.on('framenavigated', () => loads++);
  await page.goto(plainHost);
  await expect(page.getByRole('alert')).toContainText('Cross-Origin-Embedder-Policy');
  expect(loads).toBeLessThanOrEqual(2);
  await context.close();
});
