import { expect, test } from 'vitest';
import { agoText, bytesText, countText, guestTimeText, mipsText, percentText, timeLeftText } from './format.ts';

test('sizes are in binary units with two digits or more', () => {
  expect([0, 1023, 1024, 5_707_712, 2 ** 27, 2047 * 2 ** 20].map(bytesText)).toEqual([
    '0 B',
    '1023 B',
    '1 KiB',
    '5.4 MiB',
    '128 MiB',
    '2 GiB',
  ]);
});

test('guest time is cut, never rounded up to a tenth that has not come yet', () => {
  expect([0, 999_999_999, 61.25e9, 3_723.49e9].map(guestTimeText)).toEqual(['0:00.0', '0:00.9', '1:01.2', '1:02:03.4']);
});

test('counts keep every digit', () => {
  expect([0, 999, 1000, 12_345_678_901].map(countText)).toEqual([
    '0',
    '999',
    '1\u2009000',
    '12\u2009345\u2009678\u2009901',
  ]);
});

test('speeds and shares are short', () => {
  expect([0, 0.25, 9.94, 153.6].map(mipsText)).toEqual(['0', '0.3', '9.9', '154']);
  expect(percentText(0.456)).toBe('46\u202f%');
});

test('what is left is said as one would', () => {
  expect([0.2, 42.4, 75, 7260].map(timeLeftText)).toEqual([
    'a moment left',
    '42 s left',
    '1 min 15 s left',
    '2 h 1 min left',
  ]);
});

test('the past is told from now, and by its date once it is long ago', () => {
  const now = Date.UTC(2026, 2, 20, 12);
  const ago = (ms: number): string => agoText(now - ms, now);
  expect([-5, 59e3, 180e3, 2 * 3600e3, 25 * 3600e3, 16 * 24 * 3600e3].map(ago)).toEqual([
    'just now',
    'just now',
    '3 minutes ago',
    '2 hours ago',
    'yesterday',
    '4 March 2026',
  ]);
});
