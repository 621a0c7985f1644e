/** What a debugger does with a machine: stops it at places and accesses, goes on by single instructions, and back. */
import type { DebugControl, HistorySpan, StopReason, Watchpoint } from '../control/debug-control.ts';
import type { Watch } from '../cpu/exec/engine.ts';
import { MAX_WATCHES } from '../cpu/ir/layout.ts';
import { VmError } from '../util/errors.ts';
import type { Timeline } from './timeline.ts';
import type { X86Processor } from './x86/processor.ts';

/** How the debugger moves the machine. */
export interface Movement {
  readonly processor: X86Processor;
  readonly timeline: Timeline;
  /** Lets it run, up to `count` if that is given; `stopped` is called when it stands. */
  run(count?: number): void;
  /** It stands: the run state says so from now on. */
  stand(): void;
}

type Arrival = Extract<StopReason, { kind: 'breakpoint' | 'watchpoint' | 'step' | 'pause' | 'exit' }>;

export class Debugger implements DebugControl {
  readonly maxWatchpoints = MAX_WATCHES;
  private readonly movement: Movement;
  private readonly listeners = new Set<(reason: StopReason) => void>();
  private breakpoints: ReadonlySet<number> = new Set();
  private watchpoints: readonly Watchpoint[] = [];
  /** Waits for the end of a run that nobody else is to hear of. */
  private private: ((reason: Arrival) => void) | undefined;

  constructor(movement: Movement) {
    this.movement = movement;
  }

  setBreakpoints(addresses: readonly bigint[]): void {
    const words = addresses.map((address) => Number(BigInt.asIntN(32, address)));
    this.breakpoints = new Set(words);
    this.movement.processor.engine.setBreakpoints(words);
  }

  setWatchpoints(watchpoints: readonly Watchpoint[]): void {
    if (watchpoints.length > MAX_WATCHES) throw new VmError(`too many watchpoints: ${watchpoints.length}`);
    this.watchpoints = [...watchpoints];
    this.movement.processor.engine.setWatches(this.watchpoints.map(watchOf));
  }

  onStop(stopped: (reason: StopReason) => void): () => void {
    this.listeners.add(stopped);
    return () => void this.listeners.delete(stopped);
  }

  /** The machine is about to run: not to stop again where it stands. */
  leaving(): void {
    const { processor } = this.movement;
    processor.engine.vcpu.passBreakpoint = this.breakpoints.has(processor.pc | 0);
  }

  /** The machine has come to a stop. */
  stopped(kind: 'breakpoint' | 'watchpoint' | 'step' | 'pause' | 'exit'): void {
    const reason = kind === 'watchpoint' ? this.watchStop() : { kind };
    const arrived = this.private;
    if (arrived !== undefined) {
      this.private = undefined;
      arrived(reason);
    } else {
      this.tell(reason);
    }
  }

  async step(): Promise<void> {
    this.movement.run(this.movement.processor.executed + 1);
  }

  keepHistory(on: boolean): void {
    if (on) this.movement.timeline.start();
    else this.movement.timeline.stop();
  }
  get canReverse(): boolean {
    return this.movement.timeline.isOn;
  }
  get history(): HistorySpan | undefined {
    const { timeline, processor } = this.movement;
    if (!timeline.isOn) return undefined;
    return { ...timeline.span, now: processor.executed, bytes: timeline.bytes };
  }

  async reverseStep(): Promise<void> {
    const { processor, timeline } = this.movement;
    const target = processor.executed - 1;
    if (target < timeline.span.first) return this.arrived({ kind: 'history-begin' });
    await this.seek(target);
    this.arrived({ kind: 'step' });
  }

  /** To the moment at which exactly so many instructions had retired, without stops on the way. */
  async seek(count: number): Promise<void> {
    const { timeline, processor } = this.movement;
    const { first, last } = timeline.span;
    if (!Number.isSafeInteger(count) || count < first || count > last) {
      throw new VmError(`cannot go to instruction ${count}: ${timeline.describe()}`);
    }
    if (count === processor.executed) return;
    await this.withoutStops(async () => {
      if (count < processor.executed) timeline.rewind(count);
      if (processor.executed < count) await this.runTo(count);
    });
    this.movement.stand();
  }

  async reverseContinue(): Promise<void> {
    const { processor, timeline } = this.movement;
    const now = processor.executed;
    const starts = timeline.checkpointCounts.filter((count) => count < now);
    for (const [i, start] of [...starts.entries()].reverse()) {
      const end = starts[i + 1] ?? now;
      const last = await this.lastStopBetween(start, end);
      if (last === undefined) continue;
      await this.seek(last.count);
      return this.arrived(last.reason);
    }
    await this.seek(timeline.span.first);
    this.arrived({ kind: 'history-begin' });
  }

  /** The last place in (start, end) at which the machine would stop; it stands somewhere in between afterwards. */
  private async lastStopBetween(
    start: number,
    end: number,
  ): Promise<{ readonly count: number; readonly reason: StopReason } | undefined> {
    const { processor, timeline } = this.movement;
    timeline.rewind(start);
    let last: { readonly count: number; readonly reason: StopReason } | undefined;
    while (processor.executed < end) {
      const reason = await this.runTo(end);
      if (reason.kind === 'breakpoint' || reason.kind === 'watchpoint') {
        if (processor.executed < end) last = { count: processor.executed, reason };
      } else if (processor.executed < end) {
        break; // somebody else stopped it
      }
    }
    return last;
  }

  private runTo(count: number): Promise<Arrival> {
    return new Promise((resolve) => {
      this.private = resolve;
      this.movement.run(count);
    });
  }

  private async withoutStops(move: () => Promise<void>): Promise<void> {
    const { engine } = this.movement.processor;
    engine.setBreakpoints([]);
    engine.setWatches([]);
    try {
      await move();
    } finally {
      engine.setBreakpoints([...this.breakpoints]);
      engine.setWatches(this.watchpoints.map(watchOf));
    }
  }

  private arrived(reason: StopReason): void {
    this.movement.stand();
    this.tell(reason);
  }

  private tell(reason: StopReason): void {
    for (const listener of this.listeners) listener(reason);
  }

  private watchStop(): Arrival {
    const hits = this.movement.processor.engine.vcpu.watchHits;
    const watchpoint = this.watchpoints.find((_, i) => (hits & (1 << i)) !== 0);
    return watchpoint === undefined ? { kind: 'pause' } : { kind: 'watchpoint', watchpoint };
  }
}

function watchOf({ address, length, kind }: Watchpoint): Watch {
  const first = Number(BigInt.asUintN(32, address));
  const last = Math.min(0xffff_ffff, first + length - 1);
  return { first, last, reads: kind !== 'write', writes: kind !== 'read' };
}
