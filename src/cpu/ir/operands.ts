/** Which words of an op are operands that it reads or writes: derived from the shapes of ops.ts. */
import { OPS, type Shape } from './ops.ts';

export const READS_A = 1;
export const READS_B = 2;
/** Operand in x (sel, call). */
export const READS_X = 4;
/** The value a store takes from d. */
export const READS_D = 8;
/** Fourth argument of a call. */
export const READS_IMM2 = 16;
export const WRITES_D = 32;
/** High half of a full product. */
export const WRITES_X = 64;
/** setcc: slots d, d + 1, d + 2. */
export const WRITES_CC = 128;

const byShape: Readonly<Record<Shape, number>> = {
  bin: READS_A | READS_B | WRITES_D,
  cmp: READS_A | READS_B | WRITES_D,
  un: READS_A | WRITES_D,
  movi: WRITES_D,
  bits: READS_A | WRITES_D,
  dep: READS_A | READS_B | WRITES_D,
  sel: READS_A | READS_B | READS_X | WRITES_D,
  mul2: READS_A | READS_B | WRITES_D | WRITES_X,
  load: READS_A | READS_B | WRITES_D,
  store: READS_A | READS_B | READS_D,
  getf: WRITES_D,
  putf: READS_A,
  setcc: READS_A | READS_B | WRITES_CC,
  call: READS_A | READS_B | READS_X | READS_IMM2 | WRITES_D,
  raise: READS_A,
  goto: 0,
  br: READS_A | READS_B,
  jind: READS_A,
  gotom: 0,
  jpc: 0,
  leave: 0,
};

/** Operand words of op number i: a sum of READS_* and WRITES_*. A word that holds -1 is absent all the same. */
export const OPERAND_WORDS: Uint8Array = Uint8Array.from(OPS, (o) => byShape[o.shape]);
