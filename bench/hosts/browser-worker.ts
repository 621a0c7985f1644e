/** The worker's side of a run in a browser. The bench's server (chromium.ts) answers its questions. */
import type { MemoryUse, RunRecord } from '../recorder.ts';
import type { GuestImage } from '../workloads.ts';
import type { GuestFiles, ThreadMeter } from './run-lockstep.ts';

/** What the page is asked to run. */
export interface BrowserTask {
  readonly image: GuestImage;
  readonly timeoutMs: number;
}

interface WorkerScope {
  onmessage: ((event: { readonly data: BrowserTask }) => void) | null;
  postMessage(message: RunRecord | { readonly failure: string }): void;
}

export async function fetchBytes(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

/** A question answered while this thread waits: the guest stands still meanwhile. */
function ask<T>(path: string): T {
  const request = new XMLHttpRequest();
  request.open('GET', path, false);
  request.send();
  return JSON.parse(request.responseText);
}

const meter: ThreadMeter = {
  wallMs: () => performance.now(),
  cpuMs: () => ask<number | null>('/ask/cpu'),
  memory: (reportedBytes) => {
    const use = ask<MemoryUse | null>('/ask/memory');
    return use === null ? null : { ...use, reportedBytes };
  },
};

/** Serves the one task that the page gives to its worker. */
export function serveTask(run: (guest: GuestFiles, meter: ThreadMeter) => Promise<RunRecord>): void {
  const scope = self as unknown as WorkerScope;
  scope.onmessage = async ({ data: { image, timeoutMs } }) => {
    try {
      const kernel = await fetchBytes('/guest/kernel');
      const initrd = image.initrd === undefined ? undefined : await fetchBytes('/guest/initrd');
      scope.postMessage(await run({ image, kernel, initrd, timeoutMs }, meter));
    } catch (error) {
      scope.postMessage({ failure: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  };
}
