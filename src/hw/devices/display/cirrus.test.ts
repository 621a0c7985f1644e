/** CL-GD5446 Technical Reference Manual, Cirrus Logic, 1996. Blits against native QEMU: tests/display. */
import { describe, expect, test } from 'vitest';
import { publishScanout, SCANOUT_BYTES } from '../../../display/api.ts';
import { Renderer } from '../../../display/renderer.ts';
import { AddressSpace } from '../../core/memory.ts';
import { PORT_COUNT } from '../../core/ports.ts';
import { Container, ramRegion } from '../../core/region.ts';
import { createBench } from '../../core/test-bench.ts';
import { cirrusVga } from './cirrus-vga.ts';

const VIDEO_BYTES = 4 * 2 ** 20;
const FRAME_BUFFER_AT = 0xf000_0000;
const [SEQ, GFX, CRTC] = [0x3c4, 0x3ce, 0x3d4];

function cirrusRig() {
  const ram = new Uint8Array(new SharedArrayBuffer(VIDEO_BYTES));
  const system = new Container('system', 2 ** 32);
  const bench = createBench(cirrusVga, {
    romfile: '',
    memory: { vram: { region: ramRegion('vram', VIDEO_BYTES, 0), bytes: ram, written() {} } },
    legacyMemory: system,
    io: new Container('io', PORT_COUNT),
    transaction: (change: () => void) => change(),
  });
  system.add(FRAME_BUFFER_AT, bench.parts.regions.frameBuffer);
  const memory = new AddressSpace(system, { bytes: ram, written() {} });
  const words = new Int32Array(new SharedArrayBuffer(SCANOUT_BYTES));
  const renderer = new Renderer(ram, words);
  const { registers } = bench.parts;
  const rig = {
    bench,
    ram,
    memory,
    in: (port: number): number => registers.read(port),
    out: (port: number, value: number): void => registers.write(port, value),
    set(port: number, index: number, value: number): void {
      registers.write(port, index);
      registers.write(port + 1, value);
    },
    get(port: number, index: number): number {
      registers.write(port, index);
      return registers.read(port + 1);
    },
    draw() {
      publishScanout(words, bench.parts.display.describe());
      const frame = renderer.draw();
      if (frame === undefined) throw new Error('nothing to draw');
      return frame;
    },
    pixel(x: number, y: number): number {
      const { pixels, width } = rig.draw();
      const at = (y * width + x) * 4;
      return ((pixels[at] ?? 0) << 16) | ((pixels[at + 1] ?? 0) << 8) | (pixels[at + 2] ?? 0);
    },
    /** 640x480 in the linear mode that SR7 names. */
    linear(mode: number, bytesPerPixel: number): void {
      rig.out(0x3c2, 1);
      rig.set(SEQ, 6, 0x12);
      rig.set(SEQ, 7, mode | 1);
      rig.set(GFX, 6, 0x05);
      const stride = (640 * bytesPerPixel) >> 3;
      for (const [index, value] of [
        [0x01, 79],
        [0x07, 0x12],
        [0x09, 0x40],
        [0x12, 0xdf],
        [0x13, stride & 0xff],
        [0x17, 0xe3],
        [0x18, 0xff],
        [0x1b, stride & 0x100 ? 0x10 : 0],
      ] as const) {
        rig.set(CRTC, index, value);
      }
      rig.in(0x3da);
      rig.out(0x3c0, 0x20);
    },
  };
  return rig;
}

describe('registers', () => {
  test('the chip is known by CR27, its extensions by what SR6 gives back', () => {
    const rig = cirrusRig();
    rig.out(0x3c2, 1);
    expect(rig.get(CRTC, 0x27)).toBe(0xb8);
    expect(rig.get(SEQ, 6)).toBe(0x0f);
    rig.out(0x3c5, 0x12);
    expect(rig.in(0x3c5)).toBe(0x12);
    rig.out(0x3c5, 0x00);
    expect(rig.in(0x3c5)).toBe(0x0f);
    expect(rig.get(SEQ, 0x15)).toBe(4); // 4 MiB
  });

  test('the hidden DAC register shows after four reads of 3C6h, once', () => {
    const rig = cirrusRig();
    const reads = (count: number) => Array.from({ length: count }, () => rig.in(0x3c6));
    reads(4);
    rig.out(0x3c6, 0xe1);
    expect(reads(6)).toEqual([0xff, 0xff, 0xff, 0xff, 0xe1, 0xff]);
  });

  test('the cursor has colours of its own behind the DAC', () => {
    const rig = cirrusRig();
    rig.set(SEQ, 0x12, 2);
    rig.out(0x3c8, 15);
    for (const part of [1, 2, 3]) rig.out(0x3c9, part);
    rig.set(SEQ, 0x12, 0);
    rig.out(0x3c7, 15);
    expect(rig.in(0x3c9)).toBe(0);
    rig.set(SEQ, 0x12, 2);
    rig.out(0x3c7, 15);
    expect([rig.in(0x3c9), rig.in(0x3c9), rig.in(0x3c9)]).toEqual([1, 2, 3]);
  });
});

describe('video memory', () => {
  test('bank 0 moves 64 KiB, two banks 32 KiB each, by 4 or 16 KiB', () => {
    const rig = cirrusRig();
    rig.linear(0, 1);
    rig.set(GFX, 9, 0x10);
    rig.memory.write(0xa8001, 0x11, 1);
    expect(rig.ram[0x18001]).toBe(0x11);
    rig.set(GFX, 0x0b, 0x21);
    rig.set(GFX, 0x0a, 0x03);
    rig.memory.write(0xa8002, 0x22, 1);
    rig.memory.write(0xa0003, 0x33, 1);
    expect([rig.ram[0xc002], rig.ram[0x40003]]).toEqual([0x22, 0x33]);
    rig.set(GFX, 9, 0xff);
    rig.set(GFX, 0x0b, 0x20);
    expect(rig.memory.read(0xa8000, 1)).toBe(rig.ram[(0xff << 14) + 0x8000] ?? 0xff);
  });

  test('write modes 4 and 5 make eight pixels of a byte', () => {
    const rig = cirrusRig();
    rig.linear(0, 1);
    rig.set(GFX, 0, 0xb0);
    rig.set(GFX, 1, 0xf1);
    rig.set(GFX, 0x0b, 0x06); // by 8
    rig.set(GFX, 5, 0x04);
    rig.ram.fill(0x77, 0, 32);
    rig.memory.write(0xa0001, 0x81, 1);
    expect([...rig.ram.subarray(7, 17)]).toEqual([0x77, 0xf1, 0x77, 0x77, 0x77, 0x77, 0x77, 0x77, 0xf1, 0x77]);
    rig.set(GFX, 5, 0x05);
    rig.memory.write(FRAME_BUFFER_AT + 1, 0x0f, 1);
    expect([...rig.ram.subarray(8, 16)]).toEqual([0xb0, 0xb0, 0xb0, 0xb0, 0xf1, 0xf1, 0xf1, 0xf1]);
  });

  test('the frame buffer is plain memory, with the blitter at its end where SR17 puts it', () => {
    const rig = cirrusRig();
    rig.linear(0, 1);
    const isPlain = (at: number) =>
      rig.memory.view.some(({ start, end, region }) => at >= start && at < end && region.kind === 'ram');
    expect([isPlain(FRAME_BUFFER_AT), isPlain(FRAME_BUFFER_AT + VIDEO_BYTES - 1)]).toEqual([true, true]);
    rig.set(SEQ, 0x17, 0x44);
    expect([isPlain(FRAME_BUFFER_AT), isPlain(FRAME_BUFFER_AT + VIDEO_BYTES - 1)]).toEqual([true, false]);
    rig.memory.write(FRAME_BUFFER_AT + VIDEO_BYTES - 0x100 + 0x1a, 0x59, 1);
    expect(rig.get(GFX, 0x32)).toBe(0x59);
  });
});

describe('pictures', () => {
  test.each([
    [0x06, 2, 'hidden DAC 1: 5-6-5', 1, 0xf81f, 0xff00ff],
    [0x06, 2, 'hidden DAC 0: 5-5-5', 0, 0x7c1f, 0xf800f8],
    [0x04, 3, '24 bits', 0, 0x123456, 0x123456],
    [0x08, 4, '32 bits', 0, 0x123456, 0x123456],
  ])('SR7 mode %i, %i bytes a pixel, %s', (mode, size, _name, dac, value, expected) => {
    const rig = cirrusRig();
    rig.linear(mode, size);
    for (let i = 0; i < 4; i++) rig.in(0x3c6);
    rig.out(0x3c6, dac);
    for (let n = 0; n < size; n++) rig.ram[(640 * 5 + 3) * size + n] = value >> (8 * n);
    expect(rig.draw()).toMatchObject({ width: 640, height: 480 });
    expect(rig.pixel(3, 5).toString(16)).toBe(expected.toString(16));
  });

  test('the picture starts where CR0C, CR0D, CR1B and CR1D say', () => {
    const rig = cirrusRig();
    rig.linear(8, 4);
    rig.ram[2 ** 21] = 0xff;
    expect(rig.pixel(0, 0)).toBe(0);
    rig.set(CRTC, 0x1d, 0x80); // bit 19, in words
    expect(rig.pixel(0, 0)).toBe(0x0000ff);
  });

  test('the cursor inverts, or shows its two colours, and follows SR10 and SR11', () => {
    const rig = cirrusRig();
    rig.linear(8, 4);
    rig.set(SEQ, 0x12, 2);
    rig.out(0x3c8, 0);
    for (const part of [63, 0, 0]) rig.out(0x3c9, part);
    rig.out(0x3c8, 15);
    for (const part of [0, 63, 0]) rig.out(0x3c9, part);
    const at = VIDEO_BYTES - 0x4000 + 3 * 256;
    rig.ram[at] = 0b0101_0000; // plane 0 of the first row
    rig.ram[at + 128] = 0b0011_0000; // plane 1
    rig.set(SEQ, 0x13, 3);
    rig.set(SEQ, 0x12, 1);
    rig.set(SEQ, 0x10 | (5 << 5), 2); // x = 21
    rig.set(SEQ, 0x11 | (1 << 5), 4); // y = 33
    const row = () => [21, 22, 23, 24].map((x) => rig.pixel(x, 33));
    expect(row()).toEqual([0x000000, 0xffffff, 0xff0000, 0x00ff00]);
    rig.ram[at] = 0;
    expect(row()).toEqual([0x000000, 0x000000, 0xff0000, 0xff0000]);
    rig.set(SEQ, 0x12, 0);
    expect(row()).toEqual([0, 0, 0, 0]);
  });
});

describe('blits from the processor', () => {
  function started(extensions: number) {
    const rig = cirrusRig();
    rig.linear(0, 1);
    rig.set(GFX, 1, 0xf0);
    rig.set(GFX, 0, 0x0b);
    for (const [index, value] of [
      [0x20, 9], // ten pixels
      [0x22, 1], // two rows
      [0x24, 16],
      [0x30, 0x84], // expand, from system memory
      [0x32, 0x0d],
      [0x33, extensions],
      [0x31, 0x02],
    ] as const) {
      rig.set(GFX, index, value);
    }
    return rig;
  }
  const rows = (ram: Uint8Array) =>
    [0, 16].map((at) => [...ram.subarray(at, at + 10)].map((byte) => (byte === 0xf0 ? 1 : 0)).join(''));

  test('are busy until the last byte has come; rows of bits are whole bytes', () => {
    const rig = started(0);
    for (const byte of [0xa5, 0x40, 0x0f]) rig.memory.write(0xa0000, byte, 1);
    expect(rig.get(GFX, 0x31) & 1).toBe(1);
    const again = rig.bench.reloaded();
    expect(again.device.hash()).toBe(rig.bench.device.hash());
    rig.memory.write(FRAME_BUFFER_AT, 0x80, 1);
    expect(rig.get(GFX, 0x31) & 1).toBe(0);
    expect(rows(rig.ram)).toEqual(['1010010101', '0000111110']);
  });

  test('rows are whole double words where GR33 says so', () => {
    const rig = started(1);
    for (const row of [0x40a5, 0x800f]) rig.memory.write(0xa0000, row, 4);
    expect(rig.get(GFX, 0x31) & 1).toBe(0);
    expect(rows(rig.ram)).toEqual(['1010010101', '0000111110']);
  });
});

test('10^5 random accesses: no error, every picture has a sane size, the state survives a save and a load', () => {
  const rig = cirrusRig();
  let x = 0xc1;
  const random = (limit: number): number => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    return Math.floor((x / 2 ** 32) * limit);
  };
  const count = Number(process.env['LOCKSTEP_FUZZ'] ?? 1e5);
  for (let i = 0; i < count; i++) {
    switch (random(8)) {
      case 0:
        rig.in(0x3b0 + random(0x30));
        break;
      case 1:
        rig.memory.write(0xa0000 + random(0x20000), random(256), 1);
        break;
      case 2:
        rig.memory.write(FRAME_BUFFER_AT + random(2 ** 25), random(2 ** 32), 4);
        break;
      case 3:
        // Wide and high blits are as slow as they are long.
        rig.set(GFX, [0x21, 0x23][random(2)]!, random(2));
        break;
      case 4:
        rig.memory.read(FRAME_BUFFER_AT + random(2 ** 25), 1);
        break;
      case 5:
        rig.set(SEQ, [7, 0x12, 0x13, 0x17, 0x10, 0x31][random(6)]!, random(256));
        break;
      default:
        rig.out(0x3b0 + random(0x30), random(256));
    }
    if (i % 997 !== 0) continue;
    const { width, height } = rig.draw();
    expect(width > 0 && width <= 4096 && height > 0 && height <= 2048).toBe(true);
    const again = cirrusRig();
    again.bench.device.fill(rig.bench.device.save());
    again.bench.device.sync();
    expect(again.bench.device.hash()).toBe(rig.bench.device.hash());
    expect(again.bench.parts.display.describe()).toEqual(rig.bench.parts.display.describe());
  }
  rig.bench.reset();
  expect(rig.bench.device.hash()).toBe(cirrusRig().bench.device.hash());
}, 600_000);
