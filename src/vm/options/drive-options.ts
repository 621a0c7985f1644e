/** `-drive`: its keys, and how a drive becomes a device of the machine. */

import type { ThrottleLimits } from '../../block/throttle.ts';
import { VmError } from '../../util/errors.ts';
import type { DeviceOption, DriveOption } from './machine-options.ts';
import { accepted, applyKeys } from './option-row.ts';
import { parseOnOff, parseUint } from './values.ts';

/** A drive as it is written; which device it gets is decided when all drives are known. */
export interface DriveDraft {
  readonly image: DriveOption;
  readonly interface: DriveInterface;
  readonly bus: number | undefined;
  readonly unit: number | undefined;
  readonly index: number | undefined;
}

const INTERFACES = ['none', 'ide', 'scsi', 'floppy', 'pflash', 'virtio'] as const;
export type DriveInterface = (typeof INTERFACES)[number];

/** Flash chips that a PC has for its firmware. */
const MAX_FLASH = 2;

/** How many units a bus of an interface has; absent: any number on one bus. */
const UNITS: Partial<Readonly<Record<DriveInterface, number>>> = { ide: 2, scsi: 7 };

const oneOf =
  <const V extends readonly string[]>(values: V, refusal: (text: string) => string) =>
  (text: string): V[number] => {
    if (!values.includes(text)) throw new VmError(refusal(text), { hint: `one of: ${values.join(', ')}` });
    return text;
  };

const readInterface = oneOf(INTERFACES, (text) => `unsupported bus type '${text}'`);
const readMedia = oneOf(['disk', 'cdrom'], (text) => `'${text}' invalid media`);
const readErrorAction = oneOf(
  ['ignore', 'enospc', 'stop', 'report', 'auto'],
  (text) => `'${text}' invalid write error action`,
);
const readReadErrorAction = oneOf(
  ['ignore', 'stop', 'report', 'auto'],
  (text) => `'${text}' invalid read error action`,
);
const readCache = oneOf(
  ['writeback', 'writethrough', 'none', 'directsync', 'unsafe'],
  (text) => `invalid cache option '${text}'`,
);
const readDiscard = oneOf(['ignore', 'off', 'unmap', 'on'], () => 'invalid discard option');

/** `cache=none` and `directsync` say how the host caches, which is not ours to choose. */
const CACHES = {
  writeback: 'writeback',
  none: 'writeback',
  writethrough: 'writethrough',
  directsync: 'writethrough',
  unsafe: 'unsafe',
} as const;

type Limits = { -readonly [K in keyof ThrottleLimits]: ThrottleLimits[K] };

export type DrivePreset = Partial<Pick<DriveDraft, 'interface' | 'index'>> & {
  readonly media?: 'disk' | 'cdrom';
  readonly file?: string;
};

/** Reads `-drive`'s argument, or what one of its short forms stands for. */
export function parseDrive(argument: string, preset: DrivePreset = {}): DriveDraft {
  const image: { -readonly [K in keyof DriveOption]: DriveOption[K] } = {
    id: '',
    file: preset.file,
    media: preset.media ?? 'disk',
    format: undefined,
    readonly: false,
    snapshot: false,
    serial: undefined,
    cache: 'writeback',
    writeErrors: 'enospc',
    readErrors: 'report',
    discard: false,
  };
  const limits: Limits = {};
  let place: Pick<DriveDraft, 'interface' | 'bus' | 'unit' | 'index'> = {
    interface: preset.interface ?? 'ide',
    bus: undefined,
    unit: undefined,
    index: preset.index,
  };
  applyKeys(argument, undefined, {
    file: (text) => void (image.file = text === '' ? undefined : text),
    id: (text) => void (image.id = checkId(text)),
    if: (text) => void (place = { ...place, interface: readInterface(text) }),
    bus: (text) => void (place = { ...place, bus: parseUint(text, 'bus') }),
    unit: (text) => void (place = { ...place, unit: parseUint(text, 'unit') }),
    index: (text) => void (place = { ...place, index: parseUint(text, 'index') }),
    media: (text) => void (image.media = readMedia(text)),
    format: (text) => void (image.format = text),
    driver: (text) => void (image.format = text),
    readonly: (text) => void (image.readonly = parseOnOff(text, 'readonly')),
    'read-only': (text) => void (image.readonly = parseOnOff(text, 'read-only')),
    snapshot: (text) => void (image.snapshot = parseOnOff(text, 'snapshot')),
    serial: (text) => void (image.serial = text),
    cache: (text) => void (image.cache = CACHES[readCache(text)]),
    werror(text) {
      const action = readErrorAction(text);
      image.writeErrors = action === 'auto' ? 'enospc' : action;
    },
    rerror(text) {
      const action = readReadErrorAction(text);
      image.readErrors = action === 'auto' ? 'report' : action;
    },
    discard(text) {
      const action = readDiscard(text);
      image.discard = action === 'unmap' || action === 'on';
    },
    ...limitReaders((name, value) => void (limits[name] = value)),
    aio: accepted,
    'detect-zeroes': accepted,
  });
  if (
    (limits.bpsTotal && (limits.bpsRead || limits.bpsWrite)) ||
    (limits.iopsTotal && (limits.iopsRead || limits.iopsWrite))
  ) {
    throw new VmError('bps/iops/max total values and read/write values cannot be used at the same time');
  }
  if (Object.keys(limits).length > 0) image.throttle = limits;
  if (place.index !== undefined && (place.bus !== undefined || place.unit !== undefined)) {
    throw new VmError('index cannot be used with bus and unit');
  }
  const units = UNITS[place.interface];
  if (units !== undefined && (place.unit ?? 0) >= units) {
    throw new VmError(`unit ${place.unit} too big (max is ${units - 1})`);
  }
  return { image, ...place };
}

/** Both spellings of each limit. */
function limitReaders(set: (name: keyof Limits, value: number) => void): Record<string, (text: string) => void> {
  const readers: Record<string, (text: string) => void> = {};
  for (const unit of ['bps', 'iops'] as const) {
    for (const [short, long] of [
      ['', 'total'],
      ['_rd', 'read'],
      ['_wr', 'write'],
    ] as const) {
      const name = `${unit}${long.charAt(0).toUpperCase()}${long.slice(1)}` as keyof Limits;
      for (const key of [`${unit}${short}`, `throttling.${unit}-${long}`]) {
        readers[key] = (text) => set(name, parseUint(text, key, 64));
      }
    }
  }
  return readers;
}

function checkId(id: string): string {
  if (!/^[a-z][a-z0-9._-]*$/i.test(id)) {
    throw new VmError(`Parameter 'id' expects an identifier`, {
      hint: "Identifiers consist of letters, digits, '-', '.', '_', starting with a letter.",
    });
  }
  return id;
}

interface Placed {
  readonly draft: DriveDraft;
  readonly bus: number;
  readonly unit: number;
}

/** What the drives of a command line amount to. */
export interface PlacedDrives {
  readonly drives: readonly DriveOption[];
  /** The devices that the machine gets for them. */
  readonly devices: readonly DeviceOption[];
  /** Drives of the floppy controller, by its properties. */
  readonly floppies: Readonly<Record<string, string>>;
  /** Drives of the firmware's flash chips, by unit. */
  readonly flash: readonly string[];
}

/**
 * Gives each drive its place on a bus, a name and a device. `presets` fill places that are free; `ideUnits` is how many
 * drives the machine's IDE buses take.
 */
export function placeDrives(
  drafts: readonly DriveDraft[],
  presets: readonly DriveDraft[] = [],
  ideUnits = UNITS.ide,
): PlacedDrives {
  const placed: Placed[] = [];
  const unitsOf = (kind: DriveInterface): number | undefined => (kind === 'ide' ? ideUnits : UNITS[kind]);
  for (const draft of drafts) placed.push(placeOf(draft, placed, unitsOf(draft.interface)));
  for (const draft of presets) {
    const units = unitsOf(draft.interface);
    const { bus, unit } = wanted(draft, units);
    if (!taken(placed, draft.interface, bus ?? 0, unit ?? 0)) placed.push(placeOf(draft, placed, units));
  }
  const drives = placed.map(({ draft, bus, unit }) => ({
    ...draft.image,
    id: draft.image.id === '' ? defaultId(draft, bus, unit) : draft.image.id,
  }));
  const names = new Set<string>();
  for (const { id } of drives) {
    if (names.has(id)) throw new VmError(`Duplicate ID '${id}' for drive`);
    names.add(id);
  }
  const floppies: Record<string, string> = {};
  const flash: string[] = [];
  const devices: DeviceOption[] = [];
  for (const [i, { draft, bus, unit }] of placed.entries()) {
    const { id, media } = drives[i] as DriveOption;
    if (draft.interface === 'floppy') {
      const property = unit < 2 ? (['driveA', 'driveB'] as const)[unit] : undefined;
      if (property === undefined) throw new VmError(`machine type does not support if=floppy,bus=${bus},unit=${unit}`);
      floppies[property] = id;
    }
    if (draft.interface === 'pflash') flash[unit] = id;
    const device = deviceFor(draft.interface, media, id, bus, unit);
    if (device !== undefined) devices.push(device);
  }
  if (flash.length > MAX_FLASH || flash.length !== Object.keys(flash).length) {
    throw new VmError(`if=pflash: a machine has units 0 and 1, and needs unit 0`);
  }
  return { drives, devices, floppies, flash };
}

function wanted({ index, bus, unit }: DriveDraft, units: number | undefined): { bus?: number; unit?: number } {
  if (index !== undefined) {
    return units === undefined ? { bus: 0, unit: index } : { bus: Math.floor(index / units), unit: index % units };
  }
  return { ...(bus !== undefined && { bus }), ...(unit !== undefined && { unit }) };
}

const taken = (placed: readonly Placed[], kind: DriveInterface, bus: number, unit: number): boolean =>
  placed.some((other) => other.draft.interface === kind && other.bus === bus && other.unit === unit);

function placeOf(draft: DriveDraft, placed: readonly Placed[], units: number | undefined): Placed {
  const kind = draft.interface;
  const place = wanted(draft, units);
  let bus = place.bus ?? 0;
  let unit = place.unit ?? 0;
  if (place.unit === undefined) {
    while (taken(placed, kind, bus, unit)) {
      unit++;
      if (units === undefined || unit < units) continue;
      unit = 0;
      bus++;
    }
  }
  if (taken(placed, kind, bus, unit)) {
    throw new VmError(`drive with bus=${bus}, unit=${unit} (index=${bus * (units ?? 0) + unit}) exists`);
  }
  return { draft, bus, unit };
}

/** QEMU's names of drives that the user did not name: `ide0-hd0`, `floppy0`. */
function defaultId({ interface: kind, image: { media } }: DriveDraft, bus: number, unit: number): string {
  const medium = kind === 'ide' || kind === 'scsi' ? (media === 'cdrom' ? '-cd' : '-hd') : '';
  return UNITS[kind] === undefined ? `${kind}${medium}${unit}` : `${kind}${bus}${medium}${unit}`;
}

function deviceFor(
  kind: DriveInterface,
  media: DriveOption['media'],
  drive: string,
  bus: number,
  unit: number,
): DeviceOption | undefined {
  const device = (driver: string, properties: Readonly<Record<string, string>> = {}): DeviceOption => ({
    driver,
    id: undefined,
    properties: { drive, ...properties },
  });
  switch (kind) {
    case 'ide':
      return device(media === 'cdrom' ? 'ide-cd' : 'ide-hd', { bus: `ide.${bus}`, unit: `${unit}` });
    case 'scsi':
      return device(media === 'cdrom' ? 'scsi-cd' : 'scsi-hd', { bus: `scsi.${bus}`, 'scsi-id': `${unit}` });
    case 'virtio':
      return device('virtio-blk-pci');
    default:
      return undefined;
  }
}
