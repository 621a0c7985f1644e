/** Branches on a program counter with several likely values: perfect hash, br_table, then a check of the one candidate. */
import type { Ty } from '../../ir/ops.ts';
import type { Code, Label } from '../../wasm/code.ts';
import { W } from '../../wasm/opcodes.ts';
import type { Node } from './region.ts';

interface PerfectHash {
  readonly multiplier: number;
  readonly bits: number;
}
const hash = (h: PerfectHash, pc: number): number => Math.imul(pc, h.multiplier) >>> (32 - h.bits);

const MAX_BITS = 7;
/** By hash value: the try that last met it. */
const met = new Int32Array(1 << MAX_BITS);
let tries = 0;

/** Does the hash keep all of `pcs` apart? */
function isPerfect(h: PerfectHash, pcs: readonly number[]): boolean {
  tries++;
  for (const pc of pcs) {
    const at = hash(h, pc);
    if (met[at] === tries) return false;
    met[at] = tries;
  }
  return true;
}

/** A multiplicative hash without collisions among `pcs`, if one is found soon. */
function perfectHash(pcs: readonly number[]): PerfectHash | undefined {
  for (let bits = 2; bits <= MAX_BITS; bits++) {
    if (1 << bits < pcs.length) continue;
    for (let k = 1; k < 400; k++) {
      const h = { multiplier: Math.imul(k, 0x9e3779b1) | 1, bits };
      if (isPerfect(h, pcs)) return h;
    }
  }
  return undefined;
}

/** `check` emits the comparison with one target and the branch to it; whoever comes out below has matched none. */
export function emitJumpTable(c: Code, va: Ty, pc: number, targets: readonly Node[], check: (t: Node) => void): void {
  const h = targets.length > 2 ? perfectHash(targets.map((t) => t.pcLo)) : undefined;
  if (h === undefined) {
    for (const t of targets) check(t);
    return;
  }
  const miss = c.block();
  const labels = targets.map(() => c.block());
  const table: Label[] = new Array<Label>(1 << h.bits).fill(miss);
  targets.forEach((t, i) => {
    table[hash(h, t.pcLo)] = labels[i] as Label;
  });
  c.get(pc);
  if (va === 'i64') c.op(W.i32WrapI64);
  c.i32(h.multiplier)
    .op(W.i32Mul)
    .i32(32 - h.bits)
    .op(W.i32ShrU)
    .brTable(table, miss);
  for (let i = targets.length - 1; i >= 0; i--) {
    c.end();
    check(targets[i] as Node);
    c.br(miss);
  }
  c.end();
}
