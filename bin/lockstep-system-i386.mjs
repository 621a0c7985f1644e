#!/usr/bin/env node
/** Runs src/cli/lockstep-system-i386.ts on a Node that can, with the native parts compiled. The exit status is the emulator's. */
import { spawn, spawnSync } from 'node:child_process';
import { constants } from 'node:os';
import { join } from 'node:path';
import { main, modernNode, root, SetUpError } from '../scripts/set-up.mjs';

await main(() => {
  const node = modernNode();
  const built = spawnSync(node, [join(root, 'scripts/build-native.mjs')], { stdio: ['ignore', 'ignore', 'inherit'] });
  if (built.status !== 0) throw new SetUpError('Compiling the native parts failed. Is it installed? (npm install)');
  const entry = join(root, 'src/cli/lockstep-system-i386.ts');
  const child = spawn(node, [entry, ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  process.on('SIGINT', () => {}); // the terminal sends it to the emulator too, which decides
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve(signal ? 128 + constants.signals[signal] : code));
  });
});
