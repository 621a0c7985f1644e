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
