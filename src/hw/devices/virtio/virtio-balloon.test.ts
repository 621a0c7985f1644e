import { describe, expect, test } from 'vitest';
import { InputQueue } from '../../core/input.ts';
import { virtioBalloonPci } from './virtio-balloon.ts';
import { FUZZ_ACCESSES, fuzzDevice } from './virtio-fuzz.fixture.ts';
import { joined, le, virtioRig } from './virtio-rig.fixture.ts';

const MiB = 2 ** 20;
function balloon(props: Record<string, unknown> = {}) {
  const events = new InputQueue();
  const rig = virtioRig(virtioBalloonPci, { events, ramBytes: 4 * MiB, ...props });
  return {
    rig,
    model: rig.device.parts.model,
    set(bytes: number) {
      events.post('virtio-balloon-pci', bytes);
      events.deliver(0);
    },
  };
}
const stat = (tag: number, value: number) => le([tag, 2], [value, 8]);

test('it is PCI device 0x1002 with three queues', () => {
  const { rig } = balloon();
  rig.start();
  expect([rig.pci.read(0, 4), rig.pci.read(8, 4), rig.common.read(0x12, 2)]).toEqual([0x1002_1af4, 0x00ff_0000, 3]);
});

describe('the monitor’s target', () => {
  test('becomes a number of pages, and a change of configuration', () => {
    const { rig, set, model } = balloon();
    rig.start();
    set(3 * MiB);
    expect([rig.config(0, 4), rig.readIsr()]).toEqual([256, 2]);
    rig.writeConfig(4, 200, 4);
    expect([rig.config(4, 4), model.actualBytes]).toEqual([200, 4 * MiB - 200 * 4096]);
  });
  test('beyond RAM means all of it; what is no size is not taken', () => {
    const { rig, set } = balloon();
    rig.start();
    set(3 * MiB);
    set(0);
    set(-5);
    expect(rig.config(0, 4)).toBe(256);
    set(2 ** 40);
    expect(rig.config(0, 4)).toBe(0);
  });
});

test('pages in the balloon read as zeros, those taken out are left alone', () => {
  const { rig } = balloon();
  rig.start();
  rig.ram.fill(0xaa, 0x30_0000, 0x30_4000);
  rig.ask(0, [joined(le([0x300, 4]), le([0x302, 4]))]);
  expect([0x300, 0x301, 0x302, 0x303].map((page) => rig.ram[page * 4096 + 4095])).toEqual([0, 0xaa, 0, 0xaa]);
  rig.ask(1, [le([0x301, 4])]);
  expect(rig.ram[0x301 * 4096]).toBe(0xaa);
  rig.ask(0, [le([0xffff_ffff, 4], [0x7fff_ffff, 4])]);
  expect(rig.log).toHaveLength(2);
});

describe('statistics', () => {
  test('come with the driver’s buffer, which goes back when the next ones are due', () => {
    const { rig, model } = balloon({ 'guest-stats-polling-interval': 2 });
    rig.start();
    rig.add(2, [joined(stat(4, 12345), stat(5, 99), stat(700, 1))]);
    rig.notify(2);
    expect(rig.collect(2)).toEqual([]);
    expect(model.stats).toEqual({ 'stat-free-memory': 12345n, 'stat-total-memory': 99n });
    const other = rig.reloaded({ events: new InputQueue(), ramBytes: 4 * MiB, 'guest-stats-polling-interval': 2 });
    other.clock.advanceTo(2e9);
    expect([other.collect(2).length, other.irq]).toEqual([1, true]);
    other.add(2, [stat(4, 7)]);
    other.notify(2);
    expect(other.device.parts.model.stats['stat-free-memory']).toBe(7n);
    other.clock.advanceTo(4e9);
    expect(other.collect(2)).toHaveLength(1);
  });
  test('a second buffer releases the first', () => {
    const { rig } = balloon();
    rig.start();
    rig.add(2, [stat(0, 1)]);
    rig.add(2, [stat(0, 2)]);
    rig.notify(2);
    expect(rig.collect(2)).toHaveLength(1);
  });
});

test('a guest’s nonsense neither crashes nor hangs the device', () => {
  const { rig, set } = balloon({ 'guest-stats-polling-interval': 1 });
  fuzzDevice(rig as unknown as Parameters<typeof fuzzDevice>[0], {
    accesses: FUZZ_ACCESSES / 4,
    seed: 3,
    // Pages behind the rings and buffers of the driver.
    request: (random) => [Uint8Array.from({ length: 4 * random.below(8) + 4 }, () => random.below(2) * 255)],
    outside(random) {
      set(random.below(8) * MiB);
      rig.clock.advanceTo(rig.clock.now() + random.below(1e9));
    },
  });
}, 600_000);
