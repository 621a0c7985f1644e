/** Commands of the human monitor, but for `help` and `info`, which need the tables: hmp.ts. */
import type { Command } from '../command.ts';
import { balloon } from '../commands/balloon.ts';
import { cont, injectNmi, quit, stop, systemReset } from '../commands/run-state.ts';
import { formatValue } from './format.ts';
import { expression, format, type HmpCommand, hmpCommand } from './hmp-command.ts';
import { dumpMemory } from './memory-dump.ts';

/** A command without arguments and output. */
const plain = (command: Command<Record<never, never>, unknown>, names: readonly string[], help: string): HmpCommand =>
  hmpCommand({
    names,
    help,
    readers: {},
    async run(_args, { vm }) {
      await command.run({}, vm);
      return '';
    },
  });

export const monitorCommands: readonly HmpCommand[] = [
  hmpCommand({
    names: ['balloon'],
    usage: 'target',
    help: 'request VM to change its memory allocation (in MB)',
    readers: { megabytes: expression },
    async run({ megabytes }, { vm }) {
      await balloon.run({ value: Number(megabytes) * 2 ** 20 }, vm);
      return '';
    },
  }),
  plain(cont, ['cont', 'c'], 'resume emulation'),
  plain(injectNmi, ['nmi'], 'inject an NMI'),
  hmpCommand({
    names: ['print', 'p'],
    usage: '/fmt expr',
    help: 'print expression value (use $reg for CPU register access)',
    readers: { format, value: expression },
    run: ({ format: { notation }, value }) => `${formatValue(value, notation)}\n`,
  }),
  plain(quit, ['quit', 'q'], 'quit the emulator'),
  plain(stop, ['stop', 's'], 'stop emulation'),
  plain(systemReset, ['system_reset'], 'reset the system'),
  hmpCommand({
    names: ['x'],
    usage: '/fmt addr',
    help: "virtual memory dump starting at 'addr'",
    readers: { format, address: expression },
    run: (args, { vm, cpu }) => dumpMemory(vm, cpu, args.address, false, args.format),
  }),
  hmpCommand({
    names: ['xp'],
    usage: '/fmt addr',
    help: "physical memory dump starting at 'addr'",
    readers: { format, address: expression },
    run: (args, { vm, cpu }) => dumpMemory(vm, cpu, args.address, true, args.format),
  }),
];
