/** Draws a machine's screen onto a canvas, frame by frame, in a worker of its own. */
import { blinkPhase, type Frame, Renderer } from './renderer.ts';

/** How often the text is read for those who cannot see it. */
const TEXT_INTERVAL_MS = 500;

/** After so many frames without a change, only every third is looked for: the processor is the guest's. */
const QUIET_FRAMES = 60;
const QUIET_INTERVAL = 3;

export interface PainterListener {
  /** The picture has this many pixels from now on. */
  resized(width: number, height: number): void;
  /** The lines of a text mode as they are now; undefined: the screen is in a graphics mode. */
  wrote(text: string | undefined): void;
}

export class CanvasPainter {
  private readonly canvas: OffscreenCanvas;
  private readonly context: OffscreenCanvasRenderingContext2D;
  private readonly renderer: Renderer;
  private readonly listener: PainterListener;
  private image: ImageData | undefined;
  private quietFrames = 0;
  private textDueMs = 0;
  private text: string | undefined;

  /** `memory` and `words` are the machine's, shared: see SharedScreen. */
  constructor(canvas: OffscreenCanvas, memory: Uint8Array, words: Int32Array, listener: PainterListener) {
    const context = canvas.getContext('2d', { alpha: false, desynchronized: true });
    if (context === null) throw new Error('BUG: no 2d context of an offscreen canvas');
    this.canvas = canvas;
    this.context = context;
    this.renderer = new Renderer(memory, words);
    this.listener = listener;
  }

  /** Draws from now on, whenever the browser shows a frame. */
  start(): void {
    let frames = 0;
    const next = (ms: number): void => {
      if (this.quietFrames < QUIET_FRAMES || frames % QUIET_INTERVAL === 0) this.draw(ms);
      frames++;
      requestAnimationFrame(next);
    };
    requestAnimationFrame(next);
  }

  /** The picture as a PNG file. */
  screenshot(): Promise<Blob> {
    this.draw(0);
    return this.canvas.convertToBlob({ type: 'image/png' });
  }

  private draw(ms: number): void {
    const frame = this.renderer.draw(blinkPhase(ms));
    if (frame !== undefined) this.show(frame);
    this.quietFrames = frame !== undefined && frame.bottom > frame.top ? 0 : this.quietFrames + 1;
    if (ms < this.textDueMs) return;
    this.textDueMs = ms + TEXT_INTERVAL_MS;
    const text = this.renderer.text();
    if (text === this.text) return;
    this.text = text;
    this.listener.wrote(text);
  }

  private show({ width, height, pixels, isResized, top, bottom }: Frame): void {
    if (isResized || this.image === undefined) {
      this.canvas.width = width;
      this.canvas.height = height;
      this.image = new ImageData(pixels, width, height);
      this.listener.resized(width, height);
    }
    if (bottom > top) this.context.putImageData(this.image, 0, 0, 0, top, width, bottom - top);
  }
}
