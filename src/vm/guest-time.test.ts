import fc from 'fast-check';
import { expect, test } from 'vitest';
import { GuestTime, MAX_RATE, MIN_RATE, RATE_UNIT } from './guest-time.ts';

const rates = fc.integer({ min: MIN_RATE, max: MAX_RATE });

test('a whole rate gives so many ns an instruction', () => {
  const time = new GuestTime(8 * RATE_UNIT);
  expect(time.at(0)).toBe(0);
  expect(time.at(5)).toBe(40);
  expect(time.at(2 ** 43)).toBe(2 ** 46);
});

test('countAt gives the first count at which a time is reached', () => {
  fc.assert(
    fc.property(rates, fc.nat(1e9), fc.integer({ min: 1, max: 2 ** 47 }), rates, (first, changeAt, after, second) => {
      const time = new GuestTime(first);
      time.setRate(changeAt, second);
      const ns = time.at(changeAt) + after;
      const count = time.countAt(ns);
      expect(time.at(count)).toBeGreaterThanOrEqual(ns);
      expect(time.at(count - 1)).toBeLessThan(ns);
    }),
  );
});

test('a change of the rate moves nothing at the count it is made at', () => {
  const time = new GuestTime(3 * RATE_UNIT);
  time.setRate(1000, 5 * RATE_UNIT);
  expect(time.at(1000)).toBe(3000);
  expect(time.at(1001)).toBe(3005);
});

test('a warp moves time on, never back', () => {
  const time = new GuestTime(RATE_UNIT);
  time.warp(100, 5000);
  expect(time.at(100)).toBe(5000);
  time.warp(200, 10);
  expect(time.at(200)).toBe(5100);
});

test('no timer pending is never reached', () => {
  expect(new GuestTime(RATE_UNIT).countAt(Number.POSITIVE_INFINITY)).toBe(Number.POSITIVE_INFINITY);
});
