import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const bench = dirname(fileURLToPath(import.meta.url));

export const FOLDERS = {
  root: join(bench, '..'),
  bench,
  /** What runs leave behind and nobody keeps. */
  out: join(bench, 'out'),
  results: join(bench, 'results'),
  roms: join(bench, '../roms/out'),
  v86: join(bench, '../node_modules/v86/build'),
} as const;
