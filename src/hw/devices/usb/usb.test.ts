import { describe, expect, test } from 'vitest';
import { usbHub } from './usb-hub.ts';
import { usbKbd } from './usb-kbd.ts';
import { usbMouse, usbTablet } from './usb-pointers.ts';
import { REG, usbRig } from './usb-rig.fixture.ts';

describe('the UHCI', () => {
  test('has the registers and reset values of the design guide', () => {
    const rig = usbRig();
    expect([REG.USBCMD, REG.USBSTS, REG.USBINTR, REG.FRNUM, REG.PORTSC1, REG.PORTSC2].map((r) => rig.in(r))).toEqual([
      0, 0x20, 0, 0, 0x80, 0x80,
    ]);
    expect([rig.in(REG.SOFMOD, 1), rig.in(REG.FLBASEADD, 4), rig.in(0x14)]).toEqual([0x40, 0, 0xff7f]);
    rig.out(REG.FLBASEADD, 0x12345678, 4);
    rig.out(REG.FRNUM, 0xffff);
    expect([rig.in(REG.FLBASEADD, 4), rig.in(REG.FRNUM)]).toEqual([0x12345000, 0x7ff]);
  });

  test('counts frames of a millisecond while it runs, however it is looked at', () => {
    const rig = usbRig();
    rig.start();
    rig.advance(10.5);
    expect([rig.in(REG.FRNUM), rig.in(REG.USBSTS)]).toEqual([10, 0]);
    rig.advance(90);
    expect(rig.in(REG.FRNUM)).toBe(100);
    rig.out(REG.USBCMD, 0);
    rig.advance(5);
    expect([rig.in(REG.FRNUM), rig.in(REG.USBSTS)]).toEqual([100, 0x20]);
  });

  test('a port shows what is attached, and enables only that', () => {
    const rig = usbRig([usbTablet]);
    expect([rig.in(REG.PORTSC1), rig.in(REG.PORTSC2)]).toEqual([0x83, 0x80]);
    rig.out(REG.PORTSC1, 0x0002);
    rig.out(REG.PORTSC1, 0x0004);
    rig.out(REG.PORTSC2, 0x0004);
    expect([rig.in(REG.PORTSC1), rig.in(REG.PORTSC2)]).toEqual([0x85, 0x80]);
  });

  test('a completion interrupts if it was asked for; the status clears by writing ones', () => {
    const rig = usbRig([usbTablet]);
    rig.start();
    rig.resetPort(REG.PORTSC1);
    rig.descriptor(0, 1, 0, 8);
    expect([rig.in(REG.USBSTS), rig.irq]).toEqual([1, true]);
    rig.out(REG.USBSTS, 1);
    expect([rig.in(REG.USBSTS), rig.irq]).toEqual([0, false]);
  });

  test('an address that nobody has times out and sets the error', () => {
    const rig = usbRig();
    rig.start();
    const { controls } = rig.run(5, 0, [{ pid: 0x69, room: 8 }]);
    expect(controls[0]! & 0x1fff0000 & ~(1 << 24)).toBe(1 << 18);
    expect(rig.in(REG.USBSTS) & 3).toBe(3);
  });

  test('a schedule that makes no sense stops it, a circle does not', () => {
    const rig = usbRig();
    rig.start();
    rig.run(0, 0, [{ pid: 0x55, room: 8 }]);
    expect(rig.in(REG.USBSTS) & 0x30).toBe(0x30);
    const other = usbRig();
    other.start();
    other.view.setUint32(0x2000, 0x2000 | 2, true); // the queue is its own successor
    other.advance(100);
    expect(other.in(REG.USBSTS)).toBe(0);
    other.view.setUint32(0x2004, 0x3000, true); // an inactive descriptor that links to itself
    other.view.setUint32(0x3000, 0x3000, true);
    other.advance(100);
    expect(other.in(REG.FRNUM)).toBe(200);
  });

  test('without bus mastering nothing is fetched', () => {
    const rig = usbRig([usbTablet]);
    rig.start();
    rig.resetPort(REG.PORTSC1);
    rig.uhci.parts.pci.write(4, 1, 2);
    expect(rig.run(0, 0, [{ pid: 0x69, room: 8 }]).controls[0]! & (1 << 23)).not.toBe(0);
  });
});

describe('a device', () => {
  const started = () => {
    const rig = usbRig([usbTablet]);
    rig.start();
    rig.resetPort(REG.PORTSC1);
    return rig;
  };

  test('describes itself', () => {
    const rig = started();
    expect(rig.descriptor(0, 1)).toEqual([18, 1, 0, 2, 0, 0, 0, 8, 0x27, 6, 1, 0, 0, 0, 1, 3, 10, 1]);
    const configuration = rig.descriptor(0, 2)!;
    expect([configuration.length, configuration[2], configuration.slice(18, 20)]).toEqual([34, 34, [9, 0x21]]);
    const text = rig.descriptor(0, 3, 3)!;
    expect(String.fromCharCode(...text.slice(2).filter((byte) => byte !== 0))).toBe('QEMU USB Tablet');
    expect(rig.descriptor(0, 3, 12)).toBeUndefined();
    expect(rig.descriptor(0, 6)).toBeUndefined();
    const report = rig.control(0, [0x81, 6, 0, 0x22, 0, 0, 255, 0])!;
    expect(report.length).toBe(configuration[25]);
  });

  test('takes an address with the status stage, then answers there', () => {
    const rig = started();
    rig.control(0, [0, 5, 7, 0, 0, 0, 0, 0]);
    expect([rig.descriptor(0, 1), rig.descriptor(7, 1)?.length]).toEqual([undefined, 18]);
    rig.resetPort(REG.PORTSC1);
    expect([rig.descriptor(0, 1)?.length, rig.descriptor(7, 1)]).toEqual([18, undefined]);
  });

  test('has no endpoint but 0 until it is configured', () => {
    const rig = started();
    rig.control(0, [0, 5, 7, 0, 0, 0, 0, 0]);
    expect(rig.run(7, 1, [{ pid: 0x69, room: 8 }]).controls[0]! & (1 << 22)).not.toBe(0);
    rig.control(7, [0, 9, 1, 0, 0, 0, 0, 0]);
    expect([rig.control(7, [0x80, 8, 0, 0, 0, 0, 1, 0]), rig.poll(7)]).toEqual([[1], undefined]);
    expect(rig.control(7, [0, 9, 5, 0, 0, 0, 0, 0])).toBeUndefined();
  });

  test('halts an endpoint, remembers remote wake-up, stalls what it does not know', () => {
    const rig = started();
    rig.setUp(3);
    rig.control(3, [2, 3, 0, 0, 0x81, 0, 0, 0]);
    expect(rig.control(3, [0x82, 0, 0, 0, 0x81, 0, 2, 0])).toEqual([1, 0]);
    rig.control(3, [2, 1, 0, 0, 0x81, 0, 0, 0]);
    rig.control(3, [0, 3, 1, 0, 0, 0, 0, 0]);
    expect(rig.control(3, [0x80, 0, 0, 0, 0, 0, 2, 0])).toEqual([2, 0]);
    expect(rig.control(3, [0xc0, 0x33, 0, 0, 0, 0, 2, 0])).toBeUndefined();
  });

  test('asks a suspended port to resume, if it may', () => {
    const rig = started();
    rig.setUp(3);
    rig.out(REG.PORTSC1, 0x1004);
    rig.pointers[0]!.point({ x: 1, y: 1 });
    expect(rig.in(REG.PORTSC1) & 0x40).toBe(0);
    rig.control(3, [0, 3, 1, 0, 0, 0, 0, 0]);
    rig.pointers[0]!.point({ x: 2, y: 1 });
    expect([rig.in(REG.PORTSC1) & 0x40, rig.in(REG.USBSTS) & 4, rig.irq]).toEqual([0x40, 4, true]);
  });
});

describe('pointers', () => {
  test('a tablet reports places, buttons and wheel; clicks between two looks are not lost', () => {
    const rig = usbRig([usbTablet]);
    rig.start();
    rig.resetPort(REG.PORTSC1);
    rig.setUp(1);
    const [tablet] = rig.pointers;
    expect(rig.poll(1)).toBeUndefined();
    expect(rig.activated).toEqual(['QEMU HID Tablet']);
    tablet!.point({ x: 0x1234, y: 0x7fff });
    tablet!.point({ x: 0x1235 });
    tablet!.point({ buttons: 1 });
    tablet!.point({ buttons: 0, dz: 1 });
    expect([rig.poll(1), rig.poll(1), rig.poll(1), rig.poll(1)]).toEqual([
      [0, 0x35, 0x12, 0xff, 0x7f, 0],
      [1, 0x35, 0x12, 0xff, 0x7f, 0],
      [0, 0x35, 0x12, 0xff, 0x7f, 0xff],
      undefined,
    ]);
  });

  test('a mouse reports motion in steps that fit', () => {
    const rig = usbRig([usbMouse]);
    rig.start();
    rig.resetPort(REG.PORTSC1);
    rig.setUp(1);
    rig.pointers[0]!.point({ dx: 200, dy: -3, buttons: 2 });
    expect([rig.poll(1, 4), rig.poll(1, 4), rig.poll(1, 4)]).toEqual([[2, 127, 0xfd, 0], [2, 73, 0, 0], undefined]);
  });

  test('with a rate set, it reports though nothing happened', () => {
    const rig = usbRig([usbMouse]);
    rig.start();
    rig.resetPort(REG.PORTSC1);
    rig.setUp(1);
    rig.control(1, [0x21, 10, 0, 1, 0, 0, 0, 0]); // 4 ms
    expect(rig.poll(1, 4)).toEqual([0, 0, 0, 0]);
    expect(rig.control(1, [0xa1, 2, 0, 0, 0, 0, 1, 0])).toEqual([1]);
  });
});

describe('the keyboard', () => {
  test('reports modifiers and up to six keys, one change at a time', () => {
    const rig = usbRig([usbKbd]);
    rig.start();
    rig.resetPort(REG.PORTSC1);
    rig.setUp(1);
    const [keyboard] = rig.keyboards;
    keyboard!.key('shift', true);
    for (const key of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) keyboard!.key(key, true);
    keyboard!.key('g', false);
    const reports = Array.from({ length: 9 }, () => rig.poll(1));
    expect(reports[0]).toEqual([2, 0, 0, 0, 0, 0, 0, 0]);
    expect(reports[6]).toEqual([2, 0, 4, 5, 6, 7, 8, 9]);
    expect(reports[7]).toEqual([2, 0, 1, 1, 1, 1, 1, 1]);
    expect(reports[8]).toEqual([2, 0, 4, 5, 6, 7, 8, 9]);
    expect([rig.poll(1), keyboard!.busy]).toEqual([undefined, false]);
  });

  test('shows its lights', () => {
    const rig = usbRig([usbKbd]);
    rig.start();
    rig.resetPort(REG.PORTSC1);
    rig.setUp(1);
    rig.control(1, [0x21, 9, 0, 2, 0, 0, 1, 0], [0x03]);
    expect(rig.lights.at(-1)).toBe(6); // num lock and caps lock
  });
});

describe('a hub', () => {
  test('has ports of its own, announces what is there, and hands on by address', () => {
    const rig = usbRig([usbHub], [usbKbd, { port: '1.2' }]);
    rig.start();
    rig.resetPort(REG.PORTSC1);
    rig.setUp(1);
    expect(rig.control(1, [0xa0, 6, 0, 0x29, 0, 0, 15, 0])).toEqual([11, 0x29, 8, 0x0a, 0, 1, 0, 0, 0, 0xff, 0xff]);
    expect(rig.poll(1, 2)).toEqual([4, 0]);
    expect(rig.control(1, [0xa3, 0, 0, 0, 2, 0, 4, 0])).toEqual([1, 1, 1, 0]);
    rig.control(1, [0x23, 1, 16, 0, 2, 0, 0, 0]);
    expect(rig.descriptor(0, 1)).toBeUndefined();
    rig.control(1, [0x23, 3, 4, 0, 2, 0, 0, 0]);
    expect(rig.control(1, [0xa3, 0, 0, 0, 2, 0, 4, 0])).toEqual([3, 1, 0x10, 0]);
    rig.control(1, [0x23, 1, 20, 0, 2, 0, 0, 0]);
    rig.setUp(2);
    rig.keyboards[0]!.key('a', true);
    expect([rig.poll(2), rig.poll(1, 2)]).toEqual([[0, 0, 4, 0, 0, 0, 0, 0], undefined]);
    expect(rig.control(1, [0xa3, 0, 0, 0, 9, 0, 4, 0])).toBeUndefined();
  });

  test('a port that is taken or not there is refused', () => {
    expect(() => usbRig([usbKbd, { port: '1' }], [usbMouse, { port: '1' }])).toThrow(
      'usb port 1 (bus usb-bus.0) not found',
    );
    expect(() => usbRig([usbKbd, { port: '1.1' }])).toThrow('usb port 1.1 (bus usb-bus.0) not found');
    expect(() => usbRig([usbKbd], [usbMouse], [usbTablet])).toThrow('with no free ports');
  });
});

describe('state', () => {
  test('saved in the middle of a control transfer it goes on elsewhere', () => {
    const rig = usbRig([usbTablet]);
    rig.start();
    rig.resetPort(REG.PORTSC1);
    rig.run(0, 0, [{ pid: 0x2d, data: [0x80, 6, 0, 1, 0, 0, 18, 0] }]);
    rig.run(0, 0, [{ pid: 0x69, room: 8 }]);
    const other = usbRig([usbTablet]);
    other.ram.set(rig.ram);
    other.clock.restore(rig.clock.now());
    other.load(rig.save());
    expect(other.save()).toEqual(rig.save());
    expect(other.run(0, 0, [{ pid: 0x69, room: 8 }]).received).toEqual([0x27, 6, 1, 0, 0, 0, 1, 3]);
  });

  test('reset equals fresh', () => {
    const rig = usbRig([usbHub], [usbKbd, { port: '1.1' }], [usbTablet, { port: '1.2' }]);
    const fresh = rig.save();
    rig.start();
    rig.resetPort(REG.PORTSC1);
    rig.setUp(1);
    rig.pointers[0]!.point({ x: 5, y: 5 });
    rig.reset();
    expect(rig.save()).toEqual(fresh);
  });
});

test('whatever a guest writes, into registers and schedules, the machine goes on', () => {
  const rounds = Number(process.env['USB_FUZZ'] ?? 100_000);
  const rig = usbRig([usbHub], [usbKbd, { port: '1.1' }], [usbTablet, { port: '2' }], [usbMouse, { port: '1.3' }]);
  let x = 0x10c5;
  const random = (limit: number): number => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    return Math.floor((x / 2 ** 32) * limit);
  };
  const sizes = [1, 2, 4];
  rig.start();
  for (let i = 0; i < rounds; i++) {
    const choice = random(16);
    if (choice < 4) rig.out(random(32), random(2 ** 32), sizes[random(3)]!);
    else if (choice < 6) expect(rig.in(random(32), sizes[random(3)]!)).toBeGreaterThanOrEqual(0);
    else if (choice < 9) rig.view.setUint32(0x1000 + 4 * random(0x1400), random(0x8000), true);
    else if (choice < 11) rig.view.setUint32(0x2000 + 4 * random(0x800), (random(2 ** 32) & ~0x7ff00) | 0x800000, true);
    else if (choice === 11)
      rig.run(random(3), random(2), [
        {
          pid: [0x2d, 0x69, 0xe1][random(3)]!,
          room: random(9),
          data: [random(256), random(16), random(4), random(40), random(4), 0, random(64), 0],
        },
      ]);
    else if (choice === 12) rig.keyboards[0]!.key('a', random(2) === 1);
    else if (choice === 13)
      rig.pointers[random(2)]!.point({ dx: random(1000), x: random(0x8000), buttons: random(32), dz: random(3) - 1 });
    else if (choice === 14) rig.advance(random(20));
    else if (random(64) === 0) {
      rig.start();
      rig.resetPort(REG.PORTSC1);
    }
    if (i % 5000 !== 0) continue;
    const saved = rig.save();
    rig.load(saved);
    expect(rig.save()).toEqual(saved);
  }
}, 600_000);
