import { describe, expect, test } from 'vitest';
import { OP_NAMES, WORDS } from '../ops.ts';
import { verifyBlock } from '../verify.ts';
import { filetests } from './corpus.fixture.ts';
import { createEvaluatorEngine } from './evaluator-engine.ts';
import { parseFiletest, runFiletest } from './run.ts';

const evaluator = createEvaluatorEngine();

describe.each(filetests)('%s', (_file, cases) => {
  test.each(cases.map((c) => [c.title, c] as const))('%s', (_title, c) => {
    expect(verifyBlock(c.target, c.block)).toEqual([]);
    expect(runFiletest(c, evaluator)).toEqual([]);
  });
});

describe('filetests', () => {
  test('between them use every op', () => {
    const used = new Set<number>();
    for (const [, cases] of filetests) {
      for (const { block } of cases) for (let i = 0; i < block.n; i++) used.add(block.ir[i * WORDS] as number);
    }
    expect(OP_NAMES.filter((_, op) => !used.has(op))).toEqual([]);
  });
  test.each([
    ['run r1=1 r2=1 => r0=3', 'r0 is 0x2, not 0x3'],
    ['run r1=1 r2=1 =>', 'r0 is 0x2, not 0x5a5a0000'],
    ['run r1=1 r2=1 => r0=2 -> 0x1008', 'ended with continue 0x1004 after 1, not continue 0x1008 after 1'],
    ['run r1=1 r2=1 [0x2000]=01 => r0=2 [0x2000]=02', 'byte 0x2000 is 1, not 2'],
    ['run r1=1 r2=1 => r0=2 @0x1000=1', '@0x1000 is 0x0, not 0x1'],
  ])('%s: a wrong expectation is reported', (run, message) => {
    const [c] = parseFiletest(`test x\n r0 = add r1, r2\n${run}\n`);
    expect(runFiletest(c!, evaluator).join('\n')).toContain(`evaluator, line 3: ${message}`);
  });
  test.each([
    ['test x\n r0 = add r1, r9\nrun =>', "IR line 2: no slot or temporary 'r9'"],
    ['test x\n r0 = mov r1\nrun r9=1 =>', "filetest line 3: no slot 'r9'"],
    ['test x\n r0 = mov r1\nrun r1=0x100000000 =>', "filetest line 3: '0x100000000' exceeds 32 bits"],
    ['test x\n r0 = mov r1\nrun r1=1', 'filetest line 3: expected'],
    ['target test16', "filetest line 1: no target 'test16'"],
  ])('%j is refused', (text, message) => {
    expect(() => parseFiletest(text)).toThrow(message);
  });
});
