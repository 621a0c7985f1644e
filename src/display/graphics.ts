/** Draws graphics modes: only rows whose memory differs from what was drawn last. */
import type { Scanout } from './api.ts';
import { Pointer } from './pointer.ts';
import { type RowDecoder, rowDecoder, rowStarts, wordsOf } from './rows.ts';

/** The most by which a row can be shifted, in whole words' pixels. */
const PAN_PIXELS = 8;

export class GraphicsPainter {
  private readonly video: Int32Array;
  private readonly scanout: Scanout;
  private readonly starts: Int32Array;
  private readonly decode: RowDecoder;
  private readonly rowWords: number;
  /** Decoded before repetition and shift. */
  private readonly line: Uint32Array;
  private readonly shadow: Int32Array;
  /** A row that reaches over the end of video memory, put together. */
  private readonly wrapped: Int32Array;
  private readonly pointer: Pointer | undefined;
  private isFresh = true;

  constructor(video: Int32Array, scanout: Scanout) {
    const { kind, width, height, repeatX, pan } = scanout;
    const pixels = Math.ceil(width / repeatX / 8) * 8 + (pan > 0 ? PAN_PIXELS : 0);
    this.video = video;
    this.scanout = scanout;
    this.starts = rowStarts(scanout);
    this.decode = rowDecoder(scanout);
    this.rowWords = wordsOf(kind, pixels);
    this.line = new Uint32Array(pixels);
    this.shadow = new Int32Array(this.rowWords * height);
    this.wrapped = new Int32Array(this.rowWords);
    this.pointer = scanout.pointerSize > 0 ? new Pointer(video, scanout) : undefined;
  }

  /** Brings `to` up to date; calls `changed` with each row that was drawn. */
  paint(to: Uint32Array, changed: (row: number) => void): void {
    const { starts, shadow, rowWords } = this;
    const { height, width } = this.scanout;
    const mask = (this.scanout.memoryBytes >> 2) - 1;
    if (this.pointer?.hasChanged()) this.isFresh = true;
    let wasDrawn = false;
    for (let y = 0; y < height; y++) {
      const start = (starts[y] as number) & mask;
      if (y > 0 && start === ((starts[y - 1] as number) & mask) && !this.pointer?.covers(y - 1, y)) {
        if (!wasDrawn) continue;
        to.copyWithin(y * width, (y - 1) * width, y * width);
        changed(y);
        continue;
      }
      const isWhole = start + rowWords <= this.video.length;
      const from = isWhole ? this.video : this.gathered(start, mask);
      const at = isWhole ? start : 0;
      const shadowAt = y * rowWords;
      wasDrawn = this.isFresh || differs(from, at, shadow, shadowAt, rowWords);
      if (!wasDrawn) continue;
      // The row is drawn from the copy: what the guest writes meanwhile is a difference next time.
      shadow.set(from.subarray(at, at + rowWords), shadowAt);
      const row = to.subarray(y * width, (y + 1) * width);
      this.drawRow(shadowAt, row);
      this.pointer?.drawOver(row, y);
      changed(y);
    }
    this.isFresh = false;
  }

  private gathered(start: number, mask: number): Int32Array {
    for (let i = 0; i < this.rowWords; i++) this.wrapped[i] = this.video[(start + i) & mask] as number;
    return this.wrapped;
  }

  private drawRow(at: number, to: Uint32Array): void {
    const { pan, repeatX } = this.scanout;
    const { line, shadow } = this;
    if (pan === 0 && repeatX === 1 && line.length === to.length) {
      this.decode(shadow, at, to, line.length);
      return;
    }
    this.decode(shadow, at, line, line.length);
    for (let x = 0; x < to.length; x++) to[x] = line[Math.floor((x + pan) / repeatX)] as number;
  }
}

function differs(a: Int32Array, atA: number, b: Int32Array, atB: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (a[atA + i] !== b[atB + i]) return true;
  return false;
}
