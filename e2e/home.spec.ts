import { expect, test } from '@playwright/test';
import { dropFiles, scrollsSideways, seriousFaults, startLinux } from './machine-page.ts';

const routes = ['', 'gallery', 'storage', 'settings', 'help', 'new', 'machine/none'] as const;

test('the page that one comes to looks as it should', async ({ page }) => {
  await page.goto('/');
  await expect(page.getByText('to fetch').first()).toBeVisible();
  await expect(page).toHaveScreenshot('home.png', { maxDiffPixelRatio: 0.1, threshold: 0.3 });
});

for (const colorScheme of ['light', 'dark'] as const) {
  test(`axe finds no serious fault on any page, ${colorScheme}`, async ({ page }) => {
    await page.emulateMedia({ colorScheme });
    for (const route of routes) {
      await page.goto(`/#/${route}`);
      await expect(page.locator('main h1')).toBeVisible();
      expect(await seriousFaults(page), route).toEqual([]);
    }
  });
}

test('no page is too wide for a phone', async ({ page }) => {
  await page.setViewportSize({ width: 360, height: 640 });
  for (const route of routes) {
    await page.goto(`/#/${route}`);
    await expect(page.locator('main h1')).toBeVisible();
    expect(await scrollsSideways(page), route).toBe(false);
  }
});

test('a machine is made, changed, renamed, copied, deleted, and brought back', async ({ page }) => {
  await page.goto('/#/new?from=linux-isapc');
  await page.getByLabel('Name', { exact: true }).fill('Old PC');
  await page.getByRole('radio', { name: '256' }).check();
  await page.getByLabel('Kernel command line').fill('console=ttyS0 quiet');
  await expect(page.locator('.command-line code')).toContainText(
    "-M isapc -cpu pentium2 -m 256 -kernel vmlinuz-i386 -initrd initramfs-i386.cpio.gz -append 'console=ttyS0 quiet'",
  );
  await page.getByText('More', { exact: true }).click();
  await page.getByLabel('More arguments').fill('-nonsense');
  await expect(page.getByRole('alert')).toContainText('-nonsense: invalid option');
  await page.getByLabel('More arguments').fill('');
  await page.getByRole('button', { name: 'Save', exact: true }).click();

  const tile = page.getByRole('listitem', { name: 'Old PC', exact: true });
  await expect(tile).toContainText('256 MiB RAM');
  const choose = async (of: string, item: string): Promise<void> => {
    await page.getByRole('button', { name: `More for ${of}`, exact: true }).click();
    await page.getByRole('menuitem', { name: item }).click();
  };
  await choose('Old PC', 'Duplicate');
  await choose('Old PC 2', 'Rename');
  await page.getByRole('textbox', { name: 'Name' }).fill('Copy');
  await page.getByRole('button', { name: 'Rename' }).click();
  await choose('Copy', 'Delete');
  await expect(page.getByRole('listitem', { name: 'Copy', exact: true })).toHaveCount(0);
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect(page.getByRole('listitem', { name: 'Copy', exact: true })).toBeVisible();

  await choose('Copy', 'Delete');
  await page.reload();
  await expect(tile).toBeVisible();
  await page.goto('/#/storage');
  await page.getByRole('button', { name: 'Restore Copy' }).click();
  await page.goto('/#/');
  await expect(page.getByRole('listitem', { name: 'Copy', exact: true })).toBeVisible();
});

test('what one tab does the other shows', async ({ page, context }) => {
  await page.goto('/');
  const other = await context.newPage();
  await other.goto('/#/new?from=linux-pc');
  await other.getByRole('button', { name: 'Save', exact: true }).click();
  await expect(page.getByRole('listitem', { name: 'Linux 6.1 i386' }).first()).toContainText('made just now');
});

test('keyboard alone chooses and starts', async ({ page }) => {
  await page.goto('/');
  const start = page.getByRole('button', { name: 'Start' }).first();
  await expect(start).toBeEnabled();
  for (let i = 0; i < 12 && !(await start.evaluate((node) => node === document.activeElement)); i++) {
    await page.keyboard.press('Tab');
  }
  await page.keyboard.press('Enter');
  await expect(page.getByRole('status')).toHaveText('Running');
});

test('settings are kept and act at once', async ({ page }) => {
  await page.goto('/#/settings');
  await page.getByRole('radio', { name: 'Dark' }).check();
  await expect(page.locator('html')).toHaveCSS('color-scheme', 'dark');
  await page.reload();
  await expect(page.locator('html')).toHaveCSS('color-scheme', 'dark');
});

test('files dropped anywhere are told by their contents, and a machine that fits is made', async ({ page }) => {
  await page.goto('/#/help');
  const kernel = new Uint8Array(1024);
  kernel.set(new TextEncoder().encode('HdrS'), 0x202);
  await dropFiles(page, { 'root.img': new TextEncoder().encode('070701'), 'linux.bin': kernel });
  await expect(page.getByRole('dialog')).toContainText('Linux kernel');
  await page.getByRole('button', { name: 'Change first…' }).click();
  await expect(page.locator('.command-line code')).toContainText('-kernel linux.bin -initrd root.img');
});

test('a file that is no kernel is refused with what to do', async ({ page }) => {
  await page.goto('/');
  await dropFiles(page, { 'holiday.bin': new Uint8Array(5000).fill(7) });
  await page.getByLabel('Use holiday.bin as').selectOption('Kernel');
  await page.getByRole('dialog').getByRole('button', { name: 'Start' }).click();
  await expect(page.getByRole('alert')).toContainText('holiday.bin');
  await expect(page.getByRole('button', { name: 'Start', exact: true })).toBeEnabled();
});

test('a download that differs from its description is not started', async ({ page }) => {
  await page.route('**/roms/initramfs-i386.cpio.gz', (route) => route.fulfill({ body: 'truncated' }));
  await startLinux(page);
  await expect(page.getByRole('alert')).toContainText('initramfs-i386.cpio.gz: the server sent 9 of');
});

test('a page served without the default guest says what to do', async ({ page }) => {
  await page.route('**/roms/index.json', (route) => route.fulfill({ status: 404 }));
  await page.goto('/');
  await expect(page.getByText('npm run roms').first()).toBeVisible();
  await expect(page.getByRole('button', { name: 'Start' }).first()).toBeDisabled();
});
