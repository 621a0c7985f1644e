/** What a firmware-configuration device offers: numbered items, and files with names. */
import { VmError } from '../../../util/errors.ts';
import type { FirmwareFile } from '../../core/device.ts';

/** Item numbers that firmware knows (QEMU docs/specs/fw_cfg.rst). */
export const FW_CFG = {
  SIGNATURE: 0x00,
  ID: 0x01,
  UUID: 0x02,
  RAM_SIZE: 0x03,
  NOGRAPHIC: 0x04,
  NB_CPUS: 0x05,
  KERNEL_ADDR: 0x07,
  KERNEL_SIZE: 0x08,
  INITRD_ADDR: 0x0a,
  INITRD_SIZE: 0x0b,
  BOOT_DEVICE: 0x0c,
  NUMA: 0x0d,
  BOOT_MENU: 0x0e,
  MAX_CPUS: 0x0f,
  KERNEL_ENTRY: 0x10,
  KERNEL_DATA: 0x11,
  INITRD_DATA: 0x12,
  CMDLINE_ADDR: 0x13,
  CMDLINE_SIZE: 0x14,
  CMDLINE_DATA: 0x15,
  SETUP_ADDR: 0x16,
  SETUP_SIZE: 0x17,
  SETUP_DATA: 0x18,
  FILE_DIR: 0x19,
  FILE_FIRST: 0x20,
  /** Items of the architecture; here x86's. */
  IRQ0_OVERRIDE: 0x8002,
  HPET: 0x8004,
} as const;

const FILE_SLOTS = 32;
/** With the zero at its end. */
export const FILE_NAME_BYTES = 56;
const DIRECTORY_ENTRY_BYTES = 64;

export type FwCfgItems = ReadonlyMap<number, FirmwareFile>;

/** Little-endian values, as the numbered items have them. */
export function littleEndian(value: number, size: 2 | 4 | 8): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let i = 0; i < size; i++) bytes[i] = Math.floor(value / 2 ** (8 * i)) & 0xff;
  return bytes;
}

/** Adds signature, files and their directory to the numbered items. Files are numbered by the order of their names. */
export function fwCfgItems(
  numbered: Readonly<Record<number, Uint8Array>>,
  files: Readonly<Record<string, FirmwareFile>>,
): FwCfgItems {
  const items = new Map<number, FirmwareFile>();
  for (const [key, bytes] of Object.entries(numbered)) items.set(Number(key), { bytes });
  const names = Object.keys(files).sort();
  if (names.length > FILE_SLOTS) {
    throw new VmError(`fw_cfg: ${names.length} files are too many, there is room for ${FILE_SLOTS}`);
  }
  const directory = new Uint8Array(4 + names.length * DIRECTORY_ENTRY_BYTES);
  const view = new DataView(directory.buffer);
  view.setUint32(0, names.length);
  for (const [i, name] of names.entries()) {
    const text = new TextEncoder().encode(name);
    if (text.length >= FILE_NAME_BYTES) throw new Error(`BUG: fw_cfg file name ${name}`);
    const file = files[name] as FirmwareFile;
    const key = FW_CFG.FILE_FIRST + i;
    const at = 4 + i * DIRECTORY_ENTRY_BYTES;
    view.setUint32(at, file.bytes.length);
    view.setUint16(at + 4, key);
    directory.set(text, at + 8);
    items.set(key, file);
  }
  items.set(FW_CFG.SIGNATURE, { bytes: new TextEncoder().encode('QEMU') });
  items.set(FW_CFG.FILE_DIR, { bytes: directory });
  return items;
}
