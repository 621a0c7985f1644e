import { expect, test } from 'vitest';
import { invertIrq, orGate, pulseIrq, splitIrq, Wire } from './irq.ts';

test('a wire reports changes only', () => {
  const seen: boolean[] = [];
  const wire = new Wire((level) => void seen.push(level));
  for (const level of [false, true, true, false]) wire.set(level);
  pulseIrq(wire);
  expect(seen).toEqual([true, false, true, false]);
});

test('an OR gate falls only when its last input falls', () => {
  const out = new Wire();
  const [a, b] = orGate(2, out);
  a!.set(true);
  b!.set(true);
  a!.set(false);
  expect(out.level).toBe(true);
  b!.set(false);
  expect(out.level).toBe(false);
});

test('a splitter drives all, an inverter the opposite', () => {
  const [a, b] = [new Wire(), new Wire()];
  splitIrq(a, invertIrq(b)).set(true);
  expect([a.level, b.level]).toEqual([true, false]);
});
