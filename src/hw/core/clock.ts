/**
 * Guest time. The run loop owns it: it derives the time from the instruction count and calls `advanceTo`. Nothing here
 * looks at the host's clock.
 */
import type { TimerCell } from './state.ts';

/** Nanoseconds since power-on; an exact integer (a double holds 104 days of them). */
export type Nanoseconds = number;

export interface Timer {
  readonly name: string;
  /** -1: not pending. */
  readonly deadlineNs: Nanoseconds;
  readonly pending: boolean;
  /** Fires once at `deadlineNs`; replaces the deadline that was pending. A deadline in the past fires at once. */
  set(deadlineNs: Nanoseconds): void;
  cancel(): void;
}

/** What devices see of the clock. */
export interface Clock {
  now(): Nanoseconds;
  /** Creates a timer whose deadline lives in `cell`, a `timer()` field of the device's state. */
  timer(name: string, cell: TimerCell, fired: () => void): Timer;
}

export class VirtualClock implements Clock {
  private time: Nanoseconds = 0;
  private firing = false;
  private source: (() => Nanoseconds) | undefined;
  private readonly timers: { readonly cell: TimerCell; readonly fired: () => void }[] = [];

  /** Called when a device sets an earlier deadline than all pending ones, so that the run loop can end its slice there. */
  onEarlierDeadline: ((deadlineNs: Nanoseconds) => void) | undefined;

  /** Gives the time inside a slice, between two calls of `advanceTo`: the engine computes it from the exact count. */
  setSource(source: () => Nanoseconds): void {
    this.source = source;
  }

  /** The current time. Inside a timer's callback it is the timer's deadline. */
  now(): Nanoseconds {
    if (this.firing || this.source === undefined) return this.time;
    return Math.max(this.time, this.source());
  }

  timer(name: string, cell: TimerCell, fired: () => void): Timer {
    this.timers.push({ cell, fired });
    return {
      name,
      get deadlineNs() {
        return cell.deadlineNs;
      },
      get pending() {
        return cell.deadlineNs >= 0;
      },
      set: (deadlineNs) => {
        if (!Number.isSafeInteger(deadlineNs)) throw new TypeError(`BUG: timer ${name}: deadline ${deadlineNs}`);
        const before = this.nextDeadline();
        cell.deadlineNs = Math.max(0, deadlineNs);
        if (cell.deadlineNs < before) this.onEarlierDeadline?.(cell.deadlineNs);
      },
      cancel: () => {
        cell.deadlineNs = -1;
      },
    };
  }

  /** The earliest pending deadline, or Infinity. */
  nextDeadline(): Nanoseconds {
    // Not cached: a machine has few timers, and reset and load change the cells behind the clock's back.
    let earliest = Number.POSITIVE_INFINITY;
    for (const { cell } of this.timers) {
      if (cell.deadlineNs >= 0 && cell.deadlineNs < earliest) earliest = cell.deadlineNs;
    }
    return earliest;
  }

  /** Moves time on to `ns` and runs all timers due by then, ordered by deadline, then by creation. */
  advanceTo(ns: Nanoseconds): void {
    if (this.firing) throw new Error('BUG: advanceTo called from a timer');
    this.firing = true;
    try {
      while (this.nextDeadline() <= ns) {
        const deadline = this.nextDeadline();
        const due = this.timers.find(({ cell }) => cell.deadlineNs === deadline);
        if (!due) break;
        this.time = Math.max(this.time, deadline);
        due.cell.deadlineNs = -1;
        due.fired();
      }
      this.time = Math.max(this.time, ns);
    } finally {
      this.firing = false;
    }
  }

  /** Sets the time after a snapshot was loaded; it may go backwards. */
  restore(ns: Nanoseconds): void {
    this.time = ns;
  }
}

const NS_PER_SECOND = 1_000_000_000;

/**
 * How many ticks of a `hz` clock have passed at time `ns`. Exact, without drift: whole seconds and the rest are
 * converted apart, so that no product exceeds 2^53 (hz up to 9 MHz).
 */
export function ticksAt(ns: Nanoseconds, hz: number): number {
  const rest = ns % NS_PER_SECOND;
  return ((ns - rest) / NS_PER_SECOND) * hz + Math.floor((rest * hz) / NS_PER_SECOND);
}

/** The first time at which `ticksAt` gives `tick`. */
export function timeOfTick(tick: number, hz: number): Nanoseconds {
  const rest = tick % hz;
  return ((tick - rest) / hz) * NS_PER_SECOND + Math.ceil((rest * NS_PER_SECOND) / hz);
}
