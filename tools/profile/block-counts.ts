/** How often each of a guest's blocks runs: the interpreter counts it anyway, down to the point where a block is hot. */
import { type Block, COLD } from '../../src/cpu/exec/blocks.ts';
import type { FrontEnd } from '../../src/cpu/isa/front-end.ts';
import { type Guest, LockstepMachine } from '../lockstep/machine.ts';

export interface HotBlock {
  readonly block: Block;
  readonly runs: number;
  /** Of the instructions of all blocks. */
  readonly share: number;
}

export interface Profile {
  /** Hottest first; those that ran. */
  readonly blocks: readonly HotBlock[];
  /** Instructions in them, and in the whole run. */
  readonly counted: number;
  readonly executed: number;
  readonly frontEnd: FrontEnd;
  /** A byte of a block's code, as it is now. */
  readCode(block: Block, pcLo: number): number;
}

const PAGE = 4096;

/** Runs a machine in the interpreter. */
export function countBlocks(guest: Guest, until: number): Profile {
  const machine = new LockstepMachine(guest, { name: 'interp', mode: 'interp' });
  machine.runTo(until);
  const { blocks, memory } = machine.processor.engine;
  const counts = blocks.blocks
    .filter(({ dead }) => !dead)
    .map((block) => ({ block, runs: COLD - blocks.heatLeft(block) }))
    .filter(({ runs }) => runs > 0);
  const counted = counts.reduce((sum, { block, runs }) => sum + runs * block.insns, 0);
  return {
    blocks: counts
      .map(({ block, runs }) => ({ block, runs, share: (runs * block.insns) / counted }))
      .sort((a, b) => b.share - a.share),
    counted,
    executed: machine.executed,
    frontEnd: machine.frontEnd,
    readCode(block, pcLo) {
      const page = pcLo >>> 12 === block.pcLo >>> 12 ? block.page : block.page2;
      return page === 0 ? -1 : (memory.u8[page * PAGE + (pcLo & (PAGE - 1))] ?? -1);
    },
  };
}
