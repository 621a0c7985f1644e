import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createQtest } from './qtest.ts';

function setUp() {
  const memory = new Uint8Array(0x10000);
  const log: string[] = [];
  const lines: string[] = [];
  let now = 0;
  let watch: ((n: number, level: boolean) => void) | undefined;
  const qtest = createQtest(
    {
      settle() {},
      readPort: (port, size) => (port === 0x60 ? 0x1234_5678 >>> (32 - 8 * size) : 0),
      writePort: (port, value, size) => void log.push(`${port.toString(16)} ${value.toString(16)} ${size}`),
      readMemory: (at, into) => into.set(memory.subarray(at, at + into.length)),
      writeMemory(at, bytes) {
        if (at + bytes.length <= memory.length) memory.set(bytes, at);
      },
      get nowNs() {
        return now;
      },
      nextDeadlineNs: 5000,
      advanceTo: (ns) => void (now = Math.max(now, ns)),
      intercept(_ends, path, changed) {
        if (path !== 'ioapic') return false;
        watch = changed;
        return true;
      },
    },
    (line) => void lines.push(line),
  );
  return {
    ask: (line: string) => qtest.execute(line),
    log,
    lines,
    raise: (n: number, level: boolean) => watch?.(n, level),
  };
}

describe('qtest', () => {
  test('ports of all sizes; values are cut to them', () => {
    const { ask, log } = setUp();
    expect([ask('inb 0x60'), ask('inw 96'), ask('inl 0x60')]).toEqual(['OK 0x0012', 'OK 0x1234', 'OK 0x12345678']);
    expect([ask('outb 0x61 0x1ff'), ask('outw 0x62 65535'), ask('outl 0xcf8 0x80000000')]).toEqual(['OK', 'OK', 'OK']);
    expect(log).toEqual(['61 ff 1', '62 ffff 2', 'cf8 80000000 4']);
  });

  test('memory as integers, hexadecimal, base64 and patterns', () => {
    const { ask } = setUp();
    expect([ask('writel 0x100 0x12345678'), ask('readb 0x100'), ask('readq 0x100')]).toEqual([
      'OK',
      'OK 0x0000000000000078',
      'OK 0x0000000012345678',
    ]);
    expect([ask('write 0x200 4 0xaabb'), ask('read 0x200 4')]).toEqual(['OK', 'OK 0xaabb0000']);
    expect([ask('b64write 0x200 3 AQID'), ask('b64read 0x200 4')]).toEqual(['OK', 'OK AQIDAA==']);
    expect([ask('memset 0x300 3 0xee'), ask('read 0x2ff 5'), ask('endianness')]).toEqual([
      'OK',
      'OK 0x00eeeeee00',
      'OK little',
    ]);
  });

  test('the clock steps, to the next timer by itself, and is set', () => {
    const { ask } = setUp();
    expect([ask('clock_step 100'), ask('clock_step'), ask('clock_set 9000'), ask('clock_set 10')]).toEqual([
      'OK 100',
      'OK 5000',
      'OK 9000',
      'OK 9000',
    ]);
  });

  test('watched interrupts are told when they change', () => {
    const { ask, lines, raise } = setUp();
    expect([ask('irq_intercept_in nothing'), ask('irq_intercept_in ioapic'), ask('irq_intercept_in ioapic')]).toEqual([
      'FAIL irq_intercept_in: Unknown device',
      'OK',
      'OK',
    ]);
    for (const level of [false, true, true, false]) raise(4, level);
    expect(lines).toEqual(['IRQ raise 4', 'IRQ lower 4']);
    expect(ask('irq_intercept_out pic')).toBe('FAIL irq_intercept_out: IRQ intercept already enabled');
  });

  test.each([
    ['', "FAIL Unknown command ''"],
    ['foo 1', "FAIL Unknown command 'foo'"],
    ['toString', "FAIL Unknown command 'toString'"],
    ['inb', 'FAIL inb: address is missing'],
    ['inb 0x10000', "FAIL inb: invalid port '0x10000'"],
    ['inb x', "FAIL inb: invalid address 'x'"],
    ['inb 1 2', "FAIL inb: unexpected '2'"],
    ['outb 1', 'FAIL outb: value is missing'],
    ['outb 1 -1', "FAIL outb: invalid value '-1'"],
    ['readb 0xffffffffffffffff', "FAIL readb: invalid address '0xffffffffffffffff'"],
    ['read 0 0', 'FAIL read: invalid argument size'],
    ['read 0 0xffffffffff', "FAIL read: invalid size '0xffffffffff'"],
    ['write 0 4 aabb', "FAIL write: invalid data 'aabb'"],
    ['write 0 4 0xabc', "FAIL write: invalid data '0xabc'"],
    ['b64write 0 4 ###', "FAIL b64write: invalid data '###'"],
    ['clock_step 1e9', "FAIL clock_step: invalid address '1e9'"],
    ['irq_intercept_in', 'FAIL irq_intercept_in: path is missing'],
  ])('%j is answered with an error', (line, answer) => {
    expect(setUp().ask(line)).toBe(answer);
  });

  test('no line throws', () => {
    const { ask } = setUp();
    const word = fc.constantFrom(
      'inb',
      'outl',
      'read',
      'write',
      'memset',
      'b64read',
      'clock_step',
      '0',
      '0x60',
      '4096',
      '-1',
      '0x',
      'QQ==',
      '',
    );
    const line = fc.oneof(
      fc.string({ maxLength: 40 }),
      fc.array(word, { maxLength: 5 }).map((words) => words.join(' ')),
    );
    fc.assert(
      fc.property(line, (text) => /^(OK|FAIL)/.test(ask(text))),
      { numRuns: 10_000 },
    );
  });
});
