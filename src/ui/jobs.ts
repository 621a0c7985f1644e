/** Long work that the page does beside all else: imports, exports, copies. Each tells how far it is and can be given up. */
import { type Trouble, troubleOf } from './trouble.ts';

export interface Job {
  readonly id: number;
  readonly title: string;
  readonly doneBytes: number;
  /** Undefined where nobody knows. */
  readonly totalBytes: number | undefined;
  /** At the speed so far; undefined until that says something. */
  readonly secondsLeft: number | undefined;
  cancel(): void;
}

export interface JobControl {
  readonly signal: AbortSignal;
  report(doneBytes: number, totalBytes?: number): void;
}

/** Before that a speed is a guess. */
const WARM_UP_MS = 700;
/** A page that is painted more often would slow the work down. */
const REPORT_INTERVAL_MS = 100;

export class Jobs {
  private readonly now: () => number;
  private readonly listeners = new Set<() => void>();
  private current: readonly Job[] = [];
  private count = 0;
  /** Told of work that failed, not of work that was given up. */
  onTrouble: (title: string, trouble: Trouble) => void = () => {};

  constructor(now: () => number) {
    this.now = now;
  }

  get view(): readonly Job[] {
    return this.current;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** What the work gives; undefined if it failed or was cancelled. */
  async run<T>(title: string, work: (control: JobControl) => Promise<T>): Promise<T | undefined> {
    const controller = new AbortController();
    const started = this.now();
    let reported = Number.NEGATIVE_INFINITY;
    const id = this.count++;
    const cancel = (): void => controller.abort();
    this.show([...this.current, { id, title, doneBytes: 0, totalBytes: undefined, secondsLeft: undefined, cancel }]);
    const report = (doneBytes: number, totalBytes?: number): void => {
      const now = this.now();
      if (now - reported < REPORT_INTERVAL_MS && doneBytes !== totalBytes) return;
      reported = now;
      const passed = now - started;
      const secondsLeft =
        totalBytes === undefined || doneBytes === 0 || passed < WARM_UP_MS
          ? undefined
          : ((totalBytes - doneBytes) / doneBytes) * (passed / 1000);
      this.show(this.current.map((job) => (job.id === id ? { ...job, doneBytes, totalBytes, secondsLeft } : job)));
    };
    try {
      return await work({ signal: controller.signal, report });
    } catch (error) {
      if (!controller.signal.aborted) this.onTrouble(title, troubleOf(error));
      return undefined;
    } finally {
      this.show(this.current.filter((job) => job.id !== id));
    }
  }

  private show(jobs: readonly Job[]): void {
    this.current = jobs;
    for (const listener of this.listeners) listener();
  }
}

export const jobs = new Jobs(() => performance.now());
