/** The human monitor: a line in, a text out. */
import { VmError } from '../../util/errors.ts';
import type { VmControl } from '../vm-control.ts';
import { blockCommands } from './block-commands.ts';
import { debugCommands } from './debug-commands.ts';
import { type HmpCommand, helpLine, hmpCommand, optionalWord, restOfLine, type Session } from './hmp-command.ts';
import { HmpError } from './hmp-error.ts';
import { infoCommands } from './info-commands.ts';
import { inputCommands } from './input-commands.ts';
import { monitorCommands } from './monitor-commands.ts';
import { TextReader } from './text-reader.ts';

export interface HumanMonitor {
  /** What a terminal shows when the monitor opens. */
  readonly banner: string;
  readonly prompt: string;
  /** Runs a line as typed. Mistakes are part of the output, as for a person. */
  execute(line: string): Promise<string>;
}

export function createHumanMonitor(vm: VmControl): HumanMonitor {
  const [cpu] = vm.cpus;
  if (cpu === undefined) throw new Error('BUG: a machine without a processor');
  const session: Session = { vm, cpu, format: { count: 1, notation: 'x', size: 4 } };
  const table: readonly HmpCommand[] = [
    ...debugCommands,
    ...monitorCommands,
    ...inputCommands,
    ...blockCommands,
    help,
    info,
  ].sort((a, b) => compare(nameOf(a), nameOf(b)));

  const run = async (command: HmpCommand, typed: string, text: TextReader): Promise<string> => {
    const args: Record<string, unknown> = {};
    try {
      for (const [name, read] of Object.entries(command.readers)) args[name] = read(text, session);
      text.skipSpace();
      if (text.peek !== '') throw new HmpError(`${command.names.join('|')}: extraneous characters at the end of line`);
    } catch (error) {
      return `${messageOf(error)}\nTry "help ${typed}" for more information\n`;
    }
    try {
      return await command.run(args, session);
    } catch (error) {
      return `${messageOf(error)}\n`;
    }
  };

  const execute = async (line: string): Promise<string> => {
    const text = new TextReader(line);
    text.skipSpace();
    const word = text.match(/[^\s/]+|\S/y);
    if (word === '') return '';
    const command = table.find(({ names }) => names.includes(word));
    if (command === undefined) return `unknown command: '${word}'\n`;
    if (command === help) return helpText(table, text.match(/.*/y).trim());
    if (command !== info) return run(command, word, text);
    const topic = optionalWord(text, session);
    if (topic === '') return infoHelp();
    const found = infoCommands.find(({ names }) => names.includes(topic));
    return found === undefined ? `unknown command: 'info ${topic}'\n` : run(found, `info ${topic}`, text);
  };

  return { banner: `Lockstep ${vm.version} monitor - type 'help' for more information\n`, prompt: '(qemu) ', execute };
}

// Their bodies are in `execute`, which has the tables; here they are for `help`.
const help = hmpCommand({
  names: ['help', '?'],
  usage: '[cmd]',
  help: 'show the help',
  readers: { command: restOfLine },
  run: () => '',
});
const info = hmpCommand({
  names: ['info'],
  usage: '[subcommand]',
  help: 'show various information about the system state',
  readers: { topic: restOfLine },
  run: () => '',
});

function helpText(table: readonly HmpCommand[], asked: string): string {
  if (asked === '') return table.map((command) => helpLine(command)).join('');
  const [word = '', topic] = asked.split(/\s+/);
  if (word === 'info') {
    if (topic === undefined) return infoHelp();
    const found = infoCommands.find(({ names }) => names.includes(topic));
    return found === undefined ? `unknown command: '${asked}'\n` : helpLine(found, 'info ');
  }
  const found = table.find(({ names }) => names.includes(word));
  return found === undefined ? `unknown command: '${asked}'\n` : helpLine(found);
}

const infoHelp = (): string => infoCommands.map((command) => helpLine(command, 'info ')).join('');

const nameOf = ({ names }: HmpCommand): string => names[0] ?? '';
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function messageOf(error: unknown): string {
  if (error instanceof HmpError || error instanceof VmError) return error.message;
  throw error;
}
