/**
 * What the host does for a machine's disks, all drives together. It says when the run loop has to give way or wait,
 * and in which order the ends of requests reach the guest.
 */

/**
 * When a guest hears of a request's end. `live`: as soon as the host is done. `exact`: the guest waits for all that it
 * asked for, so that ends fall on the same instruction on every host. `replay`: when the recorded history says so; the
 * guest waits as in `exact`, so that the bytes are there by then.
 */
export type CompletionMode = 'live' | 'exact' | 'replay';

export class DiskWork {
  readonly mode: CompletionMode;
  /** A guest asked for something: the host's event loop should get its turn soon. */
  onBegun: (() => void) | undefined;
  private underWay = 0;
  private sequence = 0;
  /** Ends that are held until all are there. */
  private held: { readonly sequence: number; readonly post: () => void }[] = [];
  private waiting: (() => void)[] = [];

  constructor(mode: CompletionMode) {
    this.mode = mode;
  }

  /** The host works on something. */
  get busy(): boolean {
    return this.underWay > 0;
  }
  /** The guest may not go on before the host is done. */
  get mustWait(): boolean {
    return this.busy && this.mode !== 'live';
  }

  /** A request is under way; the result is its place among all requests of the machine. */
  begin(): number {
    this.underWay++;
    this.onBegun?.();
    return this.sequence++;
  }

  /** The host is done with it; `post` hands its end to the input queue. */
  end(sequence: number, post: () => void): void {
    this.underWay--;
    if (this.mode === 'live') post();
    else this.held.push({ sequence, post });
    if (this.underWay > 0) return;
    const ends = this.held.sort((a, b) => a.sequence - b.sequence);
    this.held = [];
    if (this.mode === 'exact') for (const { post } of ends) post();
    for (const wake of this.waiting.splice(0)) wake();
  }

  /** A request waits until the machine goes on: who waits for `settled` has to look again. */
  stalled(): void {
    for (const wake of this.waiting.splice(0)) wake();
  }

  /** Resolves once the host works on nothing, or something stalled. */
  settled(): Promise<void> {
    if (!this.busy) return Promise.resolve();
    return new Promise((resolve) => this.waiting.push(resolve));
  }
}
