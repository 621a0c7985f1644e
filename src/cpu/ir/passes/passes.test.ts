import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { arbitraryBlock, MEMORY_BASE, MEMORY_SIZE } from '../arbitrary-block.fixture.ts';
import { IrBlock } from '../block.ts';
import { type GuestState, PAGE_SIZE } from '../filetests/engine.ts';
import { createEvaluatorEngine } from '../filetests/evaluator-engine.ts';
import { copyState, differences, outcomeDifferences } from '../filetests/run.ts';
import { TEST32, TEST64, TICK_FIELD } from '../filetests/test-target.ts';
import { CPU_FIELDS } from '../layout.ts';
import { parseBlock } from '../parse.ts';
import { printBlock } from '../print.ts';
import type { IrTarget } from '../target.ts';
import { verifyBlock } from '../verify.ts';
import { removeDeadCode } from './dead-code.ts';
import { optimise } from './optimise.ts';
import { propagate } from './propagate.ts';

type Pass = (block: IrBlock, target: IrTarget) => void;
const PASSES: Readonly<Record<string, Pass>> = {
  propagate,
  'dead-code': removeDeadCode,
  optimise,
  'optimise twice': (block, target) => {
    optimise(block, target);
    optimise(block, target);
  },
};
const engine = createEvaluatorEngine();

const copyOf = (target: IrTarget, block: IrBlock): IrBlock => parseBlock(target, printBlock(target, block));

function arbitraryState(target: IrTarget): fc.Arbitrary<GuestState> {
  const value = fc.oneof(
    fc.constantFrom(0n, 1n, 0x80000000n, 0xffff_ffffn, 31n),
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  );
  const n = target.slots.length;
  return fc
    .tuple(fc.array(value, { minLength: n, maxLength: n }), fc.uint8Array({ minLength: 64, maxLength: 64 }))
    .map(([values, seed]) => {
      const slots = values.map((v, i) => (target.slots[i]?.ty === 'i32' ? BigInt.asUintN(32, v) : v));
      const words = new Map([[TICK_FIELD, 5]]);
      for (let i = 0; i < 16; i++) words.set(CPU_FIELDS + 4 * i, (seed[i] ?? 0) * 0x01010101);
      const memory = new Map<bigint, Uint8Array>();
      for (let at = MEMORY_BASE; at < MEMORY_BASE + MEMORY_SIZE; at += PAGE_SIZE) {
        memory.set(
          BigInt(at),
          Uint8Array.from({ length: PAGE_SIZE }, (_, i) => (seed[i & 63] ?? 0) ^ (i >> 6)),
        );
      }
      return { slots, words, memory };
    });
}

describe.each(Object.entries(PASSES))('pass %s', (_name, pass) => {
  test.each([TEST32, TEST64])('changes nothing that can be seen: $name', (target) => {
    fc.assert(
      fc.property(arbitraryBlock(target), arbitraryState(target), (block, state) => {
        const before = printBlock(target, block);
        const after = copyOf(target, block);
        pass(after, target);
        const want = copyState(state);
        const got = copyState(state);
        const outcome = engine.run(target, block, want);
        const problems = [
          ...verifyBlock(target, after),
          ...outcomeDifferences(outcome, engine.run(target, after, got)),
          ...differences(target, want, got),
        ];
        expect(problems, `${before}became\n${printBlock(target, after)}`).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });
});

/** `test title`, `pass name`, a block, `becomes`, a block. */
const here = new URL('../filetests/passes/', import.meta.url);
const cases = readdirSync(here).flatMap((file) =>
  readFileSync(new URL(file, here), 'utf8')
    .split(/^test /m)
    .slice(1)
    .map((text) => {
      const m = /^(.*)\npass (\w[\w-]*) on (\w+)\n([\s\S]*?)becomes\n([\s\S]*)$/.exec(text);
      if (!m) throw new Error(`BUG: ${file}: not a pass test: ${text}`);
      return { file, title: m[1], pass: m[2] as string, target: m[3], before: m[4] as string, after: m[5] as string };
    }),
);

describe('pass filetests', () => {
  test.each(cases)('$file: $title', ({ pass, target: name, before, after }) => {
    const target = name === 'test64' ? TEST64 : TEST32;
    const header = 'block 0x1000 mode 0 context 0 bytes 4\n';
    const insn = (text: string): string => (text.includes('----') ? text : `---- 0x1000\n${text}`);
    const block = parseBlock(target, header + insn(before));
    const wanted = parseBlock(target, header + insn(after));
    expect(verifyBlock(target, block)).toEqual([]);
    PASSES[pass]?.(block, target);
    expect(verifyBlock(target, block)).toEqual([]);
    expect(printBlock(target, block)).toBe(printBlock(target, wanted));
  });
});

describe('all passes', () => {
  test('never make a block longer', () => {
    fc.assert(
      fc.property(arbitraryBlock(TEST32), (block) => {
        const { n } = block;
        optimise(block, TEST32);
        expect(block.n).toBeLessThanOrEqual(n);
      }),
    );
  });
  test('leave an empty block alone', () => {
    const block = new IrBlock();
    block.reset(0x1000, 0, 0, 0);
    optimise(block, TEST32);
    expect(block.n).toBe(0);
  });
});
