import { describe, expect, test } from 'vitest';
import { keys } from '../../../input/keys.ts';
import { VirtualClock } from '../../core/clock.ts';
import { createDevice } from '../../core/device.ts';
import { createBench } from '../../core/test-bench.ts';
import { i8042 } from './i8042.ts';
import { ps2Keyboard } from './ps2-keyboard.ts';
import { ps2Mouse } from './ps2-mouse.ts';
import { scanCodes, translateScanCode } from './scan-codes.ts';

function createController() {
  const clock = new VirtualClock();
  const lights: number[] = [];
  let resets = 0;
  const keyboard = createDevice(ps2Keyboard, { clock, props: { leds: (l) => void lights.push(l) } });
  const mouse = createDevice(ps2Mouse, { clock });
  const bench = createBench(i8042, {
    keyboard: keyboard.parts.port,
    mouse: mouse.parts.port,
    systemReset: () => void resets++,
  });
  const status = () => bench.in('command', 0);
  const data = () => bench.in('data', 0);
  const command = (value: number, ...bytes: readonly number[]) => {
    bench.out('command', 0, value);
    for (const byte of bytes) bench.out('data', 0, byte);
  };
  return {
    bench,
    clock,
    keyboard,
    mouse,
    lights,
    status,
    data,
    command,
    resets: () => resets,
    toKeyboard: (byte: number) => bench.out('data', 0, byte),
    toMouse: (byte: number) => command(0xd4, byte),
    key: (key: string, down: boolean) => keyboard.parts.key(key, down),
    move: (dx: number, dy: number, dz = 0, buttons = 0) => mouse.parts.point({ dx, dy, dz, buttons }),
    /** Everything that waits in the output buffer. */
    drain() {
      const bytes: number[] = [];
      while (status() & 1) bytes.push(data());
      return bytes;
    },
  };
}

describe('controller', () => {
  test('answers as QEMU 7.2 does', () => {
    const c = createController();
    expect(c.status()).toBe(0x18);
    c.command(0x20);
    expect([c.status(), c.data(), c.status()]).toEqual([0x19, 0x03, 0x18]);
    c.command(0xaa);
    expect([c.status(), c.data(), c.status()]).toEqual([0x1d, 0x55, 0x1c]);
    c.command(0xd0);
    expect(c.data()).toBe(0xcf);
    c.toKeyboard(0xf2);
    expect([c.status(), c.data(), c.status(), c.data(), c.data(), c.data()]).toEqual([
      0x1d, 0xfa, 0x1d, 0xab, 0x83, 0x83,
    ]);
    c.toMouse(0xf2);
    expect([c.status(), c.data(), c.data(), c.status()]).toEqual([0x3d, 0xfa, 0x00, 0x1c]);
    c.command(0x60, 0x43);
    c.toKeyboard(0xf2);
    expect(c.drain()).toEqual([0xfa, 0xab, 0x41]);
    c.toKeyboard(0xff);
    expect(c.drain()).toEqual([0xfa, 0xaa]);
    c.command(0xc0);
    expect(c.data()).toBe(0x80);
    c.command(0xd3, 0x77);
    expect([c.status(), c.data()]).toEqual([0x3d, 0x77]);
    c.command(0xad);
    c.command(0x20);
    expect(c.data()).toBe(0x53);
    c.command(0xdd);
    c.command(0xd0);
    expect(c.data()).toBe(0xcd);
  });

  test('each byte of a sequence gives an edge on the keyboard interrupt', () => {
    const c = createController();
    c.toKeyboard(0xf2);
    expect(c.bench.irq.kbd).toBe(true);
    c.drain();
    expect([c.bench.edges.kbd, c.bench.irq.kbd, c.bench.edges.mouse_irq]).toEqual([3, false, 0]);
  });

  test('a disabled keyboard interface holds bytes back', () => {
    const c = createController();
    c.command(0xad);
    c.key('a', true);
    expect(c.status() & 1).toBe(0);
    c.command(0xae);
    expect(c.drain()).toEqual([0x1c]);
  });

  test('A20 follows the output port and its commands', () => {
    const c = createController();
    expect(c.bench.irq.a20).toBe(true);
    c.command(0xd1, 0xdd);
    expect(c.bench.irq.a20).toBe(false);
    c.command(0xdf);
    expect(c.bench.irq.a20).toBe(true);
    expect(c.resets()).toBe(0);
  });

  test('FEh and a low bit 0 of the output port reset the system', () => {
    const c = createController();
    c.command(0xfe);
    c.command(0xd1, 0x02);
    c.command(0xff);
    expect(c.resets()).toBe(2);
  });
});

describe('keyboard', () => {
  test('keys come in set 2, or translated to set 1', () => {
    const c = createController();
    for (const down of [true, false]) c.key('up', down);
    expect(c.drain()).toEqual([0xe0, 0x75, 0xe0, 0xf0, 0x75]);
    c.command(0x60, 0x41);
    for (const down of [true, false]) c.key('up', down);
    expect(c.drain()).toEqual([0xe0, 0x48, 0xe0, 0xc8]);
  });

  test('every key, translated by the controller, gives its set 1 codes', () => {
    for (const { name: key } of keys) {
      for (const down of [true, false]) {
        const translated: number[] = [];
        let up = 0;
        for (const byte of scanCodes(key, down, 2)) {
          if (byte === 0xf0) up = 0x80;
          else translated.push(translateScanCode(byte) | up);
          if (byte !== 0xf0) up = 0;
        }
        expect([key, translated]).toEqual([key, scanCodes(key, down, 1)]);
      }
    }
  });

  test('set 1 codes are those of the AT keyboard', () => {
    const code = (key: string) => scanCodes(key, true, 1);
    expect(['esc', 'a', 'ret', 'spc', 'f1', 'f10', 'kp_7', 'kp_decimal', 'less', 'f11', 'f12'].flatMap(code)).toEqual([
      0x01, 0x1e, 0x1c, 0x39, 0x3b, 0x44, 0x47, 0x53, 0x56, 0x57, 0x58,
    ]);
    expect(scanCodes('f7', true, 2)).toEqual([0x83]);
    expect(scanCodes('nokey', true, 2)).toEqual([]);
  });

  test('LEDs, scan code set, echo and unknown commands', () => {
    const c = createController();
    c.toKeyboard(0xed);
    c.toKeyboard(0x05);
    expect([c.drain(), c.lights]).toEqual([[0xfa, 0xfa], [5]]);
    c.toKeyboard(0xf0);
    c.toKeyboard(0x00);
    expect(c.drain()).toEqual([0xfa, 0xfa, 0x02]);
    c.toKeyboard(0xf0);
    c.toKeyboard(0x01);
    c.key('a', true);
    expect(c.drain()).toEqual([0xfa, 0xfa, 0x1e]);
    c.toKeyboard(0xee);
    c.toKeyboard(0x10);
    expect(c.drain()).toEqual([0xee, 0xfe]);
  });

  test('F5h stops the keys, F4h lets them pass', () => {
    const c = createController();
    c.toKeyboard(0xf5);
    c.key('a', true);
    c.toKeyboard(0xf4);
    c.key('b', true);
    expect(c.drain()).toEqual([0xfa, 0xfa, 0x32]);
  });

  test('a full buffer drops whole keys only', () => {
    const c = createController();
    for (let i = 0; i < 20; i++) c.key('up', true);
    const bytes = c.drain();
    expect(bytes.length % 2).toBe(0);
    expect(bytes.length).toBeLessThanOrEqual(18);
    c.toKeyboard(0xee);
    expect(c.drain()).toEqual([0xee]);
  });

  test('Print Screen and Pause depend on the modifiers that are held', () => {
    const c = createController();
    const press = (key: string): number[][] =>
      [true, false].map((down) => {
        c.key(key, down);
        return c.drain();
      });
    expect(press('print')).toEqual([
      [0xe0, 0x12, 0xe0, 0x7c],
      [0xe0, 0xf0, 0x7c, 0xe0, 0xf0, 0x12],
    ]);
    for (const [modifier, print, pause] of [
      [
        'alt',
        [
          [0xf0, 0x11, 0x11, 0x84],
          [0xf0, 0x84, 0xf0, 0x11, 0x11],
        ],
        PAUSE,
      ],
      [
        'alt_r',
        [
          [0xe0, 0xf0, 0x11, 0xe0, 0x11, 0x84],
          [0xf0, 0x84, 0xe0, 0xf0, 0x11, 0xe0, 0x11],
        ],
        PAUSE,
      ],
      [
        'ctrl',
        [
          [0xe0, 0x7c],
          [0xe0, 0xf0, 0x7c],
        ],
        [0xe0, 0x7e, 0xe0, 0xf0, 0x7e],
      ],
      [
        'shift_r',
        [
          [0xe0, 0x7c],
          [0xe0, 0xf0, 0x7c],
        ],
        PAUSE,
      ],
    ] as const) {
      c.key(modifier, true);
      c.drain();
      expect([modifier, press('print'), press('pause')]).toEqual([modifier, print, [pause, []]]);
      c.key(modifier, false);
      c.drain();
    }
  });

  test('set 3 has codes of its own, without prefixes', () => {
    const c = createController();
    c.toKeyboard(0xf0);
    c.toKeyboard(0x03);
    c.drain();
    for (const down of [true, false]) c.key('up', down);
    c.key('print', true);
    expect(c.drain()).toEqual([0x63, 0xf0, 0x63, 0x57]);
  });

  describe('repeat', () => {
    const MS = 1e6;
    /** Times, in ms, at which codes came, over `ms`. */
    function arrivals(c: ReturnType<typeof createController>, ms: number): number[] {
      const times: number[] = [];
      for (let t = 1; t <= ms; t++) {
        c.clock.advanceTo(c.clock.now() + MS);
        if (c.drain().length > 0) times.push(t);
      }
      return times;
    }

    test('a held key repeats after half a second, 10.9 times a second, until it is let go', () => {
      const c = createController();
      c.key('a', true);
      c.drain();
      expect(arrivals(c, 800)).toEqual([500, 592, 684, 776]);
      c.key('a', false);
      c.drain();
      expect(arrivals(c, 800)).toEqual([]);
    });

    test('follows rate and delay that the guest sets; the last key pressed repeats; Pause does not', () => {
      const c = createController();
      for (const byte of [0xf3, 0x00]) c.toKeyboard(byte);
      c.key('a', true);
      c.key('b', true);
      c.drain();
      expect(arrivals(c, 320)).toEqual([250, 284, 317]);
      c.key('a', false);
      c.drain();
      expect(arrivals(c, 40)).not.toEqual([]);
      c.key('b', false);
      c.key('pause', true);
      c.drain();
      expect(arrivals(c, 600)).toEqual([]);
    });

    test('goes on after save and load', () => {
      const c = createController();
      c.key('up', true);
      const other = createController();
      other.keyboard.fill(c.keyboard.save());
      other.drain();
      expect(arrivals(other, 600)).toEqual([500, 592]);
    });
  });
});

const PAUSE = [0xe1, 0x14, 0x77, 0xe1, 0xf0, 0x14, 0xf0, 0x77];

describe('mouse', () => {
  const IMPS2 = [200, 100, 80];
  const EXPLORER = [200, 200, 80];
  const knock = (c: ReturnType<typeof createController>, rates: readonly number[]) => {
    for (const rate of rates) for (const byte of [0xf3, rate]) c.toMouse(byte);
    c.drain();
    c.toMouse(0xf2);
    return c.drain()[1];
  };

  test('is silent until enabled, then sends 3-byte packets; y counts upwards', () => {
    const c = createController();
    c.move(5, 0);
    expect(c.status() & 1).toBe(0);
    c.toMouse(0xf4);
    expect(c.drain()).toEqual([0xfa, 0x08, 5, 0]);
    c.move(-1, 2, 0, 1);
    expect(c.bench.irq.mouse_irq).toBe(true);
    expect(c.drain()).toEqual([0x39, 0xff, 0xfe]);
  });

  test('the knocks unlock the wheel and the side buttons', () => {
    const c = createController();
    expect(knock(c, IMPS2)).toBe(3);
    c.toMouse(0xf4);
    c.drain();
    c.move(0, 0, -1);
    expect(c.drain()).toEqual([0x08, 0, 0, 0xff]);
    expect(knock(c, EXPLORER)).toBe(4);
    c.move(0, 0, 1, 0x10);
    expect(c.drain()).toEqual([0x08, 0, 0, 0x21]);
  });

  test('large motions are sent in several packets, and nothing is lost while the guest is slow', () => {
    const c = createController();
    c.toMouse(0xf4);
    c.drain();
    for (let i = 0; i < 100; i++) c.move(30, 0);
    const bytes = c.drain();
    let sum = 0;
    for (let i = 0; i < bytes.length; i += 3) sum += bytes[i + 1]!;
    expect(sum).toBe(3000);
  });

  test('status, reset and wrap mode', () => {
    const c = createController();
    c.toMouse(0xe9);
    expect(c.drain()).toEqual([0xfa, 0x00, 0x02, 100]);
    c.toMouse(0xee);
    c.toMouse(0x12);
    c.toMouse(0xec);
    expect(c.drain()).toEqual([0xfa, 0x12, 0xfa]);
    c.toMouse(0xff);
    expect(c.drain()).toEqual([0xfa, 0xaa, 0x00]);
  });
});
