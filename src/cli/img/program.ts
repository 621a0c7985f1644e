/** `lockstep-img`: the commands of qemu-img, with its options, messages and exit statuses. */
import { BlockFailure } from '../../block/api.ts';
import { FORMATS } from '../../block/formats/formats.ts';
import { VmError } from '../../util/errors.ts';
import { type Arguments, type OptionNames, parseArguments, usage } from './arguments.ts';
import { CHECK_NAMES, check } from './check.ts';
import { COMMIT_NAMES, commit } from './commit.ts';
import { COMPARE_NAMES, compare } from './compare.ts';
import { CONVERT_NAMES, convert } from './convert.ts';
import { CREATE_NAMES, create } from './create.ts';
import { INFO_NAMES, info } from './info.ts';
import { MAP_NAMES, map } from './map.ts';
import { MEASURE_NAMES, measure } from './measure.ts';
import type { Output } from './output.ts';
import { REBASE_NAMES, rebase } from './rebase.ts';
import { RESIZE_NAMES, resize } from './resize.ts';
import { SNAPSHOT_NAMES, snapshot } from './snapshot.ts';

interface Command {
  readonly names: OptionNames;
  readonly usage: string;
  /** The exit status when something fails; `compare` has others, as 1 says that the images differ. */
  readonly failure?: number;
  /** The last word is an operand, even one that begins with a hyphen. */
  readonly endsInOperand?: boolean;
  run(args: Arguments, out: Output): Promise<number>;
}

const COMMANDS: Readonly<Record<string, Command>> = {
  check: { names: CHECK_NAMES, run: check, usage: '[-f fmt] [--output=human|json] [-r leaks|all] [-q] file' },
  commit: { names: COMMIT_NAMES, run: commit, usage: '[-f fmt] [-b base] [-d] [-q] file' },
  compare: { names: COMPARE_NAMES, run: compare, failure: 2, usage: '[-f fmt] [-F fmt] [-s] [-q] file1 file2' },
  convert: {
    names: CONVERT_NAMES,
    run: convert,
    usage: '[-f fmt] [-O fmt] [-o options] [-c] [-B backing -F fmt] [-l snapshot] [-n] [-p] file... output',
  },
  create: {
    names: CREATE_NAMES,
    run: create,
    usage: '[-f fmt] [-o options] [-b backing -F fmt] [-u] [-q] file [size]',
  },
  info: { names: INFO_NAMES, run: info, usage: '[-f fmt] [--output=human|json] [--backing-chain] file' },
  map: { names: MAP_NAMES, run: map, usage: '[-f fmt] [--output=human|json] [-s start] [-l length] file' },
  measure: {
    names: MEASURE_NAMES,
    run: measure,
    usage: '[--output=human|json] [-O fmt] [-o options] [--size N | [-f fmt] file]',
  },
  rebase: { names: REBASE_NAMES, run: rebase, usage: '[-f fmt] [-u] -b backing [-F fmt] file' },
  resize: { names: RESIZE_NAMES, run: resize, endsInOperand: true, usage: '[-f fmt] [--shrink] [-q] file [+|-]size' },
  snapshot: { names: SNAPSHOT_NAMES, run: snapshot, usage: '[-f fmt] [-q] [-l | -a name | -c name | -d name] file' },
};

/** The result is the exit status. */
export async function runImg(words: readonly string[], out: Output): Promise<number> {
  const [name, ...rest] = words;
  if (name === '--help' || name === '-h') {
    out.say(help());
    return 0;
  }
  const command = name === undefined || !Object.hasOwn(COMMANDS, name) ? undefined : COMMANDS[name];
  try {
    if (name === undefined) throw usage('Not enough arguments');
    if (command === undefined) throw usage(`Command not found: ${name}`);
    const ordered = command.endsInOperand && rest.length > 1 ? [...rest.slice(0, -1), '--', rest.at(-1)!] : rest;
    return await command.run(parseArguments(ordered, command.names), out);
  } catch (error) {
    if (!(error instanceof VmError) && !(error instanceof BlockFailure)) throw error;
    out.complain(`lockstep-img: ${error.message}\n`);
    if (error instanceof VmError && error.hint !== undefined) out.complain(`${error.hint}\n`);
    return command?.failure ?? 1;
  }
}

function help(): string {
  const rows = Object.entries(COMMANDS).map(([name, command]) => `  ${name} ${command.usage}\n`);
  return `usage: lockstep-img command [options]\n\nCommands:\n${rows.join('')}\nFormats: raw ${Object.keys(FORMATS).join(' ')}\n`;
}
