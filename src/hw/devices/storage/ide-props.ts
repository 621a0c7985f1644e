/** Properties that `ide-hd` and `ide-cd` share, with QEMU's names. */
import type { Drive } from '../../../block/api.ts';
import { VmError } from '../../../util/errors.ts';
import type { FirmwareNode } from '../../core/device.ts';
import { prop } from '../../core/props.ts';
import { type IdeBus, SECTOR_BYTES } from './ata.ts';

/** A bus gives the device its place where the user does not. */
const ANY_UNIT = 0xffff_ffff;

export const ideProps = {
  drive: prop.link<Drive | null>('drive', null, 'Node name or ID of a block device to use as a backend'),
  parent: prop.required<IdeBus>(),
  unit: prop.u32(ANY_UNIT),
  serial: prop.string(''),
  model: prop.string(''),
  ver: prop.string('2.5+'),
  bootindex: prop.i32(-1),
  logical_block_size: prop.u32(SECTOR_BYTES),
  physical_block_size: prop.u32(SECTOR_BYTES),
};

export const placeOf = (unit: number): number | undefined => (unit === ANY_UNIT ? undefined : unit);

/** QEMU's serial number of the n-th place for an IDE device. */
export const madeUpSerial = (n: number): string => `QM${String(n).padStart(5, '0')}`;

export function checkBlockSizes(id: string, logical: number, physical: number): void {
  if (logical !== SECTOR_BYTES) throw new VmError(`device '${id}': logical_block_size must be 512 for IDE`);
  if (physical < logical || physical > 2 ** 21 || !Number.isInteger(Math.log2(physical))) {
    throw new VmError(
      `device '${id}': physical_block_size ${physical} is not a power of two from ${logical} to 2097152`,
    );
  }
}

/** Texts go into fixed fields of the identification. */
export function checkTexts(
  id: string,
  texts: { readonly serial: string; readonly model: string; readonly ver: string },
): void {
  for (const [name, most] of [
    ['serial', 20],
    ['model', 40],
    ['ver', 8],
  ] as const) {
    if (texts[name].length > most)
      throw new VmError(`device '${id}': ${name} '${texts[name]}' is longer than ${most} characters`);
  }
}

/** As QEMU names it in the firmware's device tree: the channel, and in it the disk. */
export const firmwareNode = (bus: IdeBus, unit: number, bootindex: number): FirmwareNode => ({
  name: `drive@${bus.node.toString(16)}`,
  boot: [{ index: bootindex, suffix: `/disk@${unit}` }],
});
