import { describe, expect, test } from 'vitest';
import type { InputRegistry, KeyboardDevice, PointerDevice } from '../../core/input-devices.ts';
import { FUZZ_ACCESSES, fuzzDevice } from './virtio-fuzz.fixture.ts';
import { virtioKeyboardPci, virtioMousePci, virtioTabletPci } from './virtio-input.ts';
import { le, virtioRig } from './virtio-rig.fixture.ts';

function input(type: typeof virtioKeyboardPci | typeof virtioMousePci, props: { serial?: string } = {}) {
  const found: { keyboard?: KeyboardDevice; pointer?: PointerDevice; active: number; leds: number[] } = {
    active: 0,
    leds: [],
  };
  const registration = { activate: () => void found.active++ };
  const inputs: InputRegistry = {
    addKeyboard(keyboard) {
      found.keyboard = keyboard;
      return registration;
    },
    addPointer(pointer) {
      found.pointer = pointer;
      return registration;
    },
  };
  const rig = virtioRig(type, { ...props, inputs, leds: (leds: number) => void found.leds.push(leds) });
  return {
    rig,
    found,
    select(select: number, subsel = 0) {
      rig.writeConfig(0, select, 1);
      rig.writeConfig(1, subsel, 1);
      return Array.from({ length: rig.config(2, 1) }, (_, i) => rig.config(8 + i, 1));
    },
    buffers(count: number) {
      for (let i = 0; i < count; i++) rig.add(0, [8]);
    },
    /** [type, code, value] of what came. */
    events: () =>
      rig.collect(0).map(({ bytes }) => {
        const view = new DataView(bytes.buffer, bytes.byteOffset);
        return [view.getUint16(0, true), view.getUint16(2, true), view.getInt32(4, true)];
      }),
  };
}

describe('a keyboard', () => {
  test('is a modern device of class 0x0900 that says what it is', () => {
    const k = input(virtioKeyboardPci, { serial: 'abc' });
    k.rig.start();
    expect([k.rig.pci.read(0, 4), k.rig.pci.read(8, 4)]).toEqual([0x1052_1af4, 0x0900_0001]);
    expect(String.fromCharCode(...k.select(1))).toBe('QEMU Virtio Keyboard');
    expect(String.fromCharCode(...k.select(2))).toBe('abc');
    expect(k.select(3)).toEqual([...le([6, 2], [0x627, 2], [1, 2], [1, 2])]);
    const keyBits = k.select(0x11, 1);
    expect([(keyBits[30 >> 3]! >> (30 & 7)) & 1, keyBits[0]! & 1]).toEqual([1, 0]); // KEY_A; no KEY_RESERVED
    expect([k.select(0x11, 0x11), k.select(0x11, 2), k.select(0x12, 0), k.select(0)]).toEqual([[7], [], [], []]);
  });
  test('sends keys with a report’s end, all or nothing', () => {
    const k = input(virtioKeyboardPci);
    k.rig.start();
    expect([k.found.active, k.found.keyboard?.busy]).toEqual([1, true]);
    k.found.keyboard?.key('a', true);
    k.buffers(5);
    k.found.keyboard?.key('a', true);
    k.found.keyboard?.key('a', false);
    k.found.keyboard?.key('b', true); // one buffer is left: too few
    expect(k.events()).toEqual([
      [1, 30, 1],
      [0, 0, 0],
      [1, 30, 0],
      [0, 0, 0],
    ]); // prettier-ignore
    expect([k.found.keyboard?.busy, k.rig.irq]).toEqual([true, true]);
  });
  test('shows the LEDs that the guest lights', () => {
    const k = input(virtioKeyboardPci);
    k.rig.start();
    k.rig.ask(1, [le([0x11, 2], [1, 2], [1, 4])]);
    k.rig.ask(1, [le([0x11, 2], [0, 2], [1, 4])]);
    k.rig.ask(1, [le([0x11, 2], [1, 2], [0, 4])]);
    expect(k.found.leds).toEqual([4, 6, 2]);
  });
});

test('a mouse sends motion, wheel and changes of buttons', () => {
  const m = input(virtioMousePci);
  m.rig.start();
  m.buffers(20);
  m.found.pointer?.point({ dx: 3, dy: -4 });
  m.found.pointer?.point({ dz: 1, buttons: 1 });
  m.found.pointer?.point({ buttons: 4 });
  m.found.pointer?.point({ buttons: 4 });
  expect(m.events()).toEqual([
    ...[
      [2, 0, 3],
      [2, 1, -4],
      [0, 0, 0],
    ],
    ...[
      [2, 8, -1],
      [1, 0x110, 1],
      [0, 0, 0],
    ],
    ...[
      [1, 0x110, 0],
      [1, 0x112, 1],
      [0, 0, 0],
    ],
  ]); // prettier-ignore
  expect([m.found.pointer?.absolute, (m.rig.pci.read(9, 4) >>> 8) & 0xffff]).toEqual([false, 0x0902]);
});

test('a tablet sends places', () => {
  const t = input(virtioTabletPci);
  t.rig.start();
  expect(t.select(0x12, 1)).toEqual([...le([0, 4], [0x7fff, 4], [0, 12])]);
  t.buffers(4);
  t.found.pointer?.point({ x: 100, y: 32767, dx: 5 });
  expect([t.found.pointer?.absolute, t.events()]).toEqual([
    true,
    [
      [3, 0, 100],
      [3, 1, 32767],
      [0, 0, 0],
    ],
  ]);
  const other = t.rig.reloaded();
  expect(other.device.save()).toEqual(t.rig.device.save());
});

test('a guest’s nonsense neither crashes nor hangs the device', () => {
  const k = input(virtioKeyboardPci);
  fuzzDevice(k.rig as unknown as Parameters<typeof fuzzDevice>[0], {
    accesses: FUZZ_ACCESSES / 4,
    seed: 6,
    modernOnly: true,
    queues: 2,
    request: (random) => [random.below(2) ? le([0x11, 2], [random.below(4), 2], [random.below(2), 4]) : 8],
    outside: (random) => k.found.keyboard?.key(random.pick(['a', 'ret', 'none']), random.below(2) === 0),
  });
}, 600_000);
