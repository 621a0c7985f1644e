/**
 * What pass `propagate` knows of each operand at a point of a block. One set of arrays serves all blocks, so that
 * nothing is allocated for one.
 */
import { OPERANDS } from '../layout.ts';

const NOTHING = 0;
/** The value is high:low. */
const CONSTANT = 1;
/** The value is that of operand `source`, as long as that is not assigned again. */
const COPY = 2;
/** The value is that of `source` plus low (sign-extended). */
const SUM = 3;

const known = new Uint8Array(OPERANDS);
export const low = new Int32Array(OPERANDS);
export const high = new Int32Array(OPERANDS);
export const source = new Int32Array(OPERANDS);
/** How often an operand has been assigned; and how often `source` had been when the knowledge was got. */
const version = new Int32Array(OPERANDS);
const sourceVersion = new Int32Array(OPERANDS);

/** Know nothing: a block begins. */
export const forget = (): void => {
  known.fill(NOTHING);
};
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

export const isConstant = (o: number): boolean => o >= 0 && known[o] === CONSTANT;
/** Is it a constant that fits one word, sign-extended? */
export const isShort = (o: number): boolean => isConstant(o) && high[o] === (low[o] as number) >> 31;
export const isSum = (o: number): boolean =>
  o >= 0 && known[o] === SUM && version[source[o] as number] === sourceVersion[o];
export const constant64 = (o: number): bigint => (BigInt(high[o] as number) << 32n) | BigInt((low[o] as number) >>> 0);

/** The operand to read instead of `o`, which may be absent. */
export function original(o: number): number {
  if (o < 0 || known[o] !== COPY) return o;
  const from = source[o] as number;
  return version[from] === sourceVersion[o] ? from : o;
}
