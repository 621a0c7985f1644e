import { expect, test } from 'vitest';
import { type HostProfile, timed } from './host-profile.ts';

test('a timed call within a timed call counts once', () => {
  let now = 0;
  const profile: HostProfile = { translationNs: 5, devicesNs: 0 };
  const wait = timed(
    profile,
    'translationNs',
    () => now,
    (ns: number) => void (now += ns),
  );
  const both = timed(
    profile,
    'translationNs',
    () => now,
    () => {
      now += 10;
      wait(30);
    },
  );
  both();
  expect(profile.translationNs).toBe(45);
  wait(1);
  expect(profile).toEqual({ translationNs: 46, devicesNs: 0 });
});
