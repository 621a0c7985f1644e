/** The painter that a worker offers to its page. */
import { CanvasPainter, type PainterListener } from './canvas-painter.ts';

export interface RemotePainter {
  /** Once; draws until the worker ends. */
  start(canvas: OffscreenCanvas, memory: Uint8Array, words: Int32Array, listener: PainterListener): void;
  /** The picture as a PNG file. */
  screenshot(): Promise<Blob>;
}

export function createRemotePainter(): RemotePainter {
  let painter: CanvasPainter | undefined;
  return {
    start(...surroundings) {
      painter = new CanvasPainter(...surroundings);
      painter.start();
    },
    screenshot() {
      if (painter === undefined) throw new Error('BUG: a screenshot before the start');
      return painter.screenshot();
    },
  };
}
