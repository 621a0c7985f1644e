/** What the page stores of machines and disks, and how older forms of it become today's. */
import { type DriveSpec, defaultSpec, displays, driveSlots, type FileRef, type MachineSpec } from './machine-spec.ts';

export type Thumbnail =
  /** The last lines of a serial console. */
  { readonly kind: 'text'; readonly lines: readonly string[] } | { readonly kind: 'image'; readonly image: Blob };

/** Times are milliseconds since 1970. */
export interface MachineRecord {
  readonly id: string;
  readonly name: string;
  readonly spec: MachineSpec;
  readonly created: number;
  readonly lastUsed?: number;
  /** The entry of the gallery that it was made of. */
  readonly gallery?: string;
  readonly thumbnail?: Thumbnail;
  /** In the trash since. */
  readonly deleted?: number;
}

/** What a stored file is for. */
export const fileRoles = ['disk', 'cdrom', 'floppy', 'kernel', 'initrd', 'bios'] as const;
export type FileRole = (typeof fileRoles)[number];

export type Origin =
  /** Made here, empty. */
  | { readonly kind: 'empty' }
  /** A file of the person's, by its name then. */
  | { readonly kind: 'file'; readonly name: string }
  /** Read from elsewhere as the guest asks for it. */
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'copy'; readonly of: string };

/** A file kept in this browser: a disk, a medium, a kernel. */
export interface DiskRecord {
  readonly id: string;
  /** File name: the command line uses it. */
  readonly name: string;
  readonly role: FileRole;
  /** QEMU's name of the format. */
  readonly format: string;
  /** As the guest sees it. */
  readonly sizeBytes: number;
  readonly origin: Origin;
  readonly created: number;
}

/** Raised with each change that older pages could not read; the entry of that name holds it. */
export const SCHEMA_VERSION = 1;

/** What version 0 kept: the choices on its start screen. */
interface StartScreenSettings {
  readonly card?: unknown;
  readonly ramMiB?: unknown;
  readonly append?: unknown;
}

/** Linux as the start screen of version 0 started it, if the person had changed anything about it. */
export function machineOfStartScreen(settings: unknown, defaults: MachineSpec): MachineSpec | undefined {
  if (!isObject(settings)) return undefined;
  const { card, ramMiB, append } = settings as StartScreenSettings;
  if (card !== 'linux-pc' && card !== 'linux-isapc') return undefined;
  const changed = isObject(append) ? append[card] : undefined;
  const spec: MachineSpec = {
    ...defaults,
    board: card === 'linux-pc' ? 'pc' : 'isapc',
    ramMiB: typeof ramMiB === 'number' ? ramMiB : defaults.ramMiB,
    append: typeof changed === 'string' ? changed : defaults.append,
  };
  return JSON.stringify(spec) === JSON.stringify(defaults) ? undefined : spec;
}

/** What a record says, as far as it makes sense; undefined if it is none: other pages write to the same data base. */
export function machineFrom(stored: unknown): MachineRecord | undefined {
  if (!isObject(stored) || typeof stored['id'] !== 'string' || !isObject(stored['spec'])) return undefined;
  const { id, name, spec, created, lastUsed, gallery, thumbnail, deleted } = stored;
  return {
    id,
    name: typeof name === 'string' && name !== '' ? name : 'Machine',
    spec: specFrom(spec),
    created: typeof created === 'number' ? created : 0,
    ...(typeof lastUsed === 'number' && { lastUsed }),
    ...(typeof gallery === 'string' && { gallery }),
    ...(isThumbnail(thumbnail) && { thumbnail }),
    ...(typeof deleted === 'number' && { deleted }),
  };
}

export function diskFrom(stored: unknown): DiskRecord | undefined {
  if (!isObject(stored)) return undefined;
  const { id, name, role, format, sizeBytes, origin, created } = stored;
  const known = fileRoles.find((candidate) => candidate === role);
  if (typeof id !== 'string' || typeof sizeBytes !== 'number' || known === undefined || !isObject(origin)) {
    return undefined;
  }
  return {
    id,
    name: typeof name === 'string' ? name : id,
    role: known,
    format: typeof format === 'string' ? format : 'raw',
    sizeBytes,
    origin: origin as unknown as Origin,
    created: typeof created === 'number' ? created : 0,
  };
}

/** A machine's choices from a file or a data base: what is missing or makes no sense is the default. */
export function specFrom(stored: Readonly<Record<string, unknown>>): MachineSpec {
  const text = (key: 'board' | 'cpu' | 'append' | 'bootOrder' | 'extra'): string =>
    typeof stored[key] === 'string' ? stored[key] : defaultSpec[key];
  const file = (key: 'kernel' | 'initrd' | 'bios') => (isFileRef(stored[key]) ? { [key]: stored[key] } : {});
  const { ramMiB, drives, display, bootMenu } = stored;
  return {
    board: text('board'),
    cpu: text('cpu'),
    ramMiB: typeof ramMiB === 'number' && ramMiB > 0 ? ramMiB : defaultSpec.ramMiB,
    ...file('kernel'),
    ...file('initrd'),
    append: text('append'),
    ...file('bios'),
    drives: Array.isArray(drives) ? drives.filter(isDrive) : [],
    display: displays.find((known) => known === display) ?? defaultSpec.display,
    bootOrder: text('bootOrder'),
    bootMenu: bootMenu === true,
    extra: text('extra'),
  };
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function isFileRef(value: unknown): value is FileRef {
  if (!isObject(value)) return false;
  return value['kind'] === 'rom' ? typeof value['name'] === 'string' : typeof value['id'] === 'string';
}

function isDrive(value: unknown): value is DriveSpec {
  if (!isObject(value)) return false;
  const { slot, media, file } = value;
  return (
    driveSlots.some((known) => known === slot) &&
    (media === 'disk' || media === 'cdrom' || media === 'floppy') &&
    (file === undefined || isFileRef(file))
  );
}

function isThumbnail(value: unknown): value is Thumbnail {
  if (!isObject(value)) return false;
  return value['kind'] === 'text' ? Array.isArray(value['lines']) : value['image'] instanceof Blob;
}
