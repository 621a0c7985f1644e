/**
 * Accesses through a stable base (the stack, a static): the page found last is kept in two locals, which saves the TLB's
 * loads. For all bases it costs more than it saves. Valid within a region: nothing in one changes the address mapping.
 */
import { VOID, W } from '../../wasm/opcodes.ts';
import { type Access, emitSlowAccess, loadedType, rawAccess } from '../soft-tlb.ts';
import type { PageLocals } from './locals.ts';

/** 32-bit addresses only. `probe`: the module's function that finds a page in the TLB. */
export function emitRememberedAccess(t: Access, page: PageLocals, probe: number): void {
  const c = t.code;
  const { size, raw, isLoad } = rawAccess(t.op);
  const type = isLoad ? loadedType(t.op) : VOID;
  const found = t.entryLocal;
  const emit = (): void => {
    t.address();
    c.tee(t.addressLocal);
    if (size > 1) c.i32(size - 1).op(W.i32Add);
    c.i32(~0xfff).op(W.i32And).get(page.tag).op(W.i32Eq);
    c.if(type, 1);
    c.get(t.addressLocal).get(page.addend).op(W.i32Add);
    if (!isLoad) t.value();
    c.mem(raw, 0).else();
    c.get(t.addressLocal)
      .i32(size - 1)
      .call(probe)
      .tee(found);
    c.if(type);
    c.get(t.addressLocal).i32(~0xfff).op(W.i32And).set(page.tag);
    c.get(found).get(t.addressLocal).op(W.i32Sub).set(page.addend);
    c.get(found);
    if (!isLoad) t.value();
    c.mem(raw, 0).else();
    emitSlowAccess(t);
    c.end().end();
  };
  if (isLoad) t.result(emit);
  else emit();
}
