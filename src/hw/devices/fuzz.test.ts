import { describe, expect, test } from 'vitest';
import { VmError } from '../../util/errors.ts';
import type { AnyDeviceType } from '../core/device.ts';
import { PORT_COUNT } from '../core/ports.ts';
import { Container } from '../core/region.ts';
import { createBench } from '../core/test-bench.ts';
import { sb16 } from './audio/sb16.ts';
import { uart16550 } from './char/uart16550.ts';
import { cirrusVga } from './display/cirrus-vga.ts';
import { isaVga } from './display/isa-vga.ts';
import { vgaPci } from './display/vga-pci.ts';
import { vgaProps } from './display/vga-rig.fixture.ts';
import { i8237 } from './dma/i8237.ts';
import { i8042 } from './input/i8042.ts';
import type { Ps2Device } from './input/ps2.ts';
import { i8259 } from './intc/i8259.ts';
import { debugcon } from './misc/debugcon.ts';
import { isaDebugExit } from './misc/isa-debug-exit.ts';
import { pcTestdev } from './misc/pc-testdev.ts';
import { port61 } from './misc/port61.ts';
import { port80 } from './misc/port80.ts';
import { port92 } from './misc/port92.ts';
import { portF0 } from './misc/portf0.ts';
import { i8254 } from './timer/i8254.ts';
import { mc146818 } from './timer/mc146818.ts';

/** A PS/2 device that answers every command with its complement. */
function echoPs2(): Ps2Device {
  const queue: number[] = [];
  return {
    connect() {},
    command: (byte) => void queue.push(~byte & 0xff),
    get pending() {
      return queue.length > 0;
    },
    next: () => queue.shift() ?? 0,
  };
}

/** A DMA channel that always has data. */
function hungryChannel() {
  let transfer = (position: number, _length: number): number => position;
  return {
    onTransfer: (given: typeof transfer) => void (transfer = given),
    request: (level: boolean) => void (level && transfer(0, 0x10000)),
    service() {},
    readMemory() {},
    writeMemory() {},
    autoInit: true,
  };
}

const devices: readonly { type: AnyDeviceType; props?: Record<string, unknown> }[] = [
  { type: uart16550 },
  { type: i8259 },
  { type: i8254 },
  { type: mc146818, props: { base: 951782399 } },
  { type: i8237, props: { dma: { read() {}, write() {}, writeU8() {} } } },
  { type: i8042, props: { keyboard: echoPs2(), mouse: echoPs2() } },
  {
    type: port61,
    props: { pit: { setGate() {}, gate: () => true, out: () => false, outAt: () => false, onBeforeChange() {} } },
  },
  { type: sb16, props: { dmaController: { channel: hungryChannel } } },
  { type: port80 },
  { type: portF0 },
  { type: port92 },
  { type: isaDebugExit },
  { type: debugcon },
  { type: pcTestdev },
  { type: cirrusVga, props: { ...vgaProps(4).props, io: new Container('io', PORT_COUNT) } },
  { type: isaVga, props: vgaProps().props },
  { type: vgaPci, props: { ...vgaProps().props, io: new Container('io', PORT_COUNT) } },
] as never;

/** Numerical Recipes' linear congruential generator: the same accesses in each run. */
function createRandom(seed: number): (limit: number) => number {
  let x = seed;
  return (limit) => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    return Math.floor((x / 2 ** 32) * limit);
  };
}

/** Much faster than `toEqual` on the 64 KiB of pc-testdev. */
const sameBytes = (a: Uint8Array, b: Uint8Array) => a.length === b.length && a.every((byte, i) => byte === b[i]);

describe.each(devices)('$type.type', ({ type, props }) => {
  test('takes 10,000 random register accesses; its state survives save and load at any time', () => {
    const bench = createBench(type, props);
    const random = createRandom(0x10c5);
    const regions = Object.entries(bench.parts.regions);
    for (let i = 0; i < 10_000; i++) {
      const [name, region] = regions[random(regions.length)]!;
      const size = [1, 1, 1, 2, 4][random(5)]!;
      const offset = random(region.size);
      if (random(2)) {
        const value = bench.in(name, offset, size);
        expect(value >= 0 && value < 2 ** (8 * size) && Number.isInteger(value)).toBe(true);
      } else {
        bench.out(name, offset, random(2 ** (8 * size)), size);
      }
      if (random(8) === 0) bench.advance(random(100_000));
      if (i % 500 !== 0) continue;
      const again = bench.reloaded();
      expect(sameBytes(again.device.save(), bench.device.save())).toBe(true);
      expect(again.device.hash()).toBe(bench.device.hash());
      expect(again.irq).toEqual(bench.irq);
    }
  });

  test('a reset after use gives the state that a second reset gives', () => {
    const bench = createBench(type, props);
    const random = createRandom(7);
    const regions = Object.entries(bench.parts.regions);
    for (let i = 0; i < 200; i++) {
      const [name, region] = regions[random(regions.length)]!;
      bench.out(name, random(region.size), random(256));
    }
    bench.reset();
    const once = bench.device.hash();
    bench.reset();
    expect(bench.device.hash()).toBe(once);
  });

  test('refuses cut and random saved states, and keeps its own', () => {
    const bench = createBench(type, props);
    const saved = bench.device.save();
    const random = createRandom(99);
    if (saved.length > 0) expect(() => bench.device.fill(saved.subarray(0, saved.length - 1))).toThrow(VmError);
    const longer = new Uint8Array(saved.length + 1);
    longer.set(saved);
    expect(() => bench.device.fill(longer)).toThrow(VmError);
    expect(sameBytes(bench.device.save(), saved)).toBe(true);
    for (let i = 0; i < 100; i++) {
      const garbage = Uint8Array.from({ length: saved.length }, () => random(256));
      try {
        bench.device.fill(garbage);
      } catch (error) {
        expect(error).toBeInstanceOf(VmError);
        expect(sameBytes(bench.device.save(), saved)).toBe(true);
        continue;
      }
      bench.device.sync();
      for (const [name, region] of Object.entries(bench.parts.regions)) {
        bench.in(name, random(region.size));
        bench.out(name, random(region.size), random(256));
      }
      bench.reset();
      bench.device.fill(saved);
    }
  });
});
