import { expect, test } from 'vitest';
import { createDma } from '../../core/dma.ts';
import { AddressSpace } from '../../core/memory.ts';
import { Container, ramRegion } from '../../core/region.ts';
import { createBench } from '../../core/test-bench.ts';
import { i8237 } from './i8237.ts';

function createController() {
  const root = new Container('system', 2 ** 32);
  root.add(0, ramRegion('ram', 0x100000, 0));
  const bytes = new Uint8Array(0x100000);
  const dma = createDma(new AddressSpace(root, { bytes, written() {} }));
  const bench = createBench(i8237, { dma });
  return {
    bench,
    bytes,
    /** Programs a channel of the first controller: 2000h bytes at 23456h. */
    program(n: number, mode: number) {
      bench.out('low', 12, 0);
      for (const value of [0x56, 0x34]) bench.out('low', n * 2, value);
      for (const value of [0xff, 0x1f]) bench.out('low', n * 2 + 1, value);
      bench.out('low', 11, mode | n);
      bench.out('pages', 0, 0x02); // 81h: channel 2
      bench.out('low', 10, n);
    },
  };
}

test('a device writes its block to memory when it requests and is unmasked; then the channel is masked', () => {
  const { bench, bytes, program } = createController();
  const channel = bench.parts.channel(2);
  const calls: [number, number][] = [];
  channel.onTransfer((position, length) => {
    calls.push([position, length]);
    channel.writeMemory(position, new Uint8Array(0x1000).fill(calls.length));
    return position + 0x1000;
  });
  channel.request(true);
  expect(calls).toEqual([]);
  program(2, 0x44);
  channel.service();
  channel.service();
  expect(calls).toEqual([
    [0, 0x2000],
    [0x1000, 0x2000],
  ]);
  expect([bytes[0x23455], bytes[0x23456], bytes[0x24456], bytes[0x25455], bytes[0x25456]]).toEqual([0, 1, 2, 2, 0]);
  expect([bench.in('low', 8), bench.in('low', 8), bench.in('low', 15)]).toEqual([0x44, 0x40, 0x0f]);
});

test('auto-initialisation starts the block anew', () => {
  const { bench, program } = createController();
  const channel = bench.parts.channel(2);
  let calls = 0;
  channel.onTransfer((_position, length) => {
    calls++;
    return length;
  });
  program(2, 0x58);
  channel.request(true);
  channel.service();
  expect([calls, bench.in('low', 15) & 4]).toEqual([2, 0]);
});

test('address and count read back with progress, low byte first', () => {
  const { bench, program } = createController();
  const channel = bench.parts.channel(2);
  channel.onTransfer((position) => position + 0x10);
  program(2, 0x44);
  channel.request(true);
  bench.out('low', 12, 0);
  expect([4, 4, 5, 5].map((at) => bench.in('low', at))).toEqual([0x66, 0x34, 0xef, 0x1f]);
});

test('the second controller counts words, within 128 KiB', () => {
  const { bench, bytes } = createController();
  const channel = bench.parts.channel(5);
  const block = new Uint8Array(4);
  channel.onTransfer((position, length) => {
    channel.readMemory(position, block);
    expect(length).toBe(4);
    return length;
  });
  bytes.set([1, 2], 0x3fffe);
  bytes.set([3, 4], 0x20000); // the address wraps within the page
  bench.out('high', 24, 0);
  for (const value of [0xff, 0xff]) bench.out('high', 4, value);
  for (const value of [0x01, 0x00]) bench.out('high', 6, value);
  bench.out('high', 22, 0x49);
  bench.out('pagesUpper', 2, 0x03); // 8Bh: channel 5; bit 0 does not count
  channel.request(true);
  bench.out('high', 20, 1);
  expect([...block]).toEqual([1, 2, 3, 4]);
});

test('master clear masks all channels; page registers keep what is written', () => {
  const { bench } = createController();
  bench.out('low', 14, 0);
  expect(bench.in('low', 15)).toBe(0);
  bench.out('low', 13, 0);
  expect(bench.in('low', 15)).toBe(0x0f);
  bench.out('page0', 0, 0x5a);
  expect(bench.in('page0', 0)).toBe(0x5a);
});
