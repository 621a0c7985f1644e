/** From the records of all runs to medians, ratios and what disagrees. */
import type { HostName } from './hosts/host.ts';
import type { MemoryUse, RunRecord } from './recorder.ts';
import { POWER_ON, type Suite, type Workload } from './workloads.ts';

/** One run, in the order in which they were made. */
export interface Run {
  readonly host: HostName;
  readonly suite: Suite;
  readonly round: number;
  readonly record: RunRecord;
}

export type Clock = 'wallMs' | 'cpuMs';

/**
 * Emulators hand on serial output in batches of 8 ms and more: a row whose markers are closer together than this was not
 * timed. It has no time and no part in any mean, and the report names it.
 */
export const RESOLUTION_MS = 20;

/** The middle one, or the mean of the two in the middle; undefined of nothing. */
export function median(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[sorted.length >> 1];
  const lower = sorted[(sorted.length - 1) >> 1];
  return upper === undefined || lower === undefined ? undefined : (lower + upper) / 2;
}

/** The geometric mean; undefined of nothing. */
export function geomean(values: readonly number[]): number | undefined {
  if (values.length === 0) return undefined;
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

const present = (value: number | null | undefined): value is number => value !== null && value !== undefined;

export class Results {
  private readonly runs: readonly Run[];

  constructor(runs: readonly Run[]) {
    this.runs = runs;
  }

  /** Time of a row, median over the rounds, in ms. */
  time(host: HostName, row: string, clock: Clock): number | undefined {
    const timed = this.of(host).flatMap(({ record }) => record.rows[row] ?? []);
    if (timed.some(({ wallMs }) => wallMs < RESOLUTION_MS)) return undefined;
    return median(timed.map((result) => result[clock]).filter(present));
  }

  /** Million guest instructions in a second. */
  mips(host: HostName, row: string): number | undefined {
    const rates = this.of(host).map(({ record }) => {
      const result = record.rows[row];
      return present(result?.instructions) && result.wallMs >= RESOLUTION_MS
        ? result.instructions / result.wallMs / 1000
        : undefined;
    });
    return median(rates.filter(present));
  }

  /** How many times as long `host` takes as `other` does. */
  ratio(host: HostName, other: HostName, row: string, clock: Clock): number | undefined {
    const time = this.time(host, row, clock);
    const otherTime = this.time(other, row, clock);
    return time === undefined || otherTime === undefined || otherTime <= 0 ? undefined : time / otherTime;
  }

  /** Geometric mean of the ratios of those rows that both ran, with their number. */
  overall(
    host: HostName,
    other: HostName,
    rows: readonly Workload[],
    clock: Clock,
  ): { readonly mean: number; readonly rows: number } | undefined {
    const ratios = rows.map(({ name }) => this.ratio(host, other, name, clock)).filter(present);
    const mean = geomean(ratios.filter((ratio) => ratio > 0));
    return mean === undefined ? undefined : { mean, rows: ratios.length };
  }

  /** The largest use of memory seen. */
  memory(host: HostName, suite: Suite, moment: keyof RunRecord['memory']): MemoryUse | undefined {
    const uses = this.of(host)
      .filter((run) => run.suite === suite)
      .flatMap(({ record }) => record.memory[moment] ?? []);
    return uses.toSorted((a, b) => beyondGuest(b) - beyondGuest(a))[0];
  }

  wasmBytes(host: HostName, suite: Suite): number | undefined {
    const runs = this.of(host).filter((run) => run.suite === suite);
    return median(runs.map(({ record }) => record.wasmBytes).filter(present));
  }

  /** Rows whose value differs from one emulator or round to another: somebody computes wrongly. */
  disagreements(): readonly string[] {
    const byRow = new Map<string, Map<string, Set<string>>>();
    for (const { host, record } of this.runs) {
      for (const [row, { value }] of Object.entries(record.rows)) {
        const values = byRow.get(row) ?? new Map<string, Set<string>>();
        byRow.set(row, values.set(value, (values.get(value) ?? new Set()).add(host)));
      }
    }
    return [...byRow]
      .filter(([, values]) => values.size > 1)
      .map(([row, values]) => {
        const claims = [...values].map(([value, hosts]) => `${value} (${[...hosts].join(', ')})`);
        return `${row}: ${claims.join(' against ')}`;
      });
  }

  /** Runs that did not reach their end, and rows that computed nothing. */
  failures(): readonly string[] {
    return this.runs.flatMap(({ host, suite, round, record }) => {
      const empty = Object.entries(record.rows).filter(([row, { value }]) => row !== POWER_ON && value === '');
      const reasons = [
        ...(record.error === null ? [] : [record.error]),
        ...empty.map(([row]) => `${row} has no value`),
        ...Object.entries(record.rows)
          .filter(([, { wallMs }]) => wallMs < RESOLUTION_MS)
          .map(([row, { wallMs }]) => `${row} took ${wallMs.toFixed(1)} ms by its markers, too short to be timed`),
      ];
      return reasons.map((reason) => `${host}, ${suite}, round ${round}: ${reason}`);
    });
  }

  private of(host: HostName): readonly Run[] {
    return this.runs.filter((run) => run.host === host);
  }
}

/** Resident memory outside the mappings that hold the guest's RAM, or what the emulator says if that is more. */
export const beyondGuest = ({ residentBytes, guestBytes, reportedBytes }: MemoryUse): number =>
  Math.max(residentBytes - guestBytes, reportedBytes ?? 0);
