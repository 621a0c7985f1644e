/**
 * Plays a ring at the pace of a sound card, whose clock is not the machine's: it waits until a little is there, stretches
 * or shortens by up to half a percent to keep it so, and skips what is late.
 */
import { AudioRing } from './ring.ts';

/** Frames that should wait, at 44.1 kHz 60 ms; and how many are too late. */
const WANTED = 2646;
const TOO_MANY = 4 * WANTED;
const MAX_STRETCH = 0.005;

export class Playback {
  private readonly ring: AudioRing;
  private playing = false;
  /** The frames that lie around the next one to play, and where between them that is. */
  private before: readonly [number, number] = [0, 0];
  private after: readonly [number, number] = [0, 0];
  private phase = 1;
  private readonly left = new Float32Array(1);
  private readonly right = new Float32Array(1);

  constructor(buffer: SharedArrayBuffer) {
    this.ring = new AudioRing(buffer);
  }

  /** Fills a piece of both channels; with silence where there is nothing. */
  fill(left: Float32Array, right: Float32Array): void {
    const { waiting } = this.ring;
    if (waiting > TOO_MANY) this.ring.skipTo(WANTED);
    if (!this.playing && waiting < WANTED) {
      left.fill(0);
      right.fill(0);
      return;
    }
    this.playing = true;
    const step = 1 + Math.max(-MAX_STRETCH, Math.min(MAX_STRETCH, ((waiting - WANTED) / WANTED) * MAX_STRETCH));
    for (let i = 0; i < left.length; i++) {
      for (; this.phase >= 1; this.phase--) this.next();
      left[i] = this.before[0] + (this.after[0] - this.before[0]) * this.phase;
      right[i] = this.before[1] + (this.after[1] - this.before[1]) * this.phase;
      this.phase += step;
    }
  }

  private next(): void {
    this.before = this.after;
    if (this.ring.read(this.left, this.right) === 1) {
      this.after = [this.left[0] ?? 0, this.right[0] ?? 0];
    } else {
      this.after = [0, 0];
      this.playing = false;
    }
  }
}
