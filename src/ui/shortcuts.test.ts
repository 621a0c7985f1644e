import { expect, test } from 'vitest';
import { commandOf, type KeyPress } from './shortcuts.ts';

const press = (key: string, change: Partial<KeyPress> = {}): KeyPress => ({
  key,
  code: `Key${key.toUpperCase()}`,
  ctrlKey: true,
  altKey: true,
  shiftKey: false,
  metaKey: false,
  getModifierState: () => false,
  ...change,
});

test('Ctrl+Alt and a letter are the page’s, Ctrl+F too; all else is the guest’s', () => {
  expect(commandOf(press('p'))).toBe('pause');
  expect(commandOf(press('f', { altKey: false }))).toBe('search');
  expect(commandOf(press('p', { altKey: false }))).toBeUndefined();
  expect(commandOf(press('p', { shiftKey: true }))).toBeUndefined();
  expect(commandOf(press('f', { altKey: false, metaKey: true }))).toBeUndefined();
});

test('the letter counts, not its place, unless the key types none', () => {
  expect(commandOf(press('p', { code: 'KeyR' }))).toBe('pause');
  expect(commandOf(press('π', { code: 'KeyP' }))).toBe('pause');
});

test('AltGr types, though it looks like Ctrl+Alt', () => {
  expect(commandOf(press('m', { getModifierState: (name) => name === 'AltGraph' }))).toBeUndefined();
});
