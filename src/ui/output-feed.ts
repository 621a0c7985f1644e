/** Serial output on its way to the terminal: gathered as it comes, handed on once a frame, in portions the terminal keeps up with. */

/** The most the terminal is given at once, so that parsing stays well within a frame. */
const PORTION_BYTES = 64 * 1024;
/** More than any scrollback shows; what is older would scroll out of it unseen. */
const KEPT_BYTES = 8 * 1024 * 1024;

/** Takes bytes and calls back when they are on the screen. */
export type OutputSink = (bytes: Uint8Array, done: () => void) => void;

/** `schedule` calls back before the next frame, or soon where none is drawn (a hidden tab). */
export type Schedule = (callback: () => void) => void;

export class OutputFeed {
  private readonly schedule: Schedule;
  private readonly chunks: Uint8Array[] = [];
  private size = 0;
  private sink: OutputSink | undefined;
  private busy = false;
  private resolveAttached: () => void = () => {};
  /** Resolves once somebody takes the output. */
  readonly attached = new Promise<void>((resolve) => {
    this.resolveAttached = resolve;
  });

  constructor(schedule: Schedule) {
    this.schedule = schedule;
  }

  push(bytes: Uint8Array): void {
    this.chunks.push(bytes);
    this.size += bytes.length;
    while (this.size > KEPT_BYTES && this.chunks.length > 1) this.size -= this.chunks.shift()?.length ?? 0;
    this.plan();
  }

  /** Where output goes from now on; what came before waits for it. Returns how to let go. */
  attach(sink: OutputSink): () => void {
    this.sink = sink;
    this.busy = false;
    this.plan();
    this.resolveAttached();
    return () => {
      if (this.sink === sink) this.sink = undefined;
    };
  }

  private plan(): void {
    if (this.busy || this.sink === undefined || this.size === 0) return;
    this.busy = true;
    this.schedule(() => this.handOn());
  }

  private handOn(): void {
    const { sink } = this;
    if (sink === undefined) {
      this.busy = false;
      return;
    }
    sink(this.take(), () => {
      if (this.sink !== sink) return;
      this.busy = false;
      this.plan();
    });
  }

  private take(): Uint8Array {
    const portion = new Uint8Array(Math.min(this.size, PORTION_BYTES));
    let filled = 0;
    while (filled < portion.length) {
      const chunk = this.chunks[0]!;
      const part = chunk.subarray(0, portion.length - filled);
      portion.set(part, filled);
      filled += part.length;
      if (part.length === chunk.length) this.chunks.shift();
      else this.chunks[0] = chunk.subarray(part.length);
    }
    this.size -= filled;
    return portion;
  }
}

const HIDDEN_INTERVAL_MS = 250;

/** Animation frames while the tab shows; a timer while it is hidden, where there are none. */
export const nextFrame: Schedule = (callback) => {
  if (document.hidden) setTimeout(callback, HIDDEN_INTERVAL_MS);
  else {
    // A tab that is hidden before the frame comes would wait until it shows again.
    let called = false;
    const once = (): void => {
      if (called) return;
      called = true;
      cancelAnimationFrame(frame);
      clearTimeout(timer);
      callback();
    };
    const frame = requestAnimationFrame(once);
    const timer = setTimeout(once, HIDDEN_INTERVAL_MS);
  }
};
