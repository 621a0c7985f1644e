/** The SMBIOS tables of a machine, as firmware gets them from fw_cfg: the structures, and the entry point without checksums. */
import { VmError } from '../../../util/errors.ts';
import { ascii, le } from '../acpi/aml.ts';
import {
  baseboard,
  biosInformation,
  bootInformation,
  enclosure,
  endOfTable,
  mappedAddress,
  memoryArray,
  memoryDevice,
  oemStrings,
  type ProcessorIdentity,
  processorInformation,
  type SmbiosFields,
  systemInformation,
} from './structures.ts';

/** `-smbios type=…`: fields of one type, in QEMU's spelling. */
export interface SmbiosOption {
  readonly type: number;
  readonly fields: SmbiosFields;
  /** Type 11: `value=`, as often as one likes. */
  readonly values?: readonly string[];
}

export interface SmbiosOptions {
  /** `-machine` in words, and by name. */
  readonly product: string;
  readonly version: string;
  readonly uuid: Uint8Array;
  readonly processor: ProcessorIdentity;
  readonly lowRamBytes: number;
  readonly highRamBytes: number;
  readonly user: readonly SmbiosOption[];
}

const FOUR_GIB = 2 ** 32;
/** Memory is shown as modules of this size. */
const MODULE_BYTES = 16 * 2 ** 30;
const MAX_TABLE_BYTES = 0xffff;

/** Fields that each type has. */
export const SMBIOS_FIELDS: Readonly<Record<number, readonly string[]>> = {
  0: ['vendor', 'version', 'date', 'release', 'uefi'],
  1: ['manufacturer', 'product', 'version', 'serial', 'uuid', 'sku', 'family'],
  2: ['manufacturer', 'product', 'version', 'serial', 'asset', 'location'],
  3: ['manufacturer', 'version', 'serial', 'asset', 'sku'],
  4: ['sock_pfx', 'manufacturer', 'version', 'serial', 'asset', 'part', 'max-speed', 'current-speed'],
  11: ['value'],
  17: ['loc_pfx', 'bank', 'manufacturer', 'serial', 'asset', 'part', 'speed'],
};

export function smbiosFiles(options: SmbiosOptions): Record<string, { readonly bytes: Uint8Array }> {
  const structures = smbiosStructures(options);
  const length = structures.reduce((sum, bytes) => sum + bytes.length, 0);
  if (length > MAX_TABLE_BYTES) throw new VmError(`SMBIOS 2.1 table length ${length} exceeds ${MAX_TABLE_BYTES}`);
  return {
    'etc/smbios/smbios-tables': { bytes: Uint8Array.from(structures.flatMap((bytes) => [...bytes])) },
    'etc/smbios/smbios-anchor': { bytes: entryPoint(structures, length) },
  };
}

function smbiosStructures(options: SmbiosOptions): Uint8Array[] {
  const { product, version, processor, lowRamBytes, highRamBytes, user } = options;
  /** What the user said of a type, over the defaults; the last one counts. */
  const fieldsOf = (type: number, defaults: SmbiosFields = {}): SmbiosFields =>
    Object.assign({}, defaults, ...user.filter((o) => o.type === type).map(({ fields }) => fields));
  const isGiven = (type: number): boolean => user.some((o) => o.type === type);
  const strings = user.filter((o) => o.type === 11).flatMap(({ values }) => values ?? []);
  const maker = { manufacturer: 'QEMU', version };
  const modules = moduleSizes(lowRamBytes + highRamBytes);
  const system = fieldsOf(1, { ...maker, product });
  return [
    ...(isGiven(0) ? [biosInformation(fieldsOf(0))] : []),
    systemInformation(system, uuidOf(system) ?? options.uuid),
    ...(isGiven(2) ? [baseboard(fieldsOf(2, { ...maker, product }))] : []),
    enclosure(fieldsOf(3, maker)),
    processorInformation(fieldsOf(4, { ...maker, sock_pfx: 'CPU' }), processor),
    ...(strings.length > 0 ? [oemStrings(strings)] : []),
    memoryArray(lowRamBytes + highRamBytes, modules.length),
    ...modules.map((bytes, i) => memoryDevice(fieldsOf(17, { manufacturer: 'QEMU', loc_pfx: 'DIMM' }), i, bytes)),
    mappedAddress(0, 0, lowRamBytes),
    ...(highRamBytes > 0 ? [mappedAddress(1, FOUR_GIB, highRamBytes)] : []),
    bootInformation(),
    endOfTable(),
  ];
}

function moduleSizes(bytes: number): number[] {
  const count = Math.ceil(bytes / MODULE_BYTES);
  return Array.from({ length: count }, (_, i) => Math.min(MODULE_BYTES, bytes - i * MODULE_BYTES));
}

function uuidOf({ uuid }: SmbiosFields): Uint8Array | undefined {
  if (uuid === undefined) return undefined;
  const digits = uuid.replaceAll('-', '');
  return Uint8Array.from({ length: 16 }, (_, i) => Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16));
}

/** §5.2.1; the firmware fills in addresses and checksums. */
function entryPoint(structures: readonly Uint8Array[], length: number): Uint8Array {
  const largest = Math.max(...structures.map((bytes) => bytes.length));
  return Uint8Array.from([
    ...ascii('_SM_'),
    0,
    0x1f,
    2,
    8,
    ...le(largest, 2),
    ...new Array<number>(6).fill(0),
    ...ascii('_DMI_'),
    0,
    ...le(length, 2),
    ...le(0, 4),
    ...le(structures.length, 2),
    0x28,
  ]);
}
