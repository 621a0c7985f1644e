/** `lockstep-system-i386`: QEMU's command line on this machine's terminal. */
import { runCommandLine } from './run-command-line.ts';

process.exit(await runCommandLine('lockstep-system-i386', process.argv.slice(2)));
