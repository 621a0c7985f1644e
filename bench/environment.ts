/** What a bench ran on and with. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { cpus, loadavg, release } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { chromiumPath } from './hosts/chromium.ts';
import { QEMU } from './hosts/qemu.ts';
import { FOLDERS } from './paths.ts';

export interface Environment {
  /** YYYY-MM-DD. */
  readonly date: string;
  readonly time: string;
  /** By name: of this project, its peers, what they run on and the guest. */
  readonly versions: Readonly<Record<string, string>>;
  readonly processor: string;
  readonly cores: number;
  readonly loadBefore: string;
  readonly loadAfter: string;
}

const UNKNOWN = '(unknown)';
const run = promisify(execFile);

export function loadAverage(): string {
  return loadavg()
    .map((load) => load.toFixed(1))
    .join(' ');
}

export async function describeEnvironment(loadBefore: string): Promise<Environment> {
  const now = new Date();
  const [date = '', time = ''] = now.toISOString().split('T');
  return {
    date,
    time: time.slice(0, 5),
    versions: {
      Lockstep: await revision(),
      QEMU: (await firstLine(QEMU, ['--version'])).replace(/^QEMU emulator version /, ''),
      v86: packageVersion('v86'),
      Chromium: (await firstLine(chromiumPath() ?? 'chromium', ['--version'])).replace(/^Chromium /, ''),
      Node: process.versions.node,
      'guest kernel': guestVersion('vmlinuz-i386'),
      'guest busybox': guestVersion('busybox-i386'),
      'host kernel': release(),
    },
    processor: cpus()[0]?.model.trim() || UNKNOWN,
    cores: cpus().length,
    loadBefore,
    loadAfter: loadAverage(),
  };
}

async function revision(): Promise<string> {
  const head = await firstLine('git', ['-C', FOLDERS.root, 'rev-parse', '--short', 'HEAD']);
  const changed = await firstLine('git', ['-C', FOLDERS.root, 'status', '--porcelain', '--', 'src', 'workers']);
  return changed === '' || changed === UNKNOWN ? head : `${head} with changes`;
}

async function firstLine(command: string, args: readonly string[]): Promise<string> {
  try {
    const { stdout } = await run(command, args);
    return stdout.split('\n', 1)[0]?.trim() ?? '';
  } catch {
    return UNKNOWN;
  }
}

function packageVersion(name: string): string {
  return JSON.parse(readFileSync(join(FOLDERS.root, 'node_modules', name, 'package.json'), 'utf8')).version;
}

/** As the fetcher recorded it. */
function guestVersion(name: string): string {
  const index = join(FOLDERS.roms, 'index.json');
  if (!existsSync(index)) return UNKNOWN;
  const files: readonly { name?: string; version?: string }[] = JSON.parse(readFileSync(index, 'utf8')).files ?? [];
  return files.find((file) => file.name === name)?.version ?? UNKNOWN;
}
