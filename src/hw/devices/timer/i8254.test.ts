import { expect, test } from 'vitest';
import { timeOfTick } from '../../core/clock.ts';
import { createBench } from '../../core/test-bench.ts';
import { i8254, PIT_HZ } from './i8254.ts';

const CONTROL = 3;

function createPit() {
  const bench = createBench(i8254);
  let origin = 0;
  const write = (at: number, value: number) => bench.out('pit', at, value);
  const read = (at: number) => bench.in('pit', at);
  return {
    bench,
    write,
    read,
    /** Programs a channel with a 16-bit count; time is counted from here. */
    program(n: number, mode: number, count: number) {
      write(CONTROL, (n << 6) | 0x30 | (mode << 1));
      write(n, count & 0xff);
      write(n, count >> 8);
      origin = Math.round((bench.clock.now() * PIT_HZ) / 1e9);
    },
    /** Moves to a tick after the last programming. */
    at(tick: number) {
      bench.clock.advanceTo(timeOfTick(origin + tick, PIT_HZ));
    },
    count(n: number) {
      write(CONTROL, n << 6);
      return read(n) | (read(n) << 8);
    },
    /** Status by read-back. */
    status(n: number) {
      write(CONTROL, 0xe0 | (2 << n));
      return read(n);
    },
    /** OUT at each of the first ticks, as 1 and 0. */
    wave(n: number, ticks: number) {
      let text = '';
      for (let t = 0; t < ticks; t++) {
        this.at(t);
        text += bench.parts.out(n) ? 1 : 0;
      }
      return text;
    },
  };
}

test.each([
  [0, 4, '0000111111'], // interrupt on terminal count
  [2, 4, '1110111011'], // rate generator
  [3, 4, '1100110011'], // square wave
  [3, 5, '1110011100'], // odd: longer high
  [4, 4, '1111011111'], // software-triggered strobe
])('mode %i with count %i gives the wave of the data sheet', (mode, count, wave) => {
  const p = createPit();
  p.program(0, mode, count);
  expect(p.wave(0, wave.length)).toBe(wave);
});

test.each([
  [1, 4, '0000111111'], // retriggerable one-shot
  [5, 4, '1111011111'], // hardware-triggered strobe
])('mode %i waits for a rising gate and can be triggered again', (mode, count, wave) => {
  const p = createPit();
  p.program(2, mode, count);
  expect(p.wave(2, 20)).toBe('1'.repeat(20));
  p.bench.parts.setGate(2, true);
  const trigger = 19;
  const seen = Array.from(wave, (_, t) => {
    p.at(trigger + t);
    return p.bench.parts.out(2) ? 1 : 0;
  }).join('');
  expect(seen).toBe(wave);
  p.bench.parts.setGate(2, false);
  p.bench.parts.setGate(2, true);
  expect(p.count(2)).toBe(count);
});

test('a low gate stops modes 0 and 4 where they are; modes 2 and 3 start anew', () => {
  const p = createPit();
  p.bench.parts.setGate(2, true);
  p.program(2, 0, 100);
  p.at(40);
  p.bench.parts.setGate(2, false);
  p.at(500);
  expect(p.count(2)).toBe(60);
  p.bench.parts.setGate(2, true);
  p.at(510);
  expect(p.count(2)).toBe(50);
  p.program(2, 2, 100);
  p.at(40);
  p.bench.parts.setGate(2, false);
  expect(p.bench.parts.out(2)).toBe(true);
  p.at(50);
  p.bench.parts.setGate(2, true);
  expect(p.count(2)).toBe(100);
});

test('Linux, 100 Hz: exactly one interrupt a period, without drift over a day', () => {
  const p = createPit();
  p.program(0, 2, 11932);
  const before = p.bench.edges.out0;
  p.bench.advance(1e9);
  expect(p.bench.edges.out0 - before).toBe(Math.floor(PIT_HZ / 11932));
  const day = 86400;
  p.bench.clock.restore(day * 1e9);
  expect(p.count(0)).toBe(11932 - ((day * PIT_HZ) % 11932));
});

test('count 0 means 65536, and 10000 in BCD', () => {
  const p = createPit();
  p.program(0, 2, 0);
  p.at(1);
  expect(p.count(0)).toBe(0xffff);
  p.write(CONTROL, 0x35);
  p.write(0, 0);
  p.write(0, 0);
  p.bench.advance(timeOfTick(1, PIT_HZ));
  expect(p.count(0)).toBe(0x9999);
});

test('a latched count stays until it is read; a second latch is ignored', () => {
  const p = createPit();
  p.program(0, 2, 1000);
  p.at(10);
  p.write(CONTROL, 0);
  p.at(20);
  p.write(CONTROL, 0);
  expect([p.read(0), p.read(0)]).toEqual([990 & 0xff, 990 >> 8]);
  expect([p.read(0), p.read(0)]).toEqual([980 & 0xff, 980 >> 8]);
});

test('one-byte access modes', () => {
  const p = createPit();
  p.write(CONTROL, 0x14); // channel 0, LSB only, mode 2
  p.write(0, 0x80);
  expect(p.read(0)).toBe(0x80);
  p.write(CONTROL, 0x24); // MSB only
  p.write(0, 0x12);
  expect(p.read(0)).toBe(0x12);
});

test('read-back latches status, then count, of several channels at once', () => {
  const p = createPit();
  p.program(0, 2, 0x1234);
  p.program(1, 3, 0x0100);
  p.write(CONTROL, 0xc6); // status and count of channels 0 and 1
  expect([p.read(0), p.read(0), p.read(0)]).toEqual([0xb4, 0x34, 0x12]);
  expect([p.read(1), p.read(1), p.read(1)]).toEqual([0xb6, 0x00, 0x01]);
});

test('the status shows a count that is not loaded yet', () => {
  const p = createPit();
  p.write(CONTROL, 0x30);
  expect(p.status(0)).toBe(0x70);
  p.write(0, 1);
  p.write(0, 1);
  expect(p.status(0)).toBe(0x30);
});

test('after reset the channels run in mode 3, as in QEMU 7.2; the control word reads as 0', () => {
  const p = createPit();
  expect([p.status(0), p.status(1), p.status(2)]).toEqual([0x86, 0x86, 0x86]);
  expect(p.read(CONTROL)).toBe(0);
  const before = p.bench.edges.out0;
  p.bench.advance(1e9);
  expect(p.bench.edges.out0 - before).toBe(18);
});

test('the pending interrupt survives save and load', () => {
  const p = createPit();
  p.program(0, 0, 1000);
  p.at(400);
  const again = p.bench.reloaded();
  again.clock.advanceTo(timeOfTick(999, PIT_HZ));
  expect(again.irq.out0).toBe(false);
  again.clock.advanceTo(timeOfTick(1000, PIT_HZ));
  expect(again.irq.out0).toBe(true);
});
