import { expect, test } from 'vitest';
import { createBufferChardev } from '../../../chardev/buffer.ts';
import { Wire } from '../../core/irq.ts';
import { createBench } from '../../core/test-bench.ts';
import { debugcon } from './debugcon.ts';
import { isaDebugExit } from './isa-debug-exit.ts';
import { pcTestdev } from './pc-testdev.ts';
import { port61 } from './port61.ts';
import { port80 } from './port80.ts';
import { port92 } from './port92.ts';
import { portF0 } from './portf0.ts';

test('isa-debug-exit ends the run with (value << 1) | 1', () => {
  const exits: number[] = [];
  const bench = createBench(isaDebugExit, { exit: (status) => void exits.push(status) });
  bench.out('exit', 0, 0x10);
  bench.out('exit', 0, 0x1234, 2);
  expect(exits).toEqual([0x21, 0x2469]);
  expect(isaDebugExit.isa?.({ iobase: 0xf4, iosize: 4, exit() {} }).ports).toEqual({ exit: 0xf4 });
});

test('the debug console prints and can be found', () => {
  const chardev = createBufferChardev();
  const bench = createBench(debugcon, { chardev });
  for (const c of 'Boot') bench.out('debugcon', 0, c.charCodeAt(0));
  expect([chardev.text, bench.in('debugcon', 0)]).toEqual(['Boot', 0xe9]);
});

test('port F0h ends the interrupt of a numeric error and lets the processor ignore it', () => {
  let ignored = 0;
  const bench = createBench(portF0, { ignoreErrors: () => ignored++ });
  bench.parts.raise();
  bench.parts.raise();
  expect([bench.irq.intr, bench.edges.intr, ignored]).toEqual([true, 1, 0]);
  const loaded = bench.reloaded();
  expect([loaded.irq.intr, loaded.in('portF0', 0)]).toEqual([true, 0xff]);
  bench.out('portF0', 0, 0);
  expect([bench.irq.intr, ignored]).toEqual([false, 1]);
  expect(portF0.isa?.({ ignoreErrors() {} }).irqs).toEqual({ intr: 13 });
});

test('port 92h drives A20 and resets on a rising bit 0', () => {
  let resets = 0;
  const bench = createBench(port92, { systemReset: () => resets++ });
  expect([bench.in('port92', 0), bench.irq.a20]).toEqual([0, false]);
  bench.out('port92', 0, 0x02);
  expect([bench.in('port92', 0), bench.irq.a20, resets]).toEqual([2, true, 0]);
  bench.out('port92', 0, 0x03);
  bench.out('port92', 0, 0x03);
  expect(resets).toBe(1);
});

test('port 61h gates channel 2, shows its output and a refresh bit that flips each 15.1 us', () => {
  const gates: boolean[] = [];
  const pit = {
    setGate: (_n: number, level: boolean) => void gates.push(level),
    gate: () => gates.at(-1) === true,
    out: () => true,
    outAt: () => true,
    onBeforeChange() {},
  };
  const bench = createBench(port61, { pit });
  bench.out('port61', 0, 0x03);
  expect(bench.in('port61', 0) & 0x2f).toBe(0x23);
  let flips = 0;
  let last = bench.in('port61', 0) & 0x10;
  for (let us = 0; us < 1000; us++) {
    bench.advance(1000);
    const now = bench.in('port61', 0) & 0x10;
    if (now !== last) flips++;
    last = now;
  }
  expect(flips).toBe(66); // 1 ms at 66,288 a second
});

test('port 80h reports POST codes and reads as ones', () => {
  const codes: number[] = [];
  const bench = createBench(port80, { postCode: (code) => void codes.push(code) });
  bench.out('port80', 0, 0x5a);
  expect([codes, bench.in('port80', 0)]).toEqual([[0x5a], 0xff]);
});

test('pc-testdev: the latch takes all sizes, as measured with QEMU 7.2', () => {
  const bench = createBench(pcTestdev);
  bench.out('latch', 0, 0x12345678, 4);
  expect([bench.in('latch', 0), bench.in('latch', 1), bench.in('latch', 2, 2), bench.in('latch', 1, 2)]).toEqual([
    0x78, 0x56, 0x1234, 0x3456,
  ]);
  expect(bench.in('latchBytes', 0, 4)).toBe(0x12345678);
  expect(bench.in('flush', 0, 4)).toBe(0);
});

test('pc-testdev raises and lowers interrupt lines and has device memory', () => {
  const lines = Array.from({ length: 24 }, () => new Wire());
  const bench = createBench(pcTestdev, { lines });
  bench.out('irqs', 11, 1);
  expect(lines[11]!.level).toBe(true);
  bench.out('irqs', 11, 0);
  expect(lines[11]!.level).toBe(false);
  bench.out('memory', 0x100, 0xcafebabe, 4);
  expect([bench.in('memory', 0x101), bench.in('memory', 0x102, 2)]).toEqual([0xba, 0xcafe]);
});
