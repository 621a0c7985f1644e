/** All passes in order: what a block goes through when it is warm enough to deserve it. */
import type { IrBlock } from '../block.ts';
import type { IrTarget } from '../target.ts';
import { removeDeadCode } from './dead-code.ts';
import { propagate } from './propagate.ts';

/** Optimise a block in place. What it does, and where it may fault, stays the same. */
export function optimise(block: IrBlock, target: IrTarget): void {
  propagate(block, target);
  removeDeadCode(block, target);
}
