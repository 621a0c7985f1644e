/**
 * Removes ops whose results nobody reads: temporaries without a use, and slots (lazy flags above all) that are written
 * again before anything can look at them. Who looks at slots: ops that read them, helpers that declare it, every op
 * that may fault (the exception's handler sees all slots), and the block's end. A temporary that only carries a result
 * into a slot disappears: the result goes to the slot at once.
 */
import type { IrBlock } from '../block.ts';
import { OPERANDS, TEMP0 } from '../layout.ts';
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
} from '../operands.ts';
import { OPS, Op, type Shape, WORDS } from '../ops.ts';
import type { IrTarget } from '../target.ts';
import { REMOVED, squeeze } from './squeeze.ts';

/** Has no effect but its results. */
const FREE = 0;
/** Has an effect, and can't fault. */
const EFFECT = 1;
/** May fault, or ends the block: all slots are looked at. */
const OBSERVER = 2;
/** A call: its helper tells. */
const BY_HELPER = 3;
const OBSERVERS: readonly Shape[] = ['load', 'store', 'raise', 'goto', 'br', 'jind', 'gotom', 'jpc', 'leave'];
const EFFECTS: Uint8Array = Uint8Array.from(OPS, ({ shape }) =>
  shape === 'call' ? BY_HELPER : shape === 'putf' ? EFFECT : OBSERVERS.includes(shape) ? OBSERVER : FREE,
);

/** Absent operands (-1) and words that are no operands fall on an index nobody looks at, without a test for them. */
const ANY = 2 * OPERANDS - 1;
/**
 * 1 for operands that are read before they are written again. One array serves all blocks: behind the last op all slots
 * are live, and no temporary is live before the first.
 */
const live = new Uint8Array(ANY + 1);
const liveWords = new Int32Array(live.buffer, 0, TEMP0 / 4);

/** Remove dead ops from a block, in place. */
export function removeDeadCode(block: IrBlock, target: IrTarget): void {
  const { ir } = block;
  const { helpers } = target;
  const slotWords = (target.slots.length + 3) >> 2;
  let removed = false;

  for (let p = (block.n - 1) * WORDS; p >= 0; p -= WORDS) {
    if ((OPERAND_WORDS[ir[p] as number] as number) & WRITES_X) keepLowHalf(ir, p);
    const op = ir[p] as number;
    const words = OPERAND_WORDS[op] as number;
    const d = ir[p + 1] as number;
    const x = ir[p + 6] as number;
    let effect = EFFECTS[op] as number;
    const helper = effect === BY_HELPER ? helpers[ir[p + 4] as number] : undefined;
    if (helper) effect = helper.faults ? OBSERVER : helper.pure ? FREE : EFFECT;

    if (effect === FREE) {
      let used = live[d & ANY] as number;
      if ((words & (WRITES_CC | WRITES_X)) !== 0) {
        used |= (words & WRITES_X) !== 0 ? (live[x] as number) : (live[d + 1] as number) | (live[d + 2] as number);
      }
      if (used === 0 || d < 0 || ((op === Op.mov || op === Op.mov64) && computeInPlace(ir, p))) {
        ir[p] = REMOVED;
        removed = true;
        continue;
      }
    }

    if ((words & WRITES_D) !== 0) live[d & ANY] = 0;
    if ((words & WRITES_X) !== 0) live[x] = 0;
    if ((words & WRITES_CC) !== 0) live[d] = live[d + 1] = live[d + 2] = 0;
    if (effect === OBSERVER) for (let i = 0; i < slotWords; i++) liveWords[i] = 0x01010101;

    if ((words & READS_A) !== 0) live[(ir[p + 2] as number) & ANY] = 1;
    if ((words & READS_B) !== 0) live[(ir[p + 3] as number) & ANY] = 1;
    if ((words & (READS_D | READS_X | READS_IMM2)) !== 0) {
      if ((words & READS_D) !== 0) live[d & ANY] = 1;
      if ((words & READS_X) !== 0) live[x & ANY] = 1;
      if ((words & READS_IMM2) !== 0) live[(ir[p + 5] as number) & ANY] = 1;
    }
    if (helper) for (const slot of helper.reads) live[slot] = 1;
  }
  if (removed) squeeze(block);
}

/** A full product whose high half nobody reads is a plain one, signed or not. */
function keepLowHalf(ir: Int32Array, p: number): void {
  if (live[ir[p + 6] as number] !== 0) return;
  ir[p] = Op.mul;
  ir[p + 6] = 0;
}

/**
 * `slot = mov temp` at `p`, where the op before it computes the temporary for this copy alone: let it compute into the
 * slot. Not across instructions, or a fault would see the slot too early; not for calls, as those may write slots.
 */
function computeInPlace(ir: Int32Array, p: number): boolean {
  const slot = ir[p + 1] as number;
  const temp = ir[p + 2] as number;
  const before = p - WORDS;
  if (before < 0 || slot >= TEMP0 || temp < TEMP0 || live[temp] !== 0) return false;
  // Only where the copy is of the low half: it may be the high half's one reader, which is not marked live yet.
  const copiesLow = ir[before + 1] === temp && ir[before + 6] !== temp;
  if (copiesLow && (OPERAND_WORDS[ir[before] as number] as number) & WRITES_X) keepLowHalf(ir, before);
  const op = ir[before] as number;
  const writes = (OPERAND_WORDS[op] as number) & (WRITES_D | WRITES_X);
  if (ir[before + 1] !== temp || ir[before + 7] !== ir[p + 7] || writes !== WRITES_D || op === Op.call) return false;
  ir[before + 1] = slot;
  return true;
}
