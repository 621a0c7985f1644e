/**
 * Carries what is known forward through a block: constants into the ops that use them (folding what becomes constant),
 * copies to their users, sums with a constant into displacements and further sums. What it makes useless is left for
 * dead-code.ts. Nothing is allocated for a block, but BigInts where i64 constants are folded.
 */
import { BINARY32, BINARY64, COMPARE64, deposit, extract, extract64, UNARY32, UNARY64 } from '../arithmetic.ts';
import type { IrBlock } from '../block.ts';
import { TEMP0 } from '../layout.ts';
import {
  OPERAND_WORDS,
  READS_A,
  READS_B,
  READS_D,
  READS_IMM2,
  READS_X,
  WRITES_CC,
  WRITES_D,
  WRITES_X,
} from '../operands.ts';
import { JUMP, OPS, Op, RET, type Shape, WORDS } from '../ops.ts';
import type { IrTarget } from '../target.ts';
import {
  assign,
  constant64,
  forget,
  highOf,
  isConstant,
  isKnown,
  isShort,
  isSum,
  learnConstant,
  learnCopy,
  learnSum,
  lowOf,
  original,
  sourceOf,
} from './knowledge.ts';
import {
  MIRRORED,
  simplifyConstant,
  simplifyConstant64,
  simplifyEqual,
  toMov,
  toMovi,
  toMovi64,
  whenEqual,
} from './simplify.ts';
import { REMOVED, squeeze } from './squeeze.ts';

// Shapes as small integers: what is to be tried with an op.
const NOTHING = 0;
const BINARY = 1;
const UNARY = 2;
const BITS = 3;
const DEPOSIT = 4;
const SELECT = 5;
const PRODUCT = 6;
const LOAD = 7;
const STORE = 8;
const PUT = 9;
const SETCC = 10;
const RAISE = 11;
const BRANCH = 12;
const INDIRECT = 13;
const TRIED: Partial<Record<Shape, number>> = {
  bin: BINARY,
  cmp: BINARY,
  un: UNARY,
  bits: BITS,
  dep: DEPOSIT,
  sel: SELECT,
  mul2: PRODUCT,
  load: LOAD,
  store: STORE,
  putf: PUT,
  setcc: SETCC,
  raise: RAISE,
  br: BRANCH,
  jind: INDIRECT,
};
const KIND: Uint8Array = Uint8Array.from(OPS, (o) => TRIED[o.shape] ?? NOTHING);
/** Can it be simplified with nothing known of its operands? */
const ALWAYS_TRIED: Uint8Array = Uint8Array.from(OPS, ({ shape }) =>
  ['bin', 'cmp', 'bits', 'dep', 'sel', 'br'].includes(shape) ? 1 : 0,
);
const IS_WIDE: Uint8Array = Uint8Array.from(OPS, (o) => (o.ty === 'i64' ? 1 : 0));
const COMMUTES: Uint8Array = Uint8Array.from(OPS, (o) => (o.commutes ? 1 : 0));

function binary(ir: Int32Array, p: number): void {
  let op = ir[p] as number;
  const wide = IS_WIDE[op] === 1;
  let a = ir[p + 2] as number;
  let b = ir[p + 3] as number;
  if (a === b) {
    simplifyEqual(ir, p);
    return;
  }
  if (b >= 0 && isConstant(a) && !isConstant(b) && (COMMUTES[op] === 1 || MIRRORED[op] !== 0)) {
    if (MIRRORED[op] !== 0) ir[p] = op = MIRRORED[op] as number;
    const left = b;
    ir[p + 3] = b = a;
    ir[p + 2] = a = left;
  }
  if (isConstant(b)) {
    ir[p + 3] = -1;
    ir[p + 4] = lowOf(b);
    ir[p + 5] = wide ? highOf(b) : lowOf(b) >> 31;
    b = -1;
  }
  if (b >= 0) return;
  if (isConstant(a)) {
    if (wide) foldWide(ir, p, op, a);
    else {
      const meaning = BINARY32[op];
      if (meaning) toMovi(ir, p, false, meaning(lowOf(a), ir[p + 4] as number) | 0, 0);
    }
    return;
  }
  if (wide) simplifyConstant64(ir, p);
  else simplifyConstant(ir, p);
  // A sum of a sum: one addition.
  if (isSum(a) && (ir[p] === Op.add || ir[p] === Op.add64)) {
    const total = lowOf(a) + (ir[p + 4] as number);
    if (wide && (ir[p + 5] !== (ir[p + 4] as number) >> 31 || total !== (total | 0))) return;
    ir[p + 2] = sourceOf(a);
    ir[p + 4] = total | 0;
    ir[p + 5] = (total | 0) >> 31;
    if (wide) simplifyConstant64(ir, p);
    else simplifyConstant(ir, p);
  }
}
/** An i64 bin or cmp op of two constants. */
function foldWide(ir: Int32Array, p: number, op: number, a: number): void {
  const right = (BigInt(ir[p + 5] as number) << 32n) | BigInt((ir[p + 4] as number) >>> 0);
  const meaning = BINARY64[op];
  const compare = COMPARE64[op];
  if (meaning) toMovi64(ir, p, meaning(constant64(a), right));
  else if (compare) toMovi(ir, p, false, compare(constant64(a), right), 0);
}

function unary(ir: Int32Array, p: number): void {
  const op = ir[p] as number;
  const a = ir[p + 2] as number;
  if (!isConstant(a)) return;
  const lo = lowOf(a);
  if (op === Op.wrap) toMovi(ir, p, false, lo, 0);
  else if (op === Op.extu) toMovi(ir, p, true, lo, 0);
  else if (op === Op.exts) toMovi(ir, p, true, lo, lo >> 31);
  else if (op === Op.mov64) toMovi(ir, p, true, lo, highOf(a));
  else {
    const narrow = UNARY32[op];
    const wide = UNARY64[op];
    if (narrow) toMovi(ir, p, false, narrow(lo) | 0, 0);
    else if (wide) toMovi64(ir, p, wide(constant64(a)));
  }
}

function bitField(ir: Int32Array, p: number): void {
  const op = ir[p] as number;
  const a = ir[p + 2] as number;
  const where = ir[p + 5] as number;
  const wide = IS_WIDE[op] === 1;
  if (where >> 8 === (wide ? 64 : 32)) toMov(ir, p, wide, a);
  else if (isConstant(a)) {
    const signed = op === Op.bitss || op === Op.bitss64;
    if (wide) toMovi64(ir, p, extract64(constant64(a), where, signed));
    else toMovi(ir, p, false, extract(lowOf(a), where, signed), 0);
  }
}

function depositField(ir: Int32Array, p: number): void {
  const wide = IS_WIDE[ir[p] as number] === 1;
  const a = ir[p + 2] as number;
  const b = ir[p + 3] as number;
  const where = ir[p + 5] as number;
  if (isShort(b)) {
    ir[p + 3] = -1;
    ir[p + 4] = lowOf(b);
  }
  const imm = ir[p + 4] as number;
  const whole = where >> 8 === (wide ? 64 : 32);
  if (ir[p + 3] === -1) {
    if (whole) toMovi(ir, p, wide, imm, imm >> 31);
    else if (!wide && isConstant(a)) toMovi(ir, p, false, deposit(lowOf(a), where, imm), 0);
  } else if (whole) toMov(ir, p, wide, b);
}

function select(ir: Int32Array, p: number): void {
  const wide = ir[p] === Op.sel64;
  const cond = ir[p + 2] as number;
  const yes = ir[p + 3] as number;
  const no = ir[p + 6] as number;
  if (yes === no) toMov(ir, p, wide, yes);
  else if (isConstant(cond)) toMov(ir, p, wide, lowOf(cond) !== 0 ? yes : no);
}

/** Constants and sums in base and index go into the displacement, as far as it can hold them. */
function address(ir: Int32Array, p: number, wide: boolean): void {
  let base = ir[p + 2] as number;
  let index = ir[p + 3] as number;
  const disp = ir[p + 4] as number;
  const scale = ir[p + 5] as number;
  if (index >= 0 && (isShort(index) || isSum(index))) {
    const moved = disp + lowOf(index) * (1 << scale);
    if (!wide || moved === (moved | 0)) {
      ir[p + 4] = moved | 0;
      ir[p + 3] = index = isConstant(index) ? -1 : sourceOf(index);
    }
  }
  if (base >= 0 && (isShort(base) || isSum(base))) {
    const moved = (ir[p + 4] as number) + lowOf(base);
    if (!wide || moved === (moved | 0)) {
      ir[p + 4] = moved | 0;
      ir[p + 2] = base = isConstant(base) ? -1 : sourceOf(base);
    }
  }
  if (index < 0) ir[p + 5] = 0;
  else if (base < 0 && scale === 0) {
    ir[p + 2] = index;
    ir[p + 3] = -1;
  }
}

/** Where operand word `at` is a constant that fits: the constant goes to word `to`, and the operand is absent. */
function immediate(ir: Int32Array, p: number, at: number, to: number): void {
  const o = ir[p + at] as number;
  if (!isShort(o)) return;
  ir[p + at] = -1;
  ir[p + to] = lowOf(o);
}

function branch(ir: Int32Array, p: number): void {
  const wide = ir[p] === Op.br64;
  const a = ir[p + 2] as number;
  const b = ir[p + 3] as number;
  let cmp = ir[p + 5] as number;
  if (a === b) {
    toGoto(ir, p, whenEqual(cmp) === 1);
    return;
  }
  if (b >= 0 && isShort(a) && !isShort(b)) {
    ir[p + 5] = cmp = MIRRORED[cmp] as number;
    ir[p + 2] = b;
    ir[p + 3] = a;
  }
  immediate(ir, p, 3, 4);
  const left = ir[p + 2] as number;
  if (ir[p + 3] !== -1 || !isConstant(left)) return;
  const imm = ir[p + 4] as number;
  const taken = wide ? COMPARE64[cmp]?.(constant64(left), BigInt(imm)) : BINARY32[cmp]?.(lowOf(left), imm);
  toGoto(ir, p, taken === 1);
}
function toGoto(ir: Int32Array, p: number, taken: boolean): void {
  if (!taken) ir[p + 1] = ir[p + 6] as number;
  ir[p] = Op.goto;
  ir[p + 2] = ir[p + 3] = -1;
  ir[p + 4] = JUMP;
  ir[p + 5] = ir[p + 6] = 0;
}
/** A jump to an address that is known: a goto, unless it is too far for one. */
function indirect(block: IrBlock, p: number, wide: boolean): void {
  const { ir } = block;
  const a = ir[p + 2] as number;
  if (!isConstant(a) || ir[p + 4] === RET) return;
  const lo = lowOf(a);
  const delta = (lo - block.pcLo) | 0;
  if (wide) {
    const carry = (block.pcLo >>> 0) + delta;
    const pcHi = (block.pcHi + (carry < 0 ? -1 : carry > 0xffff_ffff ? 1 : 0)) | 0;
    if (pcHi !== highOf(a)) return;
  }
  ir[p] = Op.goto;
  ir[p + 1] = delta;
  ir[p + 2] = -1;
}

/** Rewrite the op at `p` with what is known of its operands. */
function rewrite(block: IrBlock, p: number, target: IrTarget): void {
  const { ir } = block;
  switch (KIND[ir[p] as number]) {
    case BINARY:
      binary(ir, p);
      break;
    case UNARY:
      if (ir[p] !== Op.mov && ir[p] !== Op.mov64) unary(ir, p);
      break;
    case BITS:
      bitField(ir, p);
      break;
    case DEPOSIT:
      depositField(ir, p);
      break;
    case SELECT:
      select(ir, p);
      break;
    case PRODUCT:
      immediate(ir, p, 3, 4);
      break;
    case LOAD:
      address(ir, p, target.va === 'i64');
      break;
    case STORE:
      address(ir, p, target.va === 'i64');
      immediate(ir, p, 1, 6);
      break;
    case PUT:
      immediate(ir, p, 2, 6);
      break;
    case SETCC:
      immediate(ir, p, 3, 6);
      break;
    case RAISE:
      if (isConstant(ir[p + 2] as number) && lowOf(ir[p + 2] as number) === 0) ir[p] = REMOVED;
      break;
    case BRANCH:
      branch(ir, p);
      break;
    case INDIRECT:
      indirect(block, p, target.va === 'i64');
      break;
  }
  if (ir[p] !== Op.mov && ir[p] !== Op.mov64) return;
  unary(ir, p);
  // Copying an operand to itself does nothing.
  if (ir[p + 1] === ir[p + 2]) ir[p] = REMOVED;
}

/** Read the originals of copies. */
function readOriginals(ir: Int32Array, p: number, words: number): void {
  if ((words & READS_A) !== 0) ir[p + 2] = original(ir[p + 2] as number);
  if ((words & READS_B) !== 0) ir[p + 3] = original(ir[p + 3] as number);
  if ((words & (READS_D | READS_X | READS_IMM2)) !== 0) {
    if ((words & READS_D) !== 0) ir[p + 1] = original(ir[p + 1] as number);
    if ((words & READS_X) !== 0) ir[p + 6] = original(ir[p + 6] as number);
    if ((words & READS_IMM2) !== 0) ir[p + 5] = original(ir[p + 5] as number);
  }
}

/** Note what the op at `p` assigns, and what is known of it. */
function learn(ir: Int32Array, p: number, target: IrTarget): void {
  const op = ir[p] as number;
  const writes = (OPERAND_WORDS[op] as number) & (WRITES_D | WRITES_X | WRITES_CC);
  if (writes === 0) return;
  const d = ir[p + 1] as number;
  const a = ir[p + 2] as number;
  const lo = ir[p + 4] as number;
  if (writes === WRITES_CC) {
    assign(d);
    assign(d + 1);
    assign(d + 2);
    learnConstant(d, lo, lo >> 31);
    if (a !== d && a !== d + 1 && a !== d + 2) learnCopy(d + 1, a);
    return;
  }
  if (op === Op.mov || op === Op.mov64) {
    learnMove(d, a);
    return;
  }
  if (d >= 0) assign(d);
  if (op === Op.add || op === Op.add64) {
    if (ir[p + 3] === -1 && (op === Op.add || ir[p + 5] === lo >> 31)) learnSum(d, a, lo);
  } else if (op === Op.movi) learnConstant(d, lo, lo >> 31);
  else if (op === Op.movi64) learnConstant(d, lo, ir[p + 5] as number);
  else if (writes !== WRITES_D) assign(ir[p + 6] as number);
  else if (op === Op.call) {
    const helper = target.helpers[lo];
    if (helper) for (const slot of helper.writes) assign(slot);
  }
}
function learnMove(d: number, a: number): void {
  // Once a temporary is in a slot, readers take it from there, and the temporary can end.
  const intoSlot = d < TEMP0 && a >= TEMP0;
  const sum = isSum(a) && sourceOf(a) !== d;
  assign(d);
  if (!intoSlot || isConstant(a)) {
    learnCopy(d, a);
    return;
  }
  if (sum) learnSum(d, sourceOf(a), lowOf(a));
  learnCopy(a, d);
}

/** Propagate constants, copies and sums through a block, in place. */
export function propagate(block: IrBlock, target: IrTarget): void {
  const { ir } = block;
  const end = block.n * WORDS;
  let removed = false;
  forget(block.temps);
  for (let p = 0; p < end; p += WORDS) {
    const op = ir[p] as number;
    // Words that are no operands may make this true for nothing: that costs time only.
    const touched =
      (isKnown(ir[p + 1] as number) |
        isKnown(ir[p + 2] as number) |
        isKnown(ir[p + 3] as number) |
        isKnown(ir[p + 5] as number) |
        isKnown(ir[p + 6] as number)) !==
      0;
    if (touched) readOriginals(ir, p, OPERAND_WORDS[op] as number);
    if (touched || ALWAYS_TRIED[op] === 1) rewrite(block, p, target);
    if (ir[p] === REMOVED) removed = true;
    else learn(ir, p, target);
  }
  if (removed) squeeze(block);
}
