/** QEMU's command line to typed options. */

import { VmError } from '../../util/errors.ts';
import { audioRows } from './audio-rows.ts';
import { bootRows } from './boot-rows.ts';
import type { Catalogue } from './catalogue.ts';
import { resolveBackend } from './char-backends.ts';
import { deviceRows } from './device-rows.ts';
import { type DriveDraft, parseDrive, placeDrives } from './drive-options.ts';
import { driveRows, FIRST_DISK } from './drive-rows.ts';
import { defaultMachineOptions, type MachineOptions, type VgaOption } from './machine-options.ts';
import { machineRows } from './machine-rows.ts';
import type { Draft, OptionRow } from './option-row.ts';
import { runRows } from './run-rows.ts';
import { usbRows } from './usb-rows.ts';

export type ParsedCommandLine =
  | { readonly kind: 'machine'; readonly options: MachineOptions }
  /** The command line asks for a text (help, the version), not for a machine. */
  | { readonly kind: 'answer'; readonly text: string; readonly exitCode: number };

const ROWS: readonly OptionRow[] = [
  ...runRows.slice(0, 2),
  ...machineRows,
  ...driveRows,
  ...bootRows,
  ...deviceRows,
  ...usbRows,
  ...audioRows,
  ...runRows.slice(2),
];

/** Parses arguments as they follow the program's name. Throws a VmError that names the option and its value. */
export function parseCommandLine(args: readonly string[], catalogue: Catalogue): ParsedCommandLine {
  const preset = catalogue.machines.find(({ isDefault }) => isDefault) ?? catalogue.machines[0];
  if (preset === undefined) throw new Error('BUG: no machines');
  const draft: Draft = {
    options: defaultMachineOptions(preset.name),
    answer: undefined,
    serial: [],
    drives: [],
    monitor: undefined,
    defaults: { serial: true, monitor: true, vga: true, cdrom: true, floppy: true },
    vga: undefined,
    cpuCount: 1,
  };
  const rest = [...args];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (!word.startsWith('-') || word === '-') {
      draft.drives.push(parseDrive('', { ...FIRST_DISK, file: word }));
      continue;
    }
    const name = word.replace(/^--?/, '');
    const row = ROWS.find(({ names }) => names.includes(name));
    if (row === undefined) throw new VmError(`${word}: invalid option`);
    if (name === 'h' || name === 'help') return { kind: 'answer', text: usage(catalogue), exitCode: 0 };
    const argument = row.argument ? rest.shift() : '';
    if (argument === undefined) throw new VmError(`${word}: requires an argument`);
    withPrefix(row.argument ? `${word} ${argument}` : word, () => row.apply(draft, argument, catalogue));
  }
  if (draft.answer !== undefined) return { kind: 'answer', ...draft.answer };
  finish(draft, catalogue);
  return { kind: 'machine', options: draft.options };
}

function withPrefix(prefix: string, apply: () => void): void {
  try {
    apply();
  } catch (error) {
    if (!(error instanceof VmError)) throw error;
    throw new VmError(`${prefix}: ${error.message}`, { class: error.class, hint: error.hint, cause: error });
  }
}

/** What follows from several options together. */
function finish(draft: Draft, catalogue: Catalogue): void {
  const { options, cpuCount } = draft;
  if (options.kernel === undefined) {
    for (const name of ['initrd', 'append'] as const) {
      if (options[name] !== undefined) throw new VmError(`-${name} only allowed with -kernel option`);
    }
  }
  if (cpuCount > 1) {
    throw new VmError(`Invalid SMP CPUs ${cpuCount}. The max CPUs supported by machine '${options.machine}' is 1`);
  }
  checkAudiodevs(draft);
  connectDrives(draft, catalogue);
  options.vga = draft.vga ?? defaultVga(draft, catalogue);
  connectConsoles(draft);
}

const CDROM: DriveDraft = parseDrive('', { index: 2, media: 'cdrom' });
const FLOPPY: DriveDraft = parseDrive('', { interface: 'floppy', index: 0 });
/** A machine to which one of these is added gets no CD-ROM drive of its own: QEMU's list. */
const DISK_DRIVERS: readonly string[] = ['ide-cd', 'ide-hd', 'scsi-cd', 'scsi-hd'];

function checkAudiodevs({ options: { devices, audio } }: Draft): void {
  for (const { driver, properties } of devices) {
    const { audiodev } = properties;
    if (audiodev === undefined || audiodev === '' || audiodev === audio?.id) continue;
    throw new VmError(`Property '${driver}.audiodev' can't find value '${audiodev}'`);
  }
}

/** Drives come before the devices that the user names; a CD-ROM and a floppy drive are there without being asked for. */
function connectDrives({ options, drives, defaults }: Draft, { devices, machines }: Catalogue): void {
  const machine = machines.find(({ name }) => name === options.machine);
  const has = (driver: string): boolean => devices.some(({ name }) => name === driver);
  const named = (drivers: readonly string[]): boolean => options.devices.some(({ driver }) => drivers.includes(driver));
  const presets = [
    ...(defaults.cdrom && has('ide-cd') && !named(DISK_DRIVERS) ? [CDROM] : []),
    ...(defaults.floppy && machine?.hasFloppies !== false ? [FLOPPY] : []),
  ];
  const placed = placeDrives(drives, presets, machine?.ideUnits);
  options.drives = placed.drives.map((drive) => ({ ...drive, snapshot: drive.snapshot || options.snapshot }));
  options.floppies = placed.floppies;
  options.flash = placed.flash;
  options.devices = [...placed.devices, ...options.devices];
}

/** A kernel that nobody looks at needs neither a screen nor the firmware that would draw on it. */
function defaultVga({ options, defaults }: Draft, { devices }: Catalogue): VgaOption {
  const isDisplay = (driver: string): boolean =>
    devices.some(({ name, category }) => name === driver && category === 'Display');
  if (!defaults.vga || options.devices.some(({ driver }) => isDisplay(driver))) return 'none';
  return options.kernel !== undefined && options.bios === undefined && options.display === 'none' ? 'none' : 'std';
}

/** The serial ports and the monitor that no option mentions: on the terminal with -nographic, else on the page. */
function connectConsoles({ options, serial, monitor, defaults }: Draft): void {
  const chardevs = { ...options.chardevs };
  const ports = serial.map((backend) => resolveBackend(backend, chardevs));
  let monitorBackend = resolveBackend(monitor ?? { kind: 'null' }, chardevs);
  if (options.nographic) {
    if (defaults.serial) ports.unshift({ kind: 'stdio', muxed: defaults.monitor });
    else if (defaults.monitor) monitorBackend = { kind: 'stdio', muxed: false };
  } else {
    if (defaults.serial) ports.unshift({ kind: 'vc' });
    if (defaults.monitor) monitorBackend = { kind: 'vc' };
  }
  if (ports.length > 4) {
    throw new VmError(`-serial: machine '${options.machine}' has 4 serial ports, not ${ports.length}`);
  }
  const onStdio = [...ports, monitorBackend, ...Object.values(chardevs)].filter(({ kind }) => kind === 'stdio');
  if (onStdio.length > 1) {
    throw new VmError('cannot use stdio by multiple character devices', {
      hint: 'Share it between a serial port and the monitor with -serial mon:stdio.',
    });
  }
  options.chardevs = chardevs;
  options.serial = ports;
  options.monitor = monitorBackend;
}

/** What `-h` prints. */
function usage({ target, version }: Catalogue): string {
  const groups = new Map<string, string>();
  for (const { group, usage: left, help } of ROWS) {
    const [first, ...more] = help.split('\n').map((line) => ' '.repeat(16) + line);
    const head = left.length < 15 ? left.padEnd(16) + (first ?? '').trimStart() : `${left}\n${first}`;
    groups.set(group, `${groups.get(group) ?? ''}${[head, ...more].join('\n')}\n`);
  }
  const texts = [...groups].map(([group, text]) => `${group} options:\n${text}`);
  return (
    `Lockstep emulator version ${version}\nusage: lockstep-system-${target} [options]\n\n` +
    `${texts.join('\n')}\nDuring emulation, with -nographic, use 'ctrl-a h' to get some help\n`
  );
}
