/** ACPI tables: headers, checksums, and their places in memory. ACPI 1.0b layouts, which every ACPI guest reads. */
import { ascii, le } from './aml.ts';

const OEM_ID = 'LOCKST';
const OEM_TABLE_ID = 'LOCKSTPC';
const CREATOR_ID = 'LKST';
const HEADER_BYTES = 36;
const HEADER_CHECKSUM = 9;

/** A system description table with its header (ACPI 6.4 §5.2.6). */
export function table(signature: string, revision: number, body: readonly number[]): Uint8Array {
  const bytes = Uint8Array.from([
    ...ascii(signature),
    ...le(HEADER_BYTES + body.length, 4),
    revision,
    0,
    ...ascii(OEM_ID),
    ...ascii(OEM_TABLE_ID),
    ...le(1, 4),
    ...ascii(CREATOR_ID),
    ...le(1, 4),
    ...body,
  ]);
  bytes[HEADER_CHECKSUM] = checksum(bytes);
  return bytes;
}

/** Root system description pointer, revision 0 (§5.2.5.3). */
export function rootPointer(rsdt: number): Uint8Array {
  const bytes = Uint8Array.from([...ascii('RSD PTR '), 0, ...ascii(OEM_ID), 0, ...le(rsdt, 4)]);
  bytes[8] = checksum(bytes);
  return bytes;
}

/** Firmware ACPI control structure (§5.2.10). */
export function facs(): Uint8Array {
  const bytes = new Uint8Array(64);
  bytes.set(ascii('FACS'));
  bytes[4] = bytes.length;
  return bytes;
}

export interface FixedHardware {
  readonly facs: number;
  readonly dsdt: number;
  readonly sciIrq: number;
  readonly smiCommandPort: number;
  readonly acpiEnable: number;
  readonly acpiDisable: number;
  /** Base of the PM1 block: events at 0, control at 4, timer at 8. */
  readonly pmBase: number;
  /** CMOS register of the century. */
  readonly century: number;
}

/** Fixed ACPI description table, revision 1 (ACPI 1.0b §5.2.5). */
export function fadt(hw: FixedHardware): Uint8Array {
  const noCState = 0xfff;
  const flags = 0x1 | 0x4 | 0x20; // WBINVD works, C1 on every processor, no sleep button
  return table('FACP', 1, [
    ...le(hw.facs, 4),
    ...le(hw.dsdt, 4),
    0, // interrupt model: dual PIC
    0,
    ...le(hw.sciIrq, 2),
    ...le(hw.smiCommandPort, 4),
    hw.acpiEnable,
    hw.acpiDisable,
    0, // S4BIOS_REQ
    0,
    ...le(hw.pmBase, 4), // PM1a_EVT_BLK
    ...le(0, 4),
    ...le(hw.pmBase + 4, 4), // PM1a_CNT_BLK
    ...le(0, 4),
    ...le(0, 4), // PM2_CNT_BLK
    ...le(hw.pmBase + 8, 4), // PM_TMR_BLK
    ...le(0, 8), // GPE0_BLK, GPE1_BLK
    4, // PM1_EVT_LEN
    2, // PM1_CNT_LEN
    0,
    4, // PM_TM_LEN
    ...le(0, 4), // GPE0_BLK_LEN, GPE1_BLK_LEN, GPE1_BASE, reserved
    ...le(noCState, 2),
    ...le(noCState, 2),
    ...le(0, 8), // flush size and stride, duty offset and width, day and month alarms
    hw.century,
    ...le(0, 3),
    ...le(flags, 4),
  ]);
}

export const rsdt = (tables: readonly number[]): Uint8Array =>
  table(
    'RSDT',
    1,
    tables.flatMap((at) => le(at, 4)),
  );

/** The byte that makes the sum of all bytes 0. */
function checksum(bytes: Uint8Array): number {
  return -bytes.reduce((sum, byte) => sum + byte, 0) & 0xff;
}
