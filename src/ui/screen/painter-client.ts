/** The page's end of the worker that draws the screen. */
import { proxy, type Remote, releaseProxy, transfer, wrap } from 'comlink';
import type { PainterListener } from '../../display/canvas-painter.ts';
import type { RemotePainter } from '../../display/remote-painter.ts';
import type { SharedScreen } from '../../vm/api.ts';

export interface PainterClient {
  /** The picture as a PNG file. */
  screenshot(): Promise<Blob>;
  dispose(): void;
}

/** Has the worker draw onto `canvas`, which is its own from now on. */
export function createPainterClient(
  canvas: HTMLCanvasElement,
  { memory, words }: SharedScreen,
  listener: PainterListener,
): PainterClient {
  const worker = new Worker(new URL('../../../workers/display.worker.ts', import.meta.url), {
    type: 'module',
    name: 'display',
  });
  const remote: Remote<RemotePainter> = wrap<RemotePainter>(worker);
  const offscreen = canvas.transferControlToOffscreen();
  const started = remote.start(transfer(offscreen, [offscreen]), memory, words, proxy(listener));
  started.catch((error: unknown) => console.error('BUG: the screen is not drawn', error));
  return {
    screenshot: () => started.then(() => remote.screenshot()),
    dispose() {
      remote[releaseProxy]();
      worker.terminate();
    },
  };
}
