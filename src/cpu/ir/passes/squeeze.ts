/** Passes mark ops they remove and close the gaps once at the end. */
import type { IrBlock } from '../block.ts';
import { WORDS } from '../ops.ts';

/** In place of an op's number: removed. */
export const REMOVED = -1;

/** Close the gaps that removed ops leave. */
export function squeeze(block: IrBlock): void {
  const { ir } = block;
  const end = block.n * WORDS;
  let to = 0;
  while (to < end && ir[to] !== REMOVED) to += WORDS;
  for (let from = to; from < end; from += WORDS) {
    if (ir[from] === REMOVED) continue;
    for (let i = 0; i < WORDS; i++) ir[to + i] = ir[from + i] as number;
    to += WORDS;
  }
  block.n = to / WORDS;
}
