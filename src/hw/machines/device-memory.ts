/** Where the memories of devices lie in the backing store, behind guest RAM and BIOS. */
import { VmError } from '../../util/errors.ts';
import type { DeviceMemory, DeviceMemoryNeed } from '../core/device.ts';
import type { RamAccess } from '../core/memory.ts';
import { ramRegion } from '../core/region.ts';

const PAGE = 4096;
/** The smallest that a PCI expansion ROM decodes. */
const MIN_ROM_BYTES = 2048;

/** One memory of a device, before the backing store exists. */
export interface PlannedMemory {
  readonly offset: number;
  readonly bytes: number;
  /** What it holds after each reset; absent: RAM. */
  readonly image: Uint8Array | undefined;
}

/** Finds a firmware file; undefined if there is none of this name. */
export type OpenFirmware = (name: string) => Uint8Array | undefined;

export class BackingPlan {
  private end: number;
  private readonly open: OpenFirmware;

  /** `start`: the bytes that are taken already. */
  constructor(start: number, open: OpenFirmware) {
    this.end = start;
    this.open = open;
  }

  get backingBytes(): number {
    return this.end;
  }

  place(owner: string, need: DeviceMemoryNeed): PlannedMemory {
    const offset = Math.ceil(this.end / PAGE) * PAGE;
    const image = 'file' in need ? this.romImage(owner, need.file) : undefined;
    const bytes = 'file' in need ? romBytes(image?.length ?? 0) : need.bytes;
    this.end = Math.ceil((offset + bytes) / PAGE) * PAGE;
    return { offset, bytes, image };
  }

  private romImage(owner: string, file: string): Uint8Array {
    const image = this.open(file);
    if (image === undefined) throw new VmError(`device '${owner}': failed to find romfile "${file}"`);
    if (image.length === 0) throw new VmError(`device '${owner}': romfile "${file}" is empty`);
    return image;
  }
}

const romBytes = (length: number): number => Math.max(MIN_ROM_BYTES, 2 ** Math.ceil(Math.log2(Math.max(1, length))));

export function deviceMemory(name: string, { offset, bytes }: PlannedMemory, ram: RamAccess): DeviceMemory {
  return {
    region: ramRegion(name, bytes, offset),
    bytes: ram.bytes.subarray(offset, offset + bytes),
    written: (at, length) => ram.written(offset + at, length),
  };
}
