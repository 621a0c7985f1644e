/** What a PC's set-up leaves in CMOS memory: register numbers and values as QEMU's pc_cmos_init has them. */
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
  store(0x14, EQUIPMENT_FPU | EQUIPMENT_MOUSE, 1);
  return cmos;
}
