import { expect, test } from 'vitest';
import { typingOf } from './typing.ts';

test('text becomes presses and releases; Shift is held over neighbours that need it', () => {
  expect([...typingOf('aB!').codes]).toEqual([0x1e, 0x9e, 0x2a, 0x30, 0xb0, 0x02, 0x82, 0xaa]);
});

test('line ends of every kind are Enter', () => {
  expect([...typingOf('\r\n\n\r').codes]).toEqual([0x1c, 0x9c, 0x1c, 0x9c, 0x1c, 0x9c]);
});

test('all of printable ASCII can be typed; what cannot is reported once and left out', () => {
  const ascii = String.fromCharCode(...Array.from({ length: 95 }, (_, i) => 32 + i));
  expect(typingOf(ascii).untypable).toEqual([]);
  expect(typingOf('äxä😀')).toEqual({ codes: Uint8Array.of(0x2d, 0xad), untypable: ['ä', '😀'] });
});
