/**
 * How guest time keeps step with the host's. Pacing only proposes; what it proposes takes effect as an event of the
 * input queue, so that a recorded history holds it.
 */
import { MAX_RATE, MIN_RATE, RATE_UNIT } from './guest-time.ts';

export interface Pacing {
  readonly initialRate: number;
  /** The machine starts or goes on: guest and host time are as given from here. */
  resume(hostNs: number, guestNs: number, count: number): void;
  /** After `busyNs` of running: a better rate, or undefined if the present one does. */
  proposeRate(hostNs: number, guestNs: number, count: number, rate: number): number | undefined;
  /** Host ns that a halted machine sleeps before its next timer, due at guest time `deadlineNs`. */
  sleepNs(hostNs: number, guestNs: number, deadlineNs: number): number;
  /** Guest time to which a sleep that began at `sleptFrom` (host) and `guestNs` (guest) has brought a halted machine. */
  guestNsAfterSleep(sleptFrom: number, hostNs: number, guestNs: number): number;
}

/** `-icount shift=N`: the rate is fixed. A halted machine sleeps as long as its timer says, or not at all. */
export function fixedPacing(shift: number, sleep: boolean): Pacing {
  return {
    initialRate: RATE_UNIT * 2 ** shift,
    resume() {},
    proposeRate: () => undefined,
    sleepNs: (_hostNs, guestNs, deadlineNs) => (sleep ? Math.max(0, deadlineNs - guestNs) : 0),
    guestNsAfterSleep: (sleptFrom, hostNs, guestNs) => (sleep ? guestNs + Math.max(0, hostNs - sleptFrom) : guestNs),
  };
}

/** The one pacing, or a replay's while the machine lives in its past. */
export interface SwitchedPacing extends Pacing {
  inPast: boolean;
}

export function switchedPacing(present: Pacing): SwitchedPacing {
  const past = replayPacing(present);
  const pacing = (): Pacing => (switched.inPast ? past : present);
  const switched: SwitchedPacing = {
    inPast: false,
    initialRate: present.initialRate,
    resume: (...now) => pacing().resume(...now),
    proposeRate: (...now) => pacing().proposeRate(...now),
    sleepNs: (...now) => pacing().sleepNs(...now),
    guestNsAfterSleep: (...now) => pacing().guestNsAfterSleep(...now),
  };
  return switched;
}

/** In a replay all changes of time but the guest's own come from the recorded history. */
export function replayPacing({ initialRate }: Pacing): Pacing {
  return {
    initialRate,
    resume() {},
    proposeRate: () => undefined,
    sleepNs: () => 0,
    guestNsAfterSleep: (_sleptFrom, _hostNs, guestNs) => guestNs,
  };
}

/** Time in which a difference between guest and host is to be made good. */
const HORIZON_NS = 100e6;
/** A guest that is later than this is not hurried: the host was suspended, or is too slow. */
const MAX_LAG_NS = 500e6;
/** Changes of the rate below this are not worth an event. */
const TOLERANCE = 1 / 32;
/** Fewer instructions say nothing about the host's speed. */
const MIN_SAMPLE = 1000;

/** Guest time follows the host's clock. */
export function hostPacing(sleep: boolean): Pacing {
  /** Host time at which guest time was 0, had it always followed. */
  let originNs = 0;
  let lastHostNs = 0;
  let lastCount = 0;
  return {
    initialRate: 4 * RATE_UNIT,
    resume(hostNs, guestNs, count) {
      originNs = hostNs - guestNs;
      lastHostNs = hostNs;
      lastCount = count;
    },
    proposeRate(hostNs, guestNs, count, rate) {
      const instructions = count - lastCount;
      const elapsed = hostNs - lastHostNs;
      if (instructions < MIN_SAMPLE || elapsed <= 0) return undefined;
      lastHostNs = hostNs;
      lastCount = count;
      let lag = hostNs - originNs - guestNs;
      if (lag > MAX_LAG_NS) {
        originNs += lag;
        lag = 0;
      }
      const speed = elapsed / instructions;
      const correction = Math.min(4, Math.max(0.25, 1 + lag / HORIZON_NS));
      const wanted = Math.round(speed * correction * RATE_UNIT);
      const next = Math.min(MAX_RATE, Math.max(MIN_RATE, wanted));
      return Math.abs(next - rate) > rate * TOLERANCE ? next : undefined;
    },
    sleepNs: (hostNs, _guestNs, deadlineNs) => (sleep ? Math.max(0, originNs + deadlineNs - hostNs) : 0),
    guestNsAfterSleep(_sleptFrom, hostNs, guestNs) {
      // The next sample must not count the sleep as time in which instructions ran.
      lastHostNs = hostNs;
      return sleep ? Math.max(guestNs, hostNs - originNs) : guestNs;
    },
  };
}
