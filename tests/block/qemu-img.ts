/** Native qemu-img, the judge of our images, and files for it to read. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Ran {
  readonly status: number | null;
  readonly text: string;
}

export class Desk {
  readonly directory = mkdtempSync(join(tmpdir(), 'lockstep-img-'));

  path(name: string): string {
    return join(this.directory, name);
  }

  write(name: string, bytes: Uint8Array): string {
    writeFileSync(this.path(name), bytes);
    return this.path(name);
  }

  read(name: string): Uint8Array {
    return new Uint8Array(readFileSync(this.path(name)));
  }

  /** Runs qemu-img in the folder. */
  qemuImg(...args: string[]): Ran {
    return this.run('qemu-img', args);
  }

  run(program: string, args: readonly string[]): Ran {
    const { status, stdout, stderr } = spawnSync(program, args, { cwd: this.directory, encoding: 'utf8' });
    return { status, text: stdout + stderr };
  }

  /** Runs it, and throws its output if it fails. */
  must(...args: string[]): string {
    const { status, text } = this.qemuImg(...args);
    if (status !== 0) throw new Error(`qemu-img ${args.join(' ')}: ${text}`);
    return text;
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
