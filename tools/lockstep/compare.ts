/** Runs the same machine on several engines, slice by slice, up to the first boundary at which they differ. */
import { type EngineChoice, type Guest, LockstepMachine } from './machine.ts';
import { compareMachines, type Difference } from './state.ts';

export interface Plan {
  /** Instructions from one comparison to the next. */
  readonly slices: () => number;
  /** Instructions to run at most. */
  readonly until: number;
  readonly onBoundary?: (count: number) => void;
}

export type Outcome =
  | {
      readonly kind: 'equal';
      readonly instructions: number;
      readonly ended: string | undefined;
      readonly output: string;
    }
  | {
      readonly kind: 'different';
      /** Counts at which they were equal, from the start on, and the one at which they were not. */
      readonly boundaries: readonly number[];
      readonly to: number;
      readonly reference: EngineChoice;
      readonly suspect: EngineChoice;
      readonly differences: readonly Difference[];
    };

/** Slices of a fixed length. */
export const fixedSlices = (length: number) => (): number => length;

/** Slices of 1 to `longest` instructions, short ones as often as long ones; the same for the same seed. */
export function randomSlices(longest: number, seed: number): () => number {
  let state = (seed ^ 0x9e37_79b9) >>> 0 || 1;
  return () => {
    // xorshift32 (Marsaglia 2003)
    state ^= state << 13;
    state ^= state >>> 17;
    state = (state ^ (state << 5)) >>> 0;
    return Math.max(1, Math.floor(longest ** (state / 2 ** 32)));
  };
}

/** The first engine is the reference. */
export function compareEngines(guest: Guest, engines: readonly EngineChoice[], plan: Plan): Outcome {
  const machines = engines.map((engine) => new LockstepMachine(guest, engine));
  const [reference, ...others] = machines as [LockstepMachine, ...LockstepMachine[]];
  const boundaries: number[] = [0];
  for (let count = 0; count < plan.until && reference.ended === undefined; ) {
    count = Math.min(plan.until, count + plan.slices());
    for (const machine of machines) machine.runTo(count);
    for (const suspect of others) {
      const differences = compareMachines(reference, suspect);
      if (differences.length === 0) continue;
      return {
        kind: 'different',
        boundaries,
        to: count,
        reference: reference.engine,
        suspect: suspect.engine,
        differences,
      };
    }
    boundaries.push(count);
    plan.onBoundary?.(count);
  }
  const { executed, ended, output } = reference;
  return { kind: 'equal', instructions: executed, ended, output };
}
