/** The inline part of a guest memory access: tag compare, then load or store at the page's place; else the slow function. */
import { TLB, TLB_BANK_SHIFT, TLB_ENTRIES } from '../ir/layout.ts';
import { Op, type Ty } from '../ir/ops.ts';
import type { Code } from '../wasm/code.ts';
import { I32, I64, VOID, W } from '../wasm/opcodes.ts';

/** Function indices of the slow paths in the module being built (exec/native/mmu.ts). */
export interface SlowAccess {
  readonly ld: number;
  readonly ld64: number;
  readonly st: number;
  readonly st64: number;
}

export interface Access {
  readonly code: Code;
  readonly op: number;
  readonly va: Ty;
  /** Push the guest address. */
  address(): void;
  /** Push the value to store. */
  value(): void;
  /** Receive code that pushes the loaded value. */
  result(push: () => void): void;
  /** Emitted after a slow access: look at C_FAULT. */
  checkFault(): void;
  /** Push the offset of the TLB bank in use; absent where the bank is known. */
  pushBank?(): void;
  /** Bank known when the code is emitted; ignored when pushBank is given. */
  readonly bank: number;
  readonly slow: SlowAccess;
  /** Scratch locals: guest address (of type va) and TLB entry (i32). */
  readonly addressLocal: number;
  readonly entryLocal: number;
}

const RAW: Readonly<Record<number, number>> = {
  [Op.ld8u]: W.i32Load8U,
  [Op.ld8s]: W.i32Load8S,
  [Op.ld16u]: W.i32Load16U,
  [Op.ld16s]: W.i32Load16S,
  [Op.ld32]: W.i32Load,
  [Op.ld64]: W.i64Load,
  [Op.st8]: W.i32Store8,
  [Op.st16]: W.i32Store16,
  [Op.st32]: W.i32Store,
  [Op.st64]: W.i64Store,
};
const SIZE: Readonly<Record<number, number>> = {
  [Op.ld8u]: 1,
  [Op.ld8s]: 1,
  [Op.ld16u]: 2,
  [Op.ld16s]: 2,
  [Op.ld32]: 4,
  [Op.ld64]: 8,
  [Op.st8]: 1,
  [Op.st16]: 2,
  [Op.st32]: 4,
  [Op.st64]: 8,
};
const LOADS = new Set<number>([Op.ld8u, Op.ld8s, Op.ld16u, Op.ld16s, Op.ld32, Op.ld64]);

/** Leaves on the stack whether the access hits; the entry's address (less TLB and bank) stays in entryLocal. */
function emitCompare(t: Access, size: number, isLoad: boolean, base: number): void {
  const c = t.code;
  const wide = t.va === 'i64';
  const shift = wide ? 5 : 4;
  // ((va >> 12) & (entries - 1)) << shift in two operations
  if (wide) c.i64(12 - shift, 0).op(W.i64ShrU, W.i32WrapI64);
  else c.i32(12 - shift).op(W.i32ShrU);
  c.i32((TLB_ENTRIES - 1) << shift).op(W.i32And);
  if (t.pushBank) {
    t.pushBank();
    c.op(W.i32Add);
  }
  c.tee(t.entryLocal);
  c.mem(wide ? W.i64Load : W.i32Load, base + (isLoad ? 0 : wide ? 8 : 4));
  // The last byte's page is compared: an access that crosses a page end misses.
  c.get(t.addressLocal);
  if (wide) {
    if (size > 1) c.i64(size - 1, 0).op(W.i64Add);
    c.i64(~0xfff, -1).op(W.i64And, W.i64Eq);
  } else {
    if (size > 1) c.i32(size - 1).op(W.i32Add);
    c.i32(~0xfff).op(W.i32And, W.i32Eq);
  }
}

/** Size, plain wasm access, and direction of a load or store op. */
export const rawAccess = (op: number): { size: number; raw: number; isLoad: boolean } => ({
  size: SIZE[op] as number,
  raw: RAW[op] as number,
  isLoad: LOADS.has(op),
});
/** Type of the value a load pushes. */
export const loadedType = (op: number): number => (op === Op.ld64 ? I64 : I32);

/** The slow way, address in addressLocal: a load leaves its value on the stack. */
export function emitSlowAccess(t: Access): void {
  const c = t.code;
  const { size, isLoad } = rawAccess(t.op);
  c.get(t.addressLocal);
  if (!isLoad) t.value();
  if (t.op === Op.ld64) c.call(t.slow.ld64);
  else if (t.op === Op.st64) c.call(t.slow.st64);
  else c.i32(size).call(isLoad ? t.slow.ld : t.slow.st);
  if (t.op === Op.ld8s) c.op(W.i32Extend8S);
  if (t.op === Op.ld16s) c.op(W.i32Extend16S);
  t.checkFault();
}

export function emitAccess(t: Access): void {
  const c = t.code;
  const { size, raw, isLoad } = rawAccess(t.op);
  const wide = t.va === 'i64';
  const base = TLB + (t.pushBank ? 0 : t.bank << TLB_BANK_SHIFT);
  const emit = (): void => {
    t.address();
    c.tee(t.addressLocal);
    emitCompare(t, size, isLoad, base);
    c.if(isLoad ? loadedType(t.op) : VOID, 1);
    c.get(t.addressLocal);
    if (wide) c.op(W.i32WrapI64);
    c.get(t.entryLocal)
      .mem(W.i32Load, base + (wide ? 16 : 8))
      .op(W.i32Add);
    if (!isLoad) t.value();
    c.mem(raw, 0).else();
    emitSlowAccess(t);
    c.end();
  };
  if (isLoad) t.result(emit);
  else emit();
}
