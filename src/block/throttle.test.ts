import { describe, expect, test } from 'vitest';
import { Throttle, type ThrottleLimits } from './throttle.ts';

/** Requests in so many seconds, each sent when the one before it may go. */
function done(limits: ThrottleLimits, seconds: number, isWrite = false, bytes = 4096): number {
  const throttle = new Throttle(limits);
  let nowNs = 5e9;
  const endNs = nowNs + seconds * 1e9;
  for (let n = 0; ; n++) {
    nowNs += throttle.delayNs(isWrite, bytes, nowNs);
    if (nowNs >= endNs || n > 1e6) return n;
  }
}

describe('a throttle', () => {
  test.each<[ThrottleLimits, boolean, number]>([
    [{ iopsTotal: 100 }, false, 1010],
    [{ iopsRead: 50, iopsWrite: 500 }, false, 505],
    [{ iopsRead: 50, iopsWrite: 500 }, true, 5050],
    [{ bpsTotal: 4096 * 20 }, true, 202],
    [{ bpsWrite: 4096 * 20, iopsTotal: 10 }, true, 101],
  ])('of %j lets a tenth of a second through at once, then keeps to its rate', (limits, isWrite, expected) => {
    expect(Math.abs(done(limits, 10, isWrite) - expected)).toBeLessThanOrEqual(expected / 50 + 1);
  });

  test('does not hold what its limits do not name', () => {
    expect(new Throttle({ bpsWrite: 1 }).delayNs(false, 1e9, 0)).toBe(0);
    expect(new Throttle({}).delayNs(true, 1e9, 0)).toBe(0);
  });

  test('does not save up for later than a tenth of a second', () => {
    const throttle = new Throttle({ iopsTotal: 100 });
    throttle.delayNs(false, 0, 0);
    let held = 0;
    for (let n = 0; n < 100; n++) if (throttle.delayNs(false, 0, 100e9) > 0) held++;
    expect(held).toBeGreaterThan(85);
  });
});
