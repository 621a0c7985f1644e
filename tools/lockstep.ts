/**
 * Compares engines on a machine of the command line, instruction count by instruction count; docs/lockstep.md says how.
 *
 *   node tools/lockstep.ts [--engines=interp,jit] [--heat=2] [--until=30e6] [--slice=100000 | --random=100000] [--seed=1] -- -M pc …
 */
import { parseArgs } from 'node:util';
import { VmError } from '../src/util/errors.ts';
import { countOption, readGuest, runTool, splitArguments } from './command-line.ts';
import { compareEngines, fixedSlices, randomSlices } from './lockstep/compare.ts';
import { locate } from './lockstep/locate.ts';
import type { EngineChoice } from './lockstep/machine.ts';
import { describeFinding } from './lockstep/report.ts';

const DEFAULTS = { engines: 'interp,jit', heat: '2', until: '30e6', random: '100000', seed: '1' };

function engineChoice(mode: string, heat: number): EngineChoice {
  if (mode === 'jit') return { name: `jit (heat ${heat})`, mode, tuning: { heat } };
  if (mode === 'interp' || mode === 'eval') return { name: mode, mode };
  throw new VmError(`--engines: '${mode}' is none`, {
    hint: 'Use jit, interp or eval, two or more, the reference first.',
  });
}

/** 0: equal, 2: they differ, 1: it could not be tried. */
function main(argv: readonly string[]): number {
  const { own, guest: guestArguments } = splitArguments(argv);
  const { values } = parseArgs({
    args: [...own],
    options: {
      engines: { type: 'string', default: DEFAULTS.engines },
      heat: { type: 'string', default: DEFAULTS.heat },
      until: { type: 'string', default: DEFAULTS.until },
      slice: { type: 'string' },
      random: { type: 'string', default: DEFAULTS.random },
      seed: { type: 'string', default: DEFAULTS.seed },
    },
  });
  const heat = countOption('heat', values.heat);
  const engines = values.engines.split(',').map((mode) => engineChoice(mode, heat));
  if (engines.length < 2) throw new VmError(`--engines=${values.engines}: two or more are wanted`);
  const guest = readGuest(guestArguments);
  const slices =
    values.slice === undefined
      ? randomSlices(countOption('random', values.random), countOption('seed', values.seed))
      : fixedSlices(countOption('slice', values.slice));
  let shown = 0;
  const outcome = compareEngines(guest, engines, {
    slices,
    until: countOption('until', values.until),
    onBoundary: (count) => {
      if (!process.stderr.isTTY || count - shown < 1e6) return;
      shown = count;
      process.stderr.write(`\r${(count / 1e6).toFixed(0)} M instructions equal `);
    },
  });
  if (process.stderr.isTTY) process.stderr.write('\n');
  if (outcome.kind === 'equal') {
    const end = outcome.ended === undefined ? '' : `; then the machine came to its end: ${outcome.ended}`;
    process.stdout.write(`equal for ${outcome.instructions} instructions${end}\n`);
    return 0;
  }
  process.stdout.write(describeFinding(outcome, locate(guest, outcome)));
  return 2;
}

runTool('lockstep', () => main(process.argv.slice(2)));
