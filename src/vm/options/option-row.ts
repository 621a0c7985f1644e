/** One row of the option table: everything the command line knows of an option. */
import { VmError } from '../../util/errors.ts';
import type { Catalogue } from './catalogue.ts';
import type { NamedOrBackend } from './char-backends.ts';
import type { DriveDraft } from './drive-options.ts';
import { type KeyValue, parseKeyValues } from './keyvals.ts';
import type { MachineOptions, VgaOption } from './machine-options.ts';

/** The command line as far as it is read. */
export interface Draft {
  readonly options: MachineOptions;
  /** Text to print instead of running a machine (`help`, `-version`), and the exit status after it. */
  answer: { readonly text: string; readonly exitCode: number } | undefined;
  readonly serial: NamedOrBackend[];
  readonly drives: DriveDraft[];
  /** `-monitor` or a `mon:` serial port says where the monitor is. */
  monitor: NamedOrBackend | undefined;
  /** Devices that exist unless an option mentions their kind; -nodefaults clears all. */
  readonly defaults: { serial: boolean; monitor: boolean; vga: boolean; cdrom: boolean; floppy: boolean };
  /** What `-vga` says. */
  vga: VgaOption | undefined;
  cpuCount: number;
}

export interface OptionRow {
  /** Spellings without the dash, the preferred one last. */
  readonly names: readonly string[];
  readonly argument: boolean;
  /** Under which heading of `-h` it stands. */
  readonly group:
    | 'Standard'
    | 'Block device'
    | 'Display'
    | 'USB'
    | 'Network'
    | 'i386 target'
    | 'Character device'
    | 'Boot Image or Kernel'
    | 'Debug/Expert';
  /** Its usage and explanation, the latter's lines separated by line feeds. */
  readonly usage: string;
  readonly help: string;
  /** Throws VmErrors without the option's own text, which the caller puts in front. */
  apply(draft: Draft, argument: string, catalogue: Catalogue): void;
}

/** Reads a list and hands each item to its key's reader; keys without one are refused. */
export function applyKeys(
  argument: string,
  implied: string | undefined,
  readers: Readonly<Record<string, (value: string) => void>>,
  unknown: (item: KeyValue) => string = ({ key }) => `Invalid parameter '${key}'`,
): void {
  for (const item of parseKeyValues(argument, implied)) {
    const read = Object.hasOwn(readers, item.key) ? readers[item.key] : undefined;
    if (read === undefined) throw new VmError(unknown(item));
    read(item.value);
  }
}

/** For keys whose value has no effect here. */
export const accepted = (): void => {};
