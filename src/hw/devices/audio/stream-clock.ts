/** How much of a stream is due: bytes or frames at a rate, counted from a time, without drift. */
import type { Nanoseconds } from '../../core/clock.ts';
import { type Fields, i64, ranged, type StateOf, struct, u32 } from '../../core/state.ts';

const NS_PER_SECOND = 1_000_000_000;
/** A guest hears a stream in pieces of this length. */
export const PIECE_NS = 10_000_000;
/** After a leap of time no more than this is made up for. */
const MAX_LATE_NS = 200_000_000;

const fields = {
  /** Of the second that has begun. */
  startNs: ranged(i64(), 0, 2 ** 52),
  /** Units of that second that are done. */
  done: u32(),
} satisfies Fields;
export const streamClock = struct(fields);
export type StreamClock = StateOf<typeof fields>;

export function startStream(s: StreamClock, now: Nanoseconds): void {
  s.startNs = now;
  s.done = 0;
}

/** Units that are due by now and not done. */
export function unitsDue(s: StreamClock, now: Nanoseconds, rate: number): number {
  if (now - s.startNs > NS_PER_SECOND + MAX_LATE_NS) startStream(s, now - MAX_LATE_NS);
  return Math.max(0, Math.floor(((now - s.startNs) * rate) / NS_PER_SECOND) - s.done);
}

export function unitsDone(s: StreamClock, units: number, rate: number): void {
  s.done += units;
  while (s.done >= rate) {
    s.done -= rate;
    s.startNs += NS_PER_SECOND;
  }
}

/** When so many more units will be due. */
export const timeOfUnits = (s: StreamClock, units: number, rate: number): Nanoseconds =>
  s.startNs + Math.ceil(((s.done + units) * NS_PER_SECOND) / rate);
