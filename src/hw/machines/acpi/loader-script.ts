/**
 * How firmware gets the tables: three files of fw_cfg, the block, the root pointer, and a script that tells where to
 * place them and which fields to fill. Format: QEMU's BIOS linker-loader (hw/acpi/bios-linker-loader).
 */
import { RSDP_CHECKSUM, RSDP_RSDT, rootPointer, TABLE_CHECKSUM, type TableBlock } from './tables.ts';

const TABLES_FILE = 'etc/acpi/tables';
const RSDP_FILE = 'etc/acpi/rsdp';
const SCRIPT_FILE = 'etc/table-loader';

const COMMAND = { ALLOCATE: 1, ADD_POINTER: 2, ADD_CHECKSUM: 3 } as const;
const ENTRY_BYTES = 128;
const FILE_NAME_BYTES = 56;
const ZONE = { high: 1, fseg: 2 } as const;

/** The block's file is larger than the tables, always the same: the firmware's memory map does not depend on them. */
const TABLES_BYTES = 0x20000;
const SCRIPT_BYTES = 0x1000;

type Field = string | readonly [value: number, size: 1 | 4];

/** A command's fields behind each other; texts are names of files. */
function entry(command: number, ...fields: readonly Field[]): Uint8Array {
  const bytes = new Uint8Array(ENTRY_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, command, true);
  let at = 4;
  for (const field of fields) {
    if (typeof field === 'string') {
      bytes.set(new TextEncoder().encode(field), at);
      at += FILE_NAME_BYTES;
      continue;
    }
    const [value, size] = field;
    if (size === 1) view.setUint8(at, value);
    else view.setUint32(at, value, true);
    at += size;
  }
  return bytes;
}

export function acpiFiles(block: TableBlock): Record<string, { readonly bytes: Uint8Array }> {
  const tables = new Uint8Array(TABLES_BYTES);
  tables.set(block.bytes);
  const rsdp = rootPointer(block.rsdt);
  const script = [
    entry(COMMAND.ALLOCATE, RSDP_FILE, [16, 4], [ZONE.fseg, 1]),
    entry(COMMAND.ALLOCATE, TABLES_FILE, [64, 4], [ZONE.high, 1]),
    ...block.pointers.map(({ at, size }) => entry(COMMAND.ADD_POINTER, TABLES_FILE, TABLES_FILE, [at, 4], [size, 1])),
    ...block.tables.map(({ at, length }) =>
      entry(COMMAND.ADD_CHECKSUM, TABLES_FILE, [at + TABLE_CHECKSUM, 4], [at, 4], [length, 4]),
    ),
    entry(COMMAND.ADD_POINTER, RSDP_FILE, TABLES_FILE, [RSDP_RSDT, 4], [4, 1]),
    entry(COMMAND.ADD_CHECKSUM, RSDP_FILE, [RSDP_CHECKSUM, 4], [0, 4], [rsdp.length, 4]),
  ];
  const bytes = new Uint8Array(SCRIPT_BYTES);
  for (const [i, command] of script.entries()) bytes.set(command, i * ENTRY_BYTES);
  return { [TABLES_FILE]: { bytes: tables }, [RSDP_FILE]: { bytes: rsdp }, [SCRIPT_FILE]: { bytes } };
}
