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
    // Word by word: for a run of few ops a call of copyWithin costs more.
    ir[to] = ir[from] as number;
    ir[to + 1] = ir[from + 1] as number;
    ir[to + 2] = ir[from + 2] as number;
    ir[to + 3] = ir[from + 3] as number;
    ir[to + 4] = ir[from + 4] as number;
    ir[to + 5] = ir[from + 5] as number;
    ir[to + 6] = ir[from + 6] as number;
    ir[to + 7] = ir[from + 7] as number;
    to += WORDS;
  }
  block.n = to / WORDS;
}
