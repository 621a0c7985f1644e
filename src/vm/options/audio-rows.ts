/** Options about sound. */
import { VmError } from '../../util/errors.ts';
import { parseKeyValues } from './keyvals.ts';
import type { AudioOption } from './machine-options.ts';
import type { OptionRow } from './option-row.ts';

/** What `-soundhw` takes, and the devices behind the names; the speaker is part of each board. */
const CARDS: Readonly<Record<string, string | undefined>> = { pcspk: undefined, sb16: 'sb16', ac97: 'AC97' };

const CARD_HELP = `Valid sound card names (comma separated):
pcspk       PC speaker
sb16        Creative Sound Blaster 16
ac97        Intel 82801AA AC97 Audio

-soundhw all will enable all of the above
`;

function parseAudiodev(argument: string): AudioOption {
  const values = new Map<string, string>();
  for (const { key, value } of parseKeyValues(argument, 'driver')) {
    if (!['driver', 'id', 'path'].includes(key)) throw new VmError(`Parameter '${key}' is unexpected`);
    values.set(key, value);
  }
  const driver = values.get('driver');
  const id = values.get('id');
  if (driver === undefined) throw new VmError("Parameter 'driver' is missing");
  if (id === undefined) throw new VmError("Parameter 'id' is missing");
  if (driver === 'wav') return { driver, id, path: values.get('path') ?? 'qemu.wav' };
  if (driver !== 'none' && driver !== 'web') {
    throw new VmError(`Parameter 'driver' does not accept value '${driver}'`, { hint: 'one of: none, wav, web' });
  }
  if (values.has('path')) throw new VmError("Parameter 'path' is unexpected");
  return { driver, id };
}

export const audioRows: readonly OptionRow[] = [
  {
    names: ['audiodev'],
    argument: true,
    group: 'Standard',
    usage: '-audiodev none|wav|web,id=id[,path=path]',
    help: "specifies where sound goes: nowhere, into the file 'path' (qemu.wav), or to the page",
    apply(draft, argument) {
      if (argument === 'help') {
        draft.answer = { text: 'Available audio drivers:\nnone\nwav\nweb\n', exitCode: 0 };
        return;
      }
      const audio = parseAudiodev(argument);
      if (draft.options.audio !== undefined) throw new VmError('there is an audiodev already; one is supported');
      draft.options.audio = audio;
    },
  },
  {
    names: ['soundhw'],
    argument: true,
    group: 'Standard',
    usage: '-soundhw c1,...',
    help: "enable audio support and only specified sound cards (comma separated list)\nuse '-soundhw help' to get the list of supported cards",
    apply(draft, argument) {
      if (argument === 'help' || argument === '?') {
        draft.answer = { text: CARD_HELP, exitCode: 0 };
        return;
      }
      const names = argument === 'all' ? Object.keys(CARDS) : argument.split(',');
      for (const name of names) {
        if (!Object.hasOwn(CARDS, name)) throw new VmError(`Unknown sound card name \`${name}'`);
        const driver = CARDS[name];
        if (driver === undefined) continue;
        draft.options.devices = [...draft.options.devices, { driver, id: undefined, properties: {} }];
      }
    },
  },
];
