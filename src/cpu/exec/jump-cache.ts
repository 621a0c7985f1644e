/** The inline part of finding code for a computed program counter; exec/native/lookup.ts fills the cache. */
import { C_TAG, JUMP_CACHE, JUMP_CACHE_BITS } from '../ir/layout.ts';
import type { Ty } from '../ir/ops.ts';
import type { Code } from '../wasm/code.ts';
import { W } from '../wasm/opcodes.ts';

const MASK = (1 << JUMP_CACHE_BITS) - 1;

/** Byte offsets in an entry. */
export const jumpCacheLayout = (va: Ty) =>
  va === 'i64' ? { shift: 5, pc: 0, tag: 8, code: 12, region: 16 } : { shift: 4, pc: 0, tag: 4, code: 8, region: 12 };

/** The entry for a program counter, as the inline code and lookup.ts hash it. */
export const jumpCacheEntry = (va: Ty, pcLo: number): number =>
  JUMP_CACHE + (((pcLo ^ (pcLo >>> 10)) & MASK) << jumpCacheLayout(va).shift);

/** With the program counter in local `pc`: sets local `entry` to its entry (less JUMP_CACHE) and pushes whether it hits. */
export function emitJumpCacheHit(c: Code, va: Ty, pc: number, entry: number): void {
  const at = jumpCacheLayout(va);
  const low = (): void => {
    c.get(pc);
    if (va === 'i64') c.op(W.i32WrapI64);
  };
  low();
  low();
  c.i32(10).op(W.i32ShrU, W.i32Xor).i32(MASK).op(W.i32And).i32(at.shift).op(W.i32Shl).tee(entry);
  if (va === 'i64') c.mem(W.i64Load, JUMP_CACHE).get(pc).op(W.i64Eq);
  else c.mem(W.i32Load, JUMP_CACHE).get(pc).op(W.i32Eq);
  c.get(entry)
    .mem(W.i32Load, JUMP_CACHE + at.tag)
    .load32(C_TAG)
    .op(W.i32Eq, W.i32And);
}
