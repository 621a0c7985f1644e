import { describe, expect, test } from 'vitest';
import { keyByCode, keyByName, keyByNumber, keys } from './keys.ts';

describe('the table of keys', () => {
  test('names, codes and usages are unique, but for the two names of one key', () => {
    const duplicates = (values: readonly unknown[]): unknown[] =>
      values.filter((value, i) => value !== undefined && values.indexOf(value) !== i);
    expect(duplicates(keys.map(({ name }) => name))).toEqual([]);
    expect(duplicates(keys.map(({ code }) => code))).toEqual([]);
    expect(duplicates(keys.map(({ usage }) => usage))).toEqual([0x55, 0x46]); // asterisk, sysrq
    expect(duplicates(keys.map(({ set1 }) => set1))).toEqual([0x37, 0xe037]);
  });

  test('every row is complete', () => {
    for (const key of keys) {
      expect([key.name, key.set1 & 0x80, key.set1 >> 8 === 0 || key.set1 >> 8 === 0xe0]).toEqual([key.name, 0, true]);
      expect(Number.isInteger(key.evdev) && key.evdev > 0 && key.evdev < 256).toBe(true);
    }
  });

  test('browsers, scan codes, USB and Linux name the same key', () => {
    expect(keyByCode('KeyA')).toEqual({ name: 'a', code: 'KeyA', set1: 0x1e, set3: 0x1c, usage: 0x04, evdev: 30 });
    expect(keyByCode('IntlBackslash')?.name).toBe('less');
    expect(keyByCode('OSLeft')).toBe(keyByName('meta_l'));
    expect(keyByCode('Fn')).toBeUndefined();
    expect(keyByNumber(0x1e)?.name).toBe('a');
    expect(keyByNumber(0xd3)?.name).toBe('delete');
    expect(keyByNumber(0xfff)).toBeUndefined();
  });
});
