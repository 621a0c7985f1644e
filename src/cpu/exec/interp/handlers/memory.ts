/** Loads and stores of guest memory, push and pop; and the fields of the CPU's state. */
import { OP_NAMES, OPS, Op, type OpInfo, type Ty } from '../../../ir/ops.ts';
import { W } from '../../../wasm/opcodes.ts';
import { type Access, emitAccess } from '../../soft-tlb.ts';
import { ADDR32, ADDR64, BANK, ENTRY, type Handlers, S0 } from '../context.ts';
import type { Define } from './handler.ts';

/** Where the words of a load or store lie. */
interface Form {
  readonly indexed: boolean;
  readonly value: 'operand' | 'const';
  readonly disp: number;
  readonly site: number;
}

/** Emits an access through the soft TLB. `site`: unit of its site word. */
function access(h: Handlers, op: number, site: number, parts: Pick<Access, 'address' | 'value' | 'result'>): void {
  emitAccess({
    code: h.code,
    op,
    va: h.va,
    ...parts,
    checkFault: () => h.checkFault(site),
    pushBank: () => h.code.get(BANK),
    bank: 0,
    slow: h.fns,
    addressLocal: h.va === 'i64' ? ADDR64 : ADDR32,
    entryLocal: ENTRY,
  });
}

/** Emits a load or store whose address is base [+ index << scale] + displacement. */
function loadOrStore(h: Handlers, op: number, at: Form): void {
  const c = h.code;
  const wide = h.va === 'i64';
  const ty = OPS[op]?.ty as Ty;
  access(h, op, at.site, {
    address: () => {
      h.operand(2, h.va);
      if (at.indexed) {
        h.operand(3, h.va);
        h.u16(4);
        if (wide) c.op(W.i64ExtendI32U);
        c.op(wide ? W.i64Shl : W.i32Shl, wide ? W.i64Add : W.i32Add);
      }
      h.i32(at.disp);
      if (wide) c.op(W.i64ExtendI32S);
      c.op(wide ? W.i64Add : W.i32Add);
    },
    value: () => {
      if (at.value === 'operand') h.operand(1, ty);
      else {
        h.i32(at.disp + 2);
        if (ty === 'i64') c.op(W.i64ExtendI32S);
      }
    },
    result: (push) => h.assign(1, ty, push),
  });
}

export function memory(def: Define, va: Ty): void {
  OPS.forEach((info: OpInfo, op) => {
    if (info.shape !== 'load' && info.shape !== 'store') return;
    for (const indexed of [false, true]) {
      for (const value of info.shape === 'store' ? (['operand', 'const'] as const) : (['operand'] as const)) {
        // op, d, base, [index, scale,] displacement(2), [constant(2),] site
        const disp = indexed ? 5 : 3;
        const site = disp + 2 + (value === 'const' ? 2 : 0);
        def(`${OP_NAMES[op]}${indexed ? '.index' : ''}${value === 'const' ? '.const' : ''}`, site + 1, (h) => {
          loadOrStore(h, op, { indexed, value, disp, site });
          h.next();
        });
      }
    }
  });
  if (va === 'i32') stack(def);
}

function stack(def: Define): void {
  // Push: store below the pointer, then move it. op, value, pointer, displacement(2), [constant(2),] site
  for (const value of ['operand', 'const'] as const) {
    const site = value === 'const' ? 7 : 5;
    def(`push${value === 'const' ? '.const' : ''}`, site + 1, (h) => {
      loadOrStore(h, Op.st32, { indexed: false, value, disp: 3, site });
      h.assign(2, 'i32', () => {
        h.operand(2, 'i32');
        h.i32(3).op(W.i32Add);
      });
      h.next();
    });
  }
  // Pop: load, move the pointer, then write the register. op, register, pointer, displacement(2) = 0, site, increment
  def('pop', 7, (h) => {
    const c = h.code;
    access(h, Op.ld32, 5, {
      address: () => h.operand(2, 'i32'),
      value: () => {},
      result: (push) => {
        push();
        c.set(S0);
      },
    });
    h.assign(2, 'i32', () => {
      h.operand(2, 'i32');
      h.u16(6).op(W.i32Add);
    });
    h.assign(1, 'i32', () => c.get(S0));
    h.next();
  });
}

/** getf and putf. */
export function state(def: Define): void {
  for (const [suffix, ty, loadOp, storeOp] of [
    ['', 'i32', W.i32Load, W.i32Store],
    ['64', 'i64', W.i64Load, W.i64Store],
  ] as const) {
    def(`getf${suffix}`, 3, (h) => {
      h.assign(1, ty, () => h.u16(2).mem(loadOp, 0, 2));
      h.next();
    });
    def(`putf${suffix}`, 3, (h) => {
      h.u16(2);
      h.operand(1, ty).mem(storeOp, 0, 2);
      h.next();
    });
  }
}
