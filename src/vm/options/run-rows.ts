/** Options that say how the machine runs: time, reset, logging, help. */
import { VmError } from '../../util/errors.ts';
import { logHelp, parseLogItems } from './log-items.ts';
import { type RtcBase, WATCHDOG_ACTIONS } from './machine-options.ts';
import { accepted, applyKeys, type OptionRow } from './option-row.ts';
import { parseInteger, parseOnOff } from './values.ts';

/** QEMU's MAX_ICOUNT_SHIFT. */
const MAX_ICOUNT_SHIFT = 10;

function parseRtcBase(text: string): RtcBase {
  if (text === 'utc' || text === 'localtime') return text;
  const match = /^(\d{4})-(\d{1,2})-(\d{1,2})(?:T(\d{1,2}):(\d{2}):(\d{2}))?$/.exec(text);
  const [year = 0, month = 0, day = 0, hours = 0, minutes = 0, seconds = 0] = (match ?? []).slice(1).map(Number);
  const date = new Date(Date.UTC(year, month - 1, day, hours || 0, minutes || 0, seconds || 0));
  // The 30th of February would roll over into March.
  if (
    match === null ||
    date.getUTCMonth() !== month - 1 ||
    date.getUTCDate() !== day ||
    date.getUTCHours() !== (hours || 0)
  ) {
    throw new VmError('invalid datetime format', { hint: "valid formats: '2006-06-17T16:01:21' or '2006-06-17'" });
  }
  return { epochSeconds: date.getTime() / 1000 };
}

function parseShift(text: string): number | 'auto' {
  if (text === 'auto') return 'auto';
  const shift = parseInteger(text);
  if (shift === undefined || shift < 0 || shift > MAX_ICOUNT_SHIFT) throw new VmError('icount: Invalid shift value');
  return shift;
}

export const runRows: readonly OptionRow[] = [
  {
    names: ['h', 'help'],
    argument: false,
    group: 'Standard',
    usage: '-h or -help',
    help: 'display this help and exit',
    apply: accepted, // the table answers it: parse.ts
  },
  {
    names: ['version'],
    argument: false,
    group: 'Standard',
    usage: '-version',
    help: 'display version information and exit',
    apply(draft, _argument, { version }) {
      draft.answer = { text: `Lockstep emulator version ${version}\n`, exitCode: 0 };
    },
  },
  {
    names: ['S'],
    argument: false,
    group: 'Debug/Expert',
    usage: '-S',
    help: "freeze CPU at startup (use 'c' to start execution)",
    apply: ({ options }) => void (options.startPaused = true),
  },
  {
    names: ['qtest'],
    argument: true,
    group: 'Debug/Expert',
    usage: '-qtest stdio|unix:path[,server=on|off]',
    help: "drive the machine's ports, memory and clock by QEMU's qtest protocol; use it with -accel qtest",
    apply({ options }, argument) {
      if (argument === 'stdio') {
        options.qtest = { kind: 'stdio' };
        return;
      }
      const [, path = '', rest] = /^unix:([^,]+)(?:,(.*))?$/.exec(argument) ?? [];
      if (path === '')
        throw new VmError(`'${argument}' is not a valid char driver`, { hint: 'Use stdio or unix:path.' });
      let server = false;
      applyKeys(rest ?? '', undefined, {
        server: (text) => void (server = parseOnOff(text, 'server')),
        wait: (text) => void parseOnOff(text, 'wait'),
      });
      options.qtest = { kind: 'socket', path, server };
    },
  },
  {
    names: ['qtest-log'],
    argument: true,
    group: 'Debug/Expert',
    usage: '-qtest-log file',
    help: 'accepted; nothing is logged',
    apply: accepted,
  },
  {
    names: ['d'],
    argument: true,
    group: 'Debug/Expert',
    usage: '-d item1,...',
    help: "enable logging of specified items (use '-d help' for a list of log items)",
    apply(draft, argument) {
      const items = parseLogItems(argument);
      // QEMU prints the list for 'help' and for mistakes alike, and exits with 1.
      if (items === undefined) draft.answer ??= { text: logHelp(), exitCode: 1 };
      else draft.options.log.items = items;
    },
  },
  {
    names: ['D'],
    argument: true,
    group: 'Debug/Expert',
    usage: '-D logfile',
    help: 'output log to logfile (default stderr)',
    apply: ({ options }, argument) => void (options.log.file = argument),
  },
  {
    names: ['no-reboot'],
    argument: false,
    group: 'Debug/Expert',
    usage: '-no-reboot',
    help: 'exit instead of rebooting',
    apply: ({ options }) => void (options.onReboot = 'shutdown'),
  },
  {
    names: ['no-shutdown'],
    argument: false,
    group: 'Debug/Expert',
    usage: '-no-shutdown',
    help: 'stop before shutdown',
    apply: ({ options }) => void (options.onShutdown = 'pause'),
  },
  {
    names: ['watchdog-action'],
    argument: true,
    group: 'Debug/Expert',
    usage: '-watchdog-action reset|shutdown|poweroff|inject-nmi|pause|debug|none',
    help: 'action when watchdog fires [default=reset]',
    apply({ options }, argument) {
      const action = WATCHDOG_ACTIONS.find((name) => name === argument);
      if (action === undefined) throw new VmError('Unknown watchdog action', { hint: WATCHDOG_ACTIONS.join(', ') });
      options.watchdogAction = action;
    },
  },
  {
    names: ['rtc'],
    argument: true,
    group: 'Debug/Expert',
    usage: '-rtc [base=utc|localtime|<datetime>][,clock=host|rt|vm][,driftfix=none|slew]',
    help: 'set the RTC base and clock',
    apply: ({ options }, argument) =>
      applyKeys(argument, undefined, {
        base: (text) => void (options.rtc.base = parseRtcBase(text)),
        clock(text) {
          if (text !== 'host' && text !== 'rt' && text !== 'vm') throw new VmError(`invalid option value '${text}'`);
          options.rtc.clock = text === 'vm' ? 'vm' : 'host';
        },
        driftfix(text) {
          if (text !== 'none' && text !== 'slew') throw new VmError(`invalid option value '${text}'`);
        },
      }),
  },
  {
    names: ['icount'],
    argument: true,
    group: 'Debug/Expert',
    usage: '-icount [shift=N|auto][,align=on|off][,sleep=on|off]',
    help:
      'guest time advances by 2^N ns an instruction: the same run every time\n' +
      '(the count itself is always kept; without -icount guest time follows the host)',
    apply({ options }, argument) {
      let shift = options.icount?.shift;
      let sleep = options.icount?.sleep ?? true;
      let align: boolean | undefined;
      applyKeys(argument, 'shift', {
        shift: (text) => void (shift = parseShift(text)),
        sleep: (text) => void (sleep = parseOnOff(text, 'sleep')),
        align: (text) => void (align = parseOnOff(text, 'align')),
      });
      if (align !== undefined && shift === undefined) throw new VmError('Please specify shift option when using align');
      if (align === true && !sleep) throw new VmError('align=on and sleep=off are incompatible');
      if (align === true && shift === 'auto') throw new VmError('shift=auto and align=on are incompatible');
      options.icount = { shift: shift ?? 'auto', sleep };
    },
  },
  {
    names: ['gdb'],
    argument: true,
    group: 'Debug/Expert',
    usage: '-gdb tcp:[host]:port',
    help: 'wait for a gdb connection there; only this machine can connect unless a host is given',
    apply({ options }, argument) {
      options.gdb = parseGdbAddress(argument);
    },
  },
  {
    names: ['s'],
    argument: false,
    group: 'Debug/Expert',
    usage: '-s',
    help: 'shorthand for -gdb tcp::1234',
    apply({ options }) {
      options.gdb = parseGdbAddress('tcp::1234');
    },
  },
];

/** `tcp:host:port`; QEMU's further words (`,server,nowait`) say what is so anyway. */
function parseGdbAddress(text: string): { readonly host: string; readonly port: number } | undefined {
  if (text === 'none') return undefined;
  const match = /^tcp:([^:,]*):(\d{1,5})(?:,.*)?$/.exec(text);
  const port = Number(match?.[2]);
  if (match === null || port > 65_535)
    throw new VmError(`gdbstub: could not create chardev: '${text}'`, { hint: 'Use tcp::port.' });
  return { host: match[1] || '127.0.0.1', port };
}
