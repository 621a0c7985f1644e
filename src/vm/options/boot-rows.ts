/** Options that say what firmware finds: boot order, option ROMs, files of its configuration device, the timer block. */

import { SMBIOS_FIELDS, type SmbiosOption } from '../../hw/machines/smbios/smbios.ts';
import { VmError } from '../../util/errors.ts';
import { parseKeyValues } from './keyvals.ts';
import { applyKeys, type OptionRow } from './option-row.ts';
import { parseInteger, parseOnOff, parseUint, UUID } from './values.ts';

/** With a zero behind it a name must fit into the directory's 56 bytes. */
const MAX_FW_CFG_NAME = 55;
const MAX_REBOOT_TIMEOUT_MS = 65535;

function checkLetters(letters: string): string {
  const bad = [...letters].find((letter) => letter < 'a' || letter > 'p');
  if (bad !== undefined) throw new VmError(`Invalid boot device '${bad}'`);
  const twice = [...letters].find((letter, i) => letters.indexOf(letter) !== i);
  if (twice !== undefined) throw new VmError(`Boot device '${twice}' was given twice`);
  return letters;
}

function parseRebootTimeout(text: string): number {
  const value = parseInteger(text);
  if (value === undefined) throw new VmError(`Parameter 'reboot-timeout' expects a number`);
  if (value < -1) throw new VmError(`reboot timeout is invalid, valid range is -1 to ${MAX_REBOOT_TIMEOUT_MS}`);
  return Math.min(value, MAX_REBOOT_TIMEOUT_MS);
}

/** `type=` chooses which fields there are; it may stand anywhere in the list. */
function parseSmbios(argument: string): SmbiosOption {
  const items = parseKeyValues(argument);
  const type = items.find(({ key }) => key === 'type');
  if (type === undefined) throw new VmError("Parameter 'type' is missing");
  const number = parseUint(type.value, 'type', 8);
  const known = SMBIOS_FIELDS[number];
  if (known === undefined) throw new VmError(`Don't know how to build fields for SMBIOS type ${number}`);
  const fields: Record<string, string> = {};
  const values: string[] = [];
  for (const { key, value } of items) {
    if (key === 'type') continue;
    if (!known.includes(key)) throw new VmError(`Invalid parameter '${key}'`);
    if (number === 11) values.push(value);
    else fields[key] = checkedSmbiosField(key, value);
  }
  return { type: number, fields, values };
}

function checkedSmbiosField(key: string, value: string): string {
  if (key === 'uuid' && !UUID.test(value)) throw new VmError('Invalid UUID');
  if (key === 'release' && !/^\d+\.\d+$/.test(value)) throw new VmError('Invalid release');
  if (key === 'uefi') return parseOnOff(value, key) ? 'on' : 'off';
  if (key.endsWith('speed')) parseUint(value, key, 16);
  return value;
}

export const bootRows: readonly OptionRow[] = [
  {
    names: ['boot'],
    argument: true,
    group: 'Standard',
    usage:
      '-boot [order=drives][,once=drives][,menu=on|off]\n' +
      '      [,splash-time=sp-time][,reboot-timeout=rb_time][,strict=on|off]',
    help:
      "'drives': floppy (a), hard disk (c), CD-ROM (d), network (n)\n" +
      "'sp-time': the period that the boot menu's prompt is shown, in ms\n" +
      "'rb_timeout': the timeout before guest reboot when boot failed, in ms",
    apply({ options }, argument) {
      let boot = options.boot;
      applyKeys(argument, 'order', {
        order: (text) => void (boot = { ...boot, order: checkLetters(text) }),
        once: (text) => void (boot = { ...boot, once: checkLetters(text) }),
        menu: (text) => void (boot = { ...boot, menu: parseOnOff(text, 'menu') }),
        'splash-time': (text) => void (boot = { ...boot, splashMs: parseUint(text, 'splash-time', 16) }),
        'reboot-timeout': (text) => void (boot = { ...boot, rebootTimeoutMs: parseRebootTimeout(text) }),
        strict: (text) => void (boot = { ...boot, strict: parseOnOff(text, 'strict') }),
      });
      options.boot = boot;
    },
  },
  {
    names: ['no-fd-bootchk'],
    argument: false,
    group: 'i386 target',
    usage: '-no-fd-bootchk',
    help: 'disable boot signature checking for floppy disks',
    apply: ({ options }) => void (options.boot = { ...options.boot, checkFloppySignature: false }),
  },
  {
    names: ['no-hpet'],
    argument: false,
    group: 'i386 target',
    usage: '-no-hpet',
    help: 'disable HPET',
    apply: ({ options }) => void (options.hpet = false),
  },
  {
    names: ['option-rom'],
    argument: true,
    group: 'Debug/Expert',
    usage: '-option-rom rom[,bootindex=n]',
    help: "load a file, 'rom', into the option ROM space",
    apply({ options }, argument) {
      let file: string | undefined;
      let bootIndex = -1;
      applyKeys(argument, 'romfile', {
        romfile: (text) => void (file = text),
        bootindex: (text) => void (bootIndex = parseUint(text, 'bootindex')),
      });
      if (file === undefined) throw new VmError('Option ROM file is not specified');
      options.optionRoms = [...options.optionRoms, { file, bootIndex }];
    },
  },
  {
    names: ['smbios'],
    argument: true,
    group: 'i386 target',
    usage: '-smbios type=0|1|2|3|4|11|17[,field=str][,...]',
    help: 'specify SMBIOS fields of a type: manufacturer, product, version, serial, …; type 11: value=str, repeatedly',
    apply: ({ options }, argument) => void (options.smbios = [...options.smbios, parseSmbios(argument)]),
  },
  {
    names: ['fw_cfg'],
    argument: true,
    group: 'Debug/Expert',
    usage: '-fw_cfg [name=]<name>,file=<file>\n-fw_cfg [name=]<name>,string=<str>',
    help: 'add named fw_cfg entry with contents from file or from a string (names begin with opt/)',
    apply({ options }, argument) {
      const item: { name?: string; file?: string; string?: string } = {};
      applyKeys(argument, 'name', {
        name: (text) => void (item.name = text),
        file: (text) => void (item.file = text),
        string: (text) => void (item.string = text),
      });
      const { name, file, string } = item;
      if (name === undefined || name === '' || (file === undefined) === (string === undefined)) {
        throw new VmError('invalid argument(s)', { hint: 'Give a name, and either a file or a string.' });
      }
      if (new TextEncoder().encode(name).length > MAX_FW_CFG_NAME) {
        throw new VmError(`name too long (max. ${MAX_FW_CFG_NAME} char)`);
      }
      if (options.fwCfg.some((other) => other.name === name)) throw new VmError(`duplicate fw_cfg file name: ${name}`);
      options.fwCfg = [...options.fwCfg, file === undefined ? { name, string: string ?? '' } : { name, file }];
    },
  },
];
