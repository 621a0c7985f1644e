/** What tools for the IR must know of the target a block was made for: the part of a front end (isa/front-end.ts) they use. */
import { TEMP0 } from './layout.ts';
import type { Ty } from './ops.ts';

export interface IrSlot {
  readonly name: string;
  readonly ty: Ty;
}

export interface IrHelper {
  readonly name: string;
  readonly params: readonly Ty[];
  readonly result: Ty | null;
  readonly pure: boolean;
  readonly faults: boolean;
  readonly reads: readonly number[];
  readonly writes: readonly number[];
}

export interface IrTarget {
  /** Type of guest virtual addresses and program counters. */
  readonly va: Ty;
  readonly slots: readonly IrSlot[];
  readonly helpers: readonly IrHelper[];
}

/** Names that can stand in IR text for a slot and mean nothing else there. */
const PLAIN = /^(?!t\d+$)[a-z_][\w.]*$/i;

/** How an operand is written: `t3` for temporaries, the slot's name, or `%7` if it has none that could be read back. */
export function operandName(target: IrTarget, operand: number): string {
  if (operand >= TEMP0) return `t${operand - TEMP0}`;
  const name = target.slots[operand]?.name;
  return name !== undefined && PLAIN.test(name) ? name : `%${operand}`;
}
