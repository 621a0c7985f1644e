/** What a debugger needs of a virtual machine. vm/ implements it. */

/** A range of virtual addresses that is watched. */
export interface Watchpoint {
  readonly address: bigint;
  readonly length: number;
  readonly kind: 'write' | 'read' | 'access';
}

/** Why the machine stands still. */
export type StopReason =
  | { readonly kind: 'breakpoint' | 'step' | 'pause' | 'exit' }
  /** Going back reached the first moment that is known. */
  | { readonly kind: 'history-begin' }
  | { readonly kind: 'watchpoint'; readonly watchpoint: Watchpoint };

/** Stopping at places and accesses, and going by single instructions, forward and back. */
export interface DebugControl {
  readonly maxWatchpoints: number;
  /** Each call replaces what was set before. Addresses are virtual (x86: linear). */
  setBreakpoints(addresses: readonly bigint[]): void;
  setWatchpoints(watchpoints: readonly Watchpoint[]): void;
  /** Runs one instruction, or the entry of an interrupt and its first. `onStop` tells when it is done. */
  step(): Promise<void>;
  /** Keeps the machine's history from here on, to go back in; false forgets it. */
  keepHistory(on: boolean): void;
  /** The machine keeps a history of itself: the methods below work. */
  readonly canReverse: boolean;
  /** Instructions since power-on now, and between which counts one can move; undefined: no history is kept. */
  readonly history: HistorySpan | undefined;
  /** To the moment at which exactly so many instructions had retired. */
  seek(instructions: number): Promise<void>;
  reverseStep(): Promise<void>;
  /** Back to the last stop before this moment: a breakpoint, a watched access, or the beginning. */
  reverseContinue(): Promise<void>;
  /** Calls `stopped` whenever the machine comes to a stop; returns what ends that. */
  onStop(stopped: (reason: StopReason) => void): () => void;
}

/** A stretch of the machine's history, in instructions since power-on. */
export interface HistorySpan {
  readonly first: number;
  readonly now: number;
  readonly last: number;
  /** What the saved states in it take. */
  readonly bytes: number;
}
