/**
 * The machine's own history, to go back in: saved states at some instruction counts, and every input since the first of
 * them. As the same start and the same inputs give the same run, any moment in between is reached from the saved state
 * before it. Until the machine has come back to where it was, it lives in the past: inputs come from the history, host
 * time does not count, and output has been shown already.
 */
import type { InputEvent, InputQueue } from '../hw/core/input.ts';
import { VmError } from '../util/errors.ts';

export interface TimelineParts {
  readonly input: InputQueue;
  /** Target of events that stop the run loop. */
  readonly orders: string;
  readonly executed: () => number;
  /** Throws a VmError if the machine has something that a saved state does not hold. */
  readonly check: () => void;
  readonly save: () => Uint8Array;
  readonly load: (state: Uint8Array) => void;
  /** The machine enters or leaves its past. */
  readonly onPast: (inPast: boolean) => void;
}

interface Checkpoint {
  readonly count: number;
  readonly state: Uint8Array;
  /** Events of the log that were delivered before. */
  readonly events: number;
}

/** Target of the event that ends the past. */
const EDGE_TARGET = 'timeline';
/** Instructions between two saved states at first: about a second. */
const FIRST_INTERVAL = 200e6;
/** With more of them every second one goes, and the interval doubles. */
const MAX_CHECKPOINTS = 8;

export class Timeline {
  private readonly parts: TimelineParts;
  private readonly checkpoints: Checkpoint[] = [];
  private readonly log: InputEvent[] = [];
  private interval = FIRST_INTERVAL;
  private enabled = false;
  /** The count up to which the future is known; undefined: this is the present. */
  private edge: number | undefined;

  constructor(parts: TimelineParts) {
    this.parts = parts;
    const { input } = parts;
    input.onPost = () => this.diverge();
    input.receiveEvents<'present'>(EDGE_TARGET, {
      check: (data): data is 'present' => data === 'present',
      receive: () => this.arrive(),
    });
  }

  get isOn(): boolean {
    return this.enabled;
  }
  get inPast(): boolean {
    return this.edge !== undefined;
  }
  /** Counts of the first moment that can be reached, and of the last. */
  get span(): { readonly first: number; readonly last: number } {
    const now = this.parts.executed();
    return { first: this.checkpoints[0]?.count ?? now, last: this.edge ?? now };
  }
  /** What the saved states take, bytes. */
  get bytes(): number {
    return this.checkpoints.reduce((sum, { state }) => sum + state.length, 0);
  }
  get checkpointCounts(): readonly number[] {
    return this.checkpoints.map(({ count }) => count);
  }

  /** Begins the history here. */
  start(): void {
    if (this.enabled) return;
    this.parts.check();
    this.enabled = true;
    this.checkpoint();
  }

  /** Forgets everything; the machine goes on from here. */
  stop(): void {
    this.leavePast();
    this.enabled = false;
    this.checkpoints.length = 0;
    this.log.length = 0;
    this.interval = FIRST_INTERVAL;
  }

  /** An input was delivered. Orders to the run loop are no part of the history. */
  record(event: InputEvent): void {
    if (!this.enabled || this.inPast || event.target === EDGE_TARGET || event.target === this.parts.orders) return;
    this.log.push(event);
  }

  /** Between two slices: saves a state if it is time to. */
  turned(): void {
    if (!this.enabled || this.inPast) return;
    const last = this.checkpoints.at(-1)?.count ?? 0;
    if (this.parts.executed() - last >= this.interval) this.checkpoint();
  }

  /**
   * Puts the machine to the last saved state at or before `count`; it has yet to run to it. Stops what the guest would
   * get from outside until it has come back to the present.
   */
  rewind(count: number): void {
    const from = this.checkpoints.findLast((checkpoint) => checkpoint.count <= count);
    if (!this.enabled || from === undefined) {
      throw new VmError(`instruction ${count} is not in the machine's history`, { hint: this.describe() });
    }
    const edge = this.edge ?? this.parts.executed();
    const { input } = this.parts;
    input.forgetScheduled();
    this.parts.load(from.state);
    for (const event of this.log.slice(from.events)) input.schedule(event);
    input.schedule({ count: edge, target: EDGE_TARGET, data: 'present' });
    if (this.edge === undefined) this.parts.onPast(true);
    this.edge = edge;
  }

  /** A debugger has changed the machine's state, which no replay would do again: the history begins anew here. */
  changed(): void {
    if (!this.enabled) return;
    this.stop();
    this.start();
  }

  /** An input from outside changes the past: what came after it is forgotten. */
  diverge(): void {
    if (!this.inPast) return;
    const now = this.parts.executed();
    const kept = this.log.findIndex(({ count }) => count > now);
    if (kept >= 0) this.log.length = kept;
    while ((this.checkpoints.at(-1)?.count ?? 0) > now) this.checkpoints.pop();
    this.leavePast();
  }

  describe(): string {
    if (!this.enabled) return 'no history is kept';
    const { first, last } = this.span;
    return `the history goes from instruction ${first} to ${last}`;
  }

  private checkpoint(): void {
    this.checkpoints.push({ count: this.parts.executed(), state: this.parts.save(), events: this.log.length });
    if (this.checkpoints.length <= MAX_CHECKPOINTS) return;
    // The first one stays: it is how far back one can go.
    const kept = this.checkpoints.filter((_, i) => i % 2 === 0);
    this.checkpoints.splice(0, this.checkpoints.length, ...kept);
    this.interval *= 2;
  }

  private arrive(): void {
    if (this.edge === undefined) return;
    this.edge = undefined;
    this.parts.onPast(false);
  }

  private leavePast(): void {
    if (!this.inPast) return;
    this.parts.input.forgetScheduled();
    this.arrive();
  }
}
