/** What a PC's set-up leaves in CMOS memory: register numbers and values as QEMU's pc_cmos_init has them. */
import type { DiskGeometry } from '../devices/storage/disk-geometry.ts';
import type { FloppyType } from '../devices/storage/floppy-drive.ts';
import type { MemoryLayout } from './memory-map.ts';

const KiB = 1024;
const MiB = 1024 * KiB;
const BLOCK = 64 * KiB;

const EQUIPMENT_FPU = 0x02;
const EQUIPMENT_MOUSE = 0x04;

/** Values by register number. */
export function pcCmos({
  lowRamBytes,
  highRamBytes,
}: Pick<MemoryLayout, 'lowRamBytes' | 'highRamBytes'>): ReadonlyMap<number, number> {
  const cmos = new Map<number, number>();
  const store = (at: number, value: number, bytes: number): void => {
    for (let i = 0; i < bytes; i++) cmos.set(at + i, Math.floor(value / 2 ** (8 * i)) & 0xff);
  };
  const baseKiB = Math.min(640, lowRamBytes / KiB);
  const extendedKiB = Math.min(0xffff, Math.max(0, lowRamBytes - MiB) / KiB);
  store(0x15, baseKiB, 2);
  store(0x17, extendedKiB, 2);
  store(0x30, extendedKiB, 2);
  store(0x34, Math.min(0xffff, Math.floor(Math.max(0, lowRamBytes - 16 * MiB) / BLOCK)), 2);
  store(0x5b, Math.floor(highRamBytes / BLOCK), 3);
  store(0x5f, 0, 1); // processors beyond the first
  return cmos;
}

/** Types of floppy drives, as register 10h has them. */
const FLOPPY_TYPES: Readonly<Record<FloppyType, number>> = { 120: 2, 144: 4, 288: 5 };
const TYPE_IS_EXTENDED = 0x0f;
/** A disk whose parameters are in CMOS memory. */
const USER_TYPE = 47;

export interface StoredDrives {
  /** Floppy drives A and B. */
  readonly floppies: readonly (FloppyType | undefined)[];
  /** Hard disks: the primary channel's two, then the secondary's. */
  readonly disks: readonly (DiskGeometry | undefined)[];
}

/** What firmware reads of drives: their types, the first two disks' parameters, how each is translated. */
export function driveCmos({ floppies, disks }: StoredDrives): ReadonlyMap<number, number> {
  const cmos = new Map<number, number>();
  const [a = 0, b = 0] = floppies.map((type) => (type === undefined ? 0 : FLOPPY_TYPES[type]));
  const floppyCount = floppies.filter((type) => type !== undefined).length;
  cmos.set(0x10, (a << 4) | b);
  cmos.set(0x14, EQUIPMENT_FPU | EQUIPMENT_MOUSE | (floppyCount === 0 ? 0 : ((floppyCount - 1) << 6) | 1));
  cmos.set(0x12, (disks[0] ? TYPE_IS_EXTENDED << 4 : 0) | (disks[1] ? TYPE_IS_EXTENDED : 0));
  for (const [n, at] of [0x1b, 0x24].entries()) {
    const disk = disks[n];
    if (disk === undefined) continue;
    const { cylinders, heads, sectors } = disk;
    cmos.set(0x19 + n, USER_TYPE);
    const size = [cylinders & 0xff, cylinders >> 8];
    const control = 0xc0 | (heads > 8 ? 0x08 : 0);
    for (const [i, value] of [...size, heads, 0xff, 0xff, control, ...size, sectors].entries()) cmos.set(at + i, value);
  }
  cmos.set(
    0x39,
    disks.reduce((bits, disk, n) => bits | ((disk?.translation ?? 0) << (2 * n)), 0),
  );
  return cmos;
}
