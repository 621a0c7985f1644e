import { expect, test } from 'vitest';
import { hashParts } from './state-hash.ts';

const bytes = (...values: number[]) => Uint8Array.from(values);

test('equal parts have equal hashes, in shared memory too', async () => {
  const shared = new Uint8Array(new SharedArrayBuffer(3 << 20));
  shared[2_500_000] = 7;
  expect(await hashParts([shared])).toBe(await hashParts([Uint8Array.from(shared)]));
  expect(await hashParts([shared])).toMatch(/^[0-9a-f]{64}$/);
});

test('one changed byte, anywhere, changes the hash', async () => {
  const ram = new Uint8Array((1 << 20) + 10);
  const before = await hashParts([ram, bytes(1)]);
  for (const at of [0, (1 << 20) - 1, 1 << 20, ram.length - 1]) {
    ram[at] = 1;
    expect(await hashParts([ram, bytes(1)])).not.toBe(before);
    ram[at] = 0;
  }
  expect(await hashParts([ram, bytes(2)])).not.toBe(before);
});

test('where one part ends and the next begins counts', async () => {
  expect(await hashParts([bytes(1, 2), bytes(3)])).not.toBe(await hashParts([bytes(1), bytes(2, 3)]));
});
