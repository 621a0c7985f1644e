/**
 * Conditions of Jcc, SETcc, CMOVcc and the carry that ADC and friends read, computed inline where the block has told
 * what the flags follow from, else by a helper.
 */
import { Op } from '../../ir/ops.ts';
import {
  CC_ADD,
  CC_DEC,
  CC_EFLAGS,
  CC_INC,
  CC_LOGIC,
  CC_MUL,
  CC_ROT,
  CC_SHL,
  CC_SHR,
  CC_SUB,
  COND_B,
  COND_BE,
  COND_L,
  COND_LE,
  COND_O,
  COND_P,
  COND_S,
  COND_Z,
} from './cc.ts';
import { CC_ADD_CARRY, CC_SUB_BORROW, CC_UNKNOWN, type Emitter } from './emitter.ts';
import { CF, OF, PF, S_CC_DST, S_CC_OP, S_CC_SRC, SF, ZF } from './layout.ts';

/** Names of the conditions, by code: as in jo, setno, cmovb. AT&T and Intel agree. */
export const CONDITION_NAMES = ['o', 'no', 'b', 'ae', 'e', 'ne', 'be', 'a', 's', 'ns', 'p', 'np', 'l', 'ge', 'le', 'g'];

/** A comparison that is true if the condition holds: op number, operands (b = -1: the constant). */
export interface Comparison {
  op: number;
  a: number;
  b: number;
  imm: number;
}
/** The one that `condition` fills. */
const result: Comparison = { op: Op.ne, a: 0, b: -1, imm: 0 };

function is(op: number, a: number, b: number, imm: number): Comparison {
  result.op = op;
  result.a = a;
  result.b = b;
  result.imm = imm;
  return result;
}

/** The comparison for a condition code; valid until the next call. Comparisons come in pairs of opposites. */
export function condition(t: Emitter, code: number): Comparison {
  const c = positive(t, code & ~1);
  if (code & 1) c.op = Op.eq + ((c.op - Op.eq) ^ 1);
  return c;
}

/** The condition as 0 or 1. */
export function conditionValue(t: Emitter, code: number): number {
  const c = condition(t, code);
  return t.binOr(c.op, c.a, c.b, c.imm);
}

/** CF as 0 or 1. */
export function carry(t: Emitter): number {
  if (t.ccKind === CC_UNKNOWN) return t.call('cc_carry', S_CC_OP, S_CC_DST, S_CC_SRC);
  if (t.ccKind === CC_LOGIC) return t.movi(0);
  if (t.ccKind === CC_EFLAGS || t.ccKind === CC_ROT) return t.bits(src(t), 0, 1, false);
  if (t.ccKind === CC_INC || t.ccKind === CC_DEC) return src(t);
  return conditionValue(t, COND_B);
}

/** The second operand; a constant gets a temporary. */
function src(t: Emitter): number {
  return t.ccSrc < 0 ? t.movi(t.ccImm) : t.ccSrc;
}
/** The result, sign-extended. */
const signedDst = (t: Emitter): number => t.extend(t.ccDst, t.ccSize);

function signBit(t: Emitter, value: number): Comparison {
  if (t.ccSize === 4) return is(Op.lts, value, -1, 0);
  return is(Op.ne, t.bini(Op.and, value, t.ccSize === 1 ? 0x80 : 0x8000), -1, 0);
}

function positive(t: Emitter, code: number): Comparison {
  const kind = t.ccKind;
  if (kind === CC_UNKNOWN) {
    if (code === COND_B) return is(Op.ne, t.call('cc_carry', S_CC_OP, S_CC_DST, S_CC_SRC), -1, 0);
    return byHelper(t, code);
  }
  if (kind === CC_EFLAGS) return fromEflags(t, code);
  // These follow from the result alone.
  if (code === COND_S) return signBit(t, t.ccDst);
  if (code === COND_P) return parity(t);
  if (kind === CC_SUB) return afterSub(t, code);
  if (code === COND_Z) return is(Op.eq, t.ccDst, -1, 0);
  if (kind === CC_LOGIC) return afterLogic(t, code);
  if (code === COND_B) return carryOf(t);
  if (code === COND_BE) {
    const c = carryOf(t);
    const cf = t.binOr(c.op, c.a, c.b, c.imm);
    const zf = t.bini(Op.eq, t.ccDst, 0);
    return is(Op.ne, t.bin(Op.or, cf, zf), -1, 0);
  }
  if (kind === CC_INC || kind === CC_DEC) {
    const step = kind === CC_INC ? -1 : 1;
    if (code === COND_O) {
      const edge = 1 << (t.ccSize * 8 - 1);
      return is(Op.eq, t.ccDst, -1, kind === CC_INC ? edge : edge - 1);
    }
    // Signed order is that of the comparison a - step.
    const a = t.extend(t.bini(Op.add, t.ccDst, step), t.ccSize);
    return is(code === COND_L ? Op.lts : Op.les, a, -1, step);
  }
  if (kind === CC_ROT && code === COND_O) return is(Op.ne, t.bini(Op.and, src(t), OF), -1, 0);
  if (kind === CC_MUL && code === COND_O) return is(Op.ne, src(t), -1, 0);
  return byHelper(t, code);
}

function afterSub(t: Emitter, code: number): Comparison {
  const size = t.ccSize;
  if (code === COND_O) return byHelper(t, code);
  if (code === COND_Z && t.ccA < 0) return is(Op.eq, t.ccDst, -1, 0);
  // The first operand, if it is gone, is the result plus the second.
  const a = t.ccA >= 0 ? t.ccA : t.cut(t.binOr(Op.add, t.ccDst, t.ccSrc, t.ccImm), size);
  if (code === COND_L || code === COND_LE) {
    const op = code === COND_L ? Op.lts : Op.les;
    const shift = 32 - size * 8;
    if (t.ccSrc < 0) return is(op, t.extend(a, size), -1, (t.ccImm << shift) >> shift);
    const sa = t.extend(a, size);
    return is(op, sa, t.extend(t.ccSrc, size), 0);
  }
  return is(code === COND_B ? Op.ltu : code === COND_Z ? Op.eq : Op.leu, a, t.ccSrc, t.ccImm);
}

function afterLogic(t: Emitter, code: number): Comparison {
  switch (code) {
    case COND_BE:
      return is(Op.eq, t.ccDst, -1, 0);
    case COND_L:
      return signBit(t, t.ccDst);
    case COND_LE:
      return is(Op.les, signedDst(t), -1, 0);
    default: // overflow, below: never
      return is(Op.ltu, t.ccDst, -1, 0);
  }
}

function carryOf(t: Emitter): Comparison {
  const dst = t.ccDst;
  switch (t.ccKind) {
    case CC_ADD:
      return is(Op.ltu, dst, t.ccSrc, t.ccImm);
    case CC_ADD_CARRY: {
      const s = src(t);
      const without = t.bin(Op.ltu, dst, s);
      const equal = t.bin(Op.eq, dst, s);
      return is(Op.ne, t.bin(Op.or, without, t.bin(Op.and, equal, t.ccA)), -1, 0);
    }
    case CC_SUB_BORROW: {
      // a = dst + src + carry; borrow if a < src, or a = src and there was a carry.
      const s = src(t);
      const a = t.cut(t.bin(Op.add, t.bin(Op.add, dst, s), t.ccA), t.ccSize);
      const equal = t.bin(Op.eq, a, s);
      const less = t.bin(Op.ltu, a, s);
      return is(Op.ne, t.bin(Op.or, less, t.bin(Op.and, equal, t.ccA)), -1, 0);
    }
    case CC_SHL:
      return signBit(t, src(t));
    case CC_SHR:
    case CC_ROT:
      return is(Op.ne, t.bini(Op.and, src(t), 1), -1, 0);
    default: // CC_INC, CC_DEC, CC_MUL
      return is(Op.ne, src(t), -1, 0);
  }
}

/** PF: an even number of ones in the low byte of the result. */
function parity(t: Emitter): Comparison {
  const ones = t.un(Op.popcnt, t.bits(t.ccDst, 0, 8, false));
  return is(Op.eq, t.bini(Op.and, ones, 1), -1, 0);
}

const FLAG_MASK: Readonly<Record<number, number>> = {
  [COND_O]: OF,
  [COND_B]: CF,
  [COND_Z]: ZF,
  [COND_BE]: CF | ZF,
  [COND_S]: SF,
  [COND_P]: PF,
};

function fromEflags(t: Emitter, code: number): Comparison {
  const flags = src(t);
  const mask = FLAG_MASK[code];
  if (mask !== undefined) return is(Op.ne, t.bini(Op.and, flags, mask), -1, 0);
  // OF is four bits above SF.
  const less = t.bini(Op.and, t.bin(Op.xor, t.bini(Op.shr, flags, 4), flags), SF);
  if (code === COND_L) return is(Op.ne, less, -1, 0);
  return is(Op.ne, t.bin(Op.or, less, t.bini(Op.and, flags, ZF)), -1, 0);
}

function byHelper(t: Emitter, code: number): Comparison {
  return is(Op.ne, t.call('cc_cond', S_CC_OP, S_CC_DST, S_CC_SRC, t.movi(code)), -1, 0);
}
