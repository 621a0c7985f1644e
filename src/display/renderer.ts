/**
 * From the shared description and video memory to pixels. Draws what differs from what it drew last and says which rows
 * those are; the guest is neither asked nor held up.
 */
import { readScanout, SCANOUT, type Scanout, scanoutSequence } from './api.ts';
import { GraphicsPainter } from './graphics.ts';
import { type BlinkPhase, readText, TextPainter } from './text.ts';

export interface Frame {
  readonly width: number;
  readonly height: number;
  /** RGBA, row by row; the next `draw` changes it in place, unless the size changes. */
  readonly pixels: Uint8ClampedArray<ArrayBuffer>;
  /** The picture has another size than before. */
  readonly isResized: boolean;
  /** Rows from `top` to before `bottom` have changed; equal if none has. */
  readonly top: number;
  readonly bottom: number;
}

const SHOWN: BlinkPhase = { cursor: true, text: true };
const BLACK = 0xff000000;
/** At 70 frames a second the cursor changes every 16 frames, text every 32. */
const CURSOR_PERIOD_MS = (2 * 16 * 1000) / 70;

export const blinkPhase = (ms: number): BlinkPhase => ({
  cursor: (ms / CURSOR_PERIOD_MS) % 1 < 0.5,
  text: (ms / CURSOR_PERIOD_MS / 2) % 1 < 0.5,
});

type Painter = { paint(to: Uint32Array, phase: BlinkPhase, changed: (row: number) => void): void };

export class Renderer {
  private readonly memory: Uint8Array;
  private readonly words: Int32Array;
  private sequence = -1;
  private scanout: Scanout | undefined;
  private painter: Painter | undefined;
  private pixels = new Uint32Array(0);
  private width = 0;
  private height = 0;

  /** `memory`: the machine's, with video memory in it; `words`: the shared description. */
  constructor(memory: Uint8Array, words: Int32Array) {
    this.memory = memory;
    this.words = words;
  }

  /** Draws what there is now. Undefined: there is nothing yet. */
  draw(phase: BlinkPhase = SHOWN): Frame | undefined {
    let isResized = false;
    if (scanoutSequence(this.words) !== this.sequence) isResized = this.follow();
    if (this.scanout === undefined) return undefined;
    let top = this.height;
    let bottom = 0;
    this.painter?.paint(this.pixels, phase, (row) => {
      if (row < top) top = row;
      bottom = row + 1;
    });
    const { width, height } = this;
    const pixels = new Uint8ClampedArray(this.pixels.buffer);
    return { width, height, pixels, isResized, top: Math.min(top, bottom), bottom };
  }

  /** The text on the screen; undefined in a graphics mode. */
  text(): string | undefined {
    if (scanoutSequence(this.words) !== this.sequence) this.follow();
    if (this.scanout?.kind !== SCANOUT.TEXT) return undefined;
    return readText(videoOf(this.memory, this.scanout), this.scanout);
  }

  /** Takes over a description that has changed. True: the size is another. */
  private follow(): boolean {
    const sequence = scanoutSequence(this.words);
    const scanout = readScanout(this.words);
    if (sequence === 0 || scanout === undefined) return false;
    this.sequence = sequence;
    this.scanout = scanout;
    const { width, height } = scanout;
    const isResized = width !== this.width || height !== this.height;
    if (isResized) {
      this.pixels = new Uint32Array(width * height).fill(BLACK);
      this.width = width;
      this.height = height;
    }
    this.painter = this.painterFor(scanout);
    return isResized;
  }

  private painterFor(scanout: Scanout): Painter {
    const video = videoOf(this.memory, scanout);
    const words = new Int32Array(video.buffer, video.byteOffset, video.length >> 2);
    if (scanout.kind === SCANOUT.TEXT) return new TextPainter(video, words, scanout);
    if (scanout.kind === SCANOUT.BLANK) return blankPainter(scanout);
    const painter = new GraphicsPainter(words, scanout);
    return { paint: (to, _phase, changed) => painter.paint(to, changed) };
  }
}

const videoOf = (memory: Uint8Array, { memoryOffset, memoryBytes }: Scanout): Uint8Array =>
  memory.subarray(memoryOffset, memoryOffset + memoryBytes);

function blankPainter({ height }: Scanout): Painter {
  let isDone = false;
  return {
    paint(to, _phase, changed) {
      if (isDone) return;
      isDone = true;
      to.fill(BLACK);
      for (let y = 0; y < height; y++) changed(y);
    },
  };
}
