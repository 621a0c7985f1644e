import { VmError } from '../../util/errors.ts';
import { isapc } from './isapc.ts';
import type { Board } from './machine.ts';
import { pc } from './pc.ts';
import { q35 } from './q35.ts';

export const boards: readonly Board[] = [pc, q35, isapc];

/** The board that `-M` names, by its name or its alias. */
export function boardByName(name: string): Board {
  const board = boards.find((b) => b.name === name || b.alias === name);
  if (board !== undefined) return board;
  throw new VmError(`unsupported machine type '${name}'`, { hint: 'Use -machine help to list supported machines' });
}
