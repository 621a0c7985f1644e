/** What the tools' command lines have in common: their own options, `--`, then those of lockstep-system-i386. */
import { readNamedFiles } from '../src/cli/host-files.ts';
import { readFirmware } from '../src/cli/run-command-line.ts';
import { VmError } from '../src/util/errors.ts';
import { catalogueI386 } from '../src/vm/catalogue-i386.ts';
import { parseCommandLine } from '../src/vm/options/parse.ts';
import type { Guest } from './lockstep/machine.ts';

/** A number of things, as `30e6` too. */
export function countOption(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new VmError(`--${name}=${text}: a positive whole number is wanted`);
  return value;
}

/** The tool's options and the machine's. */
export function splitArguments(argv: readonly string[]): {
  readonly own: readonly string[];
  readonly guest: readonly string[];
} {
  const split = argv.indexOf('--');
  return split < 0 ? { own: argv, guest: [] } : { own: argv.slice(0, split), guest: argv.slice(split + 1) };
}

/** The machine that the options describe, with the files they name. */
export function readGuest(args: readonly string[]): Guest {
  const parsed = parseCommandLine(args, catalogueI386);
  if (parsed.kind === 'answer') throw new VmError('the options after -- describe no machine');
  return { options: parsed.options, files: { ...readFirmware(parsed.options), ...readNamedFiles(parsed.options) } };
}

/** Runs a tool; the result is its exit status. What the user can put right is one line. */
export function runTool(name: string, main: () => number): void {
  try {
    process.exitCode = main();
  } catch (error) {
    const isUsage = error instanceof VmError || (error instanceof TypeError && 'code' in error);
    if (!isUsage) throw error;
    process.stderr.write(`${name}: ${error.message}\n`);
    if (error instanceof VmError && error.hint !== undefined) process.stderr.write(`${error.hint}\n`);
    process.exitCode = 1;
  }
}
