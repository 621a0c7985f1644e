/** From a slice in which two engines came to differ to the instruction, block or region that they run differently. */
import type { Block } from '../../src/cpu/exec/blocks.ts';
import { C_FAULT } from '../../src/cpu/ir/layout.ts';
import type { Outcome } from './compare.ts';
import { type EngineChoice, type Guest, LockstepMachine } from './machine.ts';
import { type Listing, Rig } from './rig.ts';
import { compareMachines, compareProcessors, type Difference } from './state.ts';

type Different = Extract<Outcome, { kind: 'different' }>;

export type Finding =
  | {
      /** 'block': it differs as a whole only, each of its instructions alone is run alike. */
      readonly kind: 'instruction' | 'block';
      readonly executed: number;
      readonly registers: string;
      readonly reference: Listing;
      readonly suspect: Listing;
      readonly differences: readonly Difference[];
    }
  | {
      /** No block differs when it is run by itself: what differs is how blocks are joined. */
      readonly kind: 'slice';
      readonly from: number;
      /** The shortest run from `from` on that ends differently. */
      readonly to: number;
      readonly differences: readonly Difference[];
      /** The blocks that led there, last one last. */
      readonly path: readonly string[];
    };

/** How often the same block is tried, with the different states it meets. */
const TRIES = 6;
const PATH = 24;

/** A machine that has come to `count` by the same slices as in the comparison: compiled code depends on them. */
function replay(guest: Guest, engine: EngineChoice, boundaries: readonly number[]): LockstepMachine {
  const machine = new LockstepMachine(guest, engine);
  for (const count of boundaries) machine.runTo(count);
  return machine;
}

/** The block a machine is about to run; undefined where the fetch faults. */
function nextBlock({ processor: { engine } }: LockstepMachine): Block | undefined {
  const code = engine.blocks.resolve();
  engine.memory.set(C_FAULT, 0);
  return code === 0 ? undefined : engine.blocks.at(code);
}

const keyOf = (b: Block | undefined): string => `${b?.pcLo}/${b?.mode}/${b?.context}`;

export function locate(guest: Guest, outcome: Different): Finding {
  const from = outcome.boundaries.at(-1) ?? 0;
  const machine = replay(guest, outcome.reference, outcome.boundaries);
  const bytes = machine.processor.engine.memory.backing.length;
  const reference = new Rig(outcome.reference, bytes);
  const suspect = new Rig(outcome.suspect, bytes);
  const tries = new Map<string, number>();
  for (let at = from; at < outcome.to && machine.ended === undefined; ) {
    const block = nextBlock(machine);
    const key = keyOf(block);
    const tried = tries.get(key) ?? 0;
    if (block !== undefined && tried < TRIES) {
      tries.set(key, tried + 1);
      const finding = tryBlock(machine, block.insns, reference, suspect);
      if (finding !== undefined) return finding;
    }
    at += block?.insns ?? 1;
    machine.runTo(Math.min(at, outcome.to));
  }
  return bisect(guest, outcome);
}

/** Runs the next instructions on both rigs; a finding if they do not agree. */
function tryBlock(machine: LockstepMachine, insns: number, reference: Rig, suspect: Rig): Finding | undefined {
  const differences = runBoth(machine, insns, reference, suspect);
  if (differences.length === 0) return undefined;
  const single = tryInstructions(machine, insns, reference, suspect);
  if (single !== undefined) return single;
  for (const rig of [reference, suspect]) rig.load(machine.processor);
  return { kind: 'block', ...sceneOf(reference, suspect), differences };
}

function runBoth(machine: LockstepMachine, insns: number, reference: Rig, suspect: Rig): readonly Difference[] {
  const rigs = [reference, suspect];
  for (const rig of rigs) rig.load(machine.processor);
  for (const rig of rigs) rig.run(insns);
  return compareRigs(reference, suspect);
}

/** What two runs led to; nothing where devices took part, which rigs do not have. */
function compareRigs(reference: Rig, suspect: Rig): readonly Difference[] {
  if (reference.touchedDevices || suspect.touchedDevices) return [];
  const [left, right] = [reference.failure ?? 'it ran', suspect.failure ?? 'it ran'];
  const failed = left === right ? [] : [{ what: 'exception', left, right }];
  return [...failed, ...compareProcessors(reference.processor, suspect.processor)];
}

/** The first of the block's instructions that the rigs run differently when it is a block of its own. */
function tryInstructions(machine: LockstepMachine, insns: number, reference: Rig, suspect: Rig): Finding | undefined {
  const rigs = [reference, suspect];
  for (const rig of rigs) rig.maxInsns = 1;
  try {
    reference.load(machine.processor);
    for (let i = 0; i < insns; i++) {
      suspect.load(reference.processor);
      const before = sceneOf(reference, suspect);
      for (const rig of rigs) rig.run(1);
      if (rigs.some(({ touchedDevices }) => touchedDevices)) return undefined;
      const differences = compareRigs(reference, suspect);
      if (differences.length > 0) return { kind: 'instruction', ...before, differences };
    }
    return undefined;
  } finally {
    for (const rig of rigs) rig.maxInsns = Number.POSITIVE_INFINITY;
  }
}

const sceneOf = (reference: Rig, suspect: Rig) => ({
  executed: reference.processor.executed,
  registers: reference.processor.dumpRegisters(),
  reference: reference.list(),
  suspect: suspect.list(),
});

/** The shortest run beyond the last boundary that ends differently, and the way there. */
function bisect(guest: Guest, outcome: Different): Finding {
  const from = outcome.boundaries.at(-1) ?? 0;
  const differencesAt = (count: number): readonly Difference[] => {
    const [left, right] = [outcome.reference, outcome.suspect].map((engine) =>
      replay(guest, engine, [...outcome.boundaries, count]),
    ) as [LockstepMachine, LockstepMachine];
    return compareMachines(left, right);
  };
  let same = from;
  let to = outcome.to;
  let { differences } = outcome;
  while (to - same > 1) {
    const middle = Math.floor((same + to) / 2);
    const found = differencesAt(middle);
    if (found.length === 0) same = middle;
    else {
      to = middle;
      differences = found;
    }
  }
  return { kind: 'slice', from, to, differences, path: pathTo(guest, outcome, to) };
}

function pathTo(guest: Guest, outcome: Different, to: number): readonly string[] {
  const machine = replay(guest, outcome.reference, outcome.boundaries);
  const rig = new Rig(outcome.reference, machine.processor.engine.memory.backing.length);
  const path: string[] = [];
  while (machine.executed < to && machine.ended === undefined) {
    const block = nextBlock(machine);
    if (to - machine.executed < PATH * 50) {
      rig.load(machine.processor);
      path.push(`# ${machine.executed}\n${rig.list().guest}`);
    }
    machine.runTo(Math.min(to, machine.executed + (block?.insns ?? 1)));
  }
  return path.slice(-PATH);
}
