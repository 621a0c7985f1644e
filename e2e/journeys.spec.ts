/** What people come for: bring a disk, run it, find it again as they left it. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, type Page, test } from '@playwright/test';
import { countingDisk } from './counting-disk.ts';
import { BOOT_TIMEOUT_MS, dropFiles, seriousFaults } from './machine-page.ts';

const screenText = (page: Page) => page.locator('.screen-text');
const dropAndStart = async (page: Page, name: string, bytes: Uint8Array): Promise<void> => {
  await dropFiles(page, { [name]: bytes });
  await page.getByRole('dialog').getByRole('button', { name: 'Start' }).click();
};

test('a floppy image that is dropped boots, and its machine is in the library afterwards', async ({ page }) => {
  await page.goto('/');
  const floppy = readFileSync(fileURLToPath(new URL('../roms/out/grub-rescue-floppy.img', import.meta.url)));
  await dropFiles(page, { 'grub.img': floppy });
  await expect(page.getByLabel('Use grub.img as')).toHaveValue('floppy');
  await page.getByRole('dialog').getByRole('button', { name: 'Start' }).click();
  await expect(screenText(page)).toContainText('GNU GRUB', { timeout: BOOT_TIMEOUT_MS });
  expect(await seriousFaults(page)).toEqual([]);

  await page.getByRole('button', { name: 'Media' }).click();
  await expect(page.getByRole('dialog')).toContainText('grub.img');
  await page.getByRole('region', { name: 'floppy0' }).getByRole('button', { name: 'Eject' }).click();
  await expect(page.getByRole('region', { name: 'floppy0' })).toContainText('empty');
  await page.getByRole('button', { name: 'Close', exact: true }).click();

  await page.getByRole('button', { name: 'Machines', exact: true }).click();
  const tile = page.getByRole('listitem', { name: 'grub', exact: true });
  await expect(tile).toContainText('1.2 MiB');
  await expect(tile.locator('img')).toBeVisible();
});

test('what a guest wrote to its disk is there after a reload, and after the tab was closed under it', async ({
  page,
  context,
}) => {
  await page.goto('/');
  await dropAndStart(page, 'counter.img', countingDisk());
  await expect(screenText(page)).toContainText('Boot number 1', { timeout: BOOT_TIMEOUT_MS });

  page.on('dialog', (dialog) => void dialog.accept()); // the browser asks whether to leave a machine that runs
  await page.reload();
  await page.getByRole('button', { name: 'Start', exact: true }).click();
  await expect(screenText(page)).toContainText('Boot number 2', { timeout: BOOT_TIMEOUT_MS });

  await page.close({ runBeforeUnload: false });
  const again = await context.newPage();
  await again.goto('/');
  await again.getByRole('button', { name: 'Run counter' }).click();
  await expect(screenText(again)).toContainText('Boot number 3', { timeout: BOOT_TIMEOUT_MS });

  // A second tab is refused while this one has the disk.
  const second = await context.newPage();
  await second.goto('/');
  await second.getByRole('button', { name: 'Run counter' }).click();
  await expect(second.getByRole('alert')).toContainText('in use in another tab');
});

test('where the browser has no room a file is refused with what to do, and nothing of it stays', async ({
  page,
  context,
}) => {
  await page.goto('/');
  const devtools = await context.newCDPSession(page);
  const origin = new URL(page.url()).origin;
  await devtools.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 2 << 20 });
  const large = new Uint8Array(8 << 20);
  large.set(countingDisk());
  await dropAndStart(page, 'large.img', large);
  await expect(page.getByText('Importing large.img failed').first()).toBeVisible();
  await expect(page.getByText('Free some on the storage page').first()).toBeVisible();
  await page.goto('/#/storage');
  await expect(page.getByText('None yet')).toBeVisible();
});
