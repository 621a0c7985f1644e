import { describe, expect, test } from 'vitest';
import type { EntropySource } from '../../core/entropy.ts';
import { FUZZ_ACCESSES, fuzzDevice } from './virtio-fuzz.fixture.ts';
import { virtioRig } from './virtio-rig.fixture.ts';
import { virtioRngPci } from './virtio-rng.ts';

function rng(props: { 'max-bytes'?: number; period?: number } = {}) {
  const asked: number[] = [];
  let arrived = (_bytes: Uint8Array): void => {};
  const entropy: EntropySource = {
    attach(_id, receive) {
      arrived = receive;
      return (count) => void asked.push(count);
    },
  };
  const all = { ...props, entropy };
  const rig = virtioRig(virtioRngPci, all);
  return { rig, asked, all, give: (...bytes: number[]) => arrived(Uint8Array.from(bytes)) };
}

test('it is PCI device 0x1005, class 0x00ff, with one queue and no configuration', () => {
  const { rig } = rng();
  rig.start();
  expect([rig.pci.read(0, 4), rig.pci.read(8, 4), rig.pci.read(0x2c, 4)]).toEqual([
    0x1005_1af4, 0x00ff_0000, 0x0004_1af4,
  ]);
  expect([rig.common.read(0x12, 2), rig.queueOf(0).size, rig.config(0, 1)]).toEqual([1, 8, 0xff]);
});

describe('bytes from outside', () => {
  test('are asked for when a buffer waits, and fill one buffer after the other', () => {
    const { rig, asked, give } = rng();
    rig.start();
    rig.add(0, [4]);
    rig.add(0, [3, 5]);
    rig.notify(0);
    expect([asked, rig.collect(0), rig.irq]).toEqual([[4], [], false]);
    give(1, 2, 3, 4, 5, 6);
    expect(rig.collect(0).map(({ written, bytes }) => [written, ...bytes.slice(0, written)])).toEqual([
      [4, 1, 2, 3, 4],
      [2, 5, 6],
    ]);
    expect([rig.irq, asked]).toEqual([true, [4]]);
  });
  test('go on being asked for while buffers wait, one order at a time', () => {
    const { rig, asked, give } = rng();
    rig.start();
    rig.add(0, [4]);
    rig.add(0, [9]);
    rig.notify(0);
    rig.notify(0);
    give(1, 2, 3, 4);
    expect(asked).toEqual([4, 9]);
  });
  test('that nobody asked for are dropped: after a reset', () => {
    const { rig, give } = rng();
    rig.start();
    rig.add(0, [4]);
    rig.notify(0);
    rig.start();
    give(1, 2, 3, 4);
    rig.add(0, [4]);
    expect(rig.collect(0)).toEqual([]);
  });
  test('are asked for again by a machine that is loaded', () => {
    const { rig } = rng();
    rig.start();
    rig.add(0, [4]);
    rig.notify(0);
    const second = rng();
    const other = rig.reloaded(second.all);
    expect(second.asked).toEqual([4]);
    second.give(9, 8, 7, 6);
    expect([...(other.collect(0)[0]?.bytes ?? [])]).toEqual([9, 8, 7, 6]);
    expect(other.device.save()).not.toEqual(rig.device.save());
  });
  test('come at most max-bytes a period', () => {
    const { rig, asked, give } = rng({ 'max-bytes': 6, period: 10 });
    rig.start();
    for (let i = 0; i < 3; i++) rig.add(0, [4]);
    rig.notify(0);
    give(1, 2, 3, 4);
    give(5, 6);
    expect(asked).toEqual([4, 2]);
    rig.clock.advanceTo(9_999_999);
    expect(asked).toEqual([4, 2]);
    rig.clock.advanceTo(10_000_000);
    expect(asked).toEqual([4, 2, 4]);
  });
});

test('a guest’s nonsense neither crashes nor hangs the device', () => {
  const { rig, give } = rng({ 'max-bytes': 1000, period: 1 });
  fuzzDevice(rig as unknown as Parameters<typeof fuzzDevice>[0], {
    accesses: FUZZ_ACCESSES / 4,
    seed: 2,
    outside(random) {
      give(...Array.from({ length: random.below(100) }, () => random.below(256)));
      rig.clock.advanceTo(rig.clock.now() + random.below(500_000));
    },
  });
}, 600_000);
