import { expect, test } from 'vitest';
import { defaultSettings, settingsFrom } from './settings.ts';

test('what is not stored, or is not what it should be, is the default', () => {
  for (const text of [null, '', 'x', '5', '[]', '{}', '{"theme":"pink","fontSize":3,"ramMiB":-1,"confirm":"no"}']) {
    expect(settingsFrom(text)).toEqual(defaultSettings);
  }
});

test('settings are kept, and those of other versions ignored', () => {
  const settings = { theme: 'dark', scaling: 'integer', smooth: true, fontSize: 18, confirm: false, ramMiB: 512 };
  expect(settingsFrom(JSON.stringify({ ...settings, sparkle: true }))).toEqual(settings);
});
