/**
 * A guest that does nonsense to a virtio device: registers, rings, descriptors, well-formed chains of random contents.
 * The same seed does the same.
 */
import { expect } from 'vitest';
import type { virtioRig } from './virtio-rig.fixture.ts';

type Rig = ReturnType<typeof virtioRig>;

/** Marsaglia's xorshift32. */
export function randomOf(seed: number) {
  let x = seed | 0 || 1;
  const next = (): number => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return x >>> 0;
  };
  return {
    next,
    below: (n: number) => next() % n,
    pick: <T>(items: readonly T[]): T => items[next() % items.length] as T,
  };
}
export type Random = ReturnType<typeof randomOf>;

/** Registers are fuzzed in the suite with this many accesses; a longer run is asked for by the environment. */
export const FUZZ_ACCESSES = Number(process.env['LOCKSTEP_FUZZ'] ?? 100_000);

export interface FuzzOptions {
  readonly accesses: number;
  readonly seed: number;
  /** How many of its queues are used; at random if it is not given. */
  readonly queues?: number;
  /** The device has no legacy interface. */
  readonly modernOnly?: boolean;
  /** Contents of a request that the device may understand. */
  request?(random: Random): (Uint8Array | number)[];
  /** What happens outside, now and then. */
  outside?(random: Random): void;
}

const WORDS = [0, 1, 2, 4, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x1_0000, 0x20_0000, 0x3f_fff0, 0x7fff_ffff, 0xffff_ffff];

export function fuzzDevice(
  rig: Rig,
  { accesses, seed, queues, modernOnly = false, request, outside }: FuzzOptions,
): void {
  const random = randomOf(seed);
  const value = (): number => (random.below(3) === 0 ? random.next() : random.pick(WORDS));
  const size = (): number => random.pick([1, 2, 4]);
  const queueCount = queues ?? 1 + random.below(3);
  let setUp = false;

  function chain(): (Uint8Array | number)[] {
    if (request !== undefined && random.below(4) > 0) return request(random);
    return Array.from({ length: 1 + random.below(6) }, (_, i) =>
      i === 0 || random.below(2)
        ? Uint8Array.from({ length: 1 + random.below(64) }, () => random.next())
        : 1 + random.below(600),
    ).sort((a, b) => Number(typeof a === 'number') - Number(typeof b === 'number'));
  }
  const steps: (() => void)[] = [
    () => rig.common.write(random.below(0x40), value(), size()),
    () => rig.legacy.write(random.below(0x20), value(), size()),
    () => void [rig.common.read(random.below(0x40), size()), rig.legacy.read(random.below(0x20), size())],
    () => rig.writeConfig(random.below(64), value(), size()),
    () => void rig.config(random.below(64), size()),
    () => rig.pci.write(random.below(256), value(), size()),
    () => void [rig.pci.read(random.below(256), size()), rig.readIsr()],
    () => outside?.(random),
    () => {
      // A word of the rings, the tables or the buffers.
      const at = random.pick([0x10000, 0x14000, 0x20_0000]) + random.below(0x2000);
      rig.guest.setUint32(at & ~3, value(), true);
    },
  ];
  const wellFormed = (): void => {
    const queue = random.below(queueCount);
    try {
      rig.queueOf(queue);
    } catch {
      return;
    }
    rig.add(queue, chain(), { indirect: random.below(2) === 0 });
    rig.notify(queue);
  };
  let started = performance.now();
  for (let i = 0; i < accesses; i++) {
    if (!setUp || random.below(60) === 0) {
      rig.start({ as: modernOnly ? 'modern' : random.pick(['modern', 'legacy']), features: () => random.below(4) > 0 });
      setUp = true;
    }
    if (random.below(2) === 0) wellFormed();
    else random.pick(steps)();
    if (random.below(8) === 0) rig.notify(random.below(queueCount));
    if (i % 5000 === 4999) {
      const saved = rig.device.save();
      rig.device.fill(saved);
      rig.device.sync();
      expect(rig.device.save()).toEqual(saved);
      // No nonsense takes long: nothing hangs.
      expect(performance.now() - started).toBeLessThan(60_000);
      started = performance.now();
    }
    rig.log.length = 0;
  }
  // In the end a driver that behaves has a device that works.
  rig.reset();
  expect(rig.device.save()).toEqual(rig.device.save());
}
