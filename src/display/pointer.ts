/** A pointer that the adapter draws over the picture: two planes of bits, two colours. */
import type { Scanout } from './api.ts';

const OPAQUE = 0xff000000;
const INVERT = 0x00ffffff;

export class Pointer {
  private readonly video: Uint8Array;
  private readonly scanout: Scanout;
  private readonly shadow: Uint8Array;

  constructor(words: Int32Array, scanout: Scanout) {
    const { pointerSize, pointerStride, pointerPlane } = scanout;
    this.video = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
    this.scanout = scanout;
    this.shadow = new Uint8Array(pointerPlane + pointerSize * pointerStride);
  }

  /** Whether its bits are others than the last time. */
  hasChanged(): boolean {
    const { shadow, video } = this;
    let changed = false;
    for (let i = 0; i < shadow.length; i++) {
      const byte = video[(this.scanout.pointerAt + i) & (video.length - 1)] as number;
      if (byte === shadow[i]) continue;
      shadow[i] = byte;
      changed = true;
    }
    return changed;
  }

  /** Whether it is to be seen in one of the rows. */
  covers(...rows: readonly number[]): boolean {
    const { pointerY, pointerSize } = this.scanout;
    return rows.some((y) => y >= pointerY && y < pointerY + pointerSize);
  }

  drawOver(row: Uint32Array, y: number): void {
    const { pointerX, pointerY, pointerSize, pointerStride, pointerPlane, pointerColour0, pointerColour1 } =
      this.scanout;
    if (!this.covers(y)) return;
    const at = (y - pointerY) * pointerStride;
    for (let x = 0; x < pointerSize && pointerX + x < row.length; x++) {
      const bit = (plane: number): number => ((this.shadow[plane + at + (x >> 3)] as number) >> (7 - (x & 7))) & 1;
      const dot = pointerX + x;
      if (bit(pointerPlane)) row[dot] = bit(0) ? pointerColour1 : pointerColour0;
      else if (bit(0)) row[dot] = ((row[dot] as number) ^ INVERT) | OPAQUE;
    }
  }
}
