/** Builds the interpreter: one wasm function, a br_table over the handlers (threading by tail calls measured 2.7 times slower). */

import { C_BUDGET } from '../../ir/layout.ts';
import type { Ty } from '../../ir/ops.ts';
import type { FrontEnd, HelperInfo } from '../../isa/front-end.ts';
import { ModuleBuilder } from '../../wasm/module.ts';
import { I32, I64, W } from '../../wasm/opcodes.ts';
import { valueType } from '../../wasm/semantics.ts';
import type { SlowAccess } from '../soft-tlb.ts';
import { BUDGET, type Functions, Handlers, I32_LOCALS, I64_LOCALS, IP } from './context.ts';
import type { Handler } from './handlers/handler.ts';
import { createHandlers } from './handlers.ts';

/** Imports from the native modules: the slow accesses. */
export function importSlowAccess(m: ModuleBuilder, ty: Ty): SlowAccess {
  const va = valueType(ty);
  return {
    ld: m.import('ld', [va, I32], [I32]),
    ld64: m.import('ld64', [va], [I64]),
    st: m.import('st', [va, I32, I32], []),
    st64: m.import('st64', [va, I64], []),
  };
}

/** Imports the helpers that are called (compiling a module pays for each): their indices by number. */
export function importHelpers(
  m: ModuleBuilder,
  { helpers }: FrontEnd,
  isCalled: (helper: number) => boolean,
): readonly number[] {
  return helpers.map((h: HelperInfo, i) =>
    isCalled(i) ? m.import(`helper.${h.name}`, h.params.map(valueType), h.result ? [valueType(h.result)] : []) : -1,
  );
}

export interface Interpreter {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly handlers: readonly Handler[];
}

/** The module exports `run(bytecode address)`; budget and results go through the control words. */
export function buildInterpreter(frontEnd: FrontEnd): Interpreter {
  const m = new ModuleBuilder();
  const fns: Functions = {
    ...importSlowAccess(m, frontEnd.va),
    lookup: m.import('lookup', [], [I32]),
    codePage: m.import('code_page', [valueType(frontEnd.va)], [I32]),
    helpers: importHelpers(m, frontEnd, () => true),
  };
  const handlers = createHandlers(frontEnd, { type: m.type([I32], [I32]) });
  const run = m.func([I32], [], 'run');
  const body = m.body(run);
  body.locals = [
    [I32_LOCALS, I32],
    [I64_LOCALS, I64],
  ];
  const c = body.code;
  c.load32(C_BUDGET).set(BUDGET);
  const loop = c.loop();
  const labels = handlers.map(() => 0);
  for (let i = handlers.length - 1; i >= 0; i--) labels[i] = c.block();
  c.get(IP)
    .mem(W.i32Load16U, 0, 1)
    .brTable(labels, labels[handlers.length - 1] as number);
  const h = new Handlers(c, frontEnd.va, fns, loop);
  for (const handler of handlers) {
    c.end();
    h.units = handler.units;
    handler.emit(h);
  }
  c.end();
  c.op(W.unreachable);
  return { bytes: m.build(), handlers };
}
