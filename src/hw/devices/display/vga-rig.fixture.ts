/** A VGA with its memory and window on a bench, and a picture of what it shows. */
import { publishScanout, SCANOUT_BYTES } from '../../../display/api.ts';
import { Renderer } from '../../../display/renderer.ts';
import type { DeviceMemory } from '../../core/device.ts';
import { AddressSpace } from '../../core/memory.ts';
import { Container, ramRegion } from '../../core/region.ts';
import { createBench } from '../../core/test-bench.ts';
import { isaVga } from './isa-vga.ts';

const MiB = 2 ** 20;
export const VRAM_BYTES = MiB;

function memoryAt(ram: Uint8Array, name: string, offset: number, length: number): DeviceMemory {
  return { region: ramRegion(name, length, offset), bytes: ram.subarray(offset, offset + length), written() {} };
}

/** Values for `create` of an adapter that stands alone. */
export function vgaProps(mib = 1) {
  const videoBytes = mib * MiB;
  const ram = new Uint8Array(new SharedArrayBuffer(videoBytes + 0x10000));
  const system = new Container('system', 2 ** 32);
  return {
    ram,
    system,
    props: {
      vgamem_mb: mib,
      memory: { vram: memoryAt(ram, 'vram', 0, videoBytes), rom: memoryAt(ram, 'rom', videoBytes, 0x10000) },
      legacyMemory: system,
      system,
      transaction: (change: () => void) => change(),
    },
  };
}

export function vgaRig() {
  const { ram, system, props } = vgaProps();
  const bench = createBench(isaVga, props);
  const memory = new AddressSpace(system, { bytes: ram, written() {} });
  const words = new Int32Array(new SharedArrayBuffer(SCANOUT_BYTES));
  const renderer = new Renderer(ram, words);
  const { registers, dispi } = bench.parts;
  const rig = {
    bench,
    memory,
    ram,
    words,
    renderer,
    dispi,
    out: (port: number, value: number): void => registers.write(port, value),
    in: (port: number): number => registers.read(port),
    /** An index register and its data. */
    set(port: number, index: number, value: number): void {
      registers.write(port, index);
      registers.write(port + 1, value);
    },
    attribute(index: number, value: number): void {
      registers.read(0x3da);
      registers.write(0x3c0, index);
      registers.write(0x3c0, value);
    },
    publish: () => publishScanout(words, bench.parts.display.describe()),
    draw() {
      rig.publish();
      const frame = renderer.draw();
      if (frame === undefined) throw new Error('nothing to draw');
      return frame;
    },
    /** Colour of a pixel as 0xrrggbb. */
    pixel(x: number, y: number): number {
      const { pixels, width } = rig.draw();
      const at = (y * width + x) * 4;
      return ((pixels[at] ?? 0) << 16) | ((pixels[at + 1] ?? 0) << 8) | (pixels[at + 2] ?? 0);
    },
    text(): string | undefined {
      rig.publish();
      return renderer.text();
    },
    colour(index: number, red: number, green: number, blue: number): void {
      registers.write(0x3c8, index);
      for (const part of [red, green, blue]) registers.write(0x3c9, part);
    },
    /** Registers of the BIOS's modes, as IBM's manual lists them. */
    mode(name: keyof typeof MODES): void {
      const { msr, sr, cr, gr, ar } = MODES[name];
      rig.out(0x3c2, msr);
      for (const [i, value] of sr.entries()) rig.set(0x3c4, i, value);
      rig.set(0x3d4, 0x11, 0);
      for (const [i, value] of cr.entries()) rig.set(0x3d4, i, value);
      for (const [i, value] of gr.entries()) rig.set(0x3ce, i, value);
      for (const [i, value] of ar.entries()) rig.attribute(i, value);
      registers.read(0x3da);
      registers.write(0x3c0, 0x20);
      for (let i = 0; i < 16; i++) rig.colour(i, i * 4, 63 - i * 4, i);
    },
  };
  return rig;
}

const COUNT16 = Array.from({ length: 16 }, (_, i) => i);
/** "Video Subsystem", tables of register values a mode; modes 3+, 12h, 13h, 4. */
const MODES = {
  text: {
    msr: 0x67,
    sr: [3, 0x00, 0x03, 0x00, 0x02],
    cr: [
      0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0, 0x4f, 0x0d, 0x0e, 0, 0, 0, 0, 0x9c, 0x8e, 0x8f, 0x28, 0x1f,
      0x96, 0xb9, 0xa3, 0xff,
    ],
    gr: [0, 0, 0, 0, 0, 0x10, 0x0e, 0x00, 0xff],
    ar: [...COUNT16, 0x0c, 0, 0x0f, 0x08, 0],
  },
  planar: {
    msr: 0xe3,
    sr: [3, 0x01, 0x0f, 0x00, 0x06],
    cr: [
      0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0x0b, 0x3e, 0, 0x40, 0, 0, 0, 0, 0, 0, 0xea, 0x8c, 0xdf, 0x28, 0, 0xe7, 0x04,
      0xe3, 0xff,
    ],
    gr: [0, 0, 0, 0, 0, 0x00, 0x05, 0x0f, 0xff],
    ar: [...COUNT16, 0x01, 0, 0x0f, 0, 0],
  },
  linear: {
    msr: 0x63,
    sr: [3, 0x01, 0x0f, 0x00, 0x0e],
    cr: [
      0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0xbf, 0x1f, 0, 0x41, 0, 0, 0, 0, 0, 0, 0x9c, 0x8e, 0x8f, 0x28, 0x40, 0x96,
      0xb9, 0xa3, 0xff,
    ],
    gr: [0, 0, 0, 0, 0, 0x40, 0x05, 0x0f, 0xff],
    ar: [...COUNT16, 0x41, 0, 0x0f, 0, 0],
  },
  cga: {
    msr: 0x63,
    sr: [3, 0x09, 0x03, 0x00, 0x02],
    cr: [
      0x2d, 0x27, 0x28, 0x90, 0x2b, 0x80, 0xbf, 0x1f, 0, 0xc1, 0, 0, 0, 0, 0, 0, 0x9c, 0x8e, 0x8f, 0x14, 0, 0x96, 0xb9,
      0xa2, 0xff,
    ],
    gr: [0, 0, 0, 0, 0, 0x30, 0x0f, 0x00, 0xff],
    ar: [...COUNT16, 0x01, 0, 0x03, 0, 0],
  },
} as const;
