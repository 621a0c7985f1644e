/**
 * The interpreter's instruction set, derived from the IR's op table: a handler for each op in each operand form, plus
 * fused sequences that front ends emit often. The rooms are in `handlers/`.
 */
import type { FrontEnd } from '../../isa/front-end.ts';
import { calls } from './handlers/calls.ts';
import { computations } from './handlers/computations.ts';
import { ends } from './handlers/ends.ts';
import { flags } from './handlers/flags.ts';
import type { Define, Handler } from './handlers/handler.ts';
import { heads } from './handlers/heads.ts';
import { memory, state } from './handlers/memory.ts';

/** All handlers for a target, in opcode order. */
export function createHandlers(frontEnd: FrontEnd, region: { readonly type: number }): readonly Handler[] {
  const list: Handler[] = [];
  const def: Define = (name, units, emit) => {
    list.push({ name, units, emit });
  };
  const pcUnits = frontEnd.va === 'i64' ? 4 : 2;
  const linkUnits = pcUnits + 2;
  heads(def, region.type);
  computations(def);
  memory(def, frontEnd.va);
  flags(def, frontEnd, linkUnits);
  state(def);
  calls(def, frontEnd);
  ends(def, pcUnits, linkUnits);
  return list;
}
