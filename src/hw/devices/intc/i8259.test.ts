import { expect, test } from 'vitest';
import { createBench } from '../../core/test-bench.ts';
import { i8259 } from './i8259.ts';

type Region = 'master' | 'slave' | 'elcrMaster' | 'elcrSlave';

/** A pair set up as Linux does: vectors 30h and 38h, all inputs open. */
function createPics({ icw4 = 0x01 } = {}) {
  const bench = createBench(i8259);
  const write = (region: Region, at: number, value: number) => bench.out(region, at, value);
  const setUp = (region: 'master' | 'slave', base: number, cascade: number) => {
    write(region, 0, 0x11);
    for (const value of [base, cascade, icw4, 0x00]) write(region, 1, value);
  };
  setUp('master', 0x30, 0x04);
  setUp('slave', 0x38, 0x02);
  return {
    bench,
    write,
    read: (region: Region, at: number) => bench.in(region, at),
    raise: (irq: number) => bench.parts.inputs[irq]!.set(true),
    lower: (irq: number) => bench.parts.inputs[irq]!.set(false),
    pulse(irq: number) {
      this.raise(irq);
      this.lower(irq);
    },
    ack: () => bench.parts.ack(),
    isr(region: 'master' | 'slave') {
      write(region, 0, 0x0b);
      return bench.in(region, 0);
    },
    irr(region: 'master' | 'slave') {
      write(region, 0, 0x0a);
      return bench.in(region, 0);
    },
  };
}
const EOI = 0x20;

test('an edge is latched until it is acknowledged, and once', () => {
  const p = createPics();
  p.raise(4);
  expect([p.bench.irq.intr, p.irr('master')]).toEqual([true, 0x10]);
  expect(p.ack()).toBe(0x34);
  expect([p.bench.irq.intr, p.irr('master'), p.isr('master')]).toEqual([false, 0, 0x10]);
  p.write('master', 0, EOI);
  expect([p.bench.irq.intr, p.isr('master')]).toEqual([false, 0]); // the line is still high: no new edge
  p.lower(4);
  p.raise(4);
  expect(p.ack()).toBe(0x34);
});

test('lower numbers go first, and nothing interrupts a service of higher priority', () => {
  const p = createPics();
  p.pulse(5);
  p.pulse(1);
  expect(p.ack()).toBe(0x31);
  expect(p.bench.irq.intr).toBe(false);
  p.pulse(0);
  expect(p.ack()).toBe(0x30);
  p.write('master', 0, EOI);
  p.write('master', 0, EOI);
  expect(p.ack()).toBe(0x35);
});

test('the slave comes in through input 2 and needs both EOIs', () => {
  const p = createPics();
  p.pulse(12);
  expect(p.ack()).toBe(0x3c);
  expect([p.isr('master'), p.isr('slave')]).toEqual([0x04, 0x10]);
  p.pulse(14);
  expect(p.bench.irq.intr).toBe(false);
  p.write('slave', 0, EOI);
  p.write('master', 0, EOI);
  expect(p.ack()).toBe(0x3e);
});

test('masked inputs wait', () => {
  const p = createPics();
  p.write('master', 1, 0x10);
  p.pulse(4);
  expect([p.bench.irq.intr, p.read('master', 1)]).toEqual([false, 0x10]);
  p.write('master', 1, 0);
  expect(p.ack()).toBe(0x34);
});

test('a request that is gone at the acknowledge gives the spurious vector 7', () => {
  const p = createPics();
  p.write('elcrMaster', 0, 0x20);
  p.raise(5);
  p.lower(5);
  expect([p.ack(), p.isr('master')]).toEqual([0x37, 0]);
  p.write('elcrSlave', 0, 0x04);
  p.raise(10);
  p.write('slave', 1, 0xff);
  expect(p.bench.irq.intr).toBe(true); // the master has latched the edge of its input 2
  expect(p.ack()).toBe(0x3f);
});

test('a level-triggered input asks again until it is low', () => {
  const p = createPics();
  p.write('elcrSlave', 0, 0x08);
  p.raise(11);
  expect(p.ack()).toBe(0x3b);
  p.write('slave', 0, EOI);
  p.write('master', 0, EOI);
  expect(p.ack()).toBe(0x3b);
  p.lower(11);
  p.write('slave', 0, EOI);
  p.write('master', 0, EOI);
  expect(p.bench.irq.intr).toBe(false);
});

test('ELCR keeps IRQ 0, 1, 2, 8 and 13 edge-triggered', () => {
  const p = createPics();
  p.write('elcrMaster', 0, 0xff);
  p.write('elcrSlave', 0, 0xff);
  expect([p.read('elcrMaster', 0), p.read('elcrSlave', 0)]).toEqual([0xf8, 0xde]);
});

test('automatic EOI leaves nothing in service; with rotation the served input becomes the last', () => {
  const p = createPics({ icw4: 0x03 });
  p.write('master', 0, 0x80);
  p.pulse(3);
  expect([p.ack(), p.isr('master')]).toEqual([0x33, 0]);
  p.pulse(3);
  p.pulse(6);
  expect([p.ack(), p.ack()]).toEqual([0x36, 0x33]);
});

test('EOI commands: specific, rotating, set priority', () => {
  const p = createPics();
  p.pulse(4);
  p.ack();
  p.write('master', 0, 0x64); // specific EOI 4
  expect(p.isr('master')).toBe(0);
  p.write('master', 0, 0xc4); // input 5 is first now
  p.pulse(1);
  p.pulse(5);
  expect(p.ack()).toBe(0x35);
  p.write('master', 0, 0xa0); // rotate on non-specific EOI: 5 becomes last
  p.pulse(5);
  p.pulse(1);
  expect(p.ack()).toBe(0x31);
});

test('special mask mode lets lower priorities in while the service is masked', () => {
  const p = createPics();
  p.pulse(3);
  p.ack();
  p.pulse(6);
  expect(p.bench.irq.intr).toBe(false);
  p.write('master', 1, 0x08);
  p.write('master', 0, 0x68);
  expect(p.ack()).toBe(0x36);
});

test('poll: the read acknowledges', () => {
  const p = createPics();
  p.write('master', 0, 0x0c);
  expect(p.read('master', 0)).toBe(0);
  p.pulse(6);
  p.write('master', 0, 0x0c);
  expect(p.read('master', 0)).toBe(0x86);
  expect([p.bench.irq.intr, p.isr('master')]).toEqual([false, 0x40]);
});

test('initialisation forgets edges but not the trigger modes and the levels', () => {
  const p = createPics();
  p.write('elcrMaster', 0, 0x20);
  p.raise(5);
  p.pulse(3);
  p.write('master', 0, 0x11);
  for (const value of [0x40, 0x04, 0x01]) p.write('master', 1, value);
  expect([p.read('elcrMaster', 0), p.irr('master'), p.ack()]).toEqual([0x20, 0x20, 0x45]);
});

test('an edge-triggered input that is high at ICW1 must fall first, also when its level is repeated', () => {
  const p = createPics();
  p.raise(4);
  p.write('master', 0, 0x11);
  for (const value of [0x30, 0x04, 0x01]) p.write('master', 1, value);
  p.raise(4);
  expect([p.bench.irq.intr, p.irr('master')]).toEqual([false, 0]);
  p.lower(4);
  p.raise(4);
  expect(p.ack()).toBe(0x34);
});

test('the request line is driven again after a load', () => {
  const p = createPics();
  p.pulse(4);
  const again = p.bench.reloaded();
  expect([again.irq.intr, again.parts.ack()]).toEqual([true, 0x34]);
});
