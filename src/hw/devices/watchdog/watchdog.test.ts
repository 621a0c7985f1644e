import { describe, expect, it } from 'vitest';
import { PortSpace } from '../../core/ports.ts';
import { Container } from '../../core/region.ts';
import { createBench } from '../../core/test-bench.ts';
import { i6300esb } from './i6300esb.ts';
import { ib700 } from './ib700.ts';

const SECOND = 1_000_000_000;

describe('IB700', () => {
  it('expires after the time of the table, unless it is fed or stopped', () => {
    let expired = 0;
    const bench = createBench(ib700, { watchdogExpired: () => void expired++ });
    bench.out('enable', 0, 0x0a); // 10 s
    bench.advance(9 * SECOND);
    bench.out('enable', 0, 0x0a);
    bench.advance(9 * SECOND);
    expect(expired).toBe(0);
    const other = bench.reloaded();
    other.advance(2 * SECOND);
    expect(expired).toBe(1);
    bench.out('disable', 0, 0);
    bench.advance(100 * SECOND);
    expect(expired).toBe(1);
  });
});

describe('i6300ESB watchdog', () => {
  function rig() {
    const counts = { expired: 0 };
    const bench = createBench(i6300esb, { watchdogExpired: () => void counts.expired++ });
    const memory = new Container('memory', 0x1_0000_0000);
    const { pci } = bench.parts;
    pci.plug({ memory, io: new Container('io', 0x10000), interrupt() {} });
    pci.write(0x10, 0x8000, 4);
    pci.write(0x04, 0x02, 2);
    const space = new PortSpace(memory);
    const write = (offset: number, value: number): void => {
      space.write(0x800c, 0x80, 2);
      space.write(0x800c, 0x86, 2);
      space.write(0x8000 + offset, value, 4);
    };
    return { bench, pci, counts, space, write };
  }

  it('counts two stages of 2^15 PCI clocks a unit, then expires', () => {
    const { bench, pci, counts, write } = rig();
    write(0, 1000); // 1000 * 2^15 / 33 MHz = 0.993 s
    write(4, 2000);
    pci.write(0x68, 0x02, 1);
    bench.advance(2.9 * SECOND);
    expect(counts.expired).toBe(0);
    bench.advance(0.1 * SECOND);
    expect(counts.expired).toBe(1);
  });

  it('is fed by its reload register, which takes writes only when unlocked', () => {
    const { bench, pci, counts, space, write } = rig();
    write(0, 1000);
    write(4, 1000);
    pci.write(0x68, 0x02, 1);
    bench.advance(1.5 * SECOND);
    write(0x0c, 0x100);
    bench.advance(1.5 * SECOND);
    expect(counts.expired).toBe(0);
    space.write(0x800c, 0x100, 2);
    bench.advance(1 * SECOND);
    expect(counts.expired).toBe(1);
  });

  it('cannot be disabled once it is locked, and remembers over a reset that it expired', () => {
    const { bench, pci, counts, space, write } = rig();
    write(0, 1);
    write(4, 1);
    pci.write(0x68, 0x03, 1);
    pci.write(0x68, 0x00, 1);
    expect(pci.read(0x68, 1)).toBe(0x03);
    bench.advance(SECOND);
    expect(counts.expired).toBe(1);
    bench.reset();
    expect(pci.read(0x68, 1)).toBe(0);
    pci.write(0x10, 0x8000, 4);
    pci.write(0x04, 0x02, 2);
    expect(space.read(0x800c, 2) & 0x200).toBe(0x200);
    write(0x0c, 0x200);
    expect(space.read(0x800c, 2)).toBe(0);
  });
});
