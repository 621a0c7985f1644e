/** Options that plug devices in, and say where character devices and displays lead to. */
import { VmError } from '../../util/errors.ts';
import { type Catalogue, type DeviceEntry, deviceListHelp } from './catalogue.ts';
import { parseCharBackend, parseChardev } from './char-backends.ts';
import { parseKeyValues } from './keyvals.ts';
import { type DeviceOption, VGA_OPTIONS } from './machine-options.ts';
import type { OptionRow } from './option-row.ts';

function parseDevice(argument: string, catalogue: Catalogue): DeviceOption | DeviceEntry {
  const items = parseKeyValues(argument, 'driver');
  const driver = items.find(({ key }) => key === 'driver')?.value;
  if (driver === undefined) throw new VmError("Parameter 'driver' is missing");
  const entry = catalogue.devices.find(({ name }) => name === driver);
  if (entry === undefined) {
    throw new VmError(`'${driver}' is not a valid device model name`, { hint: 'Use -device help to list devices' });
  }
  let id: string | undefined;
  const properties: Record<string, string> = {};
  for (const { key, value, bare } of items) {
    if (key === 'driver') continue;
    if (bare === 'flag' && (key === 'help' || key === '?')) return entry;
    if (key === 'id') id = value;
    else properties[key] = value;
  }
  entry.check(properties);
  return { driver, id, properties };
}

const isEntry = (device: DeviceOption | DeviceEntry): device is DeviceEntry => 'check' in device;

/** Id of the back end that `-debugcon` creates. */
const DEBUGCON = 'debugcon';

/** `none` is the only network and graphics so far. */
const onlyNone =
  (refusal: (argument: string) => string): OptionRow['apply'] =>
  (_draft, argument) => {
    if (argument !== 'none') throw new VmError(refusal(argument), { hint: "Only 'none' is supported yet." });
  };

export const deviceRows: readonly OptionRow[] = [
  {
    names: ['device'],
    argument: true,
    group: 'Standard',
    usage: '-device driver[,prop[=value][,...]]',
    help:
      'add device (based on driver)\n' +
      'prop=value,... sets driver properties\n' +
      "use '-device help' to print all possible drivers\n" +
      "use '-device driver,help' to print all possible properties",
    apply(draft, argument, catalogue) {
      if (argument === 'help' || argument === '?') {
        draft.answer = { text: deviceListHelp(catalogue), exitCode: 0 };
        return;
      }
      const device = parseDevice(argument, catalogue);
      if (isEntry(device)) draft.answer = { text: device.help, exitCode: 0 };
      else draft.options.devices = [...draft.options.devices, device];
    },
  },
  {
    names: ['display'],
    argument: true,
    group: 'Display',
    usage: '-display none',
    help: 'select display backend type',
    apply(draft, argument) {
      if (argument === 'help') {
        draft.answer = { text: 'Available display backend types:\nnone\n', exitCode: 0 };
        return;
      }
      const [first, second] = parseKeyValues(argument, 'type');
      if (first?.key !== 'type' || first.value !== 'none') {
        throw new VmError(`Parameter 'type' does not accept value '${first?.value ?? ''}'`);
      }
      if (second !== undefined) throw new VmError(`Parameter '${second.key}' is unexpected`);
      draft.options.display = 'none';
    },
  },
  {
    names: ['nographic'],
    argument: false,
    group: 'Display',
    usage: '-nographic',
    help: 'disable graphical output and redirect serial I/Os to console',
    apply(draft) {
      draft.options.nographic = true;
      draft.options.display = 'none';
    },
  },
  {
    names: ['vga'],
    argument: true,
    group: 'Display',
    usage: `-vga [${VGA_OPTIONS.join('|')}]`,
    help:
      'select video card type (default: std)\n' +
      'a kernel that is started without a display has none, and no firmware',
    apply(draft, argument) {
      const vga = VGA_OPTIONS.find((name) => name === argument);
      if (vga === undefined) {
        throw new VmError(`unknown vga type: ${argument}`, { hint: `one of: ${VGA_OPTIONS.join(', ')}` });
      }
      draft.vga = vga;
    },
  },
  {
    names: ['nic'],
    argument: true,
    group: 'Network',
    usage: '-nic none',
    help: 'use it alone to have zero network devices',
    apply: onlyNone((argument) => `Parameter 'type' does not accept value '${argument.replace(/,.*/, '')}'`),
  },
  {
    names: ['net'],
    argument: true,
    group: 'Network',
    usage: '-net none',
    help: 'old way to say -nic none',
    apply: onlyNone((argument) => `Parameter 'type' does not accept value '${argument.replace(/,.*/, '')}'`),
  },
  {
    names: ['serial'],
    argument: true,
    group: 'Debug/Expert',
    usage: '-serial dev',
    help: "redirect the serial port to char device 'dev' (stdio, mon:stdio, file:<path>, null, none)",
    apply(draft, argument) {
      draft.defaults.serial = false;
      if (argument.startsWith('mon:')) draft.defaults.monitor = false;
      const backend = parseCharBackend(argument);
      if (backend !== undefined) draft.serial.push(backend);
    },
  },
  {
    names: ['parallel'],
    argument: true,
    group: 'Debug/Expert',
    usage: '-parallel none',
    help: 'there is no parallel port yet',
    apply: onlyNone((argument) => `'${argument}' is not a valid char driver`),
  },
  {
    names: ['monitor'],
    argument: true,
    group: 'Debug/Expert',
    usage: '-monitor dev',
    help: "redirect the monitor to char device 'dev' (stdio, null, none)",
    apply(draft, argument) {
      draft.defaults.monitor = false;
      const backend = parseCharBackend(argument);
      if (backend?.kind === 'file') {
        throw new VmError('a monitor needs a char device to read from', { hint: 'Use stdio, null or none.' });
      }
      draft.monitor = backend?.kind === 'stdio' ? { kind: 'stdio', muxed: false } : backend;
    },
  },
  {
    names: ['debugcon'],
    argument: true,
    group: 'Debug/Expert',
    usage: '-debugcon dev',
    help: "redirect the debug console to char device 'dev'",
    apply({ options }, argument) {
      const backend = parseCharBackend(argument);
      if (backend === undefined) return;
      const id = backend.kind === 'named' ? backend.id : DEBUGCON;
      if (backend.kind !== 'named') options.chardevs = { ...options.chardevs, [id]: backend };
      const device = { driver: 'isa-debugcon', id: undefined, properties: { chardev: id } };
      options.devices = [...options.devices, device];
    },
  },
  {
    names: ['chardev'],
    argument: true,
    group: 'Character device',
    usage: '-chardev stdio|file|null,id=id[,path=path][,mux=on|off]',
    help: "describe a char device that '-serial chardev:id' or a device's property chardev=id uses",
    apply({ options }, argument) {
      const { id, backend } = parseChardev(argument);
      if (Object.hasOwn(options.chardevs, id)) throw new VmError(`Duplicate ID '${id}' for chardev`);
      options.chardevs = { ...options.chardevs, [id]: backend };
    },
  },
  {
    names: ['nodefaults'],
    argument: false,
    group: 'Debug/Expert',
    usage: '-nodefaults',
    help: "don't create default devices",
    apply({ defaults }) {
      defaults.serial = false;
      defaults.monitor = false;
      defaults.vga = false;
      defaults.cdrom = false;
      defaults.floppy = false;
    },
  },
];
