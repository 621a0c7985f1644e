/**
 * Runs the processor in slices. Between two slices, at an exact instruction count, it delivers input and fires the
 * timers that are due; a slice ends where the next of them is due. Nothing else decides what the guest sees: neither
 * the length of slices nor when the host's event loop gets its turn.
 */
import type { DiskWork } from '../block/disk-work.ts';
import type { VirtualClock } from '../hw/core/clock.ts';
import type { InputData, InputQueue } from '../hw/core/input.ts';
import type { GuestTime } from './guest-time.ts';
import { MAX_RATE, MIN_RATE } from './guest-time.ts';
import type { Host } from './host.ts';
import type { Pacing } from './pacing.ts';

export type SliceEnd = 'budget' | 'halted' | 'shutdown' | 'stopped' | 'breakpoint' | 'watchpoint';

/** The processor as the loop drives it: exec's Vcpu and the state that says whether it sleeps. */
export interface LoopCpu {
  /** Retires exactly `budget` instructions unless it halts, shuts down, is stopped, or has translated code for `effort` us. */
  run(budget: number, effort: number): SliceEnd;
  readonly executed: number;
  shorten(budgetLeft: number): void;
  stop(): void;
  /** In HLT: not to be run until an interrupt is due. */
  readonly halted: boolean;
  /** An interrupt is requested and the processor takes interrupts. */
  readonly interruptDue: boolean;
  readonly takesInterrupts: boolean;
}

export interface LoopHooks {
  /**
   * Called between two instructions: after each slice with the reason why it ended, and before each with 'budget'.
   * The place for what devices requested. May pause or close the loop.
   */
  attend(end: SliceEnd): void;
  /** Halted, and nothing inside the machine can wake it. Called once for each such halt. */
  hung(): void;
  /** At the end of each turn on the host's thread: the place to pass on output. */
  turned(hostNs: number): void;
  /** An exception that is our own bug: the machine can't go on. */
  failed(error: unknown): void;
}

export interface RunLoopParts {
  readonly cpu: LoopCpu;
  readonly clock: VirtualClock;
  readonly input: InputQueue;
  readonly time: GuestTime;
  readonly pacing: Pacing;
  readonly disks: DiskWork;
  readonly host: Host;
  readonly hooks: LoopHooks;
}

/**
 * What a turn on the host's thread led to: more to do at once, or nothing for so long (Infinity: until an event), or
 * nothing until the host has done what the disks were asked for.
 */
export type TurnEnd = 'busy' | 'paused' | 'disks' | { readonly sleepNs: number };

/** Longest time on the host's thread before its other events get a turn. */
const TURN_NS = 8e6;
/** A slice is sized to take about this long. */
const SLICE_NS = 2e6;
/** While the host works for a disk, slices are shorter by this, and the host gets a turn after each. */
const DISK_SLICE_SHIFT = 3;
/** Where all code is new, few instructions take long: what translation may take of a slice, us. */
const SLICE_EFFORT = 4000;
const MIN_SLICE = 1000;
const MAX_SLICE = 1 << 24;
/** The input target of changes of the guest's time. */
const CLOCK_TARGET = 'clock';

/** An event of the input queue for the guest's clock: a new rate from here, or a jump of a halted machine's time. */
type ClockEvent = { readonly rate: number } | { readonly warpNs: number };

export class RunLoop {
  private readonly parts: RunLoopParts;
  private running = false;
  private inSlice = false;
  private closed = false;
  private hungReported = false;
  private sliceLimit = 100_000;
  /** When the guest's time was last compared with the host's. */
  private adjustedNs = 0;
  private wakeUp: (() => void) | undefined;
  /** Host time spent in the processor and its devices, and asleep, since power-on. */
  busyNs = 0;
  idleNs = 0;

  constructor(parts: RunLoopParts) {
    this.parts = parts;
    const { cpu, clock, input, time, disks } = parts;
    clock.setSource(() => time.at(cpu.executed));
    clock.onEarlierDeadline = (deadlineNs) => {
      if (this.inSlice) cpu.shorten(Math.max(0, time.countAt(deadlineNs) - cpu.executed));
    };
    input.receiveEvents<ClockEvent>(CLOCK_TARGET, { check: isClockEvent, receive: (event) => this.setClock(event) });
    input.onPending = () => {
      cpu.stop();
      this.wakeUp?.();
    };
    disks.onBegun = () => cpu.stop();
  }

  get isRunning(): boolean {
    return this.running;
  }

  /** Guest time now, ns since power-on. */
  get guestNs(): number {
    return this.parts.clock.now();
  }

  /** Lets the guest run. Call between slices only, as every method but `pause`. */
  resume(): void {
    if (this.running || this.closed) return;
    this.running = true;
    const { pacing, host, cpu } = this.parts;
    pacing.resume(host.nowNs(), this.guestNs, cpu.executed);
    this.wakeUp?.();
  }

  /** Stops the guest at the next exit of the processor: at once when called from outside a slice. */
  pause(): void {
    this.running = false;
    this.parts.cpu.stop();
    this.wakeUp?.();
  }

  /** Delivers input that does not wait for the guest, while the machine is paused. */
  settle(): void {
    const { cpu, input, hooks } = this.parts;
    input.deliver(cpu.executed);
    hooks.attend('budget');
  }

  /** Ends `drive` for good. */
  close(): void {
    this.pause();
    this.closed = true;
    this.wakeUp?.();
  }

  /** A halt that could not end may end now: the machine was reset. */
  restarted(): void {
    this.hungReported = false;
  }

  /** Gives the machine turns on the host's thread until `close`. */
  async drive(): Promise<void> {
    const { host, hooks, disks } = this.parts;
    while (!this.closed) {
      let end: TurnEnd;
      try {
        end = this.turn();
      } catch (error) {
        this.inSlice = false;
        this.running = false;
        hooks.failed(error);
        end = 'paused';
      }
      if (end === 'busy') await host.yield();
      else if (end === 'disks') await this.idle(() => disks.settled());
      else if (!this.closed) await this.sleep(end === 'paused' ? Number.POSITIVE_INFINITY : end.sleepNs);
    }
  }

  /** Runs slices until the host should get a turn, or there is nothing to run. */
  turn(): TurnEnd {
    const { host, hooks, disks } = this.parts;
    const start = host.nowNs();
    let now = start;
    let end: TurnEnd = 'busy';
    while (this.running && end === 'busy' && now - start < TURN_NS) {
      const before = now;
      end = this.slice();
      now = host.nowNs();
      this.busyNs += now - before;
      if (disks.busy) break;
    }
    // Turns that disks cut short say little about the host's speed.
    if (now - this.adjustedNs >= TURN_NS / 2 || end !== 'busy') {
      this.adjustedNs = now;
      this.adjustRate(now);
    }
    hooks.turned(now);
    return this.running ? end : 'paused';
  }

  /** Delivers what is due and runs the processor to the next point at which something is. */
  private slice(): TurnEnd {
    const { cpu, clock, input, time, host, hooks, pacing, disks } = this.parts;
    input.deliver(cpu.executed);
    clock.advanceTo(time.at(cpu.executed));
    hooks.attend('budget');
    if (!this.running) return 'busy';
    if (disks.mustWait) return 'disks';
    if (cpu.halted && !cpu.interruptDue) {
      const deadlineNs = clock.nextDeadline();
      if (!cpu.takesInterrupts && !this.hungReported) {
        this.hungReported = true;
        hooks.hung();
      }
      if (!cpu.takesInterrupts || deadlineNs === Number.POSITIVE_INFINITY) return { sleepNs: Number.POSITIVE_INFINITY };
      const sleepNs = pacing.sleepNs(host.nowNs(), clock.now(), deadlineNs);
      if (sleepNs > 0) return { sleepNs };
      time.warp(cpu.executed, deadlineNs);
      return 'busy';
    }
    this.hungReported = false;
    const longest = disks.busy ? Math.max(MIN_SLICE, this.sliceLimit >> DISK_SLICE_SHIFT) : this.sliceLimit;
    const limit = Math.min(cpu.executed + longest, time.countAt(clock.nextDeadline()), input.nextCount());
    const budget = limit - cpu.executed;
    if (budget <= 0) return 'busy';
    const from = host.nowNs();
    const count = cpu.executed;
    this.inSlice = true;
    const end = cpu.run(budget, SLICE_EFFORT);
    this.inSlice = false;
    this.sizeSlices(cpu.executed - count, host.nowNs() - from);
    hooks.attend(end);
    return 'busy';
  }

  /** Slices short enough to keep the host responsive, at the speed last seen. */
  private sizeSlices(instructions: number, elapsedNs: number): void {
    if (instructions < this.sliceLimit / 2 || elapsedNs <= 0) {
      if (elapsedNs > SLICE_NS * 2) this.sliceLimit = Math.max(MIN_SLICE, this.sliceLimit >> 1);
      return;
    }
    const fitting = Math.round((instructions / elapsedNs) * SLICE_NS);
    this.sliceLimit = Math.min(MAX_SLICE, Math.max(MIN_SLICE, Math.min(fitting, this.sliceLimit * 2)));
  }

  private adjustRate(nowNs: number): void {
    const { cpu, pacing, time, input } = this.parts;
    if (!this.running) return;
    const rate = pacing.proposeRate(nowNs, this.guestNs, cpu.executed, time.rate);
    if (rate !== undefined) input.post(CLOCK_TARGET, { rate });
  }

  /** Sleeps on the host; if the machine is halted, its time moves on by as much, up to its next timer. */
  private async sleep(ns: number): Promise<void> {
    const { host, cpu, clock, time, pacing, input, disks } = this.parts;
    const from = host.nowNs();
    const guestNs = clock.now();
    const deadlineNs = clock.nextDeadline();
    const wasHalted = this.running && cpu.halted;
    let woken = false;
    if (Number.isFinite(ns)) {
      const rest = host.sleep(ns, disks.busy);
      this.wakeUp = () => {
        woken = true;
        rest.wake();
      };
      await rest.done;
    } else {
      await new Promise<void>((resolve) => {
        this.wakeUp = resolve;
      });
      woken = true;
    }
    this.wakeUp = undefined;
    const now = host.nowNs();
    this.idleNs += now - from;
    if (!wasHalted || !this.running || !cpu.halted) return;
    // That the deadline is reached follows from the machine's state. Only when something from outside ended the sleep
    // has the time to be in the history, ahead of what ended it.
    const reached = Math.min(pacing.guestNsAfterSleep(from, now, guestNs), deadlineNs);
    if (woken) input.postFirst(CLOCK_TARGET, { warpNs: reached });
    else time.warp(cpu.executed, deadlineNs);
  }

  private async idle(rest: () => Promise<void>): Promise<void> {
    const { host } = this.parts;
    const from = host.nowNs();
    await rest();
    this.idleNs += host.nowNs() - from;
  }

  private setClock(event: ClockEvent): void {
    const { cpu, clock, time } = this.parts;
    if ('rate' in event) {
      time.setRate(cpu.executed, event.rate);
    } else {
      time.warp(cpu.executed, event.warpNs);
      // Timers due by then come before the input that follows this event.
      clock.advanceTo(time.at(cpu.executed));
    }
  }
}

function isClockEvent(data: InputData): data is ClockEvent {
  if (typeof data !== 'object' || data === null) return false;
  if ('rate' in data)
    return Number.isInteger(data.rate) && Number(data.rate) >= MIN_RATE && Number(data.rate) <= MAX_RATE;
  return 'warpNs' in data && Number.isSafeInteger(data.warpNs) && Number(data.warpNs) >= 0;
}
