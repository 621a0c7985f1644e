import { describe, expect, it } from 'vitest';
import { C_FAULT_ADDR, C_STEPPING } from '../../ir/layout.ts';
import { STR_ADDR32, STR_REP, STR_REPNE } from './helpers.ts';
import {
  AC,
  CF,
  CR0_AM,
  CR0_PG,
  CR4_PSE,
  DF,
  DS,
  EAX,
  ECX,
  EDI,
  ES,
  ESI,
  F_CR0,
  F_CR3,
  F_CR4,
  GS,
  TF,
  ZF,
} from './layout.ts';
import { compileNative, type Machine, protectedMachine } from './system-machine.fixture.ts';

const module = compileNative();

const FLAT = STR_ADDR32;
const REP = STR_ADDR32 | STR_REP;
const SOURCE = 0x100000;

function machine(esi: number, edi: number, ecx: number, df: 1 | -1 = 1, eax = 0): Machine {
  const m = protectedMachine(module);
  for (let i = 0; i < 0x8000; i++) m.ram(SOURCE, 0x8000)[i] = (i * 7 + (i >> 8)) & 0xff;
  m.set(ESI, esi);
  m.set(EDI, edi);
  m.set(ECX, ecx);
  m.set(DF, df);
  m.set(EAX, eax);
  return m;
}
const registers = (m: Machine): number[] => [m.get(ESI), m.get(EDI), m.get(ECX)];

/** Repeats the instruction until it is done; returns how often it ran. */
function repeat(run: () => number): number {
  let chunks = 1;
  while (run() === 1) chunks++;
  return chunks;
}

/** What MOVS does, one element after the other. */
function model(ram: Uint8Array, from: number, to: number, n: number, size: number, df: number): void {
  for (let i = 0; i < n; i++) {
    const element = ram.slice(from + i * size * df, from + i * size * df + size);
    ram.set(element, to + i * size * df);
  }
}

describe('MOVS', () => {
  const distances = [-0x1003, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 8, 0x1000, 0x1003];
  it.each([1, 2, 4].flatMap((size) => [1, -1].map((df) => [size, df] as const)))(
    'of %i bytes, direction %i, copies as element after element would, whatever the overlap',
    (size, df) => {
      for (const distance of distances) {
        for (const [start, n] of [
          [0x2010, 100],
          [0x1ffd, 9],
          [0x2000, 1500],
        ] as const) {
          const from = SOURCE + start + 0x1000;
          const m = machine(from, from + distance, n, df as 1 | -1);
          const wanted = m.ram(0, 0x200000).slice();
          model(wanted, from, from + distance, n, size, df);
          repeat(() => m.int('movs', size | REP, DS));
          const same = Buffer.compare(m.ram(0, 0x200000), wanted) === 0;
          expect([distance, start, same, ...registers(m)]).toEqual([
            distance,
            start,
            true,
            from + n * size * df,
            from + distance + n * size * df,
            0,
          ]);
        }
      }
    },
  );
  it('stops at page ends of both operands, so that chunks follow from the registers alone', () => {
    const m = machine(SOURCE + 0xf00, SOURCE + 0x4800, 0x1000);
    expect(repeat(() => m.int('movs', 1 | REP, DS))).toBe(3); // 100H to the source's page end, 700H to the target's, the rest
    const chunked = machine(SOURCE, SOURCE + 0x4000, 0x800);
    expect(chunked.int('movs', 4 | REP, DS)).toBe(1);
    expect(chunked.get(ECX)).toBe(0x400);
  });
  it('does nothing with a count of zero, and one element without REP', () => {
    const m = machine(SOURCE, SOURCE + 0x4000, 0);
    expect(m.int('movs', 4 | REP, DS)).toBe(0);
    expect(registers(m)).toEqual([SOURCE, SOURCE + 0x4000, 0]);
    expect(m.int('movs', 2 | FLAT, DS)).toBe(0);
    expect(registers(m)).toEqual([SOURCE + 2, SOURCE + 0x4002, 0]);
  });
  it('uses SI, DI and CX with 16-bit addresses, and wraps them', () => {
    const m = machine(0xaaaafffe, 0xbbbb0000, 0xcccc0003);
    m.segment(ES, 0x23, SOURCE, 0xffffffff, 0xc0f300);
    m.segment(DS, 0x23, SOURCE - 0x1000, 0xffffffff, 0xc0f300);
    m.call('update_mode');
    const source = [m.read(SOURCE - 0x1000 + 0xfffe, 2), m.read(SOURCE - 0x1000, 2), m.read(SOURCE - 0x1000 + 2, 2)];
    expect(repeat(() => m.int('movs', 2 | STR_REP, DS))).toBe(2);
    expect([0, 2, 4].map((o) => m.read(SOURCE + o, 2))).toEqual(source);
    expect(registers(m)).toEqual([0xaaaa0004, 0xbbbb0006, 0xcccc0000]);
  });
  it('raises #GP at the element that leaves the segment, the ones before it done', () => {
    const m = machine(0xff8, 0, 20);
    m.segment(DS, 0x23, SOURCE, 0xffe, 0x40f300);
    m.segment(ES, 0x23, SOURCE + 0x4000, 0xffff, 0x40f300);
    m.call('update_mode');
    let more = 1;
    while (more === 1) more = m.int('movs', 2 | REP, DS);
    expect(m.fault()).toEqual({ vector: 13, error: 0 });
    expect(registers(m)).toEqual([0xffe, 6, 17]);
  });
  it('can read through FS and GS, whose base counts', () => {
    const m = machine(4, SOURCE + 0x4000, 1);
    m.segment(GS, 0x23, SOURCE + 0x100, 0xffffffff, 0xc0f300);
    m.call('update_mode');
    m.call('movs', 4 | FLAT, GS);
    expect(m.read(SOURCE + 0x4000)).toBe(m.read(SOURCE + 0x104));
  });
});

describe('page faults in string instructions', () => {
  /** Identity paging of 4 MiB; page `absent` is not present, page `readOnly` not writable (CR0.WP). */
  function paged(m: Machine, absent: number, readOnly: number): void {
    m.write(0x20000, 0x21003);
    for (let p = 0; p < 1024; p++) m.write(0x21000 + 4 * p, (p << 12) | (p === absent ? 0 : p === readOnly ? 1 : 3));
    m.set(F_CR3, 0x20000);
    m.set(F_CR0, 0x80010011);
  }
  it('leave the registers at the element that faults', () => {
    const m = machine(SOURCE + 0xffe, SOURCE + 0x4000, 10);
    paged(m, (SOURCE >> 12) + 1, -1);
    expect(m.int('movs', 1 | REP, DS)).toBe(1);
    m.call('movs', 1 | REP, DS);
    expect([m.get(C_FAULT_ADDR), m.fault()]).toEqual([SOURCE + 0x1000, { vector: 14, error: 0 }]);
    expect(registers(m)).toEqual([SOURCE + 0x1000, SOURCE + 0x4002, 8]);
  });
  it('in the middle of an element that straddles pages write none of it', () => {
    const m = machine(SOURCE, SOURCE + 0x3ffe, 1);
    paged(m, -1, (SOURCE >> 12) + 4);
    const before = m.read(SOURCE + 0x3ffe, 2);
    m.call('movs', 4 | REP, DS);
    expect([m.get(C_FAULT_ADDR), m.fault()]).toEqual([SOURCE + 0x4000, { vector: 14, error: 3 }]);
    expect(m.read(SOURCE + 0x3ffe, 2)).toBe(before);
    expect(registers(m)).toEqual([SOURCE, SOURCE + 0x3ffe, 1]);
  });
});

describe('pages that are not plain RAM', () => {
  it('are left to a single step, chunks as ever', () => {
    const m = machine(SOURCE, SOURCE + 0x4000, 100);
    m.codePages.add(SOURCE + 0x4000);
    expect(m.int('movs', 4 | REP, DS)).toBe(0);
    expect(m.fault()).toEqual({ vector: -2, error: 0 });
    expect(registers(m)).toEqual([SOURCE, SOURCE + 0x4000, 100]);
    m.set(C_STEPPING, 1);
    expect(m.int('movs', 4 | REP, DS)).toBe(0);
    expect(registers(m)).toEqual([SOURCE + 400, SOURCE + 0x4190, 0]);
    expect(m.fault()).toBeUndefined();
    expect(Buffer.compare(m.ram(SOURCE, 400), m.ram(SOURCE + 0x4000, 400))).toBe(0);
  });
  it.each(['stos', 'scas', 'lods', 'cmps'])('so does %s on I/O', (name) => {
    const m = machine(SOURCE, SOURCE, 10, 1, 0x11);
    m.ioPages.add(SOURCE);
    const args = name === 'lods' || name === 'cmps' ? [DS] : [];
    m.call(name, 1 | REP, ...args);
    expect([m.fault(), m.get(ECX)]).toEqual([{ vector: -3, error: 0 }, 10]);
    m.set(C_STEPPING, 1);
    m.call(name, 1 | REP, ...args);
    expect(m.fault()).toBeUndefined();
    expect(m.get(ECX)).toBeLessThan(10);
  });
});

describe('STOS and LODS', () => {
  it.each([
    [1, 0x12345678, [0x78, 0x78, 0x78, 0x78]],
    [2, 0x12345678, [0x78, 0x56, 0x78, 0x56]],
    [2, 0x12345656, [0x56, 0x56, 0x56, 0x56]],
    [4, 0x12345678, [0x78, 0x56, 0x34, 0x12]],
    [4, 0x78787878, [0x78, 0x78, 0x78, 0x78]],
  ])('fill with %i bytes of %i', (size, value, bytes) => {
    for (const df of [1, -1] as const) {
      const m = machine(0, SOURCE + 0x2000, 8, df, value);
      repeat(() => m.int('stos', size | REP));
      const low = df > 0 ? SOURCE + 0x2000 : SOURCE + 0x2000 - 7 * size;
      expect([...m.ram(low, 4)]).toEqual(bytes);
      expect(m.get(EDI)).toBe(SOURCE + 0x2000 + 8 * size * df);
      const [before, after] = [m.ram(low - 1, 1)[0], m.ram(low + 8 * size, 1)[0]];
      const fresh = machine(0, 0, 0);
      expect([before, after]).toEqual([fresh.ram(low - 1, 1)[0], fresh.ram(low + 8 * size, 1)[0]]);
    }
  });
  it('LODS keeps the upper part of EAX', () => {
    const m = machine(SOURCE + 1, 0, 3, 1, 0xaabbccdd);
    m.call('lods', 1 | FLAT, DS);
    expect(m.get(EAX)).toBe((0xaabbcc00 | m.read(SOURCE + 1, 1)) >>> 0);
    m.call('lods', 2 | REP, DS);
    expect(m.get(EAX) & 0xffff).toBe(m.read(SOURCE + 6, 2));
    expect(m.get(EAX) >>> 16).toBe(0xaabb);
  });
});

describe('SCAS and CMPS', () => {
  it.each([1, 2, 4])('REPNE SCAS of %i bytes stops behind the match', (size) => {
    for (const df of [1, -1] as const) {
      const m = machine(0, SOURCE + 0x3000, 0x1000, df);
      const wanted = SOURCE + 0x3000 + 0x500 * size * df;
      m.ram(SOURCE + 0x1000, 0x7000).fill(0);
      m.write(wanted, 0x5a5a5a5a, size as 1 | 2 | 4);
      m.set(EAX, 0x5a5a5a5a);
      repeat(() => m.int('scas', size | FLAT | STR_REPNE));
      expect([m.get(EDI), m.get(ECX)]).toEqual([wanted + size * df, 0x1000 - 0x501]);
      expect(m.eflags & (ZF | CF)).toBe(ZF);
    }
  });
  it('REPE SCAS stops behind the first difference, with its flags', () => {
    const m = machine(0, SOURCE, 10, 1, 0x11);
    m.ram(SOURCE, 10).fill(0x11);
    m.write(SOURCE + 5, 0x22, 1);
    repeat(() => m.int('scas', 1 | REP));
    expect([m.get(EDI), m.get(ECX), m.eflags & (ZF | CF)]).toEqual([SOURCE + 6, 4, CF]);
  });
  it('REPE CMPS compares up to a difference or the end', () => {
    const m = machine(SOURCE, SOURCE + 0x4000, 0x2000);
    m.ram(SOURCE + 0x4000, 0x2000).set(m.ram(SOURCE, 0x2000));
    m.write(SOURCE + 0x5800, 0x100, 4);
    const first = m.ram(SOURCE + 0x5800, 4).findIndex((b, i) => b !== m.ram(SOURCE + 0x1800, 4)[i]);
    repeat(() => m.int('cmps', 1 | REP, DS));
    const n = 0x1800 + first + 1;
    expect(registers(m)).toEqual([SOURCE + n, SOURCE + 0x4000 + n, 0x2000 - n]);
    expect(m.eflags & ZF).toBe(0);
    const equal = machine(SOURCE, SOURCE, 0x1800);
    repeat(() => equal.int('cmps', 4 | REP, DS));
    expect([equal.get(ECX), equal.eflags & ZF]).toEqual([0, ZF]);
  });
  it('leave the flags alone with a count of zero', () => {
    const m = machine(SOURCE, SOURCE, 0);
    m.call('set_eflags', CF | 2);
    m.call('cmps', 1 | REP, DS);
    expect(m.eflags).toBe(CF | 2);
  });
});

describe('with the trap flag set', () => {
  it.each(['movs', 'stos', 'lods', 'scas', 'cmps'])('REP %s does one element at a time', (name) => {
    // Equal elements, so that no comparison ends it.
    const m = machine(SOURCE, SOURCE, 3);
    m.ram(SOURCE, 16).fill(0);
    m.call('set_eflags', TF | 2);
    m.call('update_mode');
    const args = name === 'stos' || name === 'scas' ? [1 | REP] : [1 | REP, DS];
    expect([m.int(name, ...args), m.get(ECX)]).toEqual([1, 2]);
    expect([m.int(name, ...args), m.get(ECX)]).toEqual([1, 1]);
    expect([m.int(name, ...args), m.get(ECX)]).toEqual([0, 0]);
  });
});

describe('with alignment checks', () => {
  /** At this level, with these flags; operands in memory that is all zero. */
  function checking(level: 0 | 3, eflags: number, esi: number, edi: number): Machine {
    const m = protectedMachine(module, level);
    m.set(ESI, esi);
    m.set(EDI, edi);
    m.set(ECX, 4);
    m.set(DF, 1);
    m.set(F_CR0, m.get(F_CR0) | CR0_AM);
    m.call('set_eflags', eflags | 2);
    m.call('update_mode');
    return m;
  }
  const WITH_SOURCE = ['movs', 'lods', 'cmps'];
  const cases = ['movs', 'stos', 'lods', 'scas', 'cmps'].flatMap((name) => [2, 4].map((size) => [name, size] as const));
  const call = (m: Machine, name: string, size: number): void => {
    m.call(name, size | REP, ...(WITH_SOURCE.includes(name) ? [DS] : []));
  };
  it.each(cases)(
    '%s of %i bytes is #AC for an operand that is not aligned, before anything has changed',
    (name, size) => {
      const operands = [
        ...(WITH_SOURCE.includes(name) ? [[SOURCE + 1, SOURCE + 0x4000]] : []),
        ...(name === 'lods' ? [] : [[SOURCE, SOURCE + 0x4001]]),
      ] as const;
      for (const [esi = 0, edi = 0] of operands) {
        const m = checking(3, AC, esi, edi);
        call(m, name, size);
        expect([m.fault(), ...registers(m)]).toEqual([{ vector: 17, error: 0 }, esi, edi, 4]);
      }
    },
  );
  it.each(cases)('%s of %i bytes goes on when operands are aligned, or at level 0, or with AC clear', (name, size) => {
    for (const m of [
      checking(3, AC, SOURCE, SOURCE + 0x4000),
      checking(0, AC, SOURCE + 1, SOURCE + 0x4001),
      checking(3, 0, SOURCE + 1, SOURCE + 0x4001),
    ]) {
      call(m, name, size);
      expect([m.fault(), m.get(ECX) < 4]).toEqual([undefined, true]);
    }
  });
  it('bytes are always aligned', () => {
    const m = checking(3, AC, SOURCE + 1, SOURCE + 0x4003);
    call(m, 'movs', 1);
    expect([m.fault(), m.get(ECX)]).toEqual([undefined, 0]);
  });
  it.each(['movs', 'cmps'])('the page fault of the first operand of %s comes before #AC of the second', (name) => {
    const m = checking(3, AC, 0x400000, SOURCE + 1);
    // One page table entry by large pages: the first 4 MiB are there for level 3, the next are not.
    m.write(0x200000, 0x87);
    m.write(0x200004, 0);
    m.set(F_CR3, 0x200000);
    m.set(F_CR4, CR4_PSE);
    m.set(F_CR0, (m.get(F_CR0) | CR0_PG) >>> 0);
    m.call('update_mode');
    call(m, name, 4);
    expect(m.fault()?.vector).toBe(14);
  });
});
