/** Which wasm locals a region's operands and scratch values live in. */
import { OPERANDS, TEMP0 } from '../../ir/layout.ts';
import {
  OPERAND_WORDS,
  READS_A,
  READS_B,
  READS_D,
  READS_IMM2,
  READS_X,
  WRITES_CC,
  WRITES_D,
  WRITES_X,
} from '../../ir/operands.ts';
import { OPS, Op, type Ty, WORDS } from '../../ir/ops.ts';
import type { FrontEnd } from '../../isa/front-end.ts';
import { I32, I64 } from '../../wasm/opcodes.ts';
import { valueType } from '../../wasm/semantics.ts';
import type { Node } from './region.ts';

/** Parameter: instructions left in the slice. */
export const BUDGET = 0;
/** Program counter to leave with, and instructions of the block not executed. */
export const EXIT_PC = 1;
export const GIVE_BACK = 2;
export const ADDRESS = 3;
export const ENTRY = 4;
export const S0 = 5;
export const T64 = 6;
/** Bytecode of the block to leave for, as far as it is known; else 0. */
export const TARGET = 7;

/** A page remembered in locals: tag of the last access's page, and what to add to its addresses. */
export interface PageLocals {
  readonly tag: number;
  readonly addend: number;
}

export class Locals {
  /** Types of locals after the parameter. */
  readonly types: number[];
  /** Slots touched at all, and written, by number. */
  readonly used: readonly number[];
  readonly dirty: readonly number[];
  readonly #slot = new Map<number, number>();
  readonly #temp32 = new Int16Array(OPERANDS).fill(-1);
  readonly #temp64 = new Int16Array(OPERANDS).fill(-1);
  readonly #pages = new Map<string, PageLocals>();

  constructor(frontEnd: FrontEnd, nodes: readonly Node[]) {
    const va = valueType(frontEnd.va);
    this.types = [va, I32, va, I32, I32, I64, I32];
    const used = new Set<number>();
    const dirty = new Set<number>();
    for (const n of nodes) scan(n, frontEnd, used, dirty);
    this.used = [...used].sort((a, b) => a - b);
    this.dirty = [...dirty].sort((a, b) => a - b);
    for (const s of this.used) this.#slot.set(s, this.add(valueType(frontEnd.slots[s]?.ty ?? 'i32')));
  }
  /** A new local; its index. */
  add(type: number): number {
    return this.types.push(type);
  }
  slot(s: number): number {
    const local = this.#slot.get(s);
    if (local === undefined) throw new Error(`BUG: slot ${s} has no local`);
    return local;
  }
  has(s: number): boolean {
    return this.#slot.has(s);
  }
  of(operand: number, ty: Ty): number {
    if (operand < TEMP0) return this.slot(operand);
    const table = ty === 'i64' ? this.#temp64 : this.#temp32;
    if ((table[operand] as number) < 0) table[operand] = this.add(valueType(ty));
    return table[operand] as number;
  }
  /** Locals that remember the page of accesses through one base. */
  page(key: string, va: Ty): PageLocals {
    let p = this.#pages.get(key);
    if (p === undefined) {
      p = { tag: this.add(valueType(va)), addend: this.add(I32) };
      this.#pages.set(key, p);
    }
    return p;
  }
  get pages(): Iterable<PageLocals> {
    return this.#pages.values();
  }
  /** Runs of [count, type] as a function body has them. */
  get runs(): (readonly [number, number])[] {
    const runs: [number, number][] = [];
    for (const t of this.types) {
      const last = runs.at(-1);
      if (last && last[1] === t) last[0]++;
      else runs.push([1, t]);
    }
    return runs;
  }
}

function scan(n: Node, frontEnd: FrontEnd, used: Set<number>, dirty: Set<number>): void {
  const reads = (o: number): void => {
    if (o >= 0 && o < TEMP0) used.add(o);
  };
  const writes = (o: number): void => {
    if (o < 0 || o >= TEMP0) return;
    used.add(o);
    dirty.add(o);
  };
  for (let i = 0, p = 0; i < n.ops; i++, p += WORDS) {
    const op = n.ir[p] as number;
    const words = OPERAND_WORDS[op] as number;
    if (words & READS_A) reads(n.ir[p + 2] as number);
    if (words & READS_B) reads(n.ir[p + 3] as number);
    if (words & READS_D) reads(n.ir[p + 1] as number);
    if (words & READS_X) reads(n.ir[p + 6] as number);
    if (words & READS_IMM2) reads(n.ir[p + 5] as number);
    if (words & WRITES_D) writes(n.ir[p + 1] as number);
    if (words & WRITES_X) writes(n.ir[p + 6] as number);
    if (words & WRITES_CC) for (let k = 0; k < 3; k++) writes((n.ir[p + 1] as number) + k);
    // What a helper writes in memory must not be overwritten by a stale local: such slots live in locals too.
    if (op === Op.call) for (const s of frontEnd.helpers[n.ir[p + 4] as number]?.writes ?? []) writes(s);
  }
}

/** Type of operand a of an op. */
export const typeOfA = (op: number): Ty => OPS[op]?.from ?? OPS[op]?.ty ?? 'i32';
