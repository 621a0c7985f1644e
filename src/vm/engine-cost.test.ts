import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EngineCost } from './engine-cost.ts';

/** Stretches of code in which the two engines share the work in changing parts. */
function fed(interpretedNs: number, compiledNs: number, noise = 0): EngineCost {
  const cost = new EngineCost();
  for (let n = 0; n < 300; n++) {
    const interpreted = 1000 + ((n * 37) % 100) * 500;
    const compiled = 1_000_000 - ((n * 53) % 90) * 10_000;
    const error = 1 + noise * (((n * 29) % 21) / 10 - 1);
    cost.add(interpreted, compiled, (interpreted * interpretedNs + compiled * compiledNs) * error);
  }
  return cost;
}

describe('the cost of an instruction in each engine', () => {
  it('is found from the time of whole stretches', () => {
    fc.assert(
      fc.property(fc.double({ min: 1.1, max: 40, noNaN: true }), (ratio) => {
        expect(fed(ratio * 2, 2).ratio).toBeCloseTo(ratio, 3);
      }),
    );
  });
  it('is found through noise', () => {
    expect(Math.abs(fed(12, 2, 0.05).ratio - 6)).toBeLessThan(2);
  });
  it('is assumed while only one engine ran, or both always in one proportion', () => {
    const cost = new EngineCost();
    expect(cost.ratio).toBe(5);
    for (let n = 1; n < 50; n++) cost.add(1000 * n, 0, 5000 * n);
    expect(cost.ratio).toBe(5);
    const together = new EngineCost();
    for (let n = 1; n < 50; n++) together.add(1000 * n, 2000 * n, 9000 * n);
    expect(together.ratio).toBe(5);
  });
  it('follows a change', () => {
    const cost = fed(6, 2);
    for (let n = 0; n < 700; n++)
      cost.add(1000 + n * 100, 1_000_000 - n * 900, (1000 + n * 100) * 20 + (1_000_000 - n * 900) * 2);
    expect(cost.ratio).toBeCloseTo(10, 0);
  });
  it('stays within reason whatever it is told', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat())), (stretches) => {
        const cost = new EngineCost();
        for (const [i, c, ns] of stretches) cost.add(i, c, ns);
        expect(cost.ratio).toBeGreaterThanOrEqual(1);
        expect(cost.ratio).toBeLessThanOrEqual(50);
      }),
    );
  });
});
