import { describe, expect, test } from 'vitest';
import { VmError } from '../../util/errors.ts';
import {
  array,
  below,
  bool,
  bytes,
  fifo,
  i32,
  i64,
  ranged,
  struct,
  survivesReset,
  timer,
  u8,
  u16,
  u32,
  u64,
  vmstate,
} from './state.ts';

const chip = vmstate('chip', 2, {
  a: u8(0x12),
  b: u16(0x3456),
  c: u32(0xffff_fffe),
  d: u64(0x0123_4567_89ab_cdefn),
  e: i64(-2),
  f: bool(true),
  g: bytes(3, 7),
  h: array(2, struct({ mode: below(6, 3), n: i32(-1) })),
  q: fifo(4),
  t: timer(),
  kept: survivesReset(u8(1)),
});

describe('declared state', () => {
  test('saves fields in order, big-endian, without tags', () => {
    const s = chip.fresh();
    s.q.push(0xaa);
    s.t.deadlineNs = 0x1_0000_0002;
    const hexText = Array.from(chip.save(s), (b) => b.toString(16).padStart(2, '0')).join('');
    expect(hexText).toBe(
      `12${'3456'}${'fffffffe'}${'0123456789abcdef'}${'fffffffffffffffe'}01${'070707'}${'03ffffffff03ffffffff'}` +
        `${'0001aa000000'}${'0000000100000002'}01`,
    );
  });

  test('a saved state loads into another one', () => {
    const s = chip.fresh();
    Object.assign(s, { a: 1, e: 2 ** 52, f: false });
    s.g.set([9, 8, 7]);
    s.h[1]!.mode = 5;
    s.q.push(3);
    const other = chip.fresh();
    chip.load(other, chip.save(s));
    expect(other).toEqual(s);
    expect(chip.hash(other)).toBe(chip.hash(s));
  });

  test('loading and reset refill objects in place', () => {
    const s = chip.fresh();
    const { g, h, q, t } = s;
    const inner = h[0];
    chip.load(s, chip.save(chip.fresh()));
    chip.reset(s);
    expect([s.g === g, s.h === h, s.h[0] === inner, s.q === q, s.t === t]).toEqual([true, true, true, true, true]);
  });

  test('reset gives the fresh values but keeps fields that survive it', () => {
    const s = chip.fresh();
    Object.assign(s, { a: 0, kept: 99 });
    s.g.fill(0);
    s.h[0]!.n = 5;
    s.q.push(1);
    s.t.deadlineNs = 5;
    chip.reset(s);
    expect(s).toEqual({ ...chip.fresh(), kept: 99 });
  });

  test('a state of more than 64 bytes is saved whole', () => {
    const big = vmstate('big', 1, { before: bytes(63, 1), word: u32(0x01020304), after: bytes(200, 2) });
    const s = big.fresh();
    const other = big.fresh();
    other.word = 0;
    big.load(other, big.save(s));
    expect(other).toEqual(s);
  });

  test('hostile bytes are refused with the device and the field, and leave the state as it was', () => {
    const s = chip.fresh();
    const good = chip.save(s);
    const at = (offset: number, value: number) => good.map((b, i) => (i === offset ? value : b));
    expect(() => chip.load(s, good.subarray(0, 5))).toThrow("device 'chip': field 'c': saved state ends early");
    expect(() => chip.load(s, new Uint8Array(0))).toThrow(VmError);
    expect(() => chip.load(s, at(27, 6))).toThrow("device 'chip': field 'h[0].mode': 6 is out of range (0 to 5)");
    expect(() => chip.load(s, at(38, 9))).toThrow("device 'chip': field 'q': 9 bytes do not fit into a FIFO of 4");
    expect(() => chip.load(s, at(15, 0x7f))).toThrow("device 'chip': field 'e'");
    expect(() => chip.load(s, Uint8Array.of(...good, 0))).toThrow('1 bytes too many');
    expect(() => chip.load(s, good, 1)).toThrow("device 'chip': state version 1 is not supported (2)");
    expect(s).toEqual(chip.fresh());
  });

  test('a ranged field refuses what lies outside', () => {
    const divisor = vmstate('divider', 1, { divisor: ranged(u16(1), 1, 100) });
    expect(() => divisor.load(divisor.fresh(), Uint8Array.of(0, 0))).toThrow(
      "field 'divisor': 0 is out of range (1 to 100)",
    );
  });
});

describe('Fifo', () => {
  test('gives bytes in order across the wrap and refuses when full', () => {
    const q = fifo(3).fresh();
    expect([q.push(1), q.push(2), q.push(3), q.push(4)]).toEqual([true, true, true, false]);
    expect(q.shift()).toBe(1);
    q.push(5);
    expect([q.toArray(), q.peek(1), q.peek(3), q.full]).toEqual([[2, 3, 5], 3, 0, true]);
    q.clear();
    expect([q.shift(), q.empty]).toEqual([0, true]);
  });
});
