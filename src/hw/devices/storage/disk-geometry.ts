/**
 * Cylinders, heads and sectors of a hard disk, and how its BIOS translates them: as users set them, else as QEMU guesses
 * them from the partition table, else from the size.
 */
import { VmError } from '../../../util/errors.ts';
import { SECTOR_BYTES } from './ata.ts';

export interface DiskGeometry {
  readonly cylinders: number;
  readonly heads: number;
  readonly sectors: number;
  /** As CMOS register 39h has it. */
  readonly translation: number;
}

/** What a user set with `cyls=`, `heads=` and `secs=`; 0: not set. */
export interface GeometryProps {
  readonly cyls: number;
  readonly heads: number;
  readonly secs: number;
}

const TRANSLATION = { NONE: 0, LBA: 1, LARGE: 2 } as const;
const MAX_CYLINDERS = 16383;
const LARGE_LIMIT = 131072; // cylinders times heads that "large" translation can express

const PARTITIONS = 0x1be;
const PARTITION_BYTES = 16;

export function diskGeometry(
  owner: string,
  set: GeometryProps,
  sizeBytes: number,
  bootSector: Uint8Array | undefined,
): DiskGeometry {
  const sectorCount = Math.floor(sizeBytes / SECTOR_BYTES);
  if (set.cyls !== 0 || set.heads !== 0 || set.secs !== 0) return userGeometry(owner, set);
  const logical = bootSector && partitionedGeometry(bootSector, sectorCount);
  if (logical !== undefined && logical.heads <= 16) return { ...logical, translation: TRANSLATION.NONE };
  const physical = sizedGeometry(sectorCount);
  const { cylinders, heads } = physical;
  if (logical === undefined) return { ...physical, translation: autoTranslation(cylinders) };
  // More than 16 heads: whoever made the partitions saw a translated geometry.
  return { ...physical, translation: cylinders * heads <= LARGE_LIMIT ? TRANSLATION.LARGE : TRANSLATION.LBA };
}

function userGeometry(owner: string, { cyls, heads, secs }: GeometryProps): DiskGeometry {
  for (const [name, value, most] of [
    ['cyls', cyls, 65535],
    ['heads', heads, 16],
    ['secs', secs, 255],
  ] as const) {
    if (value < 1 || value > most) throw new VmError(`device '${owner}': ${name} must be between 1 and ${most}`);
  }
  return { cylinders: cyls, heads, sectors: secs, translation: autoTranslation(cyls) };
}

const autoTranslation = (cylinders: number): number => (cylinders <= 1024 ? TRANSLATION.NONE : TRANSLATION.LBA);

function sizedGeometry(sectorCount: number) {
  const cylinders = Math.max(2, Math.min(MAX_CYLINDERS, Math.floor(sectorCount / (16 * 63))));
  return { cylinders, heads: 16, sectors: 63 };
}

/** The first partition that has an end tells heads and sectors, if it ends with a cylinder. */
function partitionedGeometry(sector: Uint8Array, sectorCount: number) {
  if (sector[510] !== 0x55 || sector[511] !== 0xaa) return undefined;
  for (let i = 0; i < 4; i++) {
    const entry = sector.subarray(PARTITIONS + i * PARTITION_BYTES, PARTITIONS + (i + 1) * PARTITION_BYTES);
    const isUsed = entry.subarray(12, 16).some((byte) => byte !== 0);
    const endHead = entry[5] ?? 0;
    const sectors = (entry[6] ?? 0) & 63;
    if (!isUsed || endHead === 0 || sectors === 0) continue;
    const heads = endHead + 1;
    const cylinders = Math.floor(sectorCount / (heads * sectors));
    if (cylinders >= 1 && cylinders <= MAX_CYLINDERS) return { cylinders, heads, sectors };
  }
  return undefined;
}
