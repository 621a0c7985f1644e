/** A machine as the command line describes it: what the option rows fill in and the composition root reads. */

import type { ThrottleLimits } from '../../block/throttle.ts';
import { type BootOptions, DEFAULT_BOOT } from '../../hw/machines/boot-order.ts';
import type { SmbiosOption } from '../../hw/machines/smbios/smbios.ts';

/** Where a serial port or the monitor leads to. */
export type CharBackend =
  | { readonly kind: 'null' }
  /** The program's terminal. `muxed`: shared with the monitor, Ctrl-A c switches. */
  | { readonly kind: 'stdio'; readonly muxed: boolean }
  | { readonly kind: 'file'; readonly path: string }
  /** A console of the page; discarded where there is no page. */
  | { readonly kind: 'vc' };

export interface DeviceOption {
  readonly driver: string;
  readonly id: string | undefined;
  /** As written, but checked against the driver's properties. */
  readonly properties: Readonly<Record<string, string>>;
}

/** A drive: an image, and how it is treated. */
export interface DriveOption {
  readonly id: string;
  /** Undefined: the drive is empty. */
  readonly file: string | undefined;
  readonly media: 'disk' | 'cdrom';
  /** Undefined: found out from the image. */
  readonly format: string | undefined;
  readonly readonly: boolean;
  /** Writes are forgotten when the machine ends. */
  readonly snapshot: boolean;
  readonly serial: string | undefined;
  readonly cache: 'writeback' | 'writethrough' | 'unsafe';
  readonly writeErrors: 'report' | 'ignore' | 'stop' | 'enospc';
  readonly readErrors: 'report' | 'ignore' | 'stop';
  /** The guest's discards reach the image. */
  readonly discard: boolean;
  readonly throttle?: ThrottleLimits;
}

export type RtcBase = 'utc' | 'localtime' | { readonly epochSeconds: number };

export interface IcountOption {
  /** 2^shift ns of guest time an instruction, or a rate that follows the host's clock. */
  readonly shift: number | 'auto';
  /** Off: a halted guest's time jumps to its next timer at once. */
  readonly sleep: boolean;
}

/** A file of the firmware configuration device. */
export type FwCfgOption =
  | { readonly name: string; readonly file: string }
  | { readonly name: string; readonly string: string };

/** As `-vga` takes it. */
export const VGA_OPTIONS = ['std', 'cirrus', 'none'] as const;
export type VgaOption = (typeof VGA_OPTIONS)[number];

export const WATCHDOG_ACTIONS = ['reset', 'shutdown', 'poweroff', 'pause', 'debug', 'none', 'inject-nmi'] as const;
export type WatchdogAction = (typeof WATCHDOG_ACTIONS)[number];

export type EngineMode = 'jit' | 'interp' | 'eval';

/** Where sound goes: nowhere, into a file, or to the page's loudspeaker. */
export type AudioOption =
  | { readonly driver: 'none'; readonly id: string }
  | { readonly driver: 'wav'; readonly id: string; readonly path: string }
  | { readonly driver: 'web'; readonly id: string };

/** `-qtest`: the program's terminal, or a socket to connect to or to listen on. */
export type QtestOption =
  | { readonly kind: 'stdio' }
  | { readonly kind: 'socket'; readonly path: string; readonly server: boolean };

export interface MachineOptions {
  machine: string;
  cpu: string | undefined;
  ramBytes: number;
  kernel: string | undefined;
  initrd: string | undefined;
  append: string | undefined;
  bios: string | undefined;
  boot: BootOptions;
  optionRoms: readonly { readonly file: string; readonly bootIndex: number }[];
  fwCfg: readonly FwCfgOption[];
  smbios: readonly SmbiosOption[];
  hpet: boolean;
  /** One entry a port, from port 0 on. */
  serial: readonly CharBackend[];
  monitor: CharBackend;
  /** Back ends that devices name by id. */
  chardevs: Readonly<Record<string, CharBackend>>;
  nographic: boolean;
  display: 'default' | 'none';
  vga: VgaOption;
  devices: readonly DeviceOption[];
  /** The board's USB controller. */
  usb: boolean;
  audio: AudioOption | undefined;
  drives: readonly DriveOption[];
  /** Drives of the floppy controller, by its properties. */
  /** Drives of the flash chips that hold the firmware, by unit. */
  flash: readonly string[];
  floppies: Readonly<Record<string, string>>;
  /** All drives forget what is written to them. */
  snapshot: boolean;
  /** What a guest's reset does. */
  onReboot: 'reset' | 'shutdown';
  /** What a guest's power-off does. */
  onShutdown: 'poweroff' | 'pause';
  watchdogAction: WatchdogAction;
  rtc: { base: RtcBase; clock: 'host' | 'vm' };
  icount: IcountOption | undefined;
  accel: { name: 'tcg' | 'qtest'; tbSizeMiB: number | undefined; engine: EngineMode };
  log: { items: readonly string[]; file: string | undefined };
  /** Where GDB may connect; undefined: nowhere. */
  gdb: { readonly host: string; readonly port: number } | undefined;
  startPaused: boolean;
  /** Where a test drives the machine from. */
  qtest: QtestOption | undefined;
  name: string | undefined;
  uuid: string;
}

export const DEFAULT_RAM_BYTES = 128 * 2 ** 20;
/** Guest RAM and all that the engine keeps share one 32-bit memory. */
export const MAX_RAM_BYTES = 2047 * 2 ** 20;

export const defaultMachineOptions = (machine: string): MachineOptions => ({
  machine,
  cpu: undefined,
  ramBytes: DEFAULT_RAM_BYTES,
  kernel: undefined,
  initrd: undefined,
  append: undefined,
  bios: undefined,
  boot: DEFAULT_BOOT,
  optionRoms: [],
  fwCfg: [],
  smbios: [],
  hpet: true,
  serial: [],
  monitor: { kind: 'null' },
  chardevs: {},
  nographic: false,
  display: 'default',
  vga: 'std',
  devices: [],
  usb: false,
  audio: undefined,
  drives: [],
  flash: [],
  floppies: {},
  snapshot: false,
  onReboot: 'reset',
  onShutdown: 'poweroff',
  watchdogAction: 'reset',
  rtc: { base: 'utc', clock: 'host' },
  icount: undefined,
  accel: { name: 'tcg', tbSizeMiB: undefined, engine: 'jit' },
  log: { items: [], file: undefined },
  gdb: undefined,
  startPaused: false,
  qtest: undefined,
  name: undefined,
  uuid: '00000000-0000-0000-0000-000000000000',
});
