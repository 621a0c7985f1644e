/** A Chromium of our own with a profile that stays, to be killed by its process number. */
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, mkdtempSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { isolationHeaders } from '../../../scripts/headers.ts';

const FLAGS = [
  ...['--headless=new', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
  ...['--disable-component-update', '--disable-sync', '--disable-extensions', '--mute-audio'],
  ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []), // Chromium refuses its sandbox to root
];

/** Chromium by one of its names, or the one that CHROMIUM names. */
export function chromiumPath(): string | undefined {
  const named = process.env['CHROMIUM'];
  if (named) return named;
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const paths = ['chromium', 'chromium-browser', 'google-chrome'].flatMap((name) => folders.map((f) => join(f, name)));
  return paths.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Bundles a worker and returns its script. */
export async function bundle(worker: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-bundle-'));
  await build({
    configFile: false,
    root: fileURLToPath(new URL('../../..', import.meta.url)),
    logLevel: 'error',
    build: {
      target: 'esnext',
      outDir: folder,
      modulePreload: false,
      rollupOptions: { input: { worker }, output: { entryFileNames: '[name].js' } },
    },
  });
  return readFileSync(join(folder, 'worker.js'), 'utf8');
}

const PAGE = `<!doctype html><title>disks</title><script type="module">
  const worker = new Worker('/worker.js', { type: 'module' });
  const tell = (report) => fetch('/report', { method: 'POST', body: JSON.stringify(report) });
  worker.onmessage = ({ data }) => tell(data);
  worker.onerror = (event) => tell({ kind: 'failed', text: event.message || 'the worker could not be loaded' });
  worker.postMessage(await (await fetch('/task')).json());
</script>`;

const BLANK = '<!doctype html><title>disks</title>';

export interface Site {
  readonly url: string;
  /** What the next page's worker is to do, and who hears of it. */
  serve(task: unknown, onReport: (report: unknown) => void): void;
  close(): void;
}

/** Serves a page that starts the worker, or a blank one. Its origin stays the same as long as the site is open. */
export async function openSite(script: string, page: 'worker' | 'blank' = 'worker'): Promise<Site> {
  let task: unknown;
  let listener: (report: unknown) => void = () => {};
  const server = createServer((request, response) => {
    for (const [name, value] of Object.entries(isolationHeaders)) response.setHeader(name, value);
    if (request.url === '/report') {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        response.end();
        listener(JSON.parse(Buffer.concat(parts).toString('utf8')));
      });
      return;
    }
    const isScript = request.url === '/worker.js';
    response.setHeader('Content-Type', isScript ? 'text/javascript' : 'text/html');
    response.end(isScript ? script : request.url === '/task' ? JSON.stringify(task) : page === 'worker' ? PAGE : BLANK);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    serve(next, onReport) {
      task = next;
      listener = onReport;
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Starts Chromium on a page; `kill` ends it at once, as a crash would. */
export function launch(profile: string, url: string): { kill(): Promise<void> } {
  const child: ChildProcess = spawn(chromiumPath() ?? 'chromium', [...FLAGS, `--user-data-dir=${profile}`, url], {
    stdio: 'ignore',
    detached: true,
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return {
    async kill() {
      // Its whole process group: a renderer that outlives the browser for a moment goes on writing.
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      await ended;
    },
  };
}
