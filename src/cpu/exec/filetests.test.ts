import { describe, expect, test } from 'vitest';
import { filetests } from '../ir/filetests/corpus.fixture.ts';
import { runFiletest } from '../ir/filetests/run.ts';
import { createFiletestEngine, interpreterOnce, jitOnce } from './filetest-engine.fixture.ts';

const engines = [
  createFiletestEngine('interpreter', interpreterOnce),
  createFiletestEngine('jit', jitOnce),
  createFiletestEngine('evaluator through the soft MMU', interpreterOnce, 'eval'),
];

describe.each(engines)('$name', (engine) => {
  describe.each(filetests)('%s', (_file, cases) => {
    test.each(cases.map((c) => [c.title, c] as const))('%s', (_title, c) => {
      expect(runFiletest(c, engine)).toEqual([]);
    });
  });
});
