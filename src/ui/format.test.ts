import { expect, test } from 'vitest';
import { bytesText, countText, guestTimeText, mipsText, percentText } from './format.ts';

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
