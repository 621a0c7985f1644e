import type { BootState, MemoryWrite } from './direct-boot.ts';

/** Linux's boot protocol (Documentation/x86/boot.rst, 32-bit boot) fixes these; multiboot does not care. */
export const BOOT_CS = 0x10;
export const BOOT_DS = 0x18;

const FLAT_CODE = 0x00cf9b000000ffffn; // base 0, limit 4 GiB, 32-bit, execute/read, accessed
const FLAT_DATA = 0x00cf93000000ffffn; // base 0, limit 4 GiB, 32-bit, read/write, accessed

const ENTRIES: readonly bigint[] = [0n, 0n, FLAT_CODE, FLAT_DATA];

/** A GDT at `base` and the part of the CPU's state that goes with it. */
export function flatGdt(base: number): {
  readonly write: MemoryWrite;
  readonly state: Pick<BootState, 'flatProtected' | 'gdt' | 'codeSelector' | 'dataSelector'>;
} {
  const bytes = new Uint8Array(ENTRIES.length * 8);
  const view = new DataView(bytes.buffer);
  for (const [i, entry] of ENTRIES.entries()) view.setBigUint64(i * 8, entry, true);
  return {
    write: { gpa: base, bytes },
    state: {
      flatProtected: true,
      gdt: { base, limit: bytes.length - 1 },
      codeSelector: BOOT_CS,
      dataSelector: BOOT_DS,
    },
  };
}
