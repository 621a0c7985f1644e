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

/**
 * One word an operand, shared by all runs: nothing is allocated or cleared for a block. A slot is dead while its mark
 * is the current epoch (a new epoch revives all slots); a temporary is live while its mark is the block's stamp.
 */
const marks = new Float64Array(OPERANDS);
let clock = 0;

/** Remove dead ops from a block, in place. */
export function removeDeadCode(block: IrBlock, target: IrTarget): void {
  const { ir } = block;
  const { helpers } = target;
  const live = ++clock;
  let epoch = ++clock;
  let removed = false;

  for (let p = (block.n - 1) * WORDS; p >= 0; p -= WORDS) {
    const op = ir[p] as number;
    const words = OPERAND_WORDS[op] as number;
    const d = ir[p + 1] as number;
    let effect = EFFECTS[op] as number;
    const helper = effect === BY_HELPER ? helpers[ir[p + 4] as number] : undefined;
    if (helper) effect = helper.faults ? OBSERVER : helper.pure ? FREE : EFFECT;

    if (effect === FREE) {
      let used = false;
      if ((words & WRITES_D) !== 0) used = d >= 0 && (d < TEMP0 ? marks[d] !== epoch : marks[d] === live);
      else if ((words & WRITES_CC) !== 0) {
        used = marks[d] !== epoch || marks[d + 1] !== epoch || marks[d + 2] !== epoch;
      }
      if (!used && (words & WRITES_X) !== 0) {
        const x = ir[p + 6] as number;
        used = x < TEMP0 ? marks[x] !== epoch : marks[x] === live;
      }
      if (!used) {
        ir[p] = REMOVED;
        removed = true;
        continue;
      }
      // slot = mov temp, temp computed by the op before and not used any more: compute into the slot.
      if ((op === Op.mov || op === Op.mov64) && d < TEMP0 && p > 0) {
        const a = ir[p + 2] as number;
        const before = p - WORDS;
        if (
          a >= TEMP0 &&
          marks[a] !== live &&
          ir[before + 1] === a &&
          ((OPERAND_WORDS[ir[before] as number] as number) & (WRITES_D | WRITES_X)) === WRITES_D &&
          ir[before + 7] === ir[p + 7] &&
          ir[before] !== Op.call
        ) {
          ir[before + 1] = d;
          ir[p] = REMOVED;
          removed = true;
          continue;
        }
      }
    }

    if ((words & WRITES_D) !== 0 && d >= 0) marks[d] = d < TEMP0 ? epoch : 0;
    if ((words & WRITES_X) !== 0) {
      const x = ir[p + 6] as number;
      marks[x] = x < TEMP0 ? epoch : 0;
    }
    if ((words & WRITES_CC) !== 0) marks[d] = marks[d + 1] = marks[d + 2] = epoch;
    if (effect === OBSERVER) epoch = ++clock;

    if ((words & READS_A) !== 0) {
      const a = ir[p + 2] as number;
      if (a >= 0) marks[a] = a < TEMP0 ? 0 : live;
    }
    if ((words & READS_B) !== 0) {
      const b = ir[p + 3] as number;
      if (b >= 0) marks[b] = b < TEMP0 ? 0 : live;
    }
    if ((words & (READS_D | READS_X | READS_IMM2)) !== 0) {
      if ((words & READS_D) !== 0 && d >= 0) marks[d] = d < TEMP0 ? 0 : live;
      if ((words & READS_X) !== 0) {
        const x = ir[p + 6] as number;
        if (x >= 0) marks[x] = x < TEMP0 ? 0 : live;
      }
      if ((words & READS_IMM2) !== 0) {
        const y = ir[p + 5] as number;
        if (y >= 0) marks[y] = y < TEMP0 ? 0 : live;
      }
    }
    if (helper) for (const slot of helper.reads) marks[slot] = 0;
  }
  if (removed) squeeze(block);
}
