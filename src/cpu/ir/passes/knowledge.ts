/**
 * What pass `propagate` knows of each operand at a point of a block. One set of arrays serves all blocks, so that
 * nothing is allocated for one. They are not exported: V8 takes a module's own constants as constants, but reads
 * imported ones anew at each use.
 */
import { OPERANDS } from '../layout.ts';

const NOTHING = 0;
/** The value is high:low. */
const CONSTANT = 1;
/** The value is that of operand `source`, as long as that is not assigned again. */
const COPY = 2;
/** The value is that of `source` plus low (sign-extended). */
const SUM = 3;

/** Absent operands (-1) fall on an index of which nothing is ever known, without a test for them. */
const ANY = 2 * OPERANDS - 1;
const known = new Uint8Array(ANY + 1);
const knownWords = new Int32Array(known.buffer);
const low = new Int32Array(OPERANDS);
const high = new Int32Array(OPERANDS);
const source = new Int32Array(OPERANDS);
/** How often an operand has been assigned; and how often `source` had been when the knowledge was got. */
const version = new Int32Array(OPERANDS);
const sourceVersion = new Int32Array(OPERANDS);

/** Know nothing of operands below `operands`: a block begins. */
export function forget(operands: number): void {
  // A loop over words: for so few, fill() takes longer.
  for (let i = (operands + 3) >> 2; i >= 0; i--) knownWords[i] = 0;
}
/** Operand `o` gets a new value. */
export function assign(o: number): void {
  version[o] = (version[o] as number) + 1;
  known[o] = NOTHING;
}
export function learnConstant(o: number, lo: number, hi: number): void {
  known[o] = CONSTANT;
  low[o] = lo;
  high[o] = hi;
}
function learnSource(o: number, what: number, from: number, plus: number): void {
  known[o] = what;
  source[o] = from;
  sourceVersion[o] = version[from] as number;
  low[o] = plus;
}
/** `o`, just assigned, has the value that `from` has. */
export function learnCopy(o: number, from: number): void {
  if (known[from] === CONSTANT) learnConstant(o, low[from] as number, high[from] as number);
  else learnSource(o, COPY, from, 0);
}
/** `o`, just assigned, is `from` plus a constant. */
export function learnSum(o: number, from: number, plus: number): void {
  if (o !== from) learnSource(o, SUM, from, plus);
}

/** Is anything known of the operand? Not 0 if so. Any word will do. */
export const isKnown = (o: number): number => known[o & ANY] as number;
export const isConstant = (o: number): boolean => known[o & ANY] === CONSTANT;
/** Is it a constant that fits one word, sign-extended? */
export const isShort = (o: number): boolean => isConstant(o) && high[o] === (low[o] as number) >> 31;
export const isSum = (o: number): boolean =>
  known[o & ANY] === SUM && version[source[o] as number] === sourceVersion[o];
export const constant64 = (o: number): bigint => (BigInt(high[o] as number) << 32n) | BigInt((low[o] as number) >>> 0);

/** The operand to read instead of `o`, which may be absent. */
export function original(o: number): number {
  if (known[o & ANY] !== COPY) return o;
  const from = source[o] as number;
  return version[from] === sourceVersion[o] ? from : o;
}

export const lowOf = (o: number): number => low[o] as number;
export const highOf = (o: number): number => high[o] as number;
export const sourceOf = (o: number): number => source[o] as number;
