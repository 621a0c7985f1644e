/** What the journeys do again and again on the page. */
import { AxeBuilder } from '@axe-core/playwright';
import { expect, type Page } from '@playwright/test';

/** Debian's kernel boots in seconds where two cores are free, and slowly where they are not. */
export const BOOT_TIMEOUT_MS = 150_000;

/** The lines that the terminal shows, newest last. */
export async function terminalText(page: Page): Promise<string> {
  const rows = await page.locator('.xterm-rows > div').allTextContents();
  return rows
    .map((row) => row.replaceAll('\u00a0', ' ').trimEnd())
    .join('\n')
    .trimEnd();
}

export async function waitForText(page: Page, text: string | RegExp, timeout = 30_000): Promise<void> {
  const pattern = typeof text === 'string' ? new RegExp(RegExp.escape(text)) : text;
  await expect.poll(() => terminalText(page), { timeout, intervals: [500] }).toMatch(pattern);
}

/** A line of the kernel's log: it boots. */
export const KERNEL_LINE = /\[ +\d+\.\d{6}\] /;

/** The shell's prompt as the last line. */
export const PROMPT = /\n\/ #$/;

/** A figure of the status line, without its spaces. */
export async function figure(page: Page, name: string): Promise<string> {
  const text = await page.locator(`[data-figure="${name}"] dd`).textContent();
  return (text ?? '').replace(/\s/g, '');
}

/** Faults that axe calls serious or critical: rule and place. */
export async function seriousFaults(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ target }) => `${id}: ${target.join(' ')}`));
}

/** Whether anything sticks out of the page sideways. */
export function scrollsSideways(page: Page): Promise<boolean> {
  return page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
}

/** Clicks the gallery's first card, as somebody does who comes for the first time. */
export async function startLinux(page: Page): Promise<void> {
  await page.goto('/');
  await page
    .getByRole('listitem', { name: 'Linux 6.1 i386', exact: true })
    .getByRole('button', { name: 'Start' })
    .click();
}

/** Drops files, by name, on the page. */
export async function dropFiles(page: Page, files: Readonly<Record<string, Uint8Array>>): Promise<void> {
  const texts = Object.entries(files).map(([name, bytes]) => [name, Buffer.from(bytes).toString('base64')] as const);
  await page.evaluate((dropped) => {
    const transfer = new DataTransfer();
    for (const [name, text] of dropped) {
      const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
      transfer.items.add(new File([bytes], name));
    }
    document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true }));
  }, texts);
}
