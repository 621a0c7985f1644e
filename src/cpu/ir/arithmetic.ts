/**
 * What each computing op means, stated as plainly as it can be: for the reference evaluator and for folding constants.
 * i32 values are numbers as `| 0` leaves them, i64 values signed BigInts; results may be wider, whoever stores them
 * wraps them.
 */
import { OP_NAMES, Op, type OpName } from './ops.ts';

const bits = 32;
const reversed = (v: number): number => (v << 24) | ((v & 0xff00) << 8) | ((v >>> 8) & 0xff00) | (v >>> 24);
const ones = (v: number): number => {
  let n = 0;
  for (let rest = v; rest !== 0; rest &= rest - 1) n++;
  return n;
};
const bool = (condition: boolean): number => (condition ? 1 : 0);

type Unary32 = (a: number) => number;
type Binary32 = (a: number, b: number) => number;
type Unary64 = (a: bigint) => bigint;
type Binary64 = (a: bigint, b: bigint) => bigint;
type Compare64 = (a: bigint, b: bigint) => number;

/** Shift counts are taken modulo 32, as `<<` and its like do by themselves. */
const binary32: Partial<Record<OpName, Binary32>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => Math.imul(a, b),
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  shl: (a, b) => a << b,
  shr: (a, b) => a >>> b,
  sar: (a, b) => a >> b,
  rotl: (a, b) => (a << b) | (a >>> -b),
  rotr: (a, b) => (a >>> b) | (a << -b),
  eq: (a, b) => bool(a === b),
  ne: (a, b) => bool(a !== b),
  lts: (a, b) => bool(a < b),
  ges: (a, b) => bool(a >= b),
  les: (a, b) => bool(a <= b),
  gts: (a, b) => bool(a > b),
  ltu: (a, b) => bool(a >>> 0 < b >>> 0),
  geu: (a, b) => bool(a >>> 0 >= b >>> 0),
  leu: (a, b) => bool(a >>> 0 <= b >>> 0),
  gtu: (a, b) => bool(a >>> 0 > b >>> 0),
};
const unary32: Partial<Record<OpName, Unary32>> = {
  mov: (a) => a,
  bswap: reversed,
  clz: (a) => Math.clz32(a),
  ctz: (a) => (a === 0 ? bits : 31 - Math.clz32(a & -a)),
  popcnt: ones,
};

const unsigned = (a: bigint): bigint => BigInt.asUintN(64, a);
const low = (a: bigint): number => Number(BigInt.asIntN(32, a));
const high = (a: bigint): number => Number(BigInt.asIntN(32, a >> 32n));
const join = (hi: number, lo: number): bigint => (BigInt(hi) << 32n) | BigInt(lo >>> 0);

const binary64: Partial<Record<OpName, Binary64>> = {
  add64: (a, b) => a + b,
  sub64: (a, b) => a - b,
  mul64: (a, b) => a * b,
  and64: (a, b) => a & b,
  or64: (a, b) => a | b,
  xor64: (a, b) => a ^ b,
  shl64: (a, b) => a << (b & 63n),
  shr64: (a, b) => unsigned(a) >> (b & 63n),
  sar64: (a, b) => a >> (b & 63n),
  rotl64: (a, b) => (a << (b & 63n)) | (unsigned(a) >> (-b & 63n)),
  rotr64: (a, b) => (unsigned(a) >> (b & 63n)) | (a << (-b & 63n)),
};
const compare64: Partial<Record<OpName, Compare64>> = {
  eq64: (a, b) => bool(a === b),
  ne64: (a, b) => bool(a !== b),
  lts64: (a, b) => bool(a < b),
  ges64: (a, b) => bool(a >= b),
  les64: (a, b) => bool(a <= b),
  gts64: (a, b) => bool(a > b),
  ltu64: (a, b) => bool(unsigned(a) < unsigned(b)),
  geu64: (a, b) => bool(unsigned(a) >= unsigned(b)),
  leu64: (a, b) => bool(unsigned(a) <= unsigned(b)),
  gtu64: (a, b) => bool(unsigned(a) > unsigned(b)),
};
const unary64: Partial<Record<OpName, Unary64>> = {
  mov64: (a) => a,
  bswap64: (a) => join(reversed(low(a)), reversed(high(a))),
  clz64: (a) => BigInt(high(a) === 0 ? bits + Math.clz32(low(a)) : Math.clz32(high(a))),
  ctz64: (a) => {
    const half = low(a) === 0 ? high(a) : low(a);
    const within = half === 0 ? bits : 31 - Math.clz32(half & -half);
    return BigInt(low(a) === 0 ? bits + within : within);
  },
  popcnt64: (a) => BigInt(ones(low(a)) + ones(high(a))),
};

const byNumber = <F>(table: Partial<Record<OpName, F>>): readonly (F | undefined)[] => OP_NAMES.map((n) => table[n]);
/** Two i32 operands (bin and cmp shapes), by op number. */
export const BINARY32 = byNumber(binary32);
export const UNARY32 = byNumber(unary32);
export const BINARY64 = byNumber(binary64);
export const COMPARE64 = byNumber(compare64);
export const UNARY64 = byNumber(unary64);

const mask = (length: number): number => (length >= bits ? -1 : (1 << length) - 1);
const mask64 = (length: number): bigint => (1n << BigInt(length)) - 1n;

/** The field at `where` (position | length << 8) of an i32. */
export function extract(a: number, where: number, signed: boolean): number {
  const spare = bits - (where >> 8);
  const top = (a >>> (where & 0xff)) << spare;
  return signed ? top >> spare : top >>> spare;
}
export function extract64(a: bigint, where: number, signed: boolean): bigint {
  const length = where >> 8;
  const field = (a >> BigInt(where & 0xff)) & mask64(length);
  return signed ? BigInt.asIntN(length, field) : field;
}
/** An i32 with the field at `where` replaced by the low bits of `b`. */
export function deposit(a: number, where: number, b: number): number {
  const m = mask(where >> 8) << (where & 0xff);
  return (a & ~m) | ((b << (where & 0xff)) & m);
}
export function deposit64(a: bigint, where: number, b: bigint): bigint {
  const position = BigInt(where & 0xff);
  const m = mask64(where >> 8) << position;
  return (a & ~m) | ((b << position) & m);
}
/** High half of a product of i32s, taken as signed (muls2) or unsigned (mulu2). */
export function productHigh(op: number, a: number, b: number): number {
  const product = op === Op.muls2 ? BigInt(a) * BigInt(b) : BigInt(a >>> 0) * BigInt(b >>> 0);
  return high(product);
}
