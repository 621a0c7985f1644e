import { describe, expect, it } from 'vitest';
import { type IrqLine, Wire } from '../../core/irq.ts';
import { createBench } from '../../core/test-bench.ts';
import { HPET_ID, hpet } from './hpet.ts';

const MS = 1_000_000;

function rig() {
  const edges = new Array<number>(24).fill(0);
  const levels = new Array<boolean>(24).fill(false);
  const gsis: IrqLine[] = levels.map(
    (_, n) =>
      new Wire((level) => {
        levels[n] = level;
        if (level) edges[n] = (edges[n] ?? 0) + 1;
      }),
  );
  const bench = createBench(hpet, { gsis, dma: {} as never });
  const read = (offset: number): number => bench.in('memory', offset, 4);
  const write = (offset: number, value: number): void => bench.out('memory', offset, value, 4);
  return { bench, edges, levels, read, write };
}

describe('HPET', () => {
  it('says what it is: three comparators, 64 bits, legacy replacement, 10 ns', () => {
    const { read } = rig();
    expect(read(0)).toBe(HPET_ID);
    expect(HPET_ID).toBe(0x8086a201);
    expect(read(4)).toBe(10_000_000);
    expect([read(0x100), read(0x104), read(0x108), read(0x10c)]).toEqual([0x30, 4, 0xffff_ffff, 0xffff_ffff]);
  });

  it('counts while it is enabled, from where it was set', () => {
    const { bench, read, write } = rig();
    bench.advance(5 * MS);
    expect(read(0xf0)).toBe(0);
    write(0xf0, 0xffff_fff0);
    write(0x10, 1);
    bench.advance(1000);
    expect([read(0xf0), read(0xf4)]).toEqual([0x54, 1]);
    write(0xf0, 7); // ignored while it runs
    write(0x10, 0);
    bench.advance(1000);
    expect([read(0xf0), read(0xf4)]).toEqual([0x54, 1]);
    expect(bench.log).toHaveLength(1);
  });

  it('interrupts once at a match, as an edge on the chosen line', () => {
    const { bench, edges, write } = rig();
    write(0x100, (2 << 9) | 4);
    write(0x108, 100_000);
    write(0x10c, 0);
    write(0x10, 1);
    bench.advance(999_000);
    expect(edges[2]).toBe(0);
    bench.advance(2000);
    expect(edges[2]).toBe(1);
    bench.advance(10 * MS);
    expect(edges[2]).toBe(1);
  });

  it('holds a level until its status is cleared', () => {
    const { bench, levels, read, write } = rig();
    write(0x120, (2 << 9) | 4 | 2);
    write(0x128, 1000);
    write(0x12c, 0);
    write(0x10, 1);
    bench.advance(MS);
    expect([levels[2], read(0x20)]).toEqual([true, 2]);
    const again = bench.reloaded();
    expect(again.in('memory', 0x20, 4)).toBe(2);
    write(0x20, 2);
    expect([levels[2], read(0x20)]).toEqual([false, 0]);
  });

  it('interrupts periodically on IRQ 0 in place of the i8254', () => {
    const { bench, edges, write } = rig();
    bench.parts.pitInput.set(true);
    expect(bench.irq.pit).toBe(true);
    write(0x10, 3);
    expect(bench.irq.pit).toBe(false);
    write(0x100, 4 | 8 | 0x40 | 0x100);
    write(0x108, 100_000); // the first match
    write(0x108, 100_000); // the period
    bench.advance(10 * MS);
    expect(edges[0]).toBe(10);
    write(0x10, 1);
    expect(bench.irq.pit).toBe(true);
  });

  it('keeps on its feet when a guest asks for a period of one tick', () => {
    const { bench, edges, write } = rig();
    write(0x10, 3);
    write(0x100, 4 | 8 | 0x40 | 0x100);
    write(0x108, 1);
    write(0x108, 1);
    bench.advance(10 * MS);
    expect(edges[0]).toBeLessThanOrEqual(2001);
  });

  it('interrupts at the wrap of a 32-bit comparator, too', () => {
    const { bench, edges, write } = rig();
    write(0xf0, 0xffff_fff0);
    write(0x100, (2 << 9) | 4 | 0x100);
    write(0x108, 0x100);
    write(0x10, 1);
    bench.advance(200);
    expect(edges[2]).toBe(1);
    bench.advance(10_000);
    expect(edges[2]).toBe(2);
  });
});
