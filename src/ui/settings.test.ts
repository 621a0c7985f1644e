import { expect, test } from 'vitest';
import { defaultSettings, settingsFrom } from './settings.ts';

test('settings survive being stored', () => {
  const settings = { card: 'own', ramMiB: 512, append: { own: 'quiet' } } as const;
  expect(settingsFrom(structuredClone(settings))).toEqual(settings);
});

test('what a former version or a stranger stored falls back to the defaults, field by field', () => {
  expect(settingsFrom(undefined)).toEqual(defaultSettings);
  expect(settingsFrom('x')).toEqual(defaultSettings);
  expect(settingsFrom({ card: 'gone', ramMiB: 512, append: { own: 3, gone: 'x' } })).toEqual({
    ...defaultSettings,
    ramMiB: 512,
  });
});
