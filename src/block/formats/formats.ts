/** The formats, by QEMU's names. `raw` is not among them: it is what has no format. */
import { VmError } from '../../util/errors.ts';
import type { BlockNode } from '../api.ts';
import { openCloop } from './cloop.ts';
import { openDmg } from './dmg.ts';
import type { BackingReference, ImageNode, OpenImageOptions } from './image.ts';
import { createParallels, openParallels, PARALLELS_OPTIONS } from './parallels.ts';
import { openQcow } from './qcow.ts';
import { QCOW2_OPTIONS, qcow2FromOptions } from './qcow2/create.ts';
import { Qcow2Image } from './qcow2/image.ts';
import { createQed, openQed, QED_OPTIONS } from './qed.ts';
import { createVdi, openVdi, VDI_OPTIONS } from './vdi.ts';
import { openVhdx } from './vhdx/vhdx.ts';
import { createVmdk, openVmdk, VMDK_OPTIONS } from './vmdk/vmdk.ts';
import { createVpc, openVpc, VPC_OPTIONS } from './vpc.ts';

/** `-o name=value` of a new image, and what QEMU says for those that are not given. */
export interface CreateOption {
  readonly name: string;
  readonly value?: string;
  readonly help: string;
}

export interface CreateImageOptions {
  /** For messages. */
  readonly name: string;
  readonly sizeBytes: number;
  readonly backing?: BackingReference | undefined;
  readonly options: ReadonlyMap<string, string>;
}

export interface ImageFormat {
  open(file: BlockNode, options: OpenImageOptions): Promise<ImageNode>;
  /** Makes the file a new image, whatever it was. */
  create?(file: BlockNode, options: CreateImageOptions): Promise<void>;
  readonly createOptions?: readonly CreateOption[];
  /** New images can stand on another. */
  readonly hasBacking?: boolean;
}

export const FORMATS: Readonly<Record<string, ImageFormat>> = {
  qcow2: { open: Qcow2Image.open, create: qcow2FromOptions, createOptions: QCOW2_OPTIONS, hasBacking: true },
  vmdk: { open: openVmdk, create: createVmdk, createOptions: VMDK_OPTIONS },
  vdi: { open: openVdi, create: createVdi, createOptions: VDI_OPTIONS },
  vpc: { open: openVpc, create: createVpc, createOptions: VPC_OPTIONS },
  vhdx: { open: openVhdx },
  qed: { open: openQed, create: createQed, createOptions: QED_OPTIONS, hasBacking: true },
  parallels: { open: openParallels, create: createParallels, createOptions: PARALLELS_OPTIONS },
  qcow: { open: openQcow },
  cloop: { open: openCloop },
  dmg: { open: openDmg },
};

const RAW: ImageFormat = {
  open: () => {
    throw new Error('BUG: raw images are opened as they are');
  },
  async create(file, { sizeBytes }) {
    await file.resize(0);
    await file.resize(sizeBytes);
  },
  createOptions: [{ name: 'preallocation', help: 'Preallocation mode (allowed values: off)' }],
};

/** The format that writes new images of this name, or a refusal. */
export function writableFormat(name: string): ImageFormat & Required<Pick<ImageFormat, 'create'>> {
  const format = name === 'raw' ? RAW : FORMATS[name];
  if (format === undefined) throw new VmError(`Unknown file format '${name}'`);
  const { create } = format;
  if (create === undefined) throw new VmError(`Format driver '${name}' does not support image creation`);
  return { ...format, create };
}

/** The values of all options, in the order of the format's list. */
export function optionsOf(format: ImageFormat, given: ReadonlyMap<string, string>): Map<string, string> {
  const known = format.createOptions ?? [];
  for (const name of given.keys()) {
    if (!known.some((option) => option.name === name)) throw new VmError(`Invalid parameter '${name}'`);
  }
  const values = new Map<string, string>();
  for (const { name, value } of known) {
    const set = given.get(name) ?? value;
    if (set !== undefined) values.set(name, set);
  }
  return values;
}
