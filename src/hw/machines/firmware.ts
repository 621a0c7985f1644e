/** The BIOS area: an image that the user gave, or, for a kernel started directly, what a kernel looks for there. */
import { VmError } from '../../util/errors.ts';
import { linkTables, type TableBlock } from './acpi/tables.ts';
import type { NamedFile } from './loaders/direct-boot.ts';

const BLOCK = 64 * 1024;
const MAX_BYTES = 16 * 1024 * 1024;
export const DIRECT_BOOT_BYTES = 2 * BLOCK;
const STUB_AT = 0xe0000;
const ACPI_AT = 0xf0000;
const RESET_VECTOR = 0xffff0;
/** cli; hlt; jmp to the hlt: nothing is there to be started. */
const STOP = [0xfa, 0xf4, 0xeb, 0xfd] as const;

export interface Firmware {
  /** Mapped so that it ends at 4 GiB; its last 128 KiB also end at 1 MiB. */
  readonly image: Uint8Array;
  /** ACPI's root pointer, if we placed one. */
  readonly rsdp?: number;
}

export function userFirmware({ name, bytes }: NamedFile): Firmware {
  if (bytes.length === 0 || bytes.length % BLOCK !== 0 || bytes.length > MAX_BYTES) {
    throw new VmError(
      `could not load PC BIOS '${name}': its size of ${bytes.length} bytes is not a multiple of 64 KiB`,
    );
  }
  return { image: bytes };
}

export function directBootFirmware(acpi: TableBlock | undefined): Firmware {
  const image = new Uint8Array(DIRECT_BOOT_BYTES);
  image.set(STOP, RESET_VECTOR - STUB_AT);
  if (acpi === undefined) return { image };
  image.set(linkTables(acpi, ACPI_AT), ACPI_AT - STUB_AT);
  return { image, rsdp: ACPI_AT };
}
