import { expect, type Page, test } from '@playwright/test';
import {
  BOOT_TIMEOUT_MS,
  figure,
  KERNEL_LINE,
  PROMPT,
  scrollsSideways,
  seriousFaults,
  terminalText,
  waitForText,
} from './machine-page.ts';
import { watchMainThread } from './main-thread.ts';

/** One machine for all of it: a boot takes long enough. */
test.describe.configure({ mode: 'serial' });
/** Playwright's recorder copies the document at each look at it, on the very thread that is measured. */
test.use({ trace: 'off' });

let page: Page;

test.beforeAll(async ({ browser }) => {
  page = await (await browser.newContext()).newPage();
});

test.afterAll(async () => {
  await page.context().close();
});

test('Debian’s kernel boots to a shell, and the main thread stays free', async ({ browser }) => {
  test.setTimeout(BOOT_TIMEOUT_MS + 60_000);
  await page.goto('/');
  const start = page.getByRole('button', { name: 'Start' }).first();
  await expect(start).toBeEnabled();
  const report = await watchMainThread(browser, page);
  await start.click();
  await waitForText(page, PROMPT, BOOT_TIMEOUT_MS);

  const { longTasks, longestComputation } = await report();
  test.info().annotations.push({
    type: 'main thread',
    description: `longest computation ${longestComputation.toFixed(1)} ms; long tasks: ${longTasks.map(Math.round).join(' ')}`,
  });
  expect(longestComputation).toBeLessThan(50);
});

test('the shell answers', async () => {
  await page.keyboard.type('echo $((6*7))\n');
  await waitForText(page, /echo \$\(\(6\*7\)\)\n42\n\/ #$/);
});

test('the running machine looks as it should', async () => {
  await page.keyboard.type('clear; head -n 5 /proc/cpuinfo\n');
  await waitForText(page, /^processor[\s\S]*Pentium II.*\n\/ #$/);
  await expect(page).toHaveScreenshot('running-machine.png', { maxDiffPixelRatio: 0.05, threshold: 0.3 });
});

test('axe finds no serious fault on the running machine', async () => {
  expect(await seriousFaults(page)).toEqual([]);
});

test('a paused machine stands still, and goes on', async () => {
  await page.keyboard.press('Control+Alt+p');
  await expect(page.getByRole('status')).toHaveText('Paused');
  await page.waitForTimeout(600); // a status on its way
  const before = await figure(page, 'instructions');
  await page.keyboard.type('echo late\n');
  await page.waitForTimeout(1000);
  expect(await figure(page, 'instructions')).toBe(before);
  expect(await terminalText(page)).not.toContain('late');

  await page.getByRole('button', { name: 'Resume' }).click();
  await expect(page.getByRole('status')).toHaveText('Running');
  await waitForText(page, /echo late\nlate\n/);
});

test('the monitor answers', async () => {
  await page.keyboard.press('Control+Alt+m');
  await page.keyboard.type('info status\n');
  await expect(page.getByRole('log')).toContainText('VM status: running');
  await page.keyboard.press('Escape');
  await expect(page.getByRole('log')).toHaveCount(0);
});

test('the search finds what scrolled away', async () => {
  await page.keyboard.press('Control+f');
  await page.getByRole('searchbox').fill('Linux version');
  await expect(page.locator('.search output')).toHaveText(/^\d+ of \d+$/);
  await page.keyboard.press('Escape');
});

test('buttons can be reached from the terminal by keyboard', async () => {
  await page.keyboard.press('Control+Alt+b');
  await expect(page.getByRole('button', { name: 'Machines', exact: true })).toBeFocused();
  await page.keyboard.press('Control+Alt+b');
  await expect(page.getByLabel('Serial console of the guest')).toBeFocused();
});

test('a narrow screen has room for all of it', async () => {
  const usual = page.viewportSize();
  await page.setViewportSize({ width: 360, height: 640 });
  expect(await scrollsSideways(page)).toBe(false);
  for (const name of ['Pause', 'Reset', 'Power off', 'Media', 'Full screen', 'Search', 'Monitor', 'Help', 'More']) {
    await expect(page.getByRole('button', { name, exact: true })).toBeInViewport({ ratio: 1 });
  }
  await page.keyboard.type('tty\n');
  await waitForText(page, '/dev/');
  if (usual) await page.setViewportSize(usual);
});

test('a reset is asked about, and boots again', async () => {
  await page.keyboard.press('Control+Alt+r');
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
  await page.keyboard.type('clear\n');
  await waitForText(page, /^\/ #$/);
  await page.keyboard.press('Control+Alt+r');
  await page.getByRole('dialog').getByRole('button', { name: 'Reset' }).click();
  await waitForText(page, KERNEL_LINE);
});

test('powering off says so, keeps the output, and offers to start again', async () => {
  await page.getByRole('button', { name: 'Power off', exact: true }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Power off', exact: true }).click();
  await expect(page.getByRole('status')).toHaveText('Powered off.');
  expect(await terminalText(page)).not.toBe('');
  await page.getByRole('button', { name: 'Start again' }).click();
  await waitForText(page, KERNEL_LINE);
  await page.getByRole('button', { name: 'Power off', exact: true }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Power off', exact: true }).click();
  await page.getByRole('button', { name: 'Machines', exact: true }).click();
  await expect(page.getByRole('listitem', { name: 'Linux 6.1 i386' }).first()).toContainText('just now');
});

test('a machine goes on behind the other pages, and is found as it was left', async () => {
  await page.getByRole('button', { name: 'Run Linux 6.1 i386' }).click();
  await waitForText(page, KERNEL_LINE);
  await page.getByRole('button', { name: 'Machines', exact: true }).click();
  await expect(page.getByText('Back to Linux 6.1 i386')).toBeVisible();
  await page.getByRole('button', { name: 'Start' }).nth(1).click();
  await expect(page.getByRole('dialog')).toContainText('Power off Linux 6.1 i386?');
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
  await page.getByText('Back to Linux 6.1 i386').click();
  expect(await terminalText(page)).toMatch(KERNEL_LINE);
});
