import { expect, test } from '@playwright/test';
import { scrollsSideways, seriousFaults } from './machine-page.ts';

test.beforeEach(async ({ page }) => {
  await page.goto('/');
  await expect(page.getByRole('button', { name: 'Start', exact: true })).toBeEnabled();
});

test('the start screen looks as it should', async ({ page }) => {
  await expect(page).toHaveScreenshot('start-screen.png', { maxDiffPixelRatio: 0.1, threshold: 0.3 });
});

for (const colorScheme of ['light', 'dark'] as const) {
  test(`axe finds no serious fault on the ${colorScheme} start screen`, async ({ page }) => {
    await page.emulateMedia({ colorScheme });
    expect(await seriousFaults(page)).toEqual([]);
  });
}

test('choices show in the command line and are remembered', async ({ page }) => {
  await page.getByText('Linux 6.1 i386, ISA only').click();
  await page.getByRole('radio', { name: '256' }).check();
  await page.getByLabel('Kernel command line').fill('console=ttyS0 quiet');
  await page.reload();
  await expect(page.locator('.command-line code')).toContainText(
    "-M isapc -cpu pentium2 -m 256 -kernel vmlinuz-i386 -initrd initramfs-i386.cpio.gz -append 'console=ttyS0 quiet'",
  );
});

test('keyboard alone chooses and starts', async ({ page }) => {
  await page.keyboard.press('Tab');
  await expect(page.getByRole('radio', { name: /^Linux 6.1 i386 Debian/ })).toBeFocused();
  await page.keyboard.press('ArrowDown');
  await expect(page.getByRole('radio', { name: /ISA only/ })).toBeChecked();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('status')).toHaveText('Running');
});

test('a file that is no kernel is refused with what to do, and the start screen stays', async ({ page }) => {
  await page.getByText('Your own kernel').click();
  await expect(page.getByRole('button', { name: 'Start', exact: true })).toBeDisabled();
  const garbage = { name: 'holiday.bin', mimeType: 'application/octet-stream', buffer: Buffer.alloc(5000, 7) };
  await page.getByLabel('Kernel…').setInputFiles(garbage);
  await page.getByRole('button', { name: 'Start', exact: true }).click();
  await expect(page.getByRole('alert')).toContainText('holiday.bin');
  await expect(page.getByRole('button', { name: 'Start', exact: true })).toBeEnabled();
});

test('files dropped anywhere find their places', async ({ page }) => {
  await page.evaluate(() => {
    const kernel = new Uint8Array(1024);
    kernel.set(new TextEncoder().encode('HdrS'), 0x202);
    const files = new DataTransfer();
    files.items.add(new File([new Uint8Array([0x1f, 0x8b])], 'root.img'));
    files.items.add(new File([kernel], 'linux.bin'));
    document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: files, bubbles: true, cancelable: true }));
  });
  await expect(page.locator('.command-line code')).toContainText('-kernel linux.bin -initrd root.img');
});

test('a download that differs from its description is not started', async ({ page }) => {
  await page.route('**/roms/initramfs-i386.cpio.gz', (route) => route.fulfill({ body: 'truncated' }));
  await page.getByRole('button', { name: 'Start', exact: true }).click();
  await expect(page.getByRole('alert')).toContainText('initramfs-i386.cpio.gz: the server sent 9 of');
});

test('a page served without the default guest says what to do', async ({ page }) => {
  await page.route('**/roms/index.json', (route) => route.fulfill({ status: 404 }));
  await page.reload();
  await expect(page.getByRole('alert')).toContainText('npm run roms');
});

test('a narrow screen has room for all of it', async ({ page }) => {
  await page.setViewportSize({ width: 360, height: 640 });
  expect(await scrollsSideways(page)).toBe(false);
  await page.getByRole('button', { name: 'Start', exact: true }).scrollIntoViewIfNeeded();
  await expect(page.getByRole('button', { name: 'Start', exact: true })).toBeInViewport({ ratio: 1 });
});
