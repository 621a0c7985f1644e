/** Runs an image in native QEMU (TCG) and takes the results from the file that is its RAM. */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Image } from './image.ts';
import { EXIT_PORT, RAM_BYTES } from './layout.ts';

/** What the driver's write to the exit device makes of QEMU's exit status. */
const EXITED = 1;

export function resultsOfQemu(image: Image): Uint8Array {
  const directory = mkdtempSync(join(tmpdir(), 'lockstep-x86-'));
  try {
    const kernel = join(directory, 'image');
    const ram = join(directory, 'ram');
    writeFileSync(kernel, image.bytes);
    const args = [
      ...['-M', 'pc,memory-backend=ram', '-accel', 'tcg', '-cpu', 'pentium2', '-m', `${RAM_BYTES >> 20}`],
      ...['-object', `memory-backend-file,id=ram,size=${RAM_BYTES},mem-path=${ram},share=on`],
      ...['-kernel', kernel, '-display', 'none', '-serial', 'none', '-monitor', 'none', '-no-reboot', '-vga', 'none'],
      ...['-nic', 'none', '-device', `isa-debug-exit,iobase=${EXIT_PORT},iosize=1`],
    ];
    const run = spawnSync('qemu-system-i386', args, { timeout: 60_000 });
    if (run.status !== EXITED) throw new Error(`qemu-system-i386: status ${run.status}, ${run.signal}: ${run.stderr}`);
    const results = new Uint8Array(image.resultBytes);
    const file = openSync(ram, 'r');
    readSync(file, results, 0, results.length, image.results);
    closeSync(file);
    return results;
  } finally {
    rmSync(directory, { recursive: true });
  }
}
