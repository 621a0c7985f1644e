import { expect, test } from 'vitest';
import { createBufferChardev } from '../../../chardev/buffer.ts';
import { createBench } from '../../core/test-bench.ts';
import { uart16550 } from './uart16550.ts';

const [RBR, IER, IIR, LCR, MCR, LSR, MSR, SCR] = [0, 1, 2, 3, 4, 5, 6, 7] as const;
const FIFO_TRIGGER_8 = 0x81;

function createUart() {
  const line = createBufferChardev();
  const bench = createBench(uart16550, { chardev: line });
  return {
    line,
    bench,
    read: (at: number) => bench.in('serial', at),
    write: (at: number, value: number) => bench.out('serial', at, value),
  };
}

test('the registers after reset are those of QEMU 7.2', () => {
  const { read } = createUart();
  expect([IIR, LSR, MSR, MCR, IER, LCR, SCR].map(read)).toEqual([0x01, 0x60, 0xb0, 0x08, 0, 0, 0]);
});

test("Linux's autoconfiguration finds a 16550A", () => {
  const { read, write } = createUart();
  write(IER, 0);
  expect(read(IER) & 0x0f).toBe(0);
  write(IER, 0x0f);
  expect(read(IER) & 0x0f).toBe(0x0f);
  write(IER, 0);
  write(MCR, 0x1a); // loop, OUT2, RTS
  expect(read(MSR) & 0xf0).toBe(0x90);
  write(MCR, 0x08);
  write(IIR, 1);
  expect(read(IIR) >> 6).toBe(3);
  write(SCR, 0xa5);
  expect(read(SCR)).toBe(0xa5);
});

test('enabling THRE raises the interrupt; reading IIR clears it but not LSR.THRE', () => {
  const { bench, read, write } = createUart();
  write(IER, 0x02);
  expect(bench.irq.intr).toBe(true);
  expect(read(IIR)).toBe(0x02);
  expect([bench.irq.intr, read(IIR), read(LSR)]).toEqual([false, 0x01, 0x60]);
});

test('each transmitted byte gives a new THRE edge', () => {
  const { bench, line, read, write } = createUart();
  write(IER, 0x02);
  read(IIR);
  for (const c of 'ok') write(RBR, c.charCodeAt(0));
  expect([line.text, bench.edges.intr]).toEqual(['ok', 3]);
});

test('a received byte sets DR, raises RX, and is read once', () => {
  const { bench, line, read, write } = createUart();
  write(IER, 0x01);
  line.feed('A');
  expect([bench.irq.intr, read(IIR), read(LSR) & 1]).toEqual([true, 0x04, 1]);
  expect(read(RBR)).toBe(0x41);
  expect([bench.irq.intr, read(LSR) & 1]).toEqual([false, 0]);
});

test('a long paste never overruns: the rest waits outside, with and without FIFO', () => {
  for (const fcr of [0, 1, FIFO_TRIGGER_8]) {
    const { line, read, write } = createUart();
    write(IIR, fcr);
    const text = 'The quick brown fox jumps over the lazy dog';
    line.feed(text);
    let got = '';
    for (let status = read(LSR); status & 1; status = read(LSR)) {
      expect(status & 0x02).toBe(0);
      got += String.fromCharCode(read(RBR));
    }
    expect(got).toBe(text);
  }
});

test('below the trigger level the interrupt comes as a timeout after four characters', () => {
  const { bench, line, read, write } = createUart();
  write(IIR, FIFO_TRIGGER_8);
  write(LCR, 0x03); // 8n1: a character is 10 bits, 1.04 ms at 9600 baud
  write(IER, 0x01);
  line.feed('abc');
  expect(bench.irq.intr).toBe(false);
  bench.advance(4_166_000);
  expect(bench.irq.intr).toBe(false);
  bench.advance(1000);
  expect([bench.irq.intr, read(IIR)]).toEqual([true, 0xcc]);
  read(RBR);
  expect(bench.irq.intr).toBe(false);
});

test('at the trigger level the interrupt comes at once', () => {
  const { bench, line, read, write } = createUart();
  write(IIR, FIFO_TRIGGER_8);
  write(IER, 0x01);
  line.feed('12345678');
  expect([bench.irq.intr, read(IIR)]).toEqual([true, 0xc4]);
});

test('a byte that is pushed in without room sets OE, which one read of LSR clears', () => {
  const { bench, line, read, write } = createUart();
  write(IER, 0x04);
  line.receive(Uint8Array.of(1, 2));
  expect([read(IIR), read(LSR) & 0x02, read(LSR) & 0x02, bench.irq.intr]).toEqual([0x06, 0x02, 0, false]);
  expect(read(RBR)).toBe(2);
});

test('a break is a zero byte with BI and a line-status interrupt', () => {
  const { line, read, write } = createUart();
  write(IER, 0x04);
  line.event('break');
  expect([read(IIR), read(LSR) & 0x11, read(RBR), read(LSR) & 0x11]).toEqual([0x06, 0x11, 0, 0]);
});

test('in loopback bytes come back and nothing leaves; modem outputs feed the inputs', () => {
  const { line, read, write } = createUart();
  write(MCR, 0x1f);
  write(RBR, 0x41);
  expect([read(MSR), read(LSR), read(RBR), line.output.length]).toEqual([0xf0, 0x61, 0x41, 0]);
});

test('DLAB shows the divisor at offsets 0 and 1', () => {
  const { line, read, write } = createUart();
  write(LCR, 0x80);
  expect([read(0), read(1)]).toEqual([0x0c, 0]);
  write(0, 0x34);
  write(1, 0x12);
  write(LCR, 0x03);
  expect([read(IER), line.output.length]).toEqual([0, 0]);
  write(LCR, 0x83);
  expect([read(0), read(1)]).toEqual([0x34, 0x12]);
});

test('switching the FIFO on or clearing it empties it', () => {
  const { line, read, write } = createUart();
  write(IIR, FIFO_TRIGGER_8);
  line.feed('x');
  write(IIR, 0x83);
  expect(read(LSR) & 1).toBe(0);
});
