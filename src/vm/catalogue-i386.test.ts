import { expect, test } from 'vitest';
import { version } from '../../package.json';
import { catalogueI386 } from './catalogue-i386.ts';
import { parseCommandLine } from './options/parse.ts';
import { VERSION } from './version.ts';

test('the version is the package’s', () => {
  expect(VERSION).toBe(version);
});

test('every device describes itself and takes its own defaults', () => {
  for (const { name, help, check } of catalogueI386.devices) {
    expect(help).toContain(name);
    expect(() => check({})).not.toThrow();
  }
});

test('the default machine exists, and its aliases lead to it', () => {
  const parsed = parseCommandLine(['-M', 'pc'], catalogueI386);
  const preset = parseCommandLine([], catalogueI386);
  expect(parsed).toEqual(preset);
});

test('q35 has no floppy drive, and one disk a port of its controller', () => {
  const parsed = parseCommandLine(['-M', 'q35', '-hda', 'a', '-hdb', 'b'], catalogueI386);
  if (parsed.kind !== 'machine') throw new Error('no machine');
  const { devices, floppies } = parsed.options;
  expect(devices.map(({ driver, properties: { bus, unit } }) => [driver, bus, unit])).toEqual([
    ['ide-hd', 'ide.0', '0'],
    ['ide-hd', 'ide.1', '0'],
    ['ide-cd', 'ide.2', '0'],
  ]);
  expect(floppies).toEqual({});
});
