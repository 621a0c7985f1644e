/**
 * Guest time as a function of the instruction count: a straight line of `rate` / RATE_UNIT ns an instruction through
 * the point where the rate was last changed. All arithmetic is exact in integers, so equal histories give equal times.
 */
export const RATE_UNIT = 1024;
export const MIN_RATE = RATE_UNIT / 16;
export const MAX_RATE = RATE_UNIT * 1024;

export class GuestTime {
  private baseNs = 0;
  private baseCount = 0;
  private slope: number;

  constructor(rate: number) {
    this.slope = rate;
  }

  get rate(): number {
    return this.slope;
  }

  /** The line as translated code reads it. */
  get line(): { readonly baseNs: number; readonly baseCount: number; readonly rate: number } {
    return { baseNs: this.baseNs, baseCount: this.baseCount, rate: this.slope };
  }

  /** Takes the line that a saved machine had. */
  restore({ baseNs, baseCount, rate }: GuestTime['line']): void {
    this.baseNs = baseNs;
    this.baseCount = baseCount;
    this.slope = rate;
  }

  /** Nanoseconds since power-on when `count` instructions have retired. */
  at(count: number): number {
    const delta = count - this.baseCount;
    const rest = delta % RATE_UNIT;
    return this.baseNs + ((delta - rest) / RATE_UNIT) * this.slope + Math.floor((rest * this.slope) / RATE_UNIT);
  }

  /** The first count at which the time is `ns` or later. */
  countAt(ns: number): number {
    if (ns === Number.POSITIVE_INFINITY) return ns;
    const delta = Math.max(0, ns - this.baseNs);
    const rest = delta % this.slope;
    return this.baseCount + ((delta - rest) / this.slope) * RATE_UNIT + Math.ceil((rest * RATE_UNIT) / this.slope);
  }

  /** From `count` on, an instruction takes `rate` / RATE_UNIT ns. */
  setRate(count: number, rate: number): void {
    this.baseNs = this.at(count);
    this.baseCount = count;
    this.slope = rate;
  }

  /** The time jumps to `ns` at `count`; never back. */
  warp(count: number, ns: number): void {
    this.baseNs = Math.max(ns, this.at(count));
    this.baseCount = count;
  }
}
