import { describe, expect, test } from 'vitest';
import { GuestTime, RATE_UNIT } from './guest-time.ts';
import { fixedPacing, hostPacing, type Pacing } from './pacing.ts';

/** Runs a guest at `nsPerInstruction` of host time for `ms`, adjusting every 8 ms; gives guest ns minus host ns. */
function drift(pacing: Pacing, time: GuestTime, nsPerInstruction: number, ms: number): number {
  let count = 0;
  let host = 0;
  pacing.resume(host, 0, 0);
  for (; host < ms * 1e6; host += 8e6) {
    const rate = pacing.proposeRate(host, time.at(count), count, time.rate);
    if (rate !== undefined) time.setRate(count, rate);
    count += 8e6 / nsPerInstruction;
  }
  return time.at(count) - host;
}

describe('a guest that follows the host', () => {
  test.each([[1], [3.7], [25], [300]])('at %d ns an instruction keeps within 10 ms after a second', (speed) => {
    const pacing = hostPacing(true);
    expect(Math.abs(drift(pacing, new GuestTime(pacing.initialRate), speed, 1000))).toBeLessThan(10e6);
  });

  test('drops what it is late by when the host was suspended', () => {
    const pacing = hostPacing(true);
    pacing.resume(0, 0, 0);
    const rate = pacing.proposeRate(3600e9, 8e6, 1e6, 4 * RATE_UNIT);
    expect(rate).toBeLessThanOrEqual(1024 * RATE_UNIT);
    expect(pacing.sleepNs(3600e9, 8e6, 9e6)).toBe(1e6);
  });

  test('sleeps until the host reaches the deadline, less what it is behind', () => {
    const pacing = hostPacing(true);
    pacing.resume(1000e6, 0, 0);
    expect(pacing.sleepNs(1001e6, 0, 4e6)).toBe(3e6);
    expect(pacing.sleepNs(1005e6, 0, 4e6)).toBe(0);
    expect(hostPacing(false).sleepNs(0, 0, 4e6)).toBe(0);
  });

  test('a sleep does not count as running', () => {
    const pacing = hostPacing(true);
    pacing.resume(0, 0, 0);
    pacing.proposeRate(8e6, 8e6, 8e6, RATE_UNIT);
    expect(pacing.guestNsAfterSleep(8e6, 100e6, 8e6)).toBe(100e6);
    expect(pacing.proposeRate(108e6, 108e6, 16e6, RATE_UNIT)).toBeUndefined();
  });
});

describe('a fixed rate', () => {
  test('is 2^shift ns and never changes', () => {
    const pacing = fixedPacing(3, true);
    expect(pacing.initialRate).toBe(8 * RATE_UNIT);
    expect(pacing.proposeRate(1e9, 0, 1e6, 8 * RATE_UNIT)).toBeUndefined();
  });

  test('sleeps as long as the timer says, or not at all', () => {
    expect(fixedPacing(3, true).sleepNs(123, 1000, 5000)).toBe(4000);
    expect(fixedPacing(3, false).sleepNs(123, 1000, 5000)).toBe(0);
  });
});
