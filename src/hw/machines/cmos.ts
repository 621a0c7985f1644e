/** What a PC's set-up leaves in CMOS memory: register numbers and values as QEMU's pc_cmos_init has them. */
import type { MemoryLayout } from './memory-map.ts';

const KiB = 1024;
const MiB = 1024 * KiB;
const BLOCK = 64 * KiB;

const EQUIPMENT_FPU = 0x02;
const EQUIPMENT_MOUSE = 0x04;
/** Boot order as nibbles: 1 floppy, 2 disk, 3 CD-ROM. QEMU's default `cad`. */
const BOOT_ORDER = { first: 2, second: 1, third: 3 } as const;

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
  store(0x14, EQUIPMENT_FPU | EQUIPMENT_MOUSE, 1);
  store(0x38, BOOT_ORDER.third << 4, 1);
  store(0x3d, (BOOT_ORDER.second << 4) | BOOT_ORDER.first, 1);
  return cmos;
}
