/** The reference evaluator running whole programs; with the passes, if asked to, and translating every block anew or once. */
import { IrBlock } from '../../src/cpu/ir/block.ts';
import { Evaluator } from '../../src/cpu/ir/evaluate.ts';
import { PagedEnvironment } from '../../src/cpu/ir/filetests/evaluator-engine.ts';
import { C_FAULT_CODE, CPU_FIELDS_END, STATE } from '../../src/cpu/ir/layout.ts';
import { optimise } from '../../src/cpu/ir/passes/optimise.ts';
import { assertValid } from '../../src/cpu/ir/verify.ts';
import type { FrontEnd } from '../../src/cpu/isa/front-end.ts';
import { type Image, PAGE_SIZE, type Rv64Engine, type Stop } from './engine.ts';

const PAGE_MASK = ~BigInt(PAGE_SIZE - 1);
const joined = (lo: number, hi: number): bigint => (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);

function translate(frontEnd: FrontEnd, image: Image, pc: bigint, maxInsns: number, optimised: boolean): IrBlock {
  const block = new IrBlock();
  block.reset(Number(BigInt.asIntN(32, pc)), Number(BigInt.asIntN(32, pc >> 32n)), 0, 0);
  const fetch = (lo: number, hi: number): number => {
    const at = joined(lo, hi);
    return image.memory.get(at & PAGE_MASK)?.[Number(at & ~PAGE_MASK)] ?? -1;
  };
  frontEnd.translate(block, fetch, maxInsns);
  if (block.insns === 0) return block;
  assertValid(frontEnd, block, frontEnd.name);
  if (optimised) {
    optimise(block, frontEnd);
    assertValid(frontEnd, block, 'optimise');
  }
  return block;
}

export function createEvaluatorEngine(optimised: boolean): Rv64Engine {
  const run = (frontEnd: FrontEnd, image: Image, maxInsns: number): Stop => {
    const memory = new ArrayBuffer(CPU_FIELDS_END);
    const view = new DataView(memory);
    const x = new BigUint64Array(memory, STATE, 32);
    x.set(image.x);
    const noHelpers = (): never => {
      throw new Error('BUG: rv64 has no helpers');
    };
    const evaluator = new Evaluator(frontEnd, memory, new PagedEnvironment(view, image.memory, frontEnd, noHelpers));
    const blocks = new Map<bigint, IrBlock>();
    let insns = 0;
    const stop = (kind: Stop['kind'], code = 0): Stop => {
      for (let i = 0; i < 32; i++) image.x[i] = x[i] as bigint;
      return { kind, code, insns };
    };
    while (insns < maxInsns) {
      let block = blocks.get(image.pc) ?? translate(frontEnd, image, image.pc, Number.MAX_SAFE_INTEGER, optimised);
      if (block.insns === 0) return stop('fetch');
      blocks.set(image.pc, block);
      // The tail of a slice is a shorter block.
      if (block.insns > maxInsns - insns) block = translate(frontEnd, image, image.pc, maxInsns - insns, optimised);
      const end = evaluator.run(block);
      insns += end.insns;
      if (end.kind === 'fault') {
        image.pc += BigInt(block.insnOffset[end.insns] as number);
        return stop('fault', view.getInt32(C_FAULT_CODE, true));
      }
      image.pc = joined(end.pcLo, end.pcHi);
      if (end.kind === 'leave') return stop('leave', end.code);
    }
    return stop('budget');
  };
  return { name: optimised ? 'evaluator, optimised' : 'evaluator', run };
}
