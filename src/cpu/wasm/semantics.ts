/** What each computing op is in wasm. Interpreter and JIT share it: they differ in where operands live, not in what is done. */
import { OP_NAMES, OPS, Op, type OpName, type Ty } from '../ir/ops.ts';
import type { Code } from './code.ts';
import { I32, I64, W } from './opcodes.ts';

const BY_NAME: Partial<Record<OpName, number>> = {
  add: W.i32Add,
  sub: W.i32Sub,
  mul: W.i32Mul,
  and: W.i32And,
  or: W.i32Or,
  xor: W.i32Xor,
  shl: W.i32Shl,
  shr: W.i32ShrU,
  sar: W.i32ShrS,
  rotl: W.i32Rotl,
  rotr: W.i32Rotr,
  eq: W.i32Eq,
  ne: W.i32Ne,
  lts: W.i32LtS,
  ges: W.i32GeS,
  les: W.i32LeS,
  gts: W.i32GtS,
  ltu: W.i32LtU,
  geu: W.i32GeU,
  leu: W.i32LeU,
  gtu: W.i32GtU,
  clz: W.i32Clz,
  ctz: W.i32Ctz,
  popcnt: W.i32Popcnt,
  add64: W.i64Add,
  sub64: W.i64Sub,
  mul64: W.i64Mul,
  and64: W.i64And,
  or64: W.i64Or,
  xor64: W.i64Xor,
  shl64: W.i64Shl,
  shr64: W.i64ShrU,
  sar64: W.i64ShrS,
  rotl64: W.i64Rotl,
  rotr64: W.i64Rotr,
  eq64: W.i64Eq,
  ne64: W.i64Ne,
  lts64: W.i64LtS,
  ges64: W.i64GeS,
  les64: W.i64LeS,
  gts64: W.i64GtS,
  ltu64: W.i64LtU,
  geu64: W.i64GeU,
  leu64: W.i64LeU,
  gtu64: W.i64GtU,
  clz64: W.i64Clz,
  ctz64: W.i64Ctz,
  popcnt64: W.i64Popcnt,
  wrap: W.i32WrapI64,
  extu: W.i64ExtendI32U,
  exts: W.i64ExtendI32S,
};
/** The single wasm instruction an op is, or -1. */
export const DIRECT = Int16Array.from(OP_NAMES, (n) => BY_NAME[n] ?? -1);

export const valueType = (ty: Ty): number => (ty === 'i64' ? I64 : I32);

/** How an engine gives operands to `emitComputation`: each pushes one value; `set…` receives code that pushes the result. */
export interface Operands {
  readonly code: Code;
  a(): void;
  b(): void;
  x(): void;
  /** The bit field of `bits` and `dep` (known to the JIT; the interpreter has a handler for each usual field). */
  readonly position: number;
  readonly length: number;
  setD(push: () => void): void;
  setX(push: () => void): void;
  /** Scratch locals. */
  readonly tmp32: number;
  readonly tmp64: number;
}

/** Mask of `length` bits from 0 as halves. */
const maskOf = (length: number): readonly [number, number] => [
  length >= 32 ? -1 : 2 ** length - 1,
  length >= 64 ? -1 : length > 32 ? 2 ** (length - 32) - 1 : 0,
];

function shifted(lo: number, hi: number, by: number): readonly [number, number] {
  if (by === 0) return [lo, hi];
  if (by >= 32) return [0, lo << (by - 32)];
  return [lo << by, (hi << by) | (lo >>> (32 - by))];
}

/** Push a constant of a type. */
export function pushConst(c: Code, ty: Ty, lo: number, hi: number): void {
  if (ty === 'i64') c.i64(lo, hi);
  else c.i32(lo);
}

function emitBits(o: Operands, ty: Ty, signed: boolean): void {
  const c = o.code;
  const { position: pos, length: len } = o;
  const wide = ty === 'i64';
  const width = wide ? 64 : 32;
  o.a();
  if (signed) {
    if (pos === 0 && len === 8) c.op(wide ? W.i64Extend8S : W.i32Extend8S);
    else if (pos === 0 && len === 16) c.op(wide ? W.i64Extend16S : W.i32Extend16S);
    else if (pos === 0 && len === 32 && wide) c.op(W.i64Extend32S);
    else {
      pushConst(c, ty, width - pos - len, 0);
      c.op(wide ? W.i64Shl : W.i32Shl);
      pushConst(c, ty, width - len, 0);
      c.op(wide ? W.i64ShrS : W.i32ShrS);
    }
    return;
  }
  if (pos > 0) {
    pushConst(c, ty, pos, 0);
    c.op(wide ? W.i64ShrU : W.i32ShrU);
  }
  if (pos + len < width) {
    const [lo, hi] = maskOf(len);
    pushConst(c, ty, lo, hi);
    c.op(wide ? W.i64And : W.i32And);
  }
}

function emitDeposit(o: Operands, ty: Ty): void {
  const c = o.code;
  const wide = ty === 'i64';
  const [mlo, mhi] = maskOf(o.length);
  const [plo, phi] = shifted(mlo, mhi, o.position);
  o.a();
  pushConst(c, ty, ~plo, ~phi);
  c.op(wide ? W.i64And : W.i32And);
  o.b();
  pushConst(c, ty, mlo, mhi);
  c.op(wide ? W.i64And : W.i32And);
  if (o.position > 0) {
    pushConst(c, ty, o.position, 0);
    c.op(wide ? W.i64Shl : W.i32Shl);
  }
  c.op(wide ? W.i64Or : W.i32Or);
}

/** Bytes in reverse order by two rotations and a mask (32 bits), or three swaps of halves (64 bits). */
function emitByteSwap(o: Operands, wide: boolean): void {
  const c = o.code;
  if (!wide) {
    o.a();
    c.tee(o.tmp32).i32(8).op(W.i32Rotl).i32(0x00ff00ff).op(W.i32And);
    c.get(o.tmp32).i32(8).op(W.i32Rotr).i32(0xff00ff00).op(W.i32And, W.i32Or);
    return;
  }
  const swap = (by: number, lo: number, hi: number): void => {
    c.set(o.tmp64);
    c.get(o.tmp64).i64(by, 0).op(W.i64Shl).i64(~lo, ~hi).op(W.i64And);
    c.get(o.tmp64).i64(by, 0).op(W.i64ShrU).i64(lo, hi).op(W.i64And, W.i64Or);
  };
  o.a();
  swap(8, 0x00ff00ff, 0x00ff00ff);
  swap(16, 0x0000ffff, 0x0000ffff);
  c.i64(32, 0).op(W.i64Rotl);
}

/** Emits a computing op (shapes bin, cmp, un, bits, dep, sel, mul2). */
export function emitComputation(op: number, o: Operands): void {
  const info = OPS[op];
  const c = o.code;
  const direct = DIRECT[op] as number;
  switch (info?.shape) {
    case 'bin':
    case 'cmp':
      return o.setD(() => {
        o.a();
        o.b();
        c.op(direct);
      });
    case 'un':
      return o.setD(() => {
        if (op === Op.bswap || op === Op.bswap64) return emitByteSwap(o, op === Op.bswap64);
        o.a();
        if (direct >= 0) c.op(direct);
      });
    case 'bits':
      return o.setD(() => emitBits(o, info.ty, info.signed === true));
    case 'dep':
      return o.setD(() => emitDeposit(o, info.ty));
    case 'sel':
      return o.setD(() => {
        o.b();
        o.x();
        o.a();
        c.op(W.select);
      });
    case 'mul2': {
      const extend = info.signed ? W.i64ExtendI32S : W.i64ExtendI32U;
      o.a();
      c.op(extend);
      o.b();
      c.op(extend, W.i64Mul).set(o.tmp64);
      o.setD(() => c.get(o.tmp64).op(W.i32WrapI64));
      return o.setX(() => c.get(o.tmp64).i64(32, 0).op(W.i64ShrU, W.i32WrapI64));
    }
    default:
      throw new Error(`BUG: op ${OP_NAMES[op]} computes nothing`);
  }
}
