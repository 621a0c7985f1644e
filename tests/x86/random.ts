/** Deterministic random numbers: the same seed, the same tests. */

export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }
  /** 32 bits, unsigned (splitmix32). */
  word(): number {
    this.#state = (this.#state + 0x9e3779b9) | 0;
    let z = this.#state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  }
  /** 0 to n - 1. */
  below(n: number): number {
    return this.word() % n;
  }
  /** One time in n. */
  oneIn(n: number): boolean {
    return this.below(n) === 0;
  }
  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }
  /** A 32-bit value in which corner cases are frequent. */
  value(): number {
    switch (this.below(4)) {
      case 0:
        return this.pick(CORNERS);
      case 1:
        return (this.pick(CORNERS) ^ (1 << this.below(32))) >>> 0;
      default:
        return this.word();
    }
  }
}
const CORNERS = [
  0, 1, 2, 3, 0x1f, 0x20, 0x7e, 0x7f, 0x80, 0x81, 0xfe, 0xff, 0x100, 0x7ffe, 0x7fff, 0x8000, 0x8001, 0xfffe, 0xffff,
  0x10000, 0x7ffffffe, 0x7fffffff, 0x80000000, 0x80000001, 0xffff8000, 0xffffff80, 0xfffffffe, 0xffffffff, 0x80808080,
] as const;

/** The seed of this run: LOCKSTEP_SEED, or always the same. */
export const SEED = Number(process.env.LOCKSTEP_SEED ?? 1);
/** How much more than in the usual run: LOCKSTEP_THOROUGH=1 asks for it. */
export const EFFORT = process.env.LOCKSTEP_THOROUGH === '1' ? 20 : 1;
