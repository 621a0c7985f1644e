/**
 * Samples on their way from the machine's worker to the one that plays them, over shared memory. One writes, one reads;
 * what does not fit is dropped.
 */

/** Frames that the ring holds: a third of a second. */
const FRAMES = 1 << 14;
const WRITTEN = 0;
const READ = 1;
const HEADER_BYTES = 8;

export class AudioRing {
  readonly buffer: SharedArrayBuffer;
  private readonly counts: Int32Array;
  private readonly samples: Int16Array;

  constructor(buffer = new SharedArrayBuffer(HEADER_BYTES + FRAMES * 4)) {
    this.buffer = buffer;
    this.counts = new Int32Array(buffer, 0, 2);
    this.samples = new Int16Array(buffer, HEADER_BYTES);
  }

  /** Frames that wait to be read. */
  get waiting(): number {
    return (Atomics.load(this.counts, WRITTEN) - Atomics.load(this.counts, READ)) | 0;
  }

  /** Left and right in turn. */
  write(samples: Int16Array): void {
    const at = Atomics.load(this.counts, WRITTEN);
    const frames = Math.min(samples.length >> 1, FRAMES - this.waiting);
    for (let i = 0; i < frames * 2; i++) this.samples[(at * 2 + i) & (FRAMES * 2 - 1)] = samples[i] ?? 0;
    Atomics.store(this.counts, WRITTEN, (at + frames) | 0);
  }

  /** Fills both channels, -1 to 1, as far as there is something; the number of frames. */
  read(left: Float32Array, right: Float32Array): number {
    const at = Atomics.load(this.counts, READ);
    const frames = Math.min(left.length, this.waiting);
    for (let i = 0; i < frames; i++) {
      const index = ((at + i) * 2) & (FRAMES * 2 - 1);
      left[i] = (this.samples[index] ?? 0) / 0x8000;
      right[i] = (this.samples[index + 1] ?? 0) / 0x8000;
    }
    Atomics.store(this.counts, READ, (at + frames) | 0);
    return frames;
  }

  /** Forgets what waits but so many frames. */
  skipTo(frames: number): void {
    const extra = this.waiting - frames;
    if (extra > 0) Atomics.store(this.counts, READ, (Atomics.load(this.counts, READ) + extra) | 0);
  }
}
