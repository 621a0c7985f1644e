import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCases, type Random, type Value80 } from './fpu-cases.fixture.ts';
import { LOGARITHMS, TRIGONOMETRY } from './fpu-instructions.fixture.ts';
import {
  buildOracle,
  CASE_BYTES,
  compileFpu,
  differences,
  type Fpu,
  type Instruction,
  oracleMissing,
  outcomeOf,
  qemuMissing,
  removeOracles,
  runOracle,
  runOurs,
} from './fpu-oracle.fixture.ts';
import {
  angleOf,
  cosine,
  exponentialMinus1,
  fixedOf,
  log2,
  onePlus,
  product,
  registerOf,
  sine,
  tangent,
} from './fpu-reference.fixture.ts';

let fpu: Fpu;
beforeAll(() => {
  fpu = compileFpu();
}, 120_000);
afterAll(removeOracles);

/** A normal value with exponent `from` to `from + count - 1` (unbiased). */
const normal =
  (from: number, count: number) =>
  (random: Random): Value80 => ({
    low: random.u64() | (1n << 63n),
    high: (random.below(2) << 15) | (0x3fff + from + random.below(count)),
  });
/** No more bits than a double has: no rounding on the way in. */
const double =
  (from: number, count: number) =>
  (random: Random): Value80 => {
    const value = normal(from, count)(random);
    return { low: value.low & ~0x7ffn, high: value.high };
  };

describe('transcendental functions against their series to 600 bits', () => {
  const nearest = { seed: 11, perInstruction: 400, control: () => 0x37f };

  const check = (
    instructions: readonly Instruction[],
    value: (random: Random, register: number) => Value80,
    expected: (st0: bigint, st1: bigint) => readonly (string | undefined)[],
  ): void => {
    const cases = createCases(instructions.length, { ...nearest, value });
    const results = runOurs(fpu, instructions, cases);
    for (let index = 0; index * CASE_BYTES < cases.length; index++) {
      const from = outcomeOf(cases, index).registers.slice(0, 2);
      const [st0 = 0n, st1 = 0n] = from.map((r) =>
        fixedOf(Number.parseInt(r.slice(0, 4), 16), BigInt(`0x${r.slice(5)}`)),
      );
      const wanted = expected(st0, st1);
      const got = outcomeOf(results, index).registers.slice(0, wanted.length);
      expect({ from, results: got }).toEqual({ from, results: wanted });
    }
  };
  const one = (asm: string): readonly Instruction[] => [...LOGARITHMS, ...TRIGONOMETRY].filter((i) => i.asm === asm);

  it('F2XM1 is correctly rounded', () => {
    check(one('f2xm1'), normal(-70, 70), (x) => [registerOf(exponentialMinus1(x), 64)]);
  });

  it('FYL2X is correctly rounded, also near 1', () => {
    const positive = (random: Random, register: number): Value80 => {
      const value = normal(-20, 40)(random);
      if (register !== 0) return value;
      if (random.below(4) > 0) return { low: value.low, high: value.high & 0x7fff };
      return { low: (1n << 63n) | (value.low >> BigInt(1 + random.below(63))), high: 0x3fff };
    };
    check(one('fyl2x'), positive, (x, y) => [registerOf(product(y, log2(x)), 64)]);
  });

  it('FYL2XP1 is correctly rounded, also for tiny operands', () => {
    check(one('fyl2xp1'), normal(-70, 68), (x, y) => [registerOf(product(y, log2(onePlus(x))), 64)]);
  });

  it('FPATAN is correctly rounded in every octant', () => {
    check(one('fpatan'), normal(-20, 40), (x, y) => [registerOf(angleOf(y, x), 64)]);
  });

  it('FSIN, FCOS, FSINCOS and FPTAN are correctly rounded doubles up to 2^63', () => {
    for (const range of [double(-30, 33), double(-3, 66)]) {
      check(one('fsin'), range, (x) => [registerOf(sine(x), 53)]);
      check(one('fcos'), range, (x) => [registerOf(cosine(x), 53)]);
      check(one('fsincos'), range, (x) => [registerOf(cosine(x), 53), registerOf(sine(x), 53)]);
      check(one('fptan'), range, (x) => ['3fff:8000000000000000', registerOf(tangent(x), 53)]);
    }
  });

  it('the doubles nearest to a multiple of pi/2 keep their last bit', () => {
    const hard: readonly Value80[] = [
      { low: 0xc90fdaa22168c000n, high: 0x3fff },
      { low: 0xc90fdaa22168c000n, high: 0x4000 },
      { low: 0xfb53d14aa9c2f000n, high: 0x4003 },
      { low: 0xafeddf4d63d8e800n, high: 0x403c },
    ];
    let next = 0;
    const value = (_: Random, register: number): Value80 =>
      hard[(register === 0 ? next++ : 0) % hard.length] as Value80;
    check(one('fsin'), value, (x) => [registerOf(sine(x), 53)]);
    check(one('fcos'), value, (x) => [registerOf(cosine(x), 53)]);
  });
});

const missing = oracleMissing() ?? qemuMissing();

describe.skipIf(missing !== undefined)(
  `transcendental functions against qemu-i386${missing ? ` (skipped: ${missing})` : ''}`,
  () => {
    /** QEMU raises no DE and does not set C1; PE it raises for logarithms only. */
    const UNLIKE = 0x0222;

    const unlikeQemu = (instructions: readonly Instruction[], cases: Uint8Array): string[] => {
      const program = buildOracle('transcendental', instructions);
      const expected = runOracle(program, cases, 'qemu-i386');
      const actual = runOurs(fpu, instructions, cases);
      return differences(instructions, cases, expected, actual, () => UNLIKE).map(({ text }) => text);
    };

    it('agrees in every rounding mode, but for one result in a thousand where QEMU is one unit off', () => {
      const control = (random: Random): number => 0x37f | (random.below(4) << 10);
      for (const instructions of [LOGARITHMS, TRIGONOMETRY]) {
        const cases = createCases(instructions.length, {
          seed: 12,
          perInstruction: 2500,
          control,
          value: normal(-30, 31),
        });
        const found = unlikeQemu(instructions, cases);
        expect(found.length, found.slice(0, 5).join('\n')).toBeLessThan(cases.length / CASE_BYTES / 400);
      }
    });

    it('treats zeros, infinities, ones, NaNs and operands out of range as QEMU does', () => {
      const special: readonly Value80[] = [
        { low: 0n, high: 0 },
        { low: 1n << 63n, high: 0x3fff },
        { low: 1n << 63n, high: 0x3ffe },
        { low: 1n << 63n, high: 0x4000 },
        { low: 1n << 63n, high: 0x7fff },
        { low: 3n << 62n, high: 0x7fff },
        { low: 0xd413cccfe7799211n, high: 0x3ffd },
        { low: 0xd413cccfe7799212n, high: 0x3ffd },
        { low: 0x95f619980c4336f7n, high: 0x3ffd },
        { low: 0x95f619980c4336f8n, high: 0x3ffd },
        { low: 1n << 63n, high: 0x0001 },
        { low: 0xffffffffffffffffn, high: 0x7ffe },
      ];
      const value = (random: Random): Value80 => {
        const { low, high } = random.pick(special);
        // Of two NaNs alike but for the sign QEMU takes one by position, processors the positive one.
        return { low, high: low === 3n << 62n ? high : high | (random.below(2) << 15) };
      };
      const cases = createCases(LOGARITHMS.length, { seed: 13, perInstruction: 3000, control: () => 0x37f, value });
      expect(unlikeQemu(LOGARITHMS, cases).slice(0, 5).join('\n')).toBe('');
    });

    it('leaves operands of 2^63 and above to the guest, with C2 set', () => {
      const value = (random: Random): Value80 => ({ ...normal(64, 16000)(random) });
      const cases = createCases(TRIGONOMETRY.length, { seed: 14, perInstruction: 500, value });
      expect(unlikeQemu(TRIGONOMETRY, cases).slice(0, 5).join('\n')).toBe('');
    });
  },
);
