/** Operands and states for x87 tests: every class of value, the neighbourhood of every boundary, and random ones. */
import { CASE_BYTES } from './fpu-oracle.fixture.ts';

/** A small generator with a fixed seed (xorshift64*), so that a failure can be repeated. */
export function createRandom(seed: number) {
  let state = BigInt(seed) * 0x9e3779b97f4a7c15n + 1n;
  const u64 = (): bigint => {
    state ^= state >> 12n;
    state = BigInt.asUintN(64, state ^ (state << 25n));
    state ^= state >> 27n;
    return BigInt.asUintN(64, state * 0x2545f4914f6cdd1dn);
  };
  const below = (n: number): number => Number((u64() >> 11n) % BigInt(n));
  const pick = <T>(from: readonly T[]): T => {
    const value = from[below(from.length)];
    if (value === undefined) throw new Error('BUG: nothing to pick from');
    return value;
  };
  return { u64, below, pick };
}
export type Random = ReturnType<typeof createRandom>;

const EXPONENTS = [
  0,
  1,
  2,
  24,
  53,
  63,
  64,
  65,
  0x1fff,
  0x3fff - 16382 / 2,
  0x3fff - 1074,
  0x3fff - 1023,
  0x3fff - 1022,
  0x3fff - 149,
  0x3fff - 127,
  0x3fff - 126,
  0x3fff - 65,
  0x3fff - 64,
  0x3fff - 63,
  0x3ffc,
  0x3ffd,
  0x3ffe,
  0x3fff,
  0x4000,
  0x4001,
  0x400d,
  0x400e,
  0x400f,
  0x401d,
  0x401e,
  0x401f,
  0x403c,
  0x403d,
  0x403e,
  0x403f,
  0x4040,
  0x3fff + 127,
  0x3fff + 128,
  0x3fff + 1023,
  0x3fff + 1024,
  0x5fff,
  0x7ffc,
  0x7ffd,
  0x7ffe,
  0x7fff,
];
const SIGNIFICANDS = [
  0n,
  1n,
  0x8000000000000000n,
  0x8000000000000001n,
  0xffffffffffffffffn,
  0xfffffffffffffffen,
  0xc000000000000000n,
  0xc000000000000001n,
  0xbfffffffffffffffn,
  0xa000000000000000n,
  0x7fffffffffffffffn,
  0x4000000000000000n,
  0x8000008000000000n,
  0x8000018000000000n,
  0xffffff8000000000n,
  0xffffff7fffffffffn,
  0x8000000000000400n,
  0x8000000000000c00n,
  0xfffffffffffffc00n,
  0xfffffffffffffbffn,
  0xfffffffffffff800n,
  0xffffff0000000000n,
];

export interface Value80 {
  readonly low: bigint;
  readonly high: number;
}

/** Any bit pattern may come out; most are supported values, many near a boundary. */
export function anyValue(random: Random): Value80 {
  const sign = random.below(2) << 15;
  const kind = random.below(16);
  let low = random.pick(SIGNIFICANDS);
  if (random.below(3) === 0) low = random.u64();
  if (random.below(8) === 0) low &= random.pick([0xffffffffn << 32n, 0xfffffffffffff800n, 0xffffff0000000000n]);
  if (random.below(8) === 0) low >>= BigInt(random.below(64));
  let exp = random.pick(EXPONENTS);
  if (kind < 4) exp = 0x3fff - 70 + random.below(140);
  if (kind === 4) exp = random.below(0x8000);
  // Unnormals are refused one like another: a few are enough.
  if (exp !== 0 && random.below(16) !== 0) low |= 1n << 63n;
  return { low, high: sign | exp };
}

/** Memory operand: sixteen bytes that are, as f32, f64, integer or 80-bit value, often special. */
export function anyMemory(random: Random): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, random.u64(), true);
  view.setBigUint64(8, random.u64(), true);
  const sign = random.below(2);
  switch (random.below(5)) {
    case 0:
      view.setUint32(
        0,
        (sign * 0x80000000 +
          random.pick([0, 1, 0x7e, 0x7f, 0x80, 0xfe, 0xff]) * 0x800000 +
          random.pick([0, 1, 0x400000, 0x7fffff, 0x3fffff, 0x400001, random.below(0x800000)])) >>>
          0,
        true,
      );
      break;
    case 1:
      view.setBigUint64(
        0,
        (BigInt(sign) << 63n) |
          (BigInt(random.pick([0, 1, 0x3fe, 0x3ff, 0x400, 0x7fe, 0x7ff])) << 52n) |
          random.pick([0n, 1n, 1n << 51n, (1n << 52n) - 1n, (1n << 51n) - 1n, random.u64() >> 12n]),
        true,
      );
      break;
    case 2:
      view.setBigInt64(
        0,
        random.pick([
          0n,
          1n,
          -1n,
          10n,
          -10n,
          0x7fffn,
          -0x8000n,
          0x7fffffffn,
          -0x80000000n,
          (1n << 63n) - 1n,
          -(1n << 63n),
          BigInt(random.below(1000)),
        ]),
        true,
      );
      break;
    case 3: {
      const value = anyValue(random);
      view.setBigUint64(0, value.low, true);
      view.setUint16(8, value.high, true);
      break;
    }
    default:
  }
  return bytes;
}

/** Control words: mostly everything masked, every precision and rounding; `unmasked`: exceptions unmasked at random too. */
export function anyControl(random: Random, unmasked: boolean): number {
  const control = 0x40 | (random.pick([3, 3, 3, 2, 0]) << 8) | (random.pick([0, 0, 1, 2, 3]) << 10);
  if (!unmasked || random.below(2) === 0) return control | 0x3f;
  return control | (random.below(2) === 0 ? random.below(64) : 0x3f & ~(1 << random.below(6)));
}

export interface CaseOptions {
  readonly seed: number;
  readonly perInstruction: number;
  readonly unmasked?: boolean;
  /** Chance in 16 that ST0 or ST1 or ST7 is on the wrong side of empty. */
  readonly stackFaults?: number;
  readonly value?: (random: Random, register: number) => Value80;
  readonly control?: (random: Random) => number;
}

export function createCases(instructions: number, options: CaseOptions): Uint8Array {
  const random = createRandom(options.seed);
  const value = options.value ?? anyValue;
  const cases = new Uint8Array(CASE_BYTES * instructions * options.perInstruction);
  const view = new DataView(cases.buffer);
  for (let at = 0, n = 0; at < cases.length; at += CASE_BYTES, n++) {
    const top = random.below(8);
    // ST0 to ST3 hold values, the rest is empty, but for stack faults.
    let full = 0b1111;
    if (random.below(16) < (options.stackFaults ?? 0)) full = random.below(256);
    let tags = 0;
    for (let i = 0; i < 8; i++) if (((full >> i) & 1) === 0) tags |= 3 << (2 * ((top + i) & 7));
    view.setUint16(at, options.control?.(random) ?? anyControl(random, options.unmasked ?? false), true);
    view.setUint16(at + 4, (top << 11) | (random.below(2) === 0 ? 0x4700 & random.below(0x10000) : 0), true);
    view.setUint16(at + 8, tags, true);
    const values = Array.from({ length: 8 }, (_, i) => value(random, i));
    // Nearby and equal magnitudes are where addition and comparison are hard.
    const [first, second] = values;
    if (options.value === undefined && first !== undefined && second !== undefined && random.below(4) === 0) {
      const high = (second.high & 0x8000) | Math.max(0, Math.min(0x7fff, (first.high & 0x7fff) + random.below(5) - 2));
      values[1] = { low: random.below(3) === 0 ? first.low : second.low, high };
    }
    values.forEach((v, i) => {
      view.setBigUint64(at + 28 + 10 * i, v.low, true);
      view.setUint16(at + 36 + 10 * i, v.high, true);
    });
    view.setUint32(at + 108, n % instructions, true);
    cases.set(anyMemory(random), at + 112);
  }
  return cases;
}
