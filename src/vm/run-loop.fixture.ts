import type { Host } from './host.ts';
import type { LoopCpu, SliceEnd } from './run-loop.ts';

/** A host whose clock moves only by what is run and slept, so that tests of time need none. */
export interface FakeHost extends Host {
  now: number;
  readonly sleeps: number[];
  /** Called when the loop goes to sleep: a test's chance to post input or to end it. */
  onSleep: (ns: number, wake: () => void) => void;
}

export function createFakeHost(): FakeHost {
  const host: FakeHost = {
    now: 0,
    sleeps: [],
    onSleep: () => {},
    nowNs: () => host.now,
    epochMs: () => 1_700_000_000_000,
    utcOffsetMinutes: () => 0,
    yield: () => Promise.resolve(),
    sleep(ns) {
      host.sleeps.push(ns);
      let wake = (): void => {};
      let woken = false;
      const done = new Promise<void>((resolve) => {
        wake = () => {
          woken = true;
          resolve();
        };
      });
      void Promise.resolve().then(() => {
        host.onSleep(ns, wake);
        if (woken) return;
        host.now += ns;
        wake();
      });
      return { done, wake };
    },
  };
  return host;
}

/**
 * A processor that retires instructions at `nsPerInstruction` and does what its script says: at a count, act (as an
 * I/O instruction does), or halt. An interrupt wakes it.
 */
export class FakeCpu implements LoopCpu {
  executed = 0;
  halted = false;
  takesInterrupts = true;
  interruptDue = false;
  /** Slices as they were run: the count at which each ended. */
  readonly slices: number[] = [];
  readonly script = new Map<number, () => SliceEnd | undefined>();
  private readonly host: FakeHost;
  private readonly nsPerInstruction: number;
  private end = 0;
  private stopped = false;

  constructor(host: FakeHost, nsPerInstruction = 1) {
    this.host = host;
    this.nsPerInstruction = nsPerInstruction;
  }

  at(count: number, action: () => SliceEnd | undefined): this {
    this.script.set(count, action);
    return this;
  }

  haltAt(count: number): this {
    return this.at(count, () => 'halted');
  }

  run(budget: number): SliceEnd {
    if (this.halted) {
      if (!this.interruptDue) throw new Error('run while halted');
      this.halted = false;
      this.interruptDue = false;
    }
    this.stopped = false;
    this.end = this.executed + budget;
    let result: SliceEnd = 'budget';
    while (this.executed < this.end && result === 'budget') {
      const next = Math.min(this.end, ...[...this.script.keys()].filter((count) => count > this.executed));
      this.host.now += (next - this.executed) * this.nsPerInstruction;
      this.executed = next;
      result = this.script.get(next)?.() ?? 'budget';
      if (result === 'halted') this.halted = true;
      else if (this.stopped) result = 'stopped';
    }
    this.slices.push(this.executed);
    return result;
  }

  shorten(budgetLeft: number): void {
    this.end = Math.min(this.end, this.executed + budgetLeft);
  }

  stop(): void {
    this.stopped = true;
  }
}
