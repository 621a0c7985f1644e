/**
 * What the disks of the browser do in a second, without a guest: node bench/disks.ts [--mib=512] [--seconds=3]. The
 * browser's own cache is warm, as it is behind a running machine.
 */
import { mkdtempSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright';
import { build } from 'vite';
import { isolationHeaders } from '../scripts/headers.ts';
import { chromiumPath } from './hosts/chromium.ts';
import type { DiskRow, DisksTask } from './hosts/disks.worker.ts';
import { FOLDERS } from './paths.ts';

const { values } = parseArgs({
  options: { mib: { type: 'string', default: '512' }, seconds: { type: 'string', default: '3' } },
});
const task: DisksTask = { diskBytes: Number(values.mib) * 2 ** 20, ms: Number(values.seconds) * 1000 };

const folder = mkdtempSync(join(tmpdir(), 'lockstep-bench-disks-'));
await build({
  configFile: false,
  root: FOLDERS.bench,
  logLevel: 'error',
  build: {
    target: 'esnext',
    outDir: folder,
    modulePreload: false,
    rollupOptions: {
      input: { disks: join(FOLDERS.bench, 'hosts/disks.worker.ts') },
      output: { entryFileNames: '[name].js' },
    },
  },
});
const server = createServer((request, response) => {
  for (const [name, value] of Object.entries(isolationHeaders)) response.setHeader(name, value);
  const isScript = request.url === '/disks.js';
  response.setHeader('Content-Type', isScript ? 'text/javascript' : 'text/html');
  response.end(isScript ? readFileSync(join(folder, 'disks.js')) : '<!doctype html><title>disks</title>');
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const context = await chromium.launchPersistentContext(join(folder, 'profile'), {
  executablePath: chromiumPath() ?? 'chromium',
  args: process.getuid?.() === 0 ? ['--no-sandbox'] : [], // Chromium refuses its sandbox to root
});
try {
  const page = await context.newPage();
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  const answer = await page.evaluate(
    (task) =>
      new Promise<{ rows: DiskRow[] } | { failure: string }>((resolve) => {
        const worker = new Worker('/disks.js', { type: 'module' });
        worker.onmessage = ({ data }) => resolve(data);
        worker.onerror = (event) => resolve({ failure: event.message });
        worker.postMessage(task);
      }),
    task,
  );
  if ('failure' in answer) throw new Error(answer.failure);
  console.log(`| disk | pattern | MB/s | operations/s |\n| --- | --- | ---: | ---: |`);
  for (const { disk, pattern, operations, bytes, ms } of answer.rows) {
    console.log(
      `| ${disk} | ${pattern} | ${(bytes / ms / 1000).toFixed(1)} | ${Math.round((operations * 1000) / ms)} |`,
    );
  }
} finally {
  await context.close();
  server.close();
}
