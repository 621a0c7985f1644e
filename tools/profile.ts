/**
 * Where a machine's time goes: shares of the host's time and the engine's counters for a run by one engine, then the
 * guest's hottest blocks, counted exactly in a second run by the interpreter. docs/lockstep.md says more.
 *
 *   node tools/profile.ts [--engine=jit] [--until=300e6] [--top=20] [--code] -- -M pc …
 */
import { parseArgs } from 'node:util';
import type { FetchByte } from '../src/cpu/isa/front-end.ts';
import { VmError } from '../src/util/errors.ts';
import { countOption, readGuest, runTool, splitArguments } from './command-line.ts';
import { type EngineChoice, type Guest, LockstepMachine } from './lockstep/machine.ts';
import { countBlocks, type HotBlock, type Profile } from './profile/block-counts.ts';

function engineOf(name: string): EngineChoice {
  if (name === 'jit' || name === 'interp' || name === 'eval') return { name, mode: name };
  throw new VmError(`--engine=${name}: there is none`, { hint: 'Use jit, interp or eval.' });
}

function measure(guest: Guest, engine: EngineChoice, until: number): string {
  const machine = new LockstepMachine(guest, engine, () => Math.round(performance.now() * 1e6));
  const from = performance.now();
  machine.runTo(until);
  const seconds = (performance.now() - from) / 1000;
  const mips = machine.executed / seconds / 1e6;
  const end = machine.ended === undefined ? '' : ` (${machine.ended})`;
  return `${engine.name}: ${machine.executed} instructions in ${seconds.toFixed(2)} s, ${mips.toFixed(0)} MIPS${end}\n${machine.describeEngine()}`;
}

const percent = (part: number): string => `${(part * 100).toFixed(1)}%`;

function blockText({ block, runs, share }: HotBlock): string {
  const address = `0x${(block.pcLo >>> 0).toString(16).padStart(8, '0')}`;
  return `${percent(share).padStart(6)}  ${address}  ${block.insns} instructions × ${runs}\n`;
}

function codeText({ block }: HotBlock, { frontEnd, readCode }: Profile): string {
  const fetch: FetchByte = (pcLo) => readCode(block, pcLo);
  let text = '';
  for (let at = 0; at < block.bytes; ) {
    const line = frontEnd.disassemble((block.pcLo + at) | 0, block.pcHi, block.mode, fetch);
    text += `          ${line.text}\n`;
    at += line.length;
  }
  return text;
}

function blocksText(profile: Profile, top: number, withCode: boolean): string {
  const { blocks, counted, executed } = profile;
  const covering = (share: number): number => {
    let sum = 0;
    return blocks.findIndex((b) => (sum += b.share) >= share) + 1;
  };
  const lines = blocks.slice(0, top).map((b) => blockText(b) + (withCode ? codeText(b, profile) : ''));
  return (
    `${blocks.length} blocks ran; half of the instructions are in ${covering(0.5)} of them, ` +
    `90% in ${covering(0.9)}, 99% in ${covering(0.99)}\n` +
    `(${percent(counted / executed)} of all instructions; the rest ran in blocks that were dropped since, or stepped)\n` +
    lines.join('')
  );
}

runTool('profile', () => {
  const { own, guest: guestArguments } = splitArguments(process.argv.slice(2));
  const { values } = parseArgs({
    args: [...own],
    options: {
      engine: { type: 'string', default: 'jit' },
      until: { type: 'string', default: '300e6' },
      top: { type: 'string', default: '20' },
      code: { type: 'boolean', default: false },
    },
  });
  const until = countOption('until', values.until);
  const top = countOption('top', values.top);
  const engine = engineOf(values.engine);
  const guest = readGuest(guestArguments);
  process.stdout.write(`${measure(guest, engine, until)}\n`);
  process.stdout.write(blocksText(countBlocks(guest, until), top, values.code));
  return 0;
});
