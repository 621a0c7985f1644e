/**
 * What translation costs: the freestanding guest runs once, with each stage between its code and machine code timed;
 * then all its blocks and regions are translated again, when V8 has optimised the translator.
 */
import { readFileSync } from 'node:fs';
import { COLD } from '../../src/cpu/exec/blocks.ts';
import type { Engine } from '../../src/cpu/exec/engine.ts';
import { MAX_INSNS } from '../../src/cpu/ir/block.ts';
import { buildImage } from '../images.ts';
import { Recorder } from '../recorder.ts';
import { table } from '../report.ts';
import { WORKLOADS } from '../workloads.ts';
import { bareMachine } from './bare-machine.ts';

const RAM = 64 * 2 ** 20;
const SLICE = 20_000_000;
const WARM_ROUNDS = 5;

const FRONT_END = 'front end: guest code to IR';
const LOWERING = 'lowering: IR to bytecode';
const COMPILING = 'JIT: regions to wasm';
const V8 = 'V8: wasm to a module (it compiles lazily, which is not in here)';
type Stage = typeof FRONT_END | typeof LOWERING | typeof COMPILING | typeof V8;

/** Time and guest instructions of each stage, without what the stages it calls took. */
class Stages {
  private readonly costs = new Map<Stage, { ms: number; instructions: number }>();
  private readonly calledMs: number[] = [];

  /** `counted` tells, after the call, how many guest instructions it dealt with. */
  timed<A extends readonly unknown[], R>(stage: Stage, call: (...args: A) => R, counted: (first: A[0]) => number) {
    return (...args: A): R => {
      const from = performance.now();
      this.calledMs.push(0);
      const result = call(...args);
      const elapsed = performance.now() - from;
      this.add(stage, elapsed - (this.calledMs.pop() ?? 0), counted(args[0]));
      const caller = this.calledMs.length - 1;
      if (caller >= 0) this.calledMs[caller] = (this.calledMs[caller] ?? 0) + elapsed;
      return result;
    };
  }

  add(stage: Stage, ms: number, instructions: number): void {
    const cost = this.costs.get(stage) ?? { ms: 0, instructions: 0 };
    cost.ms += ms;
    cost.instructions += instructions;
    this.costs.set(stage, cost);
  }

  nsEach(stage: Stage): string {
    const { ms, instructions } = this.costs.get(stage) ?? { ms: 0, instructions: 0 };
    return instructions === 0 ? '-' : ((ms * 1e6) / instructions).toFixed(0);
  }

  instructions(stage: Stage): string {
    return String(this.costs.get(stage)?.instructions ?? 0);
  }
}

/** The JIT of an engine that has one, and how many guest instructions it compiled in the last call. */
function jitOf({ jit }: Engine) {
  if (jit === undefined) throw new Error('BUG: an engine without a JIT');
  let before = 0;
  const compiled = (): number => {
    const count = jit.counts.insns - before;
    before = jit.counts.insns;
    return count;
  };
  return { jit, compiled };
}

/** A table in Markdown. */
export async function microBench(): Promise<string> {
  const rows = WORKLOADS.filter(({ suite }) => suite === 'freestanding').map(({ name }) => name);
  const { kernel } = await buildImage('freestanding', rows, 1);
  const recorder = new Recorder({
    wallMs: () => performance.now(),
    cpuMs: () => null,
    instructions: () => null,
    memory: () => null,
  });
  let isDone = false;
  void recorder.done.then(() => (isDone = true));
  const processor = bareMachine(readFileSync(kernel), RAM, (byte) => recorder.write(Uint8Array.of(byte)));
  const { engine } = processor;

  const cold = new Stages();
  const restore = observe(engine, cold);
  while (!isDone) {
    processor.run(SLICE);
    await Promise.resolve(); // the recorder's promise
    if (processor.halted && !isDone) throw new Error('the freestanding guest halted before it was done');
  }
  restore();
  const { regions, insns, bytes } = jitOf(engine).jit.counts;
  const warm = again(engine);

  const line = (stage: Stage): string[] => [stage, cold.instructions(stage), cold.nsEach(stage), warm.nsEach(stage)];
  return [
    table(
      ['ns a guest instruction', 'instructions', 'as the guest ran', 'again'],
      [line(FRONT_END), line(LOWERING), line(COMPILING), line(V8)],
    ),
    `${regions} regions, ${(bytes / insns).toFixed(1)} bytes of wasm a guest instruction. Wall-clock time: only a quiet machine tells the truth.`,
  ].join('\n\n');
}

/** Times the stages of an engine from here until the returned function is called. */
function observe(engine: Engine, stages: Stages): () => void {
  const { blocks } = engine;
  const { lowering } = blocks;
  const { jit, compiled } = jitOf(engine);
  const [translateInto, lower, compile] = [blocks.translateInto, lowering.lower, jit.compile];
  blocks.translateInto = stages.timed(FRONT_END, translateInto.bind(blocks), (ir) => ir.insns);
  lowering.lower = stages.timed(LOWERING, lower.bind(lowering), (block) => block.insns);
  // The instructions of V8's part are those of the region around it, known when that is done.
  const count = (): number => {
    const instructions = compiled();
    stages.add(V8, 0, instructions);
    return instructions;
  };
  jit.compile = stages.timed(COMPILING, compile.bind(jit), count);
  const { Module, Instance } = WebAssembly;
  const construct = stages.timed(
    V8,
    (constructed: object, args: readonly unknown[]): object => Reflect.construct(constructed as never, args),
    () => 0,
  );
  const observed = <T extends object>(constructed: T): T => new Proxy<T>(constructed, { construct });
  WebAssembly.Module = observed(Module);
  WebAssembly.Instance = observed(Instance);
  return () => {
    Object.assign(blocks, { translateInto });
    Object.assign(lowering, { lower });
    Object.assign(jit, { compile });
    Object.assign(WebAssembly, { Module, Instance });
  };
}

/** Translates every block and region there is once more, whole stages at a time. */
function again(engine: Engine): Stages {
  const stages = new Stages();
  const { blocks } = engine;
  const { jit } = jitOf(engine);
  const living = blocks.blocks.filter(({ dead }) => !dead);
  const instructions = living.reduce((sum, { insns }) => sum + insns, 0);
  const scratch = living.at(-1)?.code ?? 0; // written over and over: the guest runs no more
  const timeOf = (work: () => void): number => {
    const from = performance.now();
    work();
    return performance.now() - from;
  };
  const { ir, lowering } = blocks;
  for (let round = 0; round < WARM_ROUNDS; round++) {
    const bothMs = timeOf(() => {
      for (const { pcLo, pcHi, mode, context, number, guarded, page, page2 } of living) {
        blocks.translateInto(ir, pcLo, pcHi, mode, context, MAX_INSNS);
        lowering.lower(ir, scratch, { number, heat: 1, guarded, page, page2 });
      }
    });
    const frontEndMs = timeOf(() => {
      for (const { pcLo, pcHi, mode, context } of living)
        blocks.translateInto(ir, pcLo, pcHi, mode, context, MAX_INSNS);
    });
    stages.add(FRONT_END, frontEndMs, instructions);
    stages.add(LOWERING, bothMs - frontEndMs, instructions);
  }
  const restore = observe(engine, stages);
  const counted = jit.counts.insns;
  for (const block of living) {
    if (block.region === 0) continue;
    blocks.setRegion(block, 0, COLD); // forget that it is compiled
    jit.compile([block]);
  }
  restore();
  if (jit.counts.insns === counted) throw new Error('BUG: no region was compiled again');
  return stages;
}
