/**
 * What an instruction costs in each engine, found from what can be measured: how long a stretch of guest code took, and
 * how many of its instructions ran interpreted and how many compiled. Translated code changes engine without telling
 * anybody, so a clock around each would cost more than the code. Least squares over the stretches, recent ones counting
 * most, for `ns = interpreted * a + compiled * b`.
 */

/** Weight that a stretch keeps when the next one comes: half of it after about 70. */
const FADE = 0.99;
/** Until the stretches differ enough to tell: an interpreted instruction in compiled ones, as on the freestanding benchmarks. */
const ASSUMED_RATIO = 5;
/** Beyond these ratios noise speaks. */
const MIN_RATIO = 1;
const MAX_RATIO = 50;
/** How far from proportional the two counts must be (0: always in one ratio, 1: never together). */
const MIN_INDEPENDENCE = 1e-3;

export class EngineCost {
  private ii = 0;
  private ic = 0;
  private cc = 0;
  private it = 0;
  private ct = 0;

  /** A stretch of guest code: instructions in each engine, and the time it took. */
  add(interpreted: number, compiled: number, ns: number): void {
    const instructions = interpreted + compiled;
    if (instructions <= 0 || ns <= 0) return;
    // Each stretch counts by its length, whatever the speed: the terms are divided by it.
    this.ii = this.ii * FADE + (interpreted * interpreted) / instructions;
    this.ic = this.ic * FADE + (interpreted * compiled) / instructions;
    this.cc = this.cc * FADE + (compiled * compiled) / instructions;
    this.it = this.it * FADE + (interpreted * ns) / instructions;
    this.ct = this.ct * FADE + (compiled * ns) / instructions;
  }

  /** Time of an interpreted instruction, in those of a compiled one. */
  get ratio(): number {
    const { ii, ic, cc, it, ct } = this;
    const determinant = ii * cc - ic * ic;
    if (determinant <= MIN_INDEPENDENCE * ii * cc) return ASSUMED_RATIO;
    const interpreted = (it * cc - ct * ic) / determinant;
    const compiled = (ct * ii - it * ic) / determinant;
    if (interpreted <= 0 || compiled <= 0) return interpreted <= 0 ? MIN_RATIO : MAX_RATIO;
    return Math.min(MAX_RATIO, Math.max(MIN_RATIO, interpreted / compiled));
  }
}
