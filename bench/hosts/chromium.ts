/** Emulators in a worker of a page in headless Chromium: each run in a browser of its own. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium, type BrowserServer as Launched } from 'playwright';
import { build } from 'vite';
import { FOLDERS } from '../paths.ts';
import type { RunRecord } from '../recorder.ts';
import type { GuestImage } from '../workloads.ts';
import { type BrowserServer, serveBrowser } from './browser-server.ts';
import type { BrowserTask } from './browser-worker.ts';
import type { Host, HostName } from './host.ts';
import { cpuMsOf, descendantWithThread, memoryOf } from './proc.ts';

const FLAGS = [
  ...['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
  ...['--disable-component-update', '--disable-sync', '--disable-renderer-backgrounding'],
  ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []), // Chromium refuses its sandbox to root
];

/** As Chromium names the thread of a worker. */
const WORKER_THREAD = 'DedicatedWorker';
/** Past the limit that the worker keeps itself, unless it hangs. */
const GRACE_MS = 20_000;
const WORKERS = join(FOLDERS.out, 'workers');

/** Chromium by one of its names, or the one that CHROMIUM names. */
export function chromiumPath(): string | undefined {
  const named = process.env['CHROMIUM'];
  if (named) return named;
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const paths = ['chromium', 'chromium-browser', 'google-chrome'].flatMap((name) => folders.map((f) => join(f, name)));
  return paths.find((path) => existsSync(path));
}

let built: Promise<unknown> | undefined;

/** Bundles the workers, once a bench, as the page's own worker is bundled. */
function buildWorkers(): Promise<unknown> {
  built ??= build({
    configFile: false,
    root: FOLDERS.bench,
    logLevel: 'error',
    base: '/workers/',
    build: {
      target: 'esnext',
      outDir: WORKERS,
      emptyOutDir: true,
      modulePreload: false,
      rollupOptions: {
        input: {
          lockstep: join(FOLDERS.bench, 'hosts/lockstep.worker.ts'),
          v86: join(FOLDERS.bench, 'hosts/v86.worker.ts'),
        },
        output: { entryFileNames: '[name].js' },
      },
    },
  });
  return built;
}

export function chromiumHost(name: HostName, worker: 'lockstep' | 'v86'): Host {
  return {
    name,
    async run(image, timeoutMs) {
      let launched: Launched | undefined;
      let server: BrowserServer | undefined;
      const kill = (): void => void launched?.process().kill('SIGKILL');
      process.once('exit', kill);
      try {
        await buildWorkers();
        launched = await chromium.launchServer({
          executablePath: chromiumPath() ?? 'chromium',
          args: FLAGS,
        });
        server = await serveBrowser(image, WORKERS, questions(launched.process().pid ?? -1, image));
        return await runInPage(launched, server.url, worker, { image, timeoutMs });
      } catch (error) {
        const text = error instanceof Error ? error.message : String(error);
        return { rows: {}, memory: { before: null, afterBoot: null, atEnd: null }, wasmBytes: null, error: text };
      } finally {
        server?.close();
        await launched?.close();
        process.off('exit', kill);
      }
    },
  };
}

/** Processor time of the worker's thread and memory of its process. */
function questions(browser: number, image: GuestImage): Record<string, () => unknown> {
  let renderer: number | undefined;
  const find = (): number => (renderer ??= descendantWithThread(browser, WORKER_THREAD)) ?? -1;
  return {
    cpu: () => cpuMsOf(find(), WORKER_THREAD),
    memory: () => memoryOf(find(), image.memoryMiB * 2 ** 20, null),
  };
}

async function runInPage(launched: Launched, url: string, worker: string, task: BrowserTask): Promise<RunRecord> {
  const browser = await chromium.connect(launched.wsEndpoint());
  const page = await browser.newPage();
  await page.goto(url);
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error(`the page did not answer after ${(task.timeoutMs + GRACE_MS) / 1000} s`)),
    task.timeoutMs + GRACE_MS,
  );
  const running = page.evaluate(
    ({ script, task }) =>
      new Promise<RunRecord | { failure: string }>((resolve) => {
        const worker = new Worker(script, { type: 'module' });
        worker.onmessage = ({ data }) => resolve(data);
        worker.onerror = (event) => resolve({ failure: event.message || 'the worker could not be loaded' });
        worker.postMessage(task);
      }),
    { script: `/workers/${worker}.js`, task },
  );
  try {
    const answer = await Promise.race([running, late.promise]);
    if ('failure' in answer) throw new Error(answer.failure);
    return answer;
  } finally {
    clearTimeout(timer);
    running.catch(() => {}); // the browser is closed under it when it is late
  }
}
