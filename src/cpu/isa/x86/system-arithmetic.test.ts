import { describe, expect, it } from 'vitest';
import { type Case, type Outcome, oracleMissing, runOnHost } from './arithmetic-oracle.fixture.ts';
import {
  CC_ADC,
  CC_ADD,
  CC_DEC,
  CC_EFLAGS,
  CC_INC,
  CC_LOGIC,
  CC_MUL,
  CC_ROT,
  CC_SBB,
  CC_SHL,
  CC_SHR,
  CC_SUB,
} from './cc.ts';
import { AF, ARITHMETIC, CC_DST, CC_OP, CC_SRC, CF, EAX, ECX, EDX, OF, PF, SF, ZF } from './layout.ts';
import { compileNative, Machine } from './system-machine.fixture.ts';

const m = new Machine(compileNative());

const missing = oracleMissing();

let seed = 12345;
const random = (): number => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return (seed ^ (seed >>> 13)) >>> 0;
};
const EDGES = [
  0, 1, 2, 0xf, 0x10, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff,
];
const interesting = (): number => (random() & 1 ? random() : (EDGES[random() % EDGES.length] as number));

const BYTES: readonly Case[] = Array.from({ length: 0x10000 }, (_, i) => ({ a: i & 0xff, b: i >> 8, d: 0, flags: 0 }));
const randoms = (n: number): readonly Case[] =>
  Array.from({ length: n }, () => ({
    a: interesting(),
    b: interesting(),
    d: interesting(),
    flags: random() & ARITHMETIC,
  }));
const casesOf = (size: number, flags: number): readonly Case[] =>
  (size === 1 ? BYTES : randoms(4000)).map((c) => ({ ...c, flags }));

interface LazyForm {
  readonly name: string;
  readonly asm: (suffix: string, a: string, b: string) => string;
  readonly flags: number;
  /** cc_op's kind, cc_dst, cc_src. */
  readonly lazy: (a: number, b: number, mask: number, bits: number) => readonly [number, number, number];
  /** Flags that the manual defines. */
  readonly defined: number;
}
const simple = (name: string, flags: number, lazy: LazyForm['lazy'], defined = ARITHMETIC): LazyForm => ({
  name,
  asm: (s, a, b) => `${name}${s} ${b}, ${a}`,
  flags,
  lazy,
  defined,
});
const unary = (name: string, flags: number, lazy: LazyForm['lazy'], defined = ARITHMETIC): LazyForm => ({
  name: `${name} ${flags}`,
  asm: (s, a) => `${name}${s} ${a}`,
  flags,
  lazy,
  defined,
});
const FORMS: readonly LazyForm[] = [
  simple('add', CF, (a, b) => [CC_ADD, a + b, b]),
  simple('adc', CF, (a, b) => [CC_ADC, a + b + 1, b]),
  simple('sub', CF, (a, b) => [CC_SUB, a - b, b]),
  simple('sbb', CF, (a, b) => [CC_SBB, a - b - 1, b]),
  simple('and', CF, (a, b) => [CC_LOGIC, a & b, 0], ARITHMETIC & ~AF),
  unary('inc', CF, (a) => [CC_INC, a + 1, 1]),
  unary('inc', 0, (a) => [CC_INC, a + 1, 0]),
  unary('dec', CF, (a) => [CC_DEC, a - 1, 1]),
  unary('dec', 0, (a) => [CC_DEC, a - 1, 0]),
  unary('neg', 0, (a) => [CC_SUB, -a, a]),
  unary('shl', 0, (a) => [CC_SHL, a << 1, a], ARITHMETIC & ~AF),
  unary('shr', 0, (a) => [CC_SHR, a >>> 1, a], ARITHMETIC & ~AF),
  unary('sar', 0, (a, _, __, bits) => [CC_SHR, (a << (32 - bits)) >> (33 - bits), a], ARITHMETIC & ~AF),
];
const SIZES = [
  { size: 1, suffix: 'b', a: '%%al', b: '%%cl', mask: 0xff },
  { size: 2, suffix: 'w', a: '%%ax', b: '%%cx', mask: 0xffff },
  { size: 4, suffix: 'l', a: '%%eax', b: '%%ecx', mask: 0xffffffff },
];

/** Flags as conditions see them. */
function condition(flags: number, cond: number): number {
  const o = (flags & OF) !== 0;
  const s = (flags & SF) !== 0;
  const z = (flags & ZF) !== 0;
  const all = [o, (flags & CF) !== 0, z, (flags & (CF | ZF)) !== 0, s, (flags & PF) !== 0, s !== o, z || s !== o];
  return Number(all[cond >> 1]) ^ (cond & 1);
}

describe.skipIf(missing !== undefined)(
  `arithmetic against this machine's processor${missing ? ` (skipped: ${missing})` : ''}`,
  () => {
    it('lazy flags: every pair of bytes, many words and doublewords', () => {
      const jobs = FORMS.flatMap((form) => SIZES.map((s) => ({ form, s, cases: casesOf(s.size, form.flags) })));
      const results = runOnHost(jobs.map(({ form, s, cases }) => ({ asm: form.asm(s.suffix, s.a, s.b), cases })));
      jobs.forEach(({ form, s, cases }, j) => {
        cases.forEach(({ a, b }, i) => {
          const mask = s.mask;
          const [kind, dst, src] = form.lazy(a & mask, b & mask, mask, 8 * s.size);
          const args = [kind + (s.size >> 1), dst & mask, src & mask] as const;
          const flags = m.int('cc_flags', ...args);
          const expected = (results[j] as readonly Outcome[])[i]?.flags ?? 0;
          if (((flags ^ expected) & form.defined) !== 0 || m.int('cc_carry', ...args) !== (flags & CF)) {
            expect([form.name, s.size, a, b, flags.toString(16)]).toEqual([
              form.name,
              s.size,
              a,
              b,
              expected.toString(16),
            ]);
          }
        });
      });
    }, 60_000);

    it('rotates through carry by any count', () => {
      const jobs = SIZES.flatMap((s) => ['rcl', 'rcr'].map((name) => ({ s, name, cases: randoms(3000) })));
      const results = runOnHost(jobs.map(({ s, name, cases }) => ({ asm: `${name}${s.suffix} %%cl, ${s.a}`, cases })));
      jobs.forEach(({ s, name, cases }, j) => {
        cases.forEach(({ a, b, flags }, i) => {
          const out = BigInt.asUintN(64, m.call(name, a, b, s.size, flags) as bigint);
          const expected = results[j]?.[i] as Outcome;
          const defined = (b & 31) > 1 ? ARITHMETIC & ~OF : ARITHMETIC;
          const got = [Number(out & 0xffffffffn), Number(out >> 32n) & defined];
          expect([name, a, b, flags, ...got]).toEqual([
            name,
            a,
            b,
            flags,
            (expected.a & s.mask) >>> 0,
            expected.flags & defined,
          ]);
        });
      });
    }, 60_000);

    it('adjusts decimals', () => {
      const every = Array.from({ length: 0x400 }, (_, i) => i).flatMap((i) =>
        [0, CF, AF, CF | AF].map((flags) => ({ a: (i & 0xff) | ((i >> 8) * 0x5500), b: 0, d: 0, flags })),
      );
      const names = [
        ['daa', ARITHMETIC & ~OF],
        ['das', ARITHMETIC & ~OF],
        ['aaa', CF | AF],
        ['aas', CF | AF],
        ['aam', SF | ZF | PF],
        ['aad', SF | ZF | PF],
      ] as const;
      const results = runOnHost(names.map(([asm]) => ({ asm, cases: every })));
      names.forEach(([name, defined], j) => {
        every.forEach(({ a, flags }, i) => {
          m.set(EAX, a);
          m.set(CC_OP, CC_EFLAGS);
          m.set(CC_SRC, flags);
          m.call(name, ...(name === 'aam' || name === 'aad' ? [10] : []));
          const expected = results[j]?.[i] as Outcome;
          const got = [m.get(EAX), m.get(CC_SRC) & defined];
          expect([name, a, flags, ...got]).toEqual([name, a, flags, expected.a, expected.flags & defined]);
        });
      });
    }, 60_000);

    it('divides', () => {
      const kinds = [
        ['div8', 'divb %%cl', 8, false],
        ['idiv8', 'idivb %%cl', 8, true],
        ['div16', 'divw %%cx', 16, false],
        ['idiv16', 'idivw %%cx', 16, true],
        ['div32', 'divl %%ecx', 32, false],
        ['idiv32', 'idivl %%ecx', 32, true],
      ] as const;
      const jobs = kinds.map(([name, asm, bits, signed]) => {
        const fits = ({ a, b, d }: Case): boolean => {
          const wide =
            bits === 8
              ? BigInt(a & 0xffff)
              : (BigInt(bits === 16 ? d & 0xffff : d) << BigInt(bits)) | BigInt(bits === 16 ? a & 0xffff : a);
          const as = signed ? BigInt.asIntN : BigInt.asUintN;
          const divisor = as(bits, BigInt(b));
          if (divisor === 0n) return false;
          const quotient = as(2 * bits, wide) / divisor;
          return quotient === as(bits, quotient);
        };
        // A high half near zero (or its sign) makes quotients that fit.
        const all = randoms(6000).map((c) => {
          const small = random() % 3;
          return small === 0
            ? c
            : bits === 8
              ? { ...c, a: ((c.a << 20) >> (small === 1 ? 20 : 22)) >>> 0 }
              : { ...c, d: small === 1 ? 0 : 0xffffffff };
        });
        return { name, asm, all, good: all.filter(fits), bad: all.filter((c) => !fits(c)) };
      });
      const results = runOnHost(jobs.map(({ asm, good }) => ({ asm, cases: good })));
      jobs.forEach(({ name, good, bad }, j) => {
        expect(good.length).toBeGreaterThan(500);
        const run = ({ a, b, d }: Case) => {
          m.set(EAX, a);
          m.set(ECX, b);
          m.set(EDX, d);
          m.call(name, b | 0);
          return m.fault();
        };
        good.forEach((c, i) => {
          const fault = run(c);
          const expected = results[j]?.[i] as Outcome;
          expect([name, c, fault, m.get(EAX), m.get(EDX)]).toEqual([name, c, undefined, expected.a, expected.d]);
        });
        for (const c of bad) {
          expect([name, c, run(c), m.get(EAX), m.get(EDX)]).toEqual([name, c, { vector: 0, error: 0 }, c.a, c.d]);
        }
      });
    }, 60_000);
  },
);

describe('conditions', () => {
  it('follow from the flags, whatever the lazy form', () => {
    const forms = [CC_ADD, CC_ADC, CC_SUB, CC_SBB, CC_LOGIC, CC_INC, CC_DEC, CC_SHL, CC_SHR, CC_MUL, CC_ROT];
    for (let i = 0; i < 1500; i++) {
      const size = random() % 3;
      const mask = [0xff, 0xffff, 0xffffffff][size] as number;
      const kind = forms[random() % forms.length] as number;
      const carryOnly = kind === CC_INC || kind === CC_DEC;
      const src = (interesting() & (carryOnly ? 1 : mask)) >>> 0;
      const args = [kind + size, (interesting() & mask) >>> 0, src] as const;
      const flags = m.int('cc_flags', ...args);
      for (let cond = 0; cond < 16; cond++) {
        expect(m.int('cc_cond', ...args, cond)).toBe(condition(flags, cond));
        expect(m.int('cc_cond', CC_EFLAGS, 0, flags, cond)).toBe(condition(flags, cond));
      }
      expect(m.int('cc_with_zf', ...args, 1)).toBe(flags | ZF);
      expect(m.int('cc_with_zf', ...args, 0)).toBe(flags & ~ZF);
    }
  });
});

describe('AAM and AAD with other bases', () => {
  it('AAM 0 is a divide error', () => {
    m.set(EAX, 0x1234);
    m.call('aam', 0);
    expect([m.fault(), m.get(EAX)]).toEqual([{ vector: 0, error: 0 }, 0x1234]);
  });
  it('AAD multiplies by its immediate', () => {
    m.set(EAX, 0x0305);
    m.call('aad', 16);
    expect(m.get(EAX)).toBe(0x35);
    expect([m.get(CC_OP), m.get(CC_DST), m.get(CC_SRC)]).toEqual([CC_EFLAGS, 0, PF]);
  });
});
