/** The numbers of the status line: speed, and where the host's time went, over the last interval. */
import type { RunState, VmStatus } from './api.ts';
import { EngineCost } from './engine-cost.ts';
import { describeEngine } from './engine-report.ts';
import type { Host } from './host.ts';
import type { HostProfile } from './host-profile.ts';
import type { RunLoop } from './run-loop.ts';
import type { X86Processor } from './x86/processor.ts';

const INTERVAL_NS = 250e6;

export interface StatusSources {
  readonly host: Host;
  readonly loop: RunLoop;
  readonly processor: X86Processor;
  readonly profile: HostProfile;
  readonly ramBytes: number;
}

/** Running totals at one moment. */
interface Sample {
  readonly hostNs: number;
  readonly instructions: number;
  /** Of `instructions`, those that ran compiled. */
  readonly compiled: number;
  readonly busyNs: number;
  readonly idleNs: number;
  readonly translationNs: number;
  readonly devicesNs: number;
}

const ORIGIN = { instructions: 0, compiled: 0, busyNs: 0, idleNs: 0, translationNs: 0, devicesNs: 0 };

export class StatusMeter {
  private readonly sources: StatusSources;
  private readonly cost = new EngineCost();
  private last: Sample;
  private turn: Sample;
  private shown: Pick<VmStatus, 'mips' | 'share'>;

  constructor(sources: StatusSources) {
    this.sources = sources;
    this.last = this.sample();
    this.turn = this.last;
    this.shown = { mips: 0, share: { interpreter: 0, jit: 0, translation: 0, devices: 0, idle: 1 } };
  }

  /** The loop has had a turn of some milliseconds: what it ran says how fast each engine is. */
  turned(): void {
    const now = this.sample();
    const before = this.turn;
    this.turn = now;
    const guestNs =
      now.busyNs - before.busyNs - (now.translationNs - before.translationNs) - (now.devicesNs - before.devicesNs);
    const compiled = now.compiled - before.compiled;
    this.cost.add(now.instructions - before.instructions - compiled, compiled, guestNs);
  }

  /** A fresh status if an interval has passed, for the periodic event. */
  readIfDue(hostNs: number, state: RunState): VmStatus | undefined {
    if (hostNs - this.last.hostNs < INTERVAL_NS) return undefined;
    return this.read(state);
  }

  read(state: RunState): VmStatus {
    const { loop, processor, ramBytes } = this.sources;
    const now = this.sample();
    if (now.hostNs - this.last.hostNs >= INTERVAL_NS) {
      this.shown = this.rates(this.last, now);
      this.last = now;
    }
    const { memory, jit } = processor.engine;
    return {
      state,
      instructions: processor.executed,
      guestNs: loop.guestNs,
      ...this.shown,
      ramBytes,
      engineBytes: memory.u8.length - ramBytes + (jit?.counts.bytes ?? 0),
    };
  }

  /** The text of `info jit`: what was translated and compiled, why translated code came back, where time went. */
  describeEngine(): string {
    return describeEngine(this.sources.processor) + this.describeTime();
  }

  /** Shares of the host's time since power-on. */
  private describeTime(): string {
    const { loop } = this.sources;
    const now = this.sample();
    const { share } = this.rates({ ...ORIGIN, hostNs: now.hostNs - loop.busyNs - loop.idleNs }, now);
    const parts = Object.entries(share).map(([name, part]) => `${name} ${(part * 100).toFixed(1)}%`);
    return `host time           ${parts.join(', ')}\n`;
  }

  private sample(): Sample {
    const { host, loop, processor, profile } = this.sources;
    return {
      hostNs: host.nowNs(),
      instructions: processor.executed,
      compiled: processor.compiledInstructions,
      busyNs: loop.busyNs,
      idleNs: loop.idleNs,
      translationNs: profile.translationNs,
      devicesNs: profile.devicesNs,
    };
  }

  private rates(from: Sample, to: Sample): Pick<VmStatus, 'mips' | 'share'> {
    const elapsed = to.hostNs - from.hostNs;
    const part = (account: 'idleNs' | 'translationNs' | 'devicesNs'): number =>
      Math.min(1, Math.max(0, (to[account] - from[account]) / elapsed));
    const idle = part('idleNs');
    const translation = Math.min(part('translationNs'), 1 - idle);
    const devices = Math.min(part('devicesNs'), 1 - idle - translation);
    const guest = 1 - idle - translation - devices;
    const compiled = to.compiled - from.compiled;
    const interpreted = (to.instructions - from.instructions - compiled) * this.cost.ratio;
    const jit = compiled + interpreted > 0 ? (guest * compiled) / (compiled + interpreted) : 0;
    return {
      mips: ((to.instructions - from.instructions) * 1000) / elapsed,
      share: { interpreter: guest - jit, jit, translation, devices, idle },
    };
  }
}
