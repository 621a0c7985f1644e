import { expect, test } from 'vitest';
import { parseKeyValues } from './keyvals.ts';

const pairs = (text: string, implied?: string) => parseKeyValues(text, implied).map(({ key, value }) => [key, value]);

test('a doubled comma is a comma of the value', () => {
  expect(pairs('a=1,,2,b=,,')).toEqual([
    ['a', '1,2'],
    ['b', ','],
  ]);
});

test('an equals sign inside a value belongs to it', () => {
  expect(pairs('append=root=/dev/sda')).toEqual([['append', 'root=/dev/sda']]);
});

test('a first item without = belongs to the implied key, later ones are flags', () => {
  expect(pairs('pc,usb,noacpi', 'type')).toEqual([
    ['type', 'pc'],
    ['usb', 'on'],
    ['acpi', 'off'],
  ]);
});

test('the implied value may hold doubled commas', () => {
  expect(pairs('a,,b,c=1', 'type')).toEqual([
    ['type', 'a,b'],
    ['c', '1'],
  ]);
});

test('empty items are skipped, an empty list has no items', () => {
  expect(pairs('')).toEqual([]);
  expect(pairs('a=1,,')).toEqual([['a', '1,']]);
});
