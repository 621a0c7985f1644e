/** What the filetests ask of an engine: run one block from a state. Evaluator, interpreter and JIT each provide one. */
import type { IrBlock } from '../block.ts';
import type { IrTarget } from '../target.ts';

export const PAGE_SIZE = 4096;
/**
 * The exception of an access to a page that is not mapped: error 0 for a load, 2 for a store, address: the first byte
 * that is not there. A store that crosses into such a page changes nothing.
 */
export const PAGE_FAULT = 14;

export interface GuestState {
  /** Unsigned values by slot number. */
  readonly slots: bigint[];
  /** Control words and CPU fields by byte address, 32 bits each, unsigned. All others are zero at the start. */
  readonly words: Map<number, number>;
  /** Mapped pages of PAGE_SIZE bytes by virtual address: readable and writable RAM. */
  readonly memory: Map<bigint, Uint8Array>;
}

/** How one block ended; `insns`: guest instructions completed. */
export interface Outcome {
  readonly kind: 'continue' | 'interrupt' | 'leave' | 'fault';
  /** Where the guest would go on; for a fault, the instruction that faulted. Unsigned. */
  readonly pc: bigint;
  readonly insns: number;
  /** `leave`: its code and argument. `fault`: exception and error code; `address` where it is a PAGE_FAULT. */
  readonly code?: number;
  readonly arg?: number;
  readonly address?: bigint;
}

export interface FiletestEngine {
  readonly name: string;
  /** Run the block once, changing the state; afterwards `words` needs to hold the addresses it held before. */
  run(target: IrTarget, block: IrBlock, state: GuestState): Outcome;
}
