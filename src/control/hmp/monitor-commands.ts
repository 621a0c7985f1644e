/** Commands of the human monitor, but for `help` and `info`, which need the tables: hmp.ts. */
import type { Command } from '../command.ts';
import { balloon } from '../commands/balloon.ts';
import { cont, injectNmi, quit, stop, systemPowerdown, systemReset, systemWakeup } from '../commands/run-state.ts';
import { screendump, screenOf } from '../commands/screen.ts';
import type { PictureFormat } from '../vm-control.ts';
import { PICTURE_FORMATS } from '../vm-control.ts';
import { formatValue } from './format.ts';
import { type ArgumentReader, expression, format, type HmpCommand, hmpCommand, optionalWord } from './hmp-command.ts';
import { HmpError } from './hmp-error.ts';
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

/** `-f png` behind the other arguments; undefined: it is not given. */
const pictureFormat: ArgumentReader<PictureFormat | undefined> = (text) => {
  text.skipSpace();
  if (text.match(/-f\s+/y) === '') return undefined;
  const name = text.match(/\S*/y);
  const found = PICTURE_FORMATS.find((known) => known === name);
  if (found === undefined) throw new HmpError(`Parameter 'format' does not accept value '${name}'`);
  return found;
};

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
  hmpCommand({
    names: ['screendump'],
    usage: 'filename [-f format]',
    help: "save screen into file 'filename' in PPM or the given format (ppm|png)",
    readers: { filename: optionalWord, format: pictureFormat },
    async run({ filename, format: type }, { vm }) {
      if (filename === '') throw new HmpError('screendump: string expected');
      await screendump.run({ filename, format: type }, vm);
      return '';
    },
  }),
  plain(stop, ['stop', 's'], 'stop emulation'),
  plain(systemPowerdown, ['system_powerdown'], 'send system power down event'),
  plain(systemReset, ['system_reset'], 'reset the system'),
  plain(systemWakeup, ['system_wakeup'], 'wakeup guest from suspend'),
  hmpCommand({
    names: ['x-screen-text'],
    help: 'show the text on the screen, if it is in a text mode',
    readers: {},
    run: (_args, { vm }) => screenOf(vm).text() ?? 'the screen is in a graphics mode\n',
  }),
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
