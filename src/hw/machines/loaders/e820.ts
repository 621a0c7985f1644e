/** The map of physical memory that BIOS function E820h gives. Formats: ACPI 6.4 §15.1, Linux's zero page. */

export const E820 = { usable: 1, reserved: 2, acpi: 3, nvs: 4 } as const;
export type E820Type = (typeof E820)[keyof typeof E820];

export interface E820Entry {
  readonly start: number;
  readonly size: number;
  readonly type: E820Type;
}

const MiB = 1024 * 1024;
const FOUR_GIB = 2 ** 32;
/** The last KiB below 640K is the extended BIOS data area. */
const EBDA = 0x9fc00;
const VGA_WINDOW = 0xa0000;
const BIOS = 0xf0000;

/** What a PC of this size reports. `lowRamBytes` is RAM below 4 GiB, `highRamBytes` RAM from 4 GiB on. */
export function pcMemoryMap(lowRamBytes: number, highRamBytes: number): E820Entry[] {
  const map: E820Entry[] = [
    { start: 0, size: Math.min(EBDA, lowRamBytes), type: E820.usable },
    { start: EBDA, size: VGA_WINDOW - EBDA, type: E820.reserved },
    { start: BIOS, size: MiB - BIOS, type: E820.reserved },
  ];
  if (lowRamBytes > MiB) map.push({ start: MiB, size: lowRamBytes - MiB, type: E820.usable });
  if (highRamBytes > 0) map.push({ start: FOUR_GIB, size: highRamBytes, type: E820.usable });
  return map;
}

/** The 20 bytes of an entry: u64 start, u64 size, u32 type. */
export const E820_ENTRY_BYTES = 20;

export function writeE820(view: DataView, at: number, { start, size, type }: E820Entry): void {
  view.setBigUint64(at, BigInt(start), true);
  view.setBigUint64(at + 8, BigInt(size), true);
  view.setUint32(at + 16, type, true);
}
