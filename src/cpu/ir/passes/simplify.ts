/** Algebra on single ops: identities with a constant or with equal operands. Ops are rewritten in place. */
import { OPS, Op } from '../ops.ts';

const WIDE_FROM = Op.add64;

/** The comparison that says the same with its operands exchanged; 0 for ops that are no comparisons. */
export const MIRRORED = new Uint8Array(OPS.length);
for (const [a, b] of [
  ['eq', 'eq'],
  ['ne', 'ne'],
  ['lts', 'gts'],
  ['ges', 'les'],
  ['ltu', 'gtu'],
  ['geu', 'leu'],
] as const) {
  MIRRORED[Op[a]] = Op[b];
  MIRRORED[Op[b]] = Op[a];
  MIRRORED[Op[`${a}64`]] = Op[`${b}64`];
  MIRRORED[Op[`${b}64`]] = Op[`${a}64`];
}

/** Make the op at `p` a copy of operand `a`. */
export function toMov(ir: Int32Array, p: number, wide: boolean, a: number): void {
  ir[p] = wide ? Op.mov64 : Op.mov;
  ir[p + 2] = a;
  ir[p + 3] = -1;
  ir[p + 4] = ir[p + 5] = ir[p + 6] = 0;
}
/** Make the op at `p` a constant. */
export function toMovi(ir: Int32Array, p: number, wide: boolean, lo: number, hi: number): void {
  ir[p] = wide ? Op.movi64 : Op.movi;
  ir[p + 2] = ir[p + 3] = -1;
  ir[p + 4] = lo;
  ir[p + 5] = wide ? hi : 0;
  ir[p + 6] = 0;
}
export function toMovi64(ir: Int32Array, p: number, value: bigint): void {
  toMovi(ir, p, true, Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)));
}
/** Make the op at `p` a binary op of its operand a and a constant. */
function toImmediate(ir: Int32Array, p: number, op: number, lo: number, hi: number): void {
  ir[p] = op;
  ir[p + 4] = lo;
  ir[p + 5] = hi;
}

/** An i32 bin or cmp op whose second operand is the constant in imm. */
export function simplifyConstant(ir: Int32Array, p: number): void {
  const op = ir[p] as number;
  const a = ir[p + 2] as number;
  const imm = ir[p + 4] as number;
  switch (op) {
    case Op.add:
    case Op.xor:
      if (imm === 0) toMov(ir, p, false, a);
      break;
    case Op.sub:
      if (imm === 0) toMov(ir, p, false, a);
      else toImmediate(ir, p, Op.add, -imm | 0, (-imm | 0) >> 31);
      break;
    case Op.shl:
    case Op.shr:
    case Op.sar:
    case Op.rotl:
    case Op.rotr:
      if ((imm & 31) === 0) toMov(ir, p, false, a);
      break;
    case Op.mul:
      if (imm === 0) toMovi(ir, p, false, 0, 0);
      else if (imm === 1) toMov(ir, p, false, a);
      else if ((imm & (imm - 1)) === 0) toImmediate(ir, p, Op.shl, 31 - Math.clz32(imm), 0);
      break;
    case Op.and:
      if (imm === 0) toMovi(ir, p, false, 0, 0);
      else if (imm === -1) toMov(ir, p, false, a);
      break;
    case Op.or:
      if (imm === 0) toMov(ir, p, false, a);
      else if (imm === -1) toMovi(ir, p, false, -1, 0);
      break;
    case Op.ltu:
      if (imm === 0) toMovi(ir, p, false, 0, 0);
      break;
    case Op.geu:
      if (imm === 0) toMovi(ir, p, false, 1, 0);
      break;
  }
}

/** The same for i64: the constant is imm2:imm. */
export function simplifyConstant64(ir: Int32Array, p: number): void {
  const op = ir[p] as number;
  const a = ir[p + 2] as number;
  const lo = ir[p + 4] as number;
  const hi = ir[p + 5] as number;
  const zero = (lo | hi) === 0;
  const ones = (lo & hi) === -1;
  switch (op) {
    case Op.add64:
    case Op.xor64:
      if (zero) toMov(ir, p, true, a);
      break;
    case Op.sub64:
      if (zero) toMov(ir, p, true, a);
      // -(hi:lo) = ~(hi:lo) + 1
      else toImmediate(ir, p, Op.add64, -lo | 0, (~hi + (lo === 0 ? 1 : 0)) | 0);
      break;
    case Op.shl64:
    case Op.shr64:
    case Op.sar64:
    case Op.rotl64:
    case Op.rotr64:
      if ((lo & 63) === 0) toMov(ir, p, true, a);
      break;
    case Op.mul64:
      if (zero) toMovi(ir, p, true, 0, 0);
      else if (lo === 1 && hi === 0) toMov(ir, p, true, a);
      break;
    case Op.and64:
      if (zero) toMovi(ir, p, true, 0, 0);
      else if (ones) toMov(ir, p, true, a);
      break;
    case Op.or64:
      if (zero) toMov(ir, p, true, a);
      else if (ones) toMovi(ir, p, true, -1, -1);
      break;
    case Op.ltu64:
      if (zero) toMovi(ir, p, false, 0, 0);
      break;
    case Op.geu64:
      if (zero) toMovi(ir, p, false, 1, 0);
      break;
  }
}

/** A bin or cmp op, of either type, whose operands are one and the same. */
export function simplifyEqual(ir: Int32Array, p: number): void {
  const wide = (ir[p] as number) >= WIDE_FROM;
  switch (ir[p]) {
    case Op.sub:
    case Op.xor:
    case Op.sub64:
    case Op.xor64:
      toMovi(ir, p, wide, 0, 0);
      break;
    case Op.and:
    case Op.or:
    case Op.and64:
    case Op.or64:
      toMov(ir, p, wide, ir[p + 2] as number);
      break;
    default: {
      const result = whenEqual(ir[p] as number);
      if (result >= 0) toMovi(ir, p, false, result, 0);
    }
  }
}

/** What a comparison of equals gives; -1 if `op` is no comparison. */
export function whenEqual(op: number): number {
  switch (op) {
    case Op.eq:
    case Op.ges:
    case Op.les:
    case Op.geu:
    case Op.leu:
    case Op.eq64:
    case Op.ges64:
    case Op.les64:
    case Op.geu64:
    case Op.leu64:
      return 1;
    case Op.ne:
    case Op.lts:
    case Op.gts:
    case Op.ltu:
    case Op.gtu:
    case Op.ne64:
    case Op.lts64:
    case Op.gts64:
    case Op.ltu64:
    case Op.gtu64:
      return 0;
    default:
      return -1;
  }
}
