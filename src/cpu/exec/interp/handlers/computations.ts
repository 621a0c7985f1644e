/** Ops that compute: arithmetic, compares, moves, selection, fields of bits. */
import { OP_NAMES, OPS, type OpInfo, type Ty } from '../../../ir/ops.ts';
import { W } from '../../../wasm/opcodes.ts';
import { emitComputation } from '../../../wasm/semantics.ts';
import { constUnits, type Define } from './handler.ts';

/** Fields that get handlers of their own: position, length. Others go through `bits` in general form. */
export const USUAL_FIELDS = [
  [0, 8],
  [8, 8],
  [0, 16],
] as const;

export function computations(def: Define): void {
  OPS.forEach((info: OpInfo, op) => {
    const name = OP_NAMES[op] as string;
    const { ty, shape } = info;
    const from = info.from ?? ty;
    const to: Ty = shape === 'cmp' ? 'i32' : ty;
    if (shape === 'bin' || shape === 'cmp') {
      def(name, 4, (h) => {
        emitComputation(op, h.operands({ d: 1, a: 2, b: 3 }, to, from));
        h.next();
      });
      def(`${name}.const`, 3 + constUnits(from), (h) => {
        emitComputation(op, h.operands({ d: 1, a: 2, bConst: 3 }, to, from));
        h.next();
      });
    } else if (shape === 'un') {
      def(name, 3, (h) => {
        emitComputation(op, h.operands({ d: 1, a: 2 }, to, from));
        h.next();
      });
    } else if (shape === 'movi') {
      def(name, 2 + constUnits(ty), (h) => {
        h.assign(1, ty, () => (ty === 'i64' ? h.i64(2) : h.i32(2)));
        h.next();
      });
    } else if (shape === 'sel') {
      def(name, 5, (h) => {
        h.assign(1, ty, () => {
          h.operand(3, ty);
          h.operand(4, ty);
          h.operand(2, 'i32').op(W.select);
        });
        h.next();
      });
    } else if (shape === 'mul2') {
      def(name, 5, (h) => {
        emitComputation(op, h.operands({ d: 1, a: 2, b: 3, x: 4 }, 'i32', 'i32'));
        h.next();
      });
    } else if (shape === 'bits') fields(def, op, name, ty, info.signed === true);
    else if (shape === 'dep') deposits(def, op, name, ty);
  });
}

function fields(def: Define, op: number, name: string, ty: Ty, signed: boolean): void {
  const wide = ty === 'i64';
  for (const [pos, len] of USUAL_FIELDS) {
    def(`${name}.${pos}.${len}`, 3, (h) => {
      emitComputation(op, h.operands({ d: 1, a: 2 }, ty, ty, pos, len));
      h.next();
    });
  }
  // Left shift, right shift: the field goes to the top and comes down extended.
  def(name, 5, (h) => {
    h.assign(1, ty, () => {
      const c = h.operand(2, ty);
      h.u16(3);
      if (wide) c.op(W.i64ExtendI32U);
      c.op(wide ? W.i64Shl : W.i32Shl);
      h.u16(4);
      if (wide) c.op(W.i64ExtendI32U);
      c.op(signed ? (wide ? W.i64ShrS : W.i32ShrS) : wide ? W.i64ShrU : W.i32ShrU);
    });
    h.next();
  });
}

function deposits(def: Define, op: number, name: string, ty: Ty): void {
  const wide = ty === 'i64';
  for (const [pos, len] of USUAL_FIELDS) {
    def(`${name}.${pos}.${len}`, 4, (h) => {
      emitComputation(op, h.operands({ d: 1, a: 2, b: 3 }, ty, ty, pos, len));
      h.next();
    });
  }
  // d, a, b, position, then the mask at its place.
  def(name, 5 + constUnits(ty), (h) => {
    const mask = () => (wide ? h.i64(5) : h.i32(5));
    h.assign(1, ty, () => {
      const c = h.operand(2, ty);
      mask();
      c.op(...(wide ? [W.i64Const, 0x7f, W.i64Xor, W.i64And] : [W.i32Const, 0x7f, W.i32Xor, W.i32And])); // and not
      h.operand(3, ty);
      h.u16(4);
      if (wide) c.op(W.i64ExtendI32U);
      c.op(wide ? W.i64Shl : W.i32Shl);
      mask();
      c.op(...(wide ? [W.i64And, W.i64Or] : [W.i32And, W.i32Or]));
    });
    h.next();
  });
}
