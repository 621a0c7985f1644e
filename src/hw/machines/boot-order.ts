/**
 * What the firmware is told about booting: letters of drives in CMOS memory, and the list of device paths that
 * `bootindex` makes, in fw_cfg.
 */
import { VmError } from '../../util/errors.ts';
import { defineDevice } from '../core/device.ts';
import { prop } from '../core/props.ts';
import { below, survivesReset, vmstate } from '../core/state.ts';

/** `-boot`, as far as the machine and its firmware act on it. */
export interface BootOptions {
  /** Letters of drives: a and b floppies, c the disk, d the CD-ROM, n the network. */
  readonly order: string;
  /** The order of the first boot only. */
  readonly once?: string | undefined;
  readonly menu: boolean;
  /** How long the firmware shows its menu prompt. */
  readonly splashMs?: number | undefined;
  /** When to restart after nothing could be booted; -1: never. */
  readonly rebootTimeoutMs: number;
  /** Boot from nothing that is not in the list. */
  readonly strict: boolean;
  /** False: the boot sector of a floppy need not end with 55h, AAh. */
  readonly checkFloppySignature: boolean;
}

export const DEFAULT_BOOT: BootOptions = {
  order: 'cad',
  menu: false,
  rebootTimeoutMs: -1,
  strict: false,
  checkFloppySignature: true,
};

/** Something that can be booted from: a path in OpenFirmware's device tree and its place. */
export interface BootEntry {
  readonly path: string;
  readonly index: number;
}

const NIBBLES: Readonly<Record<string, number>> = { a: 1, b: 1, c: 2, d: 3, n: 4 };
const MAX_DRIVES = 3;
const CMOS = { BOOT_FLAG1: 0x38, BOOT_FLAG2: 0x3d } as const;
const NO_SIGNATURE_CHECK = 0x01;

/** Refuses letters that are no drives of a PC. */
export function checkBootOrder(order: string): void {
  if (order.length > MAX_DRIVES) throw new VmError('Too many boot devices for PC');
  const bad = [...order].find((letter) => NIBBLES[letter] === undefined);
  if (bad !== undefined) throw new VmError(`Invalid boot device for PC: '${bad}'`);
}

/** CMOS bytes, as [register, value]. */
function orderInCmos(order: string, checkFloppySignature: boolean): readonly (readonly [number, number])[] {
  const [first = 0, second = 0, third = 0] = [...order].map((letter) => NIBBLES[letter] ?? 0);
  return [
    [CMOS.BOOT_FLAG2, (second << 4) | first],
    [CMOS.BOOT_FLAG1, (third << 4) | (checkFloppySignature ? 0 : NO_SIGNATURE_CHECK)],
  ];
}

/** The file `bootorder`: a path a line, zero-terminated; empty if there is none. */
export function bootOrderFile(entries: readonly BootEntry[], strict: boolean): Uint8Array {
  const paths = entries
    .filter(({ index }) => index >= 0)
    .sort((a, b) => a.index - b.index)
    .map(({ path }) => path);
  if (paths.length > 0 && strict) paths.push('HALT');
  return new TextEncoder().encode(paths.length === 0 ? '' : `${paths.join('\n')}\0`);
}

/** Two devices may not have the same place. */
export function checkBootIndices(entries: readonly BootEntry[]): void {
  const taken = new Set<number>();
  for (const { index } of entries) {
    if (index < 0) continue;
    if (taken.has(index)) throw new VmError(`The bootindex ${index} has already been used`);
    taken.add(index);
  }
}

/** Sets the boot order in CMOS memory at power-on; `once` gives way to `order` at the next reset. */
export const bootOrderDevice = defineDevice({
  type: 'boot-order',
  desc: '',
  props: {
    boot: prop.code(DEFAULT_BOOT),
    rtc: prop.required<{ setCmos(register: number, value: number): void }>(),
  },
  irqs: [],
  state: vmstate('boot-order', 1, { resets: survivesReset(below(3)) }),
  create(s, { boot, rtc }) {
    function set(order: string): void {
      for (const [register, value] of orderInCmos(order, boot.checkFloppySignature)) rtc.setCmos(register, value);
    }
    set(boot.once ?? boot.order);
    return {
      regions: {},
      sync() {},
      reset() {
        if (boot.once === undefined || s.resets === 2) return;
        if (++s.resets === 2) set(boot.order); // the first one is that of power-on
      },
    };
  },
});
