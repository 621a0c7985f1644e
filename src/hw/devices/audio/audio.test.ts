import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../core/clock.ts';
import { createDevice } from '../../core/device.ts';
import { createDma } from '../../core/dma.ts';
import { Wire } from '../../core/irq.ts';
import { AddressSpace } from '../../core/memory.ts';
import { PORT_COUNT, PortSpace } from '../../core/ports.ts';
import { Container, ramRegion } from '../../core/region.ts';
import { resetAll } from '../../core/reset.ts';
import { i8237 } from '../dma/i8237.ts';
import { port61 } from '../misc/port61.ts';
import { i8254 } from '../timer/i8254.ts';
import { ac97 } from './ac97.ts';
import { listener } from './audio-rig.fixture.ts';
import { sb16 } from './sb16.ts';

const RAM_BYTES = 0x100000;
const MS = 1e6;

function createRig() {
  const clock = new VirtualClock();
  const ram = new Uint8Array(RAM_BYTES);
  const system = new Container('system', 2 ** 32);
  system.add(0, ramRegion('ram', RAM_BYTES, 0));
  const memory = new AddressSpace(system, { bytes: ram, written() {} });
  const dma = createDma(memory);
  const io = new Container('io', PORT_COUNT);
  const ports = new PortSpace(io);
  const listening = listener();
  const irq = { sb: false, pci: false, edges: 0 };
  const sbWire = new Wire((level) => {
    irq.sb = level;
    if (level) irq.edges++;
  });

  const pit = createDevice(i8254, { clock });
  const speaker = createDevice(port61, { id: 'pcspk', clock, props: { pit: pit.parts, audio: listening.out } });
  const controller = createDevice(i8237, { clock, props: { dma } });
  const sb = createDevice(sb16, {
    clock,
    props: { dmaController: controller.parts, audio: listening.out },
    irqs: { line: sbWire },
  });
  const ac = createDevice(ac97, { clock, props: { dma, audio: listening.out } });
  ac.parts.pci.plug({ memory: system, io, interrupt: (_pin, level) => void (irq.pci = level) });
  io.add(0x40, pit.parts.regions.pit);
  io.add(0x61, speaker.parts.regions.port61);
  io.add(0x00, controller.parts.regions.low);
  io.add(0xc0, controller.parts.regions.high);
  io.add(0x81, controller.parts.regions.pages);
  io.add(0x87, controller.parts.regions.page0);
  io.add(0x89, controller.parts.regions.pagesUpper);
  io.add(0x220, sb.parts.regions.ports);
  const devices = [pit, speaker, controller, sb, ac];
  resetAll(devices);
  ac.parts.pci.write(0x10, 0xc000, 4);
  ac.parts.pci.write(0x14, 0xd000, 4);
  ac.parts.pci.write(0x04, 5, 2);
  const rig = {
    clock,
    ram,
    view: new DataView(ram.buffer),
    irq,
    devices,
    ...listening,
    in: (port: number, size = 1) => ports.read(port, size),
    out: (port: number, value: number, size = 1) => ports.write(port, value, size),
    advance: (ms: number) => clock.advanceTo(clock.now() + Math.round(ms * MS)),
    dsp(...values: readonly number[]) {
      for (const value of values) rig.out(0x22c, value);
    },
    answers() {
      const read: number[] = [];
      while (rig.in(0x22e) & 0x80) read.push(rig.in(0x22a));
      return read;
    },
    /** Channel 1 reads a block from 8000h on, again and again if `auto`. */
    programDma(bytes: number, auto: boolean) {
      rig.out(0x0a, 0x05);
      rig.out(0x0c, 0);
      rig.out(0x0b, auto ? 0x59 : 0x49);
      for (const byte of [0x00, 0x80]) rig.out(0x02, byte);
      rig.out(0x83, 0);
      for (const byte of [(bytes - 1) & 0xff, (bytes - 1) >> 8]) rig.out(0x03, byte);
      rig.out(0x0a, 0x01);
    },
    /** Channel 5: words. */
    programDma16(bytes: number) {
      const words = bytes / 2 - 1;
      rig.out(0xd4, 0x05);
      rig.out(0xd8, 0);
      rig.out(0xd6, 0x59);
      for (const byte of [0x00, 0x40]) rig.out(0xc4, byte);
      rig.out(0x8b, 0);
      for (const byte of [words & 0xff, words >> 8]) rig.out(0xc6, byte);
      rig.out(0xd4, 0x01);
    },
  };
  return rig;
}

describe('the PC speaker', () => {
  const tone = (rig: ReturnType<typeof createRig>, hz: number): void => {
    const divisor = Math.round(1_193_182 / hz);
    rig.out(0x43, 0xb6);
    rig.out(0x42, divisor & 0xff);
    rig.out(0x42, divisor >> 8);
  };
  const risings = (samples: readonly number[]): number =>
    samples.filter((level, i) => level > 0 && (samples[i - 1] ?? 0) === 0).length;

  test('sounds with the frequency of channel 2 while both bits of port 61h are set', () => {
    const rig = createRig();
    tone(rig, 1000);
    rig.out(0x61, 0x03);
    rig.advance(500);
    rig.out(0x61, 0x00);
    rig.advance(500);
    const left = rig.left();
    expect(rig.heard[0]?.rate).toBe(44_100);
    expect(Math.abs(risings(left) - 500)).toBeLessThan(2);
    // 500 ms of sound, then a while of silence in case it goes on.
    expect(left.length / 44.1).toBeGreaterThan(590);
    expect(left.length / 44.1).toBeLessThan(620);
    expect(left.slice(22_100).every((level) => level === 0)).toBe(true);
    expect(rig.right()).toEqual(left);
  });

  test('a change of frequency takes effect at its time', () => {
    const rig = createRig();
    tone(rig, 500);
    rig.out(0x61, 0x03);
    rig.advance(103);
    tone(rig, 2000);
    rig.advance(97);
    const left = rig.left();
    expect(risings(left.slice(0, Math.floor(103 * 44.1)))).toBeCloseTo(52, -1);
    expect(Math.abs(risings(left.slice(Math.floor(103 * 44.1))) - 194)).toBeLessThan(5);
  });

  test('bit 1 alone makes sound, for guests that switch it by themselves', () => {
    const rig = createRig();
    for (let i = 0; i < 100; i++) {
      rig.out(0x61, i & 1 ? 0x00 : 0x02);
      rig.advance(1);
    }
    rig.advance(20);
    expect(risings(rig.left())).toBe(50);
  });
});

describe('the Sound Blaster 16', () => {
  test('answers a reset and the commands that ask what it is', () => {
    const rig = createRig();
    rig.out(0x226, 1);
    rig.out(0x226, 0);
    expect(rig.answers()).toEqual([0xaa]);
    rig.dsp(0xe1, 0xe0, 0x55, 0xe4, 0x77, 0xe8, 0xd1, 0xd8, 0xd3, 0xd8);
    expect(rig.answers()).toEqual([4, 5, 0xaa, 0x77, 0xff, 0]);
    rig.dsp(0xe3);
    expect(String.fromCharCode(...rig.answers().slice(0, -1))).toBe('COPYRIGHT (C) CREATIVE TECHNOLOGY LTD, 1992.');
    const mixer = (register: number): number => {
      rig.out(0x224, register);
      return rig.in(0x225);
    };
    expect([mixer(0x80), mixer(0x81), mixer(0x30), mixer(0x22), mixer(0xff)]).toEqual([2, 0x22, 0xc0, 0xcc, 0xff]);
  });

  test('plays an 8-bit block by DMA at its rate, with an interrupt at the end', () => {
    const rig = createRig();
    for (let i = 0; i < 1000; i++) rig.ram[0x8000 + i] = i & 1 ? 0xff : 0x00;
    rig.out(0x224, 0x30);
    rig.out(0x225, 0xf8);
    for (const register of [0x31, 0x32, 0x33]) {
      rig.out(0x224, register);
      rig.out(0x225, 0xf8);
    }
    rig.programDma(1000, false);
    rig.dsp(0x40, 156); // 10,000 a second
    rig.dsp(0x14, 999 & 0xff, 999 >> 8);
    rig.advance(99);
    expect([rig.irq.sb, rig.left().length >= 880]).toEqual([false, true]);
    rig.advance(1);
    expect([rig.irq.sb, rig.left().length, rig.heard[0]?.rate]).toEqual([true, 1000, 10_000]);
    expect(rig.left().slice(0, 2)).toEqual([-32768, 32512]);
    rig.in(0x22e);
    expect(rig.irq.sb).toBe(false);
    rig.advance(300);
    expect(rig.left().length).toBe(1000);
  });

  test('plays 16-bit stereo again and again, with an interrupt for each block, until it is told to end', () => {
    const rig = createRig();
    for (let i = 0; i < 1000; i++) rig.view.setInt16(0x8000 + 2 * i, i & 1 ? -1000 : 1000, true);
    rig.programDma16(2000);
    rig.dsp(0x41, 10_000 >> 8, 10_000 & 0xff);
    rig.dsp(0xb6, 0x30, 249, 0); // 250 words: 12.5 ms
    for (let ms = 0; ms < 500; ms++) {
      rig.advance(1);
      if (rig.irq.sb) rig.in(0x22f);
    }
    expect(rig.irq.edges).toBe(40);
    expect(rig.heard.every(({ rate, samples }) => rate === 10_000 && samples[0]! > 0 && samples[1]! < 0)).toBe(true);
    rig.dsp(0xd9);
    rig.advance(100);
    rig.in(0x22f);
    rig.advance(100);
    expect(rig.irq.edges).toBe(41);
  });

  test('holds and goes on', () => {
    const rig = createRig();
    rig.programDma(0x1000, true);
    rig.dsp(0x40, 156, 0x48, 0xff, 0x0f, 0x1c);
    rig.advance(100);
    rig.dsp(0xd0);
    const count = rig.left().length;
    rig.advance(100);
    expect([count, rig.left().length]).toEqual([1000, 1000]);
    rig.dsp(0xd4);
    rig.advance(100);
    expect(rig.left().length).toBe(2000);
  });

  test('waits for a DMA channel that is not set up', () => {
    const rig = createRig();
    rig.dsp(0x40, 156, 0x14, 99, 0);
    rig.advance(50);
    expect([rig.left().length, rig.irq.sb]).toEqual([0, false]);
    rig.programDma(100, false);
    rig.advance(9);
    expect(rig.irq.sb).toBe(false);
    rig.advance(1);
    expect(rig.irq.sb).toBe(true);
  });

  test('80h is silence with an interrupt at its end', () => {
    const rig = createRig();
    rig.dsp(0x40, 156, 0x80, 99, 0);
    rig.advance(9);
    expect(rig.irq.sb).toBe(false);
    rig.advance(1);
    expect(rig.irq.sb).toBe(true);
  });
});

describe('AC97', () => {
  const NAM = 0xc000;
  const PO = 0xd010;
  /** Buffers of 480 frames each (10 ms at 48 kHz), each with an interrupt. */
  function fillList(rig: ReturnType<typeof createRig>, count: number): void {
    for (let n = 0; n < count; n++) {
      rig.view.setUint32(0x1000 + 8 * n, 0x10000 + 1920 * n, true);
      rig.view.setUint32(0x1004 + 8 * n, (0x8000_0000 | 960) >>> 0, true);
      for (let i = 0; i < 960; i++) rig.view.setInt16(0x10000 + 1920 * n + 2 * i, (n + 1) * (i & 1 ? -100 : 100), true);
    }
    rig.out(NAM + 0x02, 0x0000, 2);
    rig.out(NAM + 0x18, 0x0808, 2);
    rig.out(PO, 0x1000, 4);
  }

  test('has the reset values that native QEMU 7.2 shows', () => {
    const rig = createRig();
    const values = [0x00, 0x02, 0x04, 0x18, 0x1c, 0x26, 0x28, 0x2a, 0x2c, 0x32, 0x34, 0x7c, 0x7e];
    expect(values.map((register) => rig.in(NAM + register, 2))).toEqual([
      0, 0x8000, 0, 0x8808, 0x8808, 0x0f, 0x0809, 0x0009, 0xbb80, 0xbb80, 0xbb80, 0x8384, 0x7600,
    ]);
    for (const register of values) if (register !== 0) rig.out(NAM + register, 0xffff, 2);
    expect([0x02, 0x04, 0x18, 0x1a, 0x26, 0x28, 0x7c].map((register) => rig.in(NAM + register, 2))).toEqual([
      0xbf3f, 0, 0x9f1f, 0, 0x7fff, 0x0809, 0x8384,
    ]);
    expect([rig.in(PO + 4), rig.in(PO + 5), rig.in(PO + 6, 2), rig.in(PO + 8, 2)]).toEqual([0, 0, 1, 0]);
    expect([rig.in(0xd02c, 4), rig.in(0xd030, 4), rig.in(0xd034), rig.in(0xd034)]).toEqual([0, 0x100, 0, 1]);
  });

  test('plays its list at 48 kHz, interrupts at each buffer, and halts behind the last', () => {
    const rig = createRig();
    fillList(rig, 3);
    rig.out(PO + 5, 2);
    rig.out(PO + 0xb, 0x1d);
    rig.advance(9.9);
    expect([rig.irq.pci, rig.in(PO + 4)]).toEqual([false, 0]);
    rig.advance(0.2);
    expect([rig.irq.pci, rig.in(PO + 4), rig.in(0xd030, 4) & 0x40]).toEqual([true, 1, 0x40]);
    rig.out(PO + 6, 0x1c, 2);
    expect(rig.irq.pci).toBe(false);
    rig.advance(30);
    expect([rig.in(PO + 6, 2), rig.left().length, rig.left().at(-1), rig.right().at(-1)]).toEqual([
      0x0f, 1440, 300, -300,
    ]);
  });

  test('goes on when the list gets longer', () => {
    const rig = createRig();
    fillList(rig, 3);
    rig.out(PO + 5, 0);
    rig.out(PO + 0xb, 0x1d);
    rig.advance(50);
    expect(rig.left().length).toBe(480);
    rig.out(PO + 5, 2);
    expect(rig.in(PO + 6, 2) & 3).toBe(0);
    rig.advance(50);
    expect(rig.left().length).toBe(1440);
  });

  test('plays at other rates if the guest asks for them; volume and mute count', () => {
    const rig = createRig();
    fillList(rig, 3);
    rig.out(NAM + 0x2c, 24_000, 2);
    rig.out(NAM + 0x02, 0x0404, 2); // -6 dB
    rig.out(PO + 5, 2);
    rig.out(PO + 0xb, 0x1d);
    rig.advance(10);
    expect([rig.heard[0]?.rate, rig.left().length, rig.left()[0]]).toEqual([24_000, 240, 50]);
    rig.out(NAM + 0x02, 0x8000, 2);
    rig.advance(10);
    expect(rig.left().at(-1)).toBe(0);
  });

  test('a list of empty buffers does not hold the machine up', () => {
    const rig = createRig();
    rig.out(PO, 0x1000, 4);
    rig.out(PO + 5, 31);
    rig.out(PO + 0xb, 0x01);
    rig.advance(100);
    expect(rig.left().length).toBe(0);
  });

  test('saved while it plays it goes on elsewhere', () => {
    const rig = createRig();
    fillList(rig, 3);
    rig.out(PO + 5, 2);
    rig.out(PO + 0xb, 0x1d);
    rig.advance(15);
    const other = createRig();
    other.ram.set(rig.ram);
    other.clock.restore(rig.clock.now());
    for (const [i, device] of other.devices.entries()) device.fill(rig.devices[i]!.save());
    for (const device of other.devices) device.sync();
    for (const each of [rig, other]) each.advance(20);
    expect(other.left()).toEqual(rig.left().slice(-other.left().length));
    expect(other.devices.map((device) => device.hash())).toEqual(rig.devices.map((device) => device.hash()));
  });
});

test('whatever a guest writes, into registers and lists, the machine goes on', () => {
  const rounds = Number(process.env['AUDIO_FUZZ'] ?? 100_000);
  const rig = createRig();
  let x = 0x50b1;
  const random = (limit: number): number => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    return Math.floor((x / 2 ** 32) * limit);
  };
  const sizes = [1, 2, 4];
  const places = [0x220, 0x220, 0x220, 0xd000, 0xd000, 0xd010, 0xc000, 0x00, 0xc0, 0x80, 0x40, 0x61];
  for (let i = 0; i < rounds; i++) {
    const at = places[random(places.length)]!;
    const port = at === 0x61 ? at : at + random(at === 0x40 ? 4 : at === 0xd000 ? 0x38 : at === 0xc000 ? 0x80 : 0x10);
    const choice = random(8);
    if (choice < 4) rig.out(port, random(2 ** 32), sizes[random(3)]!);
    else if (choice < 6) expect(rig.in(port, sizes[random(3)]!)).toBeGreaterThanOrEqual(0);
    else if (choice === 6) rig.view.setUint32(0x1000 + 4 * random(64), random(2 ** 32), true);
    else rig.advance(random(20_000) / 1000);
    if (random(200) === 0) {
      rig.out(0xd010, 0x1000, 4);
      rig.out(0xd015, random(32));
      rig.out(0xd01b, 0x1d);
      rig.dsp(0xc6, 0x20, random(256), random(4));
      rig.programDma(1 + random(0x1000), true);
    }
    rig.heard.length = 0;
    if (i % 5000 !== 0) continue;
    const saved = rig.devices.map((device) => device.save());
    for (const [n, device] of rig.devices.entries()) device.fill(saved[n]!);
    for (const device of rig.devices) device.sync();
    expect(rig.devices.map((device) => device.save())).toEqual(saved);
  }
}, 600_000);
