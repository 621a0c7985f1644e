/** Options that say what machine it is: board, processor, memory, firmware and kernel. */
import { VmError } from '../../util/errors.ts';
import { cpuHelp, machineHelp } from './catalogue.ts';
import { parseKeyValues } from './keyvals.ts';
import { MAX_RAM_BYTES } from './machine-options.ts';
import { accepted, applyKeys, type Draft, type OptionRow } from './option-row.ts';
import { parseOnOff, parseSize, parseUint, UUID } from './values.ts';

const MIB = 2 ** 20;
/** Memory sizes are rounded up to this, as QEMU does. */
const RAM_ALIGNMENT = 8192;

function setRam(draft: Draft, text: string): void {
  const bytes = Math.ceil(parseSize(text, 'size', MIB) / RAM_ALIGNMENT) * RAM_ALIGNMENT;
  if (bytes === 0) return; // QEMU: the default size
  if (bytes < MIB || bytes > MAX_RAM_BYTES) {
    throw new VmError(`RAM size ${bytes / MIB} MiB is out of range (1 to ${MAX_RAM_BYTES / MIB} MiB)`);
  }
  draft.options.ramBytes = bytes;
}

function setAccelerator(draft: Draft, names: string): void {
  const name = names.split(':').find((each) => each === 'tcg' || each === 'qtest');
  if (name !== 'tcg' && name !== 'qtest') {
    throw new VmError(`invalid accelerator ${names}`, { hint: 'Use tcg or qtest.' });
  }
  draft.options.accel.name = name;
}

function setEngine(draft: Draft, text: string): void {
  if (text !== 'jit' && text !== 'interp' && text !== 'eval') {
    throw new VmError(`Invalid 'engine' setting ${text}`, { hint: 'Use jit, interp or eval.' });
  }
  draft.options.accel.engine = text;
}

export const machineRows: readonly OptionRow[] = [
  {
    names: ['M', 'machine'],
    argument: true,
    group: 'Standard',
    usage: '-machine [type=]name[,prop[=value][,...]]',
    help:
      "selects emulated machine ('-machine help' for list)\n" +
      'property accel=accel1[:accel2[:...]] selects accelerator\n' +
      'supported accelerators are tcg, qtest (default: tcg)',
    apply(draft, argument, catalogue) {
      if (argument === 'help' || argument === '?') {
        draft.answer = { text: machineHelp(catalogue), exitCode: 0 };
        return;
      }
      const { options } = draft;
      for (const { key, bare } of parseKeyValues(argument, 'type')) {
        if (bare === 'flag') throw new VmError(`Expected '=' after parameter '${key}'`);
      }
      const readers = {
        type(name: string) {
          const entry = catalogue.machines.find((machine) => machine.name === name);
          if (entry === undefined) {
            throw new VmError('unsupported machine type', { hint: 'Use -machine help to list supported machines' });
          }
          options.machine = entry.aliasOf ?? entry.name;
        },
        accel: (names: string) => setAccelerator(draft, names),
        kernel: (path: string) => void (options.kernel = path),
        initrd: (path: string) => void (options.initrd = path),
        append: (text: string) => void (options.append = text),
        firmware: (path: string) => void (options.bios = path),
        graphics: (text: string) => void (options.nographic = !parseOnOff(text, 'graphics')),
        usb: (text: string) => void (options.usb = parseOnOff(text, 'usb')),
        'dump-guest-core': accepted,
        'mem-merge': accepted,
      };
      applyKeys(argument, 'type', readers, ({ key }) => `Property '${options.machine}-machine.${key}' not found`);
    },
  },
  {
    names: ['cpu'],
    argument: true,
    group: 'Standard',
    usage: '-cpu cpu',
    help: "select CPU ('-cpu help' for list)",
    apply(draft, argument, catalogue) {
      if (argument === 'help' || argument === '?') {
        draft.answer = { text: cpuHelp(catalogue), exitCode: 0 };
        return;
      }
      const [model = '', ...features] = argument.split(',');
      if (model === '') throw new VmError('-cpu option cannot be empty');
      if (!catalogue.cpus.some(({ name }) => name === model)) {
        throw new VmError(`unable to find CPU model '${model}'`, { hint: 'Use -cpu help to list CPU models' });
      }
      const [feature] = features;
      if (feature !== undefined) {
        const name = feature.replace(/^[+-]|=.*$/g, '');
        throw new VmError(`Property '${model}-${catalogue.target}-cpu.${name}' not found`);
      }
      draft.options.cpu = model;
    },
  },
  {
    names: ['accel'],
    argument: true,
    group: 'Standard',
    usage: '-accel [accel=]accelerator[,prop[=value][,...]]',
    help:
      "select accelerator (tcg, qtest; use 'help' for a list)\n" +
      'tb-size=n (TCG translation block cache size)\n' +
      'engine=jit|interp|eval (compiled, interpreted, or by the reference evaluator; default: jit)',
    apply(draft, argument) {
      if (argument === '' || argument === 'help' || argument === '?') {
        draft.answer = { text: 'Accelerators supported in Lockstep binary:\ntcg\nqtest\n', exitCode: 0 };
        return;
      }
      const readers = {
        accel: (names: string) => setAccelerator(draft, names),
        'tb-size': (text: string) => void (draft.options.accel.tbSizeMiB = parseUint(text, 'tb-size')),
        engine: (text: string) => setEngine(draft, text),
        thread(text: string) {
          if (text !== 'single' && text !== 'multi') throw new VmError(`Invalid 'thread' setting ${text}`);
        },
      };
      applyKeys(argument, 'accel', readers, ({ key }) => `Property 'tcg-accel.${key}' not found`);
    },
  },
  {
    names: ['smp'],
    argument: true,
    group: 'Standard',
    usage: '-smp [[cpus=]n][,maxcpus=maxcpus][,sockets=sockets][,cores=cores][,threads=threads]',
    help: "set the number of initial CPUs to 'n' [default=1]",
    apply(draft, argument) {
      const readNumber = (key: string) => (text: string) => {
        draft.cpuCount = Math.max(draft.cpuCount, parseUint(text, `smp.${key}`));
      };
      const keys = ['cpus', 'maxcpus', 'sockets', 'cores', 'threads'];
      const readers = Object.fromEntries(keys.map((key) => [key, readNumber(key)]));
      applyKeys(argument, 'cpus', readers, ({ key }) => `Parameter 'smp.${key}' is unexpected`);
    },
  },
  {
    names: ['m'],
    argument: true,
    group: 'Standard',
    usage: '-m [size=]megs',
    help: 'configure guest RAM\nsize: initial amount of guest memory (default: 128 MiB)',
    apply: (draft, argument) => applyKeys(argument, 'size', { size: (text) => setRam(draft, text) }),
  },
  {
    names: ['name'],
    argument: true,
    group: 'Standard',
    usage: '-name string1[,process=string2][,debug-threads=on|off]',
    help: 'set the name of the guest\nstring1 sets the name that `info name` shows',
    apply: (draft, argument) =>
      applyKeys(argument, 'guest', {
        guest: (text) => void (draft.options.name = text),
        process: accepted,
        'debug-threads': (text) => void parseOnOff(text, 'debug-threads'),
      }),
  },
  {
    names: ['uuid'],
    argument: true,
    group: 'Standard',
    usage: '-uuid %08x-%04x-%04x-%04x-%012x',
    help: 'specify machine UUID',
    apply(draft, argument) {
      if (!UUID.test(argument)) {
        throw new VmError('failed to parse UUID string: wrong format');
      }
      draft.options.uuid = argument.toLowerCase();
    },
  },
  {
    names: ['bios'],
    argument: true,
    group: 'Boot Image or Kernel',
    usage: '-bios file',
    help: 'set the filename for the BIOS',
    apply: ({ options }, argument) => void (options.bios = argument),
  },
  {
    names: ['kernel'],
    argument: true,
    group: 'Boot Image or Kernel',
    usage: '-kernel bzImage',
    help: "use 'bzImage' as kernel image",
    apply: ({ options }, argument) => void (options.kernel = argument),
  },
  {
    names: ['append'],
    argument: true,
    group: 'Boot Image or Kernel',
    usage: '-append cmdline',
    help: "use 'cmdline' as kernel command line",
    apply: ({ options }, argument) => void (options.append = argument),
  },
  {
    names: ['initrd'],
    argument: true,
    group: 'Boot Image or Kernel',
    usage: '-initrd file',
    help: "use 'file' as initial ram disk",
    apply: ({ options }, argument) => void (options.initrd = argument),
  },
];
