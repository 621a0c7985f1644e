import { expect, test } from 'vitest';
import { bytesOfBase64 } from './base64.ts';

test('every byte value survives', () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
  expect(bytesOfBase64(Buffer.from(bytes).toString('base64'))).toEqual(bytes);
});

test('padding of one and two characters is handled', () => {
  expect([...bytesOfBase64('AQ==')]).toEqual([1]);
  expect([...bytesOfBase64('AQI=')]).toEqual([1, 2]);
});

test('a string that is not base64 is refused', () => {
  expect(() => bytesOfBase64('!')).toThrow();
});
