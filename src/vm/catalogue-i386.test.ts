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
