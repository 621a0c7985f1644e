/** What a handler is, and what rooms of handlers share. A handler is its name, its length in u16 units, and its wasm. */
import { OP_NAMES, OPS, type Ty } from '../../../ir/ops.ts';
import type { Handlers } from '../context.ts';

export interface Handler {
  readonly name: string;
  readonly units: number;
  emit(h: Handlers): void;
}

/** Adds a handler; the order of calls is that of opcodes. */
export type Define = (name: string, units: number, emit: (h: Handlers) => void) => void;

/** The ops that branches take their condition from. */
export const COMPARES = OP_NAMES.flatMap((_, i) => (OPS[i]?.shape === 'cmp' ? [i] : []));

/** Units of a constant of that type. */
export const constUnits = (ty: Ty): number => (ty === 'i64' ? 4 : 2);
