/** Topics of `info`. */
import { queryBalloon } from '../commands/balloon.ts';
import { queryMice } from '../commands/input.ts';
import { queryName, queryStatus, queryUuid, queryVersion } from '../commands/status.ts';
import { blockInfoCommands } from './block-commands.ts';
import { historyText } from './debug-commands.ts';
import { readExpression } from './expression.ts';
import { type ArgumentReader, type HmpCommand, hmpCommand, registersOf } from './hmp-command.ts';
import { HmpError } from './hmp-error.ts';

/** A CPU's number, `-a` for all, or nothing for the monitor's own. */
const cpuChoice: ArgumentReader<number | 'all' | undefined> = (text, { cpu }) => {
  text.skipSpace();
  if (text.peek === '') return undefined;
  if (text.match(/-a(?=\s|$)/y) !== '') return 'all';
  return Number(readExpression(text, registersOf(cpu)));
};

const fromDevices = (topic: 'pic' | 'jit' | 'usb', help: string): HmpCommand =>
  hmpCommand({
    names: [topic],
    help,
    readers: {},
    run: (_args, { vm }) => vm.describe(topic) ?? `info ${topic} is not available for this machine\n`,
  });

export const infoCommands: readonly HmpCommand[] = [
  hmpCommand({
    names: ['balloon'],
    help: 'show balloon information',
    readers: {},
    async run(_args, { vm }) {
      const { actual } = await queryBalloon.run({}, vm);
      return `balloon: actual=${Math.floor(actual / 2 ** 20)}\n`;
    },
  }),
  ...blockInfoCommands,
  hmpCommand({
    names: ['replay'],
    help: 'show where the machine stands in its history',
    readers: {},
    run: (_args, { vm }) => historyText(vm.debug.history),
  }),
  fromDevices('jit', 'show dynamic compiler info'),
  hmpCommand({
    names: ['mice'],
    help: 'show which guest mouse is receiving events',
    readers: {},
    async run(_args, { vm }) {
      const mice = await queryMice.run({}, vm);
      if (mice.length === 0) return 'No mouse devices connected\n';
      return mice
        .map(
          ({ index, name, absolute, current }) =>
            `${current ? '*' : ' '} Mouse #${index}: ${name}${absolute ? ' (absolute)' : ''}\n`,
        )
        .join('');
    },
  }),
  hmpCommand({
    names: ['name'],
    help: 'show the current VM name',
    readers: {},
    async run(_args, { vm }) {
      const { name } = await queryName.run({}, vm);
      return name === undefined ? '' : `${name}\n`;
    },
  }),
  fromDevices('pic', 'show PIC state'),
  hmpCommand({
    names: ['registers'],
    usage: '[-a|vcpu]',
    help:
      'show the cpu registers (-a: show register info for all cpus; vcpu: specific vCPU to query; ' +
      "show the current CPU's registers if no argument is specified)",
    readers: { choice: cpuChoice },
    run({ choice }, { vm, cpu }) {
      const index = choice ?? cpu.index;
      const chosen = choice === 'all' ? vm.cpus : vm.cpus.filter((each) => each.index === index);
      if (chosen.length === 0) throw new HmpError(`CPU#${index} not available`);
      return chosen.map((each) => `\nCPU#${each.index}\n${each.dumpRegisters()}`).join('');
    },
  }),
  hmpCommand({
    names: ['status'],
    help: 'show the current VM status (running|paused)',
    readers: {},
    async run(_args, { vm }) {
      const { running, status } = await queryStatus.run({}, vm);
      const detail = status === 'running' || status === 'paused' ? '' : ` (${status})`;
      return `VM status: ${running ? 'running' : 'paused'}${detail}\n`;
    },
  }),
  fromDevices('usb', 'show guest USB devices'),
  hmpCommand({
    names: ['uuid'],
    help: 'show the current VM UUID',
    readers: {},
    run: async (_args, { vm }) => `${(await queryUuid.run({}, vm)).UUID}\n`,
  }),
  hmpCommand({
    names: ['version'],
    help: 'show the version of Lockstep',
    readers: {},
    run: async (_args, { vm }) => `${(await queryVersion.run({}, vm)).package}\n`,
  }),
];
