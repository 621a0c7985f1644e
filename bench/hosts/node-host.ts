/** Emulators under Node: each run in a process of its own. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { FOLDERS } from '../paths.ts';
import type { RunRecord } from '../recorder.ts';
import type { Host, HostName } from './host.ts';

/** Past the limit that the child keeps itself, unless it hangs. */
const GRACE_MS = 10_000;

const empty = (error: string): RunRecord => ({
  rows: {},
  memory: { before: null, afterBoot: null, atEnd: null },
  wasmBytes: null,
  error,
});

/** `script` is a file of this folder, `nodeFlags` are Node's own options, `more` are further arguments of the script. */
export function nodeHost(
  name: HostName,
  script: string,
  nodeFlags: readonly string[] = [],
  ...more: readonly string[]
): Host {
  return {
    name,
    run(image, timeoutMs) {
      return new Promise((resolve) => {
        const args = [
          ...nodeFlags,
          join(FOLDERS.bench, 'hosts', script),
          JSON.stringify(image),
          String(timeoutMs),
          ...more,
        ];
        const child = spawn(process.execPath, args, { cwd: FOLDERS.root, stdio: ['ignore', 'pipe', 'pipe'] });
        let output = '';
        let complaints = '';
        let late = false;
        child.stdout.on('data', (bytes: Buffer) => (output += bytes.toString()));
        child.stderr.on('data', (bytes: Buffer) => (complaints += bytes.toString()));
        const kill = (): void => void child.kill('SIGKILL');
        const timer = setTimeout(() => {
          late = true;
          kill();
        }, timeoutMs + GRACE_MS);
        process.once('exit', kill);
        child.on('close', (code, signal) => {
          clearTimeout(timer);
          process.off('exit', kill);
          const last = output.trimEnd().split('\n').at(-1) ?? '';
          if (code === 0 && last.startsWith('{')) resolve(JSON.parse(last));
          else if (late) resolve(empty(`no end after ${timeoutMs / 1000} s`));
          else resolve(empty(`${script} ended (${signal ?? code}): ${complaints.trim() || output.trim()}`));
        });
      });
    },
  };
}
