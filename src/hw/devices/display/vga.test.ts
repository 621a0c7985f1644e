/** IBM PS/2 Hardware Interface Technical Reference, 1991, "Video Subsystem" ("VGA"). */
import { describe, expect, test } from 'vitest';
import { VRAM_BYTES, vgaRig } from './vga-rig.fixture.ts';
import { beamStatus } from './vga-timing.ts';

const SEQ = 0x3c4;
const GFX = 0x3ce;
const CRTC = 0x3d4;

describe('registers', () => {
  test('the CRT controller answers at 3Dxh in colour and at 3Bxh in monochrome ("Miscellaneous Output Register")', () => {
    const rig = vgaRig();
    rig.out(0x3c2, 0x01);
    rig.set(CRTC, 0x0c, 0x12);
    expect([rig.in(0x3d5), rig.in(0x3b5)]).toEqual([0x12, 0xff]);
    rig.out(0x3c2, 0x00);
    expect([rig.in(0x3d5), rig.in(0x3b5)]).toEqual([0xff, 0x12]);
    expect(rig.in(0x3cc)).toBe(0);
  });

  test('3C0h takes index and data in turn; reading status resets it to index ("Attribute Controller Registers")', () => {
    const rig = vgaRig();
    rig.out(0x3c2, 1);
    rig.out(0x3c0, 0x10);
    rig.in(0x3da);
    rig.out(0x3c0, 0x05);
    rig.out(0x3c0, 0x2a);
    rig.out(0x3c0, 0x05);
    expect(rig.in(0x3c1)).toBe(0x2a);
  });

  test('protected CR0 to CR7 keep their values, but for line compare bit 8 ("Vertical Retrace End Register")', () => {
    const rig = vgaRig();
    rig.out(0x3c2, 1);
    rig.set(CRTC, 0x00, 0x5f);
    rig.set(CRTC, 0x07, 0x0f);
    rig.set(CRTC, 0x11, 0x80);
    rig.set(CRTC, 0x00, 0x11);
    rig.set(CRTC, 0x07, 0x10);
    const read = (index: number): number => {
      rig.out(CRTC, index);
      return rig.in(0x3d5);
    };
    expect([read(0), read(7)]).toEqual([0x5f, 0x1f]);
  });

  test('a colour is taken with its third part; reads and writes step on ("Video Digital-to-Analog Converter")', () => {
    const rig = vgaRig();
    rig.out(0x3c8, 7);
    rig.out(0x3c9, 1);
    rig.out(0x3c9, 2);
    rig.out(0x3c7, 7);
    expect([rig.in(0x3c9), rig.in(0x3c7)]).toEqual([0, 3]);
    rig.colour(7, 1, 2, 3);
    rig.out(0x3c9, 4);
    expect(rig.in(0x3c8)).toBe(8);
    rig.out(0x3c7, 7);
    expect([rig.in(0x3c9), rig.in(0x3c9), rig.in(0x3c9)]).toEqual([1, 2, 3]);
  });

  test('bits that do not exist stay 0', () => {
    const rig = vgaRig();
    for (const [port, index, expected] of [
      [SEQ, 1, 0x3d],
      [SEQ, 4, 0x0e],
      [GFX, 5, 0x7b],
      [GFX, 6, 0x0f],
      [GFX, 8, 0xff],
    ] as const) {
      rig.set(port, index, 0xff);
      expect(rig.in(port + 1)).toBe(expected);
    }
  });
});

describe('the beam, in mode 3: 70 frames of 449 lines', () => {
  const rig = vgaRig();
  rig.mode('text');
  const FRAME_NS = (900 * 449 * 1e9) / 28_322_000;

  test('is in vertical retrace for the two lines from 412 on, and displays 400 lines of 720 dots', () => {
    const count = { retrace: 0, display: 0 };
    const samples = 449 * 100;
    for (let i = 0; i < samples; i++) {
      const status = beamStatus(rig.bench.state, ((i + 0.5) * FRAME_NS) / samples);
      if (status & 8) count.retrace++;
      if (!(status & 1)) count.display++;
    }
    expect(count.retrace / samples).toBeCloseTo(2 / 449, 4);
    expect(count.display / samples).toBeCloseTo((400 * 80) / (449 * 100), 3);
  });

  test('moves on with guest time alone', () => {
    const statuses = new Set<number>();
    for (let i = 0; i < 500; i++) {
      statuses.add(rig.in(0x3da));
      rig.bench.advance(Math.floor(FRAME_NS / 499));
    }
    expect(statuses).toEqual(new Set([0, 1, 9]));
    expect(rig.in(0x3da)).toBe(rig.in(0x3da));
  });
});

describe('write modes ("Graphics Mode Register")', () => {
  /** Planes 0 to 3 of an address. */
  const planes = (rig: ReturnType<typeof vgaRig>, at: number) => [...rig.ram.subarray(at * 4, at * 4 + 4)];
  const AT = 0xa0010;

  function rigWith(before: readonly number[]) {
    const rig = vgaRig();
    rig.mode('planar');
    rig.ram.set(before, 0x10 * 4);
    rig.memory.read(AT, 1); // loads the latches
    return rig;
  }

  test('0: rotated data, or set/reset where it is enabled; under the bit mask', () => {
    const rig = rigWith([0xff, 0xff, 0, 0]);
    rig.set(GFX, 3, 4); // rotate by 4
    rig.set(GFX, 0, 0x08); // set plane 3
    rig.set(GFX, 1, 0x0c); // planes 2 and 3 take set/reset
    rig.set(GFX, 8, 0x3f);
    rig.memory.write(AT, 0x12, 1); // 21h
    expect(planes(rig, 0x10)).toEqual([0xe1, 0xe1, 0x00, 0x3f]);
  });

  test.each([
    [1, 'AND', [0x05, 0x00, 0x0f, 0x0a]],
    [2, 'OR', [0xff, 0x0f, 0xff, 0xaf]],
    [3, 'XOR', [0xfa, 0x0f, 0xf0, 0xa5]],
  ])('0 with function %i, %s with the latches', (code, _name, expected) => {
    const rig = rigWith([0xf5, 0x00, 0xff, 0xaa]);
    rig.set(GFX, 3, code << 3);
    rig.memory.write(AT, 0x0f, 1);
    expect(planes(rig, 0x10)).toEqual(expected);
  });

  test('1: the latches, to the planes of the map mask', () => {
    const rig = rigWith([1, 2, 3, 4]);
    rig.set(GFX, 5, 1);
    rig.set(SEQ, 2, 0x0b);
    rig.memory.write(AT + 1, 0xee, 1);
    expect(planes(rig, 0x11)).toEqual([1, 2, 0, 4]);
  });

  test('2: a bit a plane, for all pixels of the bit mask', () => {
    const rig = rigWith([0x0f, 0x0f, 0, 0]);
    rig.set(GFX, 5, 2);
    rig.set(GFX, 8, 0xf1);
    rig.memory.write(AT, 0x05, 1);
    expect(planes(rig, 0x10)).toEqual([0xff, 0x0e, 0xf1, 0x00]);
  });

  test('3: set/reset for the pixels of rotated data AND bit mask', () => {
    const rig = rigWith([0, 0, 0xff, 0xff]);
    rig.set(GFX, 5, 3);
    rig.set(GFX, 0, 0x05);
    rig.set(GFX, 3, 1);
    rig.set(GFX, 8, 0x7f);
    rig.memory.write(AT, 0x81, 1); // C0h after rotation, 40h under the mask
    expect(planes(rig, 0x10)).toEqual([0x40, 0x00, 0xff, 0xbf]);
  });

  test('read mode 0 gives the plane of the read map, 1 compares colours where planes count', () => {
    const rig = rigWith([0b1100, 0b1010, 0, 0xff]);
    rig.set(GFX, 4, 1);
    expect(rig.memory.read(AT, 1)).toBe(0b1010);
    rig.set(GFX, 5, 8);
    rig.set(GFX, 2, 0x01); // colour 1
    rig.set(GFX, 7, 0x03); // planes 0 and 1
    expect(rig.memory.read(AT, 1)).toBe(0b0100);
    rig.set(GFX, 7, 0x00);
    expect(rig.memory.read(AT, 1)).toBe(0xff);
  });

  test('odd/even: even addresses are plane 0, odd ones plane 1, masked ones are lost', () => {
    const rig = vgaRig();
    rig.mode('text');
    rig.memory.write(0xb8000, 0x0741, 2);
    rig.set(SEQ, 2, 1);
    rig.memory.write(0xb8002, 0x0742, 2);
    expect([...rig.ram.subarray(0, 8)]).toEqual([0x41, 0x07, 0, 0, 0x42, 0, 0, 0]);
    expect(rig.memory.read(0xb8000, 2)).toBe(0x0741);
  });

  test('the window is where GR6 says; outside of it reads give FFh and writes are lost', () => {
    const rig = vgaRig();
    rig.mode('planar');
    rig.set(GFX, 6, 0x0d); // B8000h, 32 KiB
    rig.memory.write(0xa0000, 1, 1);
    rig.memory.write(0xb8000, 2, 1);
    expect([rig.ram[0], rig.memory.read(0xa0000, 1), rig.memory.read(0xb8000, 1)]).toEqual([2, 0xff, 2]);
  });

  test('chain-4 memory is plain memory of the guest, until a plane is masked', () => {
    const rig = vgaRig();
    const isPlain = () => rig.memory.view.some(({ start, region }) => start === 0xa0000 && region.kind === 'ram');
    rig.mode('linear');
    expect(isPlain()).toBe(true);
    rig.memory.write(0xa0003, 0x99, 1);
    expect(rig.ram[3]).toBe(0x99);
    rig.set(SEQ, 2, 0x07);
    expect(isPlain()).toBe(false);
    rig.memory.write(0xa0003, 0x11, 1);
    rig.memory.write(0xa0004, 0x22, 1);
    expect([rig.ram[3], rig.ram[4]]).toEqual([0x99, 0x22]);
  });
});

describe('pictures', () => {
  test('text has 80x25 cells of 9x16 dots; a font of plane 2; colours by attribute', () => {
    const rig = vgaRig();
    rig.mode('text');
    rig.ram[0x41 * 128 + 5 * 4 + 2] = 0x80; // the sixth line of an A
    rig.memory.write(0xb8000 + 2 * 81, 0x2441, 2);
    expect(rig.draw()).toMatchObject({ width: 720, height: 400 });
    expect(rig.pixel(9, 16 + 5).toString(16)).toBe((((4 * 4 * 4) << 16) | ((47 * 4 + 3) << 8) | (4 * 4)).toString(16));
    expect(rig.pixel(10, 16 + 5).toString(16)).toBe((((2 * 4 * 4) << 16) | ((55 * 4 + 3) << 8) | (2 * 4)).toString(16));
    expect(rig.text()?.split('\n').slice(0, 3)).toEqual(['', ' A', '']);
  });

  test('the cursor covers its lines, and is gone when it is off', () => {
    const rig = vgaRig();
    rig.mode('text');
    rig.memory.write(0xb8004, 0x0720, 2);
    rig.set(CRTC, 0x0f, 2);
    const line = () => [12, 13, 14, 15].map((y) => rig.pixel(2 * 9 + 4, y) !== rig.pixel(0, 0));
    expect(line()).toEqual([false, true, true, false]);
    rig.set(CRTC, 0x0a, 0x2d);
    expect(line()).toEqual([false, false, false, false]);
  });

  test('planar graphics join a bit of each plane; planes can be hidden', () => {
    const rig = vgaRig();
    rig.mode('planar');
    expect(rig.draw()).toMatchObject({ width: 640, height: 480 });
    rig.ram.set([0x80, 0x40, 0xc0, 0x00], (80 * 3 + 2) * 4);
    const paletteIndex = (x: number) => (rig.pixel(x, 3) >> 16) / 16;
    expect([16, 17, 18].map(paletteIndex)).toEqual([5, 6, 0]);
    rig.attribute(0x12, 0x03);
    rig.out(0x3c0, 0x20);
    expect([16, 17, 18].map(paletteIndex)).toEqual([1, 2, 0]);
  });

  test('256 colours show each byte as two dots on two lines', () => {
    const rig = vgaRig();
    rig.mode('linear');
    rig.colour(200, 63, 0, 0);
    rig.memory.write(0xa0000 + 320 * 10 + 7, 200, 1);
    expect(rig.draw()).toMatchObject({ width: 640, height: 400 });
    const hits = [
      [13, 20],
      [14, 20],
      [15, 21],
      [14, 19],
      [14, 22],
      [16, 20],
    ].map(([x, y]) => rig.pixel(x!, y!) === 0xff0000);
    expect(hits).toEqual([false, true, true, false, false, false]);
  });

  test('CGA graphics take odd rows from the second half of their memory', () => {
    const rig = vgaRig();
    rig.mode('cga');
    expect(rig.draw()).toMatchObject({ width: 640, height: 400 });
    rig.memory.write(0xb8000, 0x1b, 1); // pixels 0, 1, 2, 3 of row 0
    rig.memory.write(0xba000, 0xe4, 1); // pixels 3, 2, 1, 0 of row 1
    const index = (x: number, y: number) => (rig.pixel(x, y) >> 16) / 16;
    expect([0, 2, 4, 6].map((x) => index(x, 1))).toEqual([0, 1, 2, 3]);
    expect([0, 2, 4, 6].map((x) => index(x, 2))).toEqual([3, 2, 1, 0]);
  });

  test('below the line of line compare, memory starts anew', () => {
    const rig = vgaRig();
    rig.mode('linear');
    rig.colour(1, 63, 63, 63);
    rig.set(CRTC, 0x0c, 0x40);
    rig.memory.write(0xa0000, 1, 1);
    rig.set(CRTC, 0x18, 99);
    rig.set(CRTC, 0x07, 0x0f);
    rig.set(CRTC, 0x09, 0x01);
    expect([rig.pixel(0, 0), rig.pixel(0, 99), rig.pixel(0, 100)]).toEqual([
      0x00ff00 & rig.pixel(0, 0),
      rig.pixel(0, 0),
      0xffffff,
    ]);
  });

  test('panning shifts the picture to the left', () => {
    const rig = vgaRig();
    rig.mode('planar');
    rig.ram[0] = 0x10;
    expect(rig.pixel(3, 0)).not.toBe(rig.pixel(0, 0));
    rig.attribute(0x13, 3);
    rig.out(0x3c0, 0x20);
    expect(rig.pixel(0, 0)).not.toBe(rig.pixel(3, 0));
  });

  test('before a mode is set, the screen is black and has 640x480 dots', () => {
    expect(vgaRig().draw()).toMatchObject({ width: 640, height: 480 });
    expect(vgaRig().pixel(320, 240)).toBe(0);
  });

  test('a palette that is being loaded blanks the screen', () => {
    const rig = vgaRig();
    rig.mode('linear');
    rig.attribute(0x00, 0);
    expect([rig.pixel(0, 0), rig.draw().width]).toEqual([0, 640]);
  });
});

describe("Bochs's display interface", () => {
  const ENABLE = { on: 1, caps: 2, dac8: 0x20, lfb: 0x40, keep: 0x80 } as const;
  function rigAt(width: number, height: number, bpp: number, flags = 0) {
    const rig = vgaRig();
    rig.mode('text');
    rig.dispi.write(1, width);
    rig.dispi.write(2, height);
    rig.dispi.write(3, bpp);
    rig.dispi.write(4, ENABLE.on | ENABLE.lfb | flags);
    return rig;
  }

  test('has an identification that software can lower, capabilities, and the size of its memory', () => {
    const { dispi } = vgaRig();
    expect(dispi.read(0)).toBe(0xb0c5);
    dispi.write(0, 0xb0c2);
    dispi.write(0, 0x1234);
    expect(dispi.read(0)).toBe(0xb0c2);
    dispi.write(4, ENABLE.caps);
    expect([dispi.read(1), dispi.read(2), dispi.read(3)]).toEqual([2560, 1600, 32]);
    expect(dispi.read(10)).toBe(16);
  });

  test.each([
    [8, 0x05, 0x155a6b],
    [15, (11 << 10) | (13 << 5) | 17, 0x58_68_88],
    [16, (11 << 11) | (26 << 5) | 17, 0x5a_69_8c],
    [24, 0x123456, 0x123456],
    [32, 0x123456, 0x123456],
  ])('%i bits a pixel', (bpp, value, expected) => {
    const rig = rigAt(320, 200, bpp, ENABLE.dac8);
    rig.colour(5, 0x15, 0x5a, 0x6b);
    const bytes = Math.ceil(bpp / 8);
    for (let i = 0; i < bytes; i++) rig.ram[(320 * 7 + 9) * bytes + i] = value >> (8 * i);
    expect(rig.draw()).toMatchObject({ width: 320, height: 200 });
    expect(rig.pixel(9, 7).toString(16)).toBe(expected.toString(16));
    expect(rig.pixel(10, 7)).toBe(rig.pixel(0, 0));
  });

  test('offsets scroll within a wider picture as far as memory goes', () => {
    const rig = rigAt(320, 200, 8, ENABLE.dac8);
    rig.colour(1, 255, 255, 255);
    rig.dispi.write(6, 512);
    expect(rig.dispi.read(7)).toBe(VRAM_BYTES / 512);
    rig.ram[512 * 30 + 40] = 1;
    rig.dispi.write(8, 40);
    rig.dispi.write(9, 30);
    expect(rig.pixel(0, 0)).toBe(0xffffff);
    rig.dispi.write(9, 60_000);
    expect(rig.dispi.read(9)).toBe(0);
  });

  test('sizes that memory does not hold, and odd ones, are made to fit', () => {
    const rig = rigAt(1285, 1600, 32);
    expect([rig.dispi.read(1), rig.dispi.read(2)]).toEqual([1280, Math.floor(VRAM_BYTES / 5120)]);
    rig.dispi.write(3, 7);
    expect(rig.dispi.read(3)).toBe(8);
  });

  test('switching on clears the picture, unless it is told not to', () => {
    const rig = vgaRig();
    rig.ram[5] = 9;
    rig.dispi.write(1, 64);
    rig.dispi.write(2, 64);
    rig.dispi.write(3, 8);
    rig.dispi.write(4, ENABLE.on | ENABLE.keep);
    expect(rig.ram[5]).toBe(9);
    rig.dispi.write(4, 0);
    rig.dispi.write(4, ENABLE.on);
    expect(rig.ram[5]).toBe(0);
  });

  test('the bank register moves the window at A0000h through the memory', () => {
    const rig = rigAt(640, 480, 8);
    rig.dispi.write(5, 3);
    rig.memory.write(0xa0010, 0x77, 1);
    expect(rig.ram[0x30010]).toBe(0x77);
    rig.dispi.write(5, 0x103);
    expect(rig.dispi.read(5)).toBe(3);
  });

  test('the linear frame buffer is plain memory', () => {
    const rig = rigAt(640, 480, 8);
    rig.memory.write(0xe000_0123, 0x55, 1);
    expect(rig.ram[0x123]).toBe(0x55);
  });
});

describe('the description', () => {
  test('counts changes, and only those', () => {
    const rig = vgaRig();
    rig.mode('text');
    expect(rig.publish()).toBe(true);
    expect(rig.publish()).toBe(false);
    rig.set(CRTC, 0x0f, 7);
    expect(rig.publish()).toBe(true);
  });

  test('only rows that differ are drawn again', () => {
    const rig = vgaRig();
    rig.mode('linear');
    rig.draw();
    expect(rig.draw()).toMatchObject({ top: 0, bottom: 0 });
    rig.memory.write(0xa0000 + 320 * 50, 3, 1);
    expect(rig.draw()).toMatchObject({ top: 100, bottom: 102, isResized: false });
  });
});

test('10^5 random accesses: no error, every picture has a sane size, the state survives a save and a load', () => {
  const rig = vgaRig();
  let x = 0x5eed;
  const random = (limit: number): number => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    return Math.floor((x / 2 ** 32) * limit);
  };
  const count = Number(process.env['LOCKSTEP_FUZZ'] ?? 1e5);
  for (let i = 0; i < count; i++) {
    const port = 0x3b0 + random(0x30);
    switch (random(8)) {
      case 0:
        rig.in(port);
        break;
      case 1:
        rig.dispi.write(random(12), random(4) ? random(4096) : random(0x10000));
        break;
      case 2:
        rig.memory.write(0xa0000 + random(0x20000), random(256), 1);
        break;
      case 3:
        rig.memory.read(0xa0000 + random(0x20000), 1);
        break;
      case 4:
        rig.bench.advance(random(1e6));
        break;
      default:
        rig.out(port, random(256));
    }
    if (i % 997 !== 0) continue;
    const { width, height } = rig.draw();
    expect(width > 0 && width <= 4096 && height > 0 && height <= 2048).toBe(true);
    rig.text();
    const again = vgaRig();
    again.bench.device.fill(rig.bench.device.save());
    again.bench.device.sync();
    expect(again.bench.device.hash()).toBe(rig.bench.device.hash());
    expect(again.bench.parts.display.describe()).toEqual(rig.bench.parts.display.describe());
  }
  rig.bench.reset();
  expect(rig.bench.device.hash()).toBe(vgaRig().bench.device.hash());
}, 600_000);
