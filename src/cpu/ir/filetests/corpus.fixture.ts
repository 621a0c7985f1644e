/** The filetests that stand beside this file, for every engine's tests. */
import { readdirSync, readFileSync } from 'node:fs';
import { type Filetest, parseFiletest } from './run.ts';

const here = new URL('.', import.meta.url);

/** All filetests: [file, its cases]. */
export const filetests: readonly (readonly [string, readonly Filetest[]])[] = readdirSync(here)
  .filter((name) => name.endsWith('.ir'))
  .sort()
  .map((name) => [name, parseFiletest(readFileSync(new URL(name, here), 'utf8'))] as const);
