#!/usr/bin/env node
/** Runs src/cli/lockstep-img.ts on a Node that can. */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { join } from 'node:path';
import { main, modernNode, root } from '../scripts/set-up.mjs';

await main(() => {
  const child = spawn(modernNode(), [join(root, 'src/cli/lockstep-img.ts'), ...process.argv.slice(2)], {
    stdio: 'inherit',
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve(signal ? 128 + constants.signals[signal] : code));
  });
});
