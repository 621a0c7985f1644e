import { expect, test } from 'vitest';
import { createBench } from '../../core/test-bench.ts';
import { cmosMemorySize, mc146818 } from './mc146818.ts';
import { calendarOf } from './rtc-calendar.ts';

const SECOND = 1e9;
const [A, B, C] = [0x0a, 0x0b, 0x0c] as const;
/** 1999-12-31 23:59:58, a Friday. */
const BEFORE_2000 = 946684798;

function createRtc(base = BEFORE_2000) {
  const bench = createBench(mc146818, { base });
  const read = (index: number) => {
    bench.out('rtc', 0, index);
    return bench.in('rtc', 1);
  };
  return {
    bench,
    read,
    write(index: number, value: number) {
      bench.out('rtc', 0, index);
      bench.out('rtc', 1, value);
    },
    /** Century, year, month, day, weekday, hour, minute, second as hexadecimal digits. */
    time: () => [0x32, 9, 8, 7, 6, 4, 2, 0].map((i) => read(i).toString(16).padStart(2, '0')).join(' '),
  };
}

test('the registers after power-on are those of QEMU 7.2', () => {
  const { bench, read } = createRtc();
  expect([A, B, C, 0x0d].map(read)).toEqual([0x26, 0x02, 0x00, 0x80]);
  expect(bench.in('rtc', 0)).toBe(0xff);
});

test('time runs over the turn of the century', () => {
  const { bench, time } = createRtc();
  expect(time()).toBe('19 99 12 31 06 23 59 58');
  bench.advance(SECOND);
  expect(time()).toBe('19 99 12 31 06 23 59 59');
  bench.advance(SECOND);
  expect(time()).toBe('20 00 01 01 07 00 00 00');
});

test('leap years have 29 February, 1900 did not', () => {
  const leap = createRtc(951782399); // 2000-02-28 23:59:59
  leap.bench.advance(SECOND);
  expect(leap.time()).toBe('20 00 02 29 03 00 00 00');
  const common = createRtc(-2203891201); // 1900-02-28 23:59:59
  common.bench.advance(SECOND);
  expect(common.time()).toBe('19 00 03 01 05 00 00 00');
});

test('calendar dates agree with the host, before and after 1970', () => {
  for (let s = -2e9; s < 4e9; s += 86_399_987) {
    const d = new Date(s * 1000);
    expect(calendarOf(s)).toEqual({
      second: d.getUTCSeconds(),
      minute: d.getUTCMinutes(),
      hour: d.getUTCHours(),
      weekday: d.getUTCDay() + 1,
      day: d.getUTCDate(),
      month: d.getUTCMonth() + 1,
      year: d.getUTCFullYear(),
    });
  }
});

test('binary and 12-hour formats', () => {
  const { bench, read, write } = createRtc();
  write(B, 0x06);
  bench.parts.setTime(BEFORE_2000);
  expect([read(4), read(2), read(9)]).toEqual([23, 59, 99]);
  write(B, 0x00);
  bench.parts.setTime(BEFORE_2000);
  expect(read(4)).toBe(0x91); // 11 PM in BCD
  bench.advance(2 * SECOND);
  expect(read(4)).toBe(0x12); // midnight is 12 AM
});

test('SET holds the time while the guest writes a new one', () => {
  const { bench, read, write } = createRtc();
  write(B, 0x82);
  for (const [index, value] of [
    [0, 0x30],
    [2, 0x15],
    [4, 0x08],
  ] as const)
    write(index, value);
  bench.advance(5 * SECOND);
  expect([read(0), read(2), read(4)]).toEqual([0x30, 0x15, 0x08]);
  write(B, 0x02);
  bench.advance(SECOND);
  expect(read(0)).toBe(0x31);
});

test('UIP rises 244 us before the update', () => {
  const { bench, read } = createRtc();
  bench.advance(SECOND - 244_141);
  expect(read(A)).toBe(0x26);
  bench.advance(1);
  expect(read(A)).toBe(0xa6);
  bench.advance(244_140);
  expect(read(A)).toBe(0x26);
});

test('after a divider reset the first update comes half a second later', () => {
  const { bench, read, write } = createRtc();
  write(A, 0x76);
  bench.advance(3 * SECOND);
  expect(read(0)).toBe(0x58);
  write(A, 0x26);
  bench.advance(SECOND / 2);
  expect(read(0)).toBe(0x59);
});

test('the update interrupt comes each second; reading C ends it', () => {
  const { bench, read, write } = createRtc();
  write(B, 0x12);
  bench.advance(SECOND);
  expect([bench.irq.intr, read(C), bench.irq.intr, read(C)]).toEqual([true, 0x90, false, 0]);
});

test('the alarm compares hour, minute and second; C0h matches all', () => {
  const { bench, read, write } = createRtc();
  write(1, 0x05);
  write(3, 0xc0);
  write(5, 0xff);
  write(B, 0x22);
  bench.advance(6 * SECOND); // 00:00:04
  expect(bench.irq.intr).toBe(false);
  bench.advance(SECOND);
  expect([bench.irq.intr, read(C)]).toEqual([true, 0xb0]);
});

test('the periodic interrupt: 1024 Hz is 1024 a second', () => {
  const { bench, read, write } = createRtc();
  write(B, 0x42);
  for (let i = 0; i < 1100; i++) {
    bench.advance(SECOND / 1100);
    read(C);
  }
  expect(bench.edges.intr).toBeGreaterThanOrEqual(1023);
  expect(bench.edges.intr).toBeLessThanOrEqual(1024);
  write(A, 0x20); // rate 0: none
  bench.advance(SECOND);
  expect(read(C) & 0x40).toBe(0);
});

test('enabling an interrupt whose flag is set raises it', () => {
  const { bench, write } = createRtc();
  bench.advance(SECOND);
  expect(bench.irq.intr).toBe(false);
  write(B, 0x12);
  expect(bench.irq.intr).toBe(true);
});

test('a reset disables interrupts and keeps time and memory', () => {
  const { bench, read, write, time } = createRtc();
  write(0x40, 0xa5);
  write(B, 0x12);
  bench.advance(SECOND);
  bench.reset();
  expect([bench.irq.intr, read(B), read(C), read(0x40), time()]).toEqual([
    false,
    0x02,
    0,
    0xa5,
    '19 99 12 31 06 23 59 59',
  ]);
  bench.advance(SECOND);
  expect(time()).toBe('20 00 01 01 07 00 00 00');
});

test('bit 7 of the index masks NMI; the century shows at 37h too', () => {
  let masked = false;
  const bench = createBench(mc146818, { nmiMask: (m) => void (masked = m) });
  bench.out('rtc', 0, 0x80 | 0x37);
  expect([masked, bench.in('rtc', 1)]).toEqual([true, 0x19]);
});

test("memory sizes are QEMU's: measured with 128 MiB", () => {
  const MiB = 2 ** 20;
  const bytes = new Map(cmosMemorySize(128 * MiB));
  expect([0x15, 0x16, 0x17, 0x18, 0x34, 0x35].map((i) => bytes.get(i))).toEqual([0x80, 0x02, 0xff, 0xff, 0, 0x07]);
  const small = new Map(cmosMemorySize(8 * MiB));
  expect([0x17, 0x18, 0x30, 0x31, 0x34, 0x35].map((i) => small.get(i))).toEqual([0, 0x1c, 0, 0x1c, 0, 0]);
  const large = new Map(cmosMemorySize(3 * 1024 * MiB, 1024 * MiB));
  expect([0x34, 0x35, 0x5b, 0x5c, 0x5d].map((i) => large.get(i))).toEqual([0, 0xbf, 0, 0x40, 0]);
});
