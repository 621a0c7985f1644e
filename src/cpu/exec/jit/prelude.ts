/** Functions that regions share: how to go on elsewhere, and where the soft TLB holds a page. */
import {
  C_BUDGET,
  C_EXIT,
  C_MMU,
  C_PC,
  EXIT_LOOKUP,
  JUMP_CACHE,
  TLB,
  TLB_BANK_SHIFT,
  TLB_ENTRIES,
} from '../../ir/layout.ts';
import type { Ty } from '../../ir/ops.ts';
import { ModuleBuilder } from '../../wasm/module.ts';
import { I32, VOID, W } from '../../wasm/opcodes.ts';
import { valueType } from '../../wasm/semantics.ts';
import { emitJumpCacheHit, jumpCacheLayout } from '../jump-cache.ts';

/** Indices of the shared functions in a module. */
export interface Prelude {
  /** (pc, budget): continue elsewhere; what it returns, the region returns. */
  readonly go: number;
  /** (va, size - 1): address of a byte whose page the TLB holds for loads (stores), or 0. 32-bit addresses only. */
  readonly probeLoad: number;
  readonly probeStore: number;
}

/** Takes them from `createPrelude`: a module of one region does not pay for compiling them. */
export function importPrelude(m: ModuleBuilder, va: Ty): Prelude {
  const probe = (name: string): number => (va === 'i64' ? -1 : m.import(name, [I32, I32], [I32]));
  return {
    go: m.import('go', [valueType(va), I32], [I32]),
    probeLoad: probe('probeLoad'),
    probeStore: probe('probeStore'),
  };
}

/** Defines them in the module: within one, a jump from region to region costs a quarter. `lookup`: its index. */
export function emitPrelude(m: ModuleBuilder, va: Ty, lookup: number, exported = false): Prelude {
  const name = (text: string): string | undefined => (exported ? text : undefined);
  const go = m.func([valueType(va), I32], [I32], name('go'));
  emitGo(m, go, va, lookup);
  if (va === 'i64') return { go, probeLoad: -1, probeStore: -1 };
  return {
    go,
    probeLoad: emitProbe(m, 0, name('probeLoad')),
    probeStore: emitProbe(m, 4, name('probeStore')),
  };
}

/** A module of them alone; its exports. `env`: memory, table and `lookup`. */
export function createPrelude(va: Ty, env: Record<string, unknown>): Record<string, unknown> {
  const m = new ModuleBuilder();
  emitPrelude(m, va, importLookup(m), true);
  return new WebAssembly.Instance(new WebAssembly.Module(m.build()), { env: env as never }).exports;
}

export const importLookup = (m: ModuleBuilder): number => m.import('lookup', [], [I32]);

function emitGo(m: ModuleBuilder, go: number, va: Ty, lookup: number): void {
  const f = m.body(go);
  f.locals = [[1, I32]];
  const c = f.code;
  const layout = jumpCacheLayout(va);
  const type = m.type([I32], [I32]);
  emitJumpCacheHit(c, va, 0, 2);
  c.if(VOID, 1);
  c.get(2)
    .mem(W.i32Load, JUMP_CACHE + layout.region)
    .if(VOID, 1);
  c.get(1)
    .get(2)
    .mem(W.i32Load, JUMP_CACHE + layout.region)
    .returnCallIndirect(type);
  c.end();
  c.store32(C_BUDGET, () => c.get(1));
  c.get(2)
    .mem(W.i32Load, JUMP_CACHE + layout.code)
    .return();
  c.end();
  c.i32(0).get(0);
  c.mem(va === 'i64' ? W.i64Store : W.i32Store, C_PC, 2);
  c.store32(C_BUDGET, () => c.get(1));
  c.call(lookup).tee(2).if(I32, 1);
  // The entry hits now.
  c.get(0).get(1).returnCall(go);
  c.else();
  c.store32(C_EXIT, () => c.i32(EXIT_LOOKUP));
  c.i32(0).end();
}

/** `tag`: offset of the tag in a TLB entry. */
function emitProbe(m: ModuleBuilder, tag: number, name: string | undefined): number {
  const index = m.func([I32, I32], [I32], name);
  const f = m.body(index);
  f.locals = [[1, I32]];
  const c = f.code;
  c.get(0)
    .i32(8)
    .op(W.i32ShrU)
    .i32((TLB_ENTRIES - 1) << 4)
    .op(W.i32And);
  c.load32(C_MMU).i32(TLB_BANK_SHIFT).op(W.i32Shl, W.i32Add).tee(2);
  c.mem(W.i32Load, TLB + tag)
    .get(0)
    .get(1)
    .op(W.i32Add)
    .i32(~0xfff)
    .op(W.i32And, W.i32Eq);
  c.if(I32, 1);
  c.get(0)
    .get(2)
    .mem(W.i32Load, TLB + 8)
    .op(W.i32Add);
  c.else().i32(0).end();
  return index;
}
