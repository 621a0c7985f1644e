import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { defineConfig } from '@playwright/test';

/** Debian's Chromium, by name, or the one that CHROMIUM names. */
function chromium(): string {
  const named = process.env['CHROMIUM'];
  if (named) return named;
  const directories = (process.env['PATH'] ?? '').split(delimiter);
  for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
    const found = directories.map((d) => join(d, name)).find(isExecutable);
    if (found) return found;
  }
  throw new Error('no Chromium on the PATH: install it (npm test does) or set CHROMIUM to its path');
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

const node = process.execPath;
const isolated = 'http://localhost:4173';
/** The same page from a host that sends no headers, for the service worker. */
export const plainHost = 'http://localhost:4174';

export default defineConfig({
  testDir: 'e2e',
  testMatch: '**/*.spec.ts',
  timeout: 180_000,
  expect: { timeout: 30_000 },
  workers: 1, // a guest keeps a core busy
  forbidOnly: true,
  reporter: [['list'], ['json', { outputFile: '.cache/e2e.json' }]],
  snapshotPathTemplate: '{testDir}/screenshots/{arg}{ext}',
  use: {
    baseURL: isolated,
    viewport: { width: 1280, height: 800 },
    trace: 'retain-on-failure',
    launchOptions: {
      executablePath: chromium(),
      args: process.getuid?.() === 0 ? ['--no-sandbox'] : [], // Chromium refuses its sandbox to root
    },
  },
  webServer: [
    { command: `${node} scripts/serve.ts --port 4173`, url: isolated, reuseExistingServer: false },
    { command: `${node} scripts/serve.ts --port 4174 --plain`, url: plainHost, reuseExistingServer: false },
  ],
});
