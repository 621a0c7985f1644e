/** The tables of fixed layout: FACS, FADT, MADT, HPET, MCFG, WAET (ACPI 6.4 §5.2; IA-PC HPET 1.0a §3.2.4; PCI Firmware 3.2 §4.1.2). */
import { ascii, le } from './aml.ts';
import { HEADER_BYTES, type TableBlockBuilder, table } from './tables.ts';

/** Firmware ACPI control structure (§5.2.10). */
export function facs(): Uint8Array {
  const bytes = new Uint8Array(64);
  bytes.set(ascii('FACS'));
  bytes[4] = bytes.length;
  return bytes;
}

export interface FixedHardware {
  readonly sciIrq: number;
  readonly smiCommandPort: number;
  readonly acpiEnable: number;
  readonly acpiDisable: number;
  /** Base of the PM1 block: events at 0, control at 4, timer at 8. */
  readonly pmBase: number;
  readonly gpe0: { readonly port: number; readonly bytes: number };
  /** CMOS register of the century. */
  readonly century: number;
  /** Interrupts go through an I/O APIC, if the system wants it. */
  readonly apic: boolean;
  /** 3: with 64-bit addresses and a reset register, as ACPI 2.0 has it. */
  readonly revision: 1 | 3;
}

const RESET_PORT = 0xcf9;
const RESET_VALUE = 0x0f;
const FLAGS = {
  WBINVD: 0x1,
  C1: 0x4,
  NO_SLEEP_BUTTON: 0x20,
  RTC_S4: 0x80,
  RESET: 0x400,
  PLATFORM_CLOCK: 0x8000,
} as const;
/** IAPC_BOOT_ARCH: there is an i8042. */
const BOOT_ARCH_8042 = 0x0002;
const SPACE_IO = 1;

const ioAddress = (port: number, bytes: number): number[] => [SPACE_IO, bytes * 8, 0, 0, ...le(port, 8)];

/** Fixed ACPI description table (§5.2.9). */
export function addFadt(block: TableBlockBuilder, hw: FixedHardware, facsAt: number, dsdtAt: number): void {
  const isNew = hw.revision >= 3;
  const noCState = 0xfff;
  const { WBINVD, C1, NO_SLEEP_BUTTON, RTC_S4, RESET, PLATFORM_CLOCK } = FLAGS;
  const flags = WBINVD | C1 | NO_SLEEP_BUTTON | RTC_S4 | PLATFORM_CLOCK | (isNew ? RESET : 0);
  const body = [
    ...le(facsAt, 4),
    ...le(dsdtAt, 4),
    hw.apic ? 1 : 0, // interrupt model of ACPI 1.0
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
    ...le(hw.gpe0.port, 4),
    ...le(0, 4), // GPE1_BLK
    4, // PM1_EVT_LEN
    2, // PM1_CNT_LEN
    0,
    4, // PM_TM_LEN
    hw.gpe0.bytes,
    0,
    0,
    0,
    ...le(noCState, 2),
    ...le(noCState, 2),
    ...le(0, 8), // flush size and stride, duty offset and width, day and month alarms
    hw.century,
    ...le(isNew ? BOOT_ARCH_8042 : 0, 2),
    0,
    ...le(flags, 4),
  ];
  if (isNew) {
    body.push(...ioAddress(RESET_PORT, 1), RESET_VALUE, ...le(0, 3));
    body.push(...le(0, 8), ...le(dsdtAt, 8)); // X_FIRMWARE_CTRL (32-bit is given), X_DSDT
    body.push(...ioAddress(hw.pmBase, 4), ...le(0, 12), ...ioAddress(hw.pmBase + 4, 2), ...le(0, 12));
    body.push(...le(0, 12), ...ioAddress(hw.pmBase + 8, 4), ...ioAddress(hw.gpe0.port, hw.gpe0.bytes), ...le(0, 12));
  }
  const pointers: (readonly [number, 4 | 8])[] = [
    [HEADER_BYTES, 4],
    [HEADER_BYTES + 4, 4],
  ];
  if (isNew) pointers.push([140, 8]);
  block.list(table('FACP', hw.revision, body), pointers);
}

/** Multiple APIC description table (§5.2.12): one processor, one I/O APIC; `levels`: PCI's interrupts and the SCI. */
export function madt(levels: readonly number[]): Uint8Array {
  const LOCAL_APIC_AT = 0xfee0_0000;
  const IO_APIC_AT = 0xfec0_0000;
  const PC_AT = 1; // there are two i8259 as well
  const LEVEL_ACTIVE_HIGH = 0x0d;
  const override = (irq: number, gsi: number, flags: number): number[] => [
    2,
    10,
    0,
    irq,
    ...le(gsi, 4),
    ...le(flags, 2),
  ];
  return table('APIC', 1, [
    ...le(LOCAL_APIC_AT, 4),
    ...le(PC_AT, 4),
    ...[0, 8, 0, 0, ...le(1, 4)], // processor 0, APIC 0, enabled
    ...[1, 12, 0, 0, ...le(IO_APIC_AT, 4), ...le(0, 4)],
    ...override(0, 2, 0),
    ...levels.flatMap((irq) => override(irq, irq, LEVEL_ACTIVE_HIGH)),
    ...[4, 6, 0xff, ...le(0, 2), 1], // NMI on LINT1 of all processors
  ]);
}

export const hpetTable = (id: number, address: number): Uint8Array =>
  table('HPET', 1, [...le(id, 4), 0, 0, 0, 0, ...le(address, 8), 0, ...le(0, 2), 0]);

/** PCI Express configuration space in memory. */
export const mcfg = (address: number, lastBus: number): Uint8Array =>
  table('MCFG', 1, [...le(0, 8), ...le(address, 8), ...le(0, 2), 0, lastBus, ...le(0, 4)]);

/** Windows ACPI emulated devices table: the PM timer needs only one read. */
export const waet = (): Uint8Array => table('WAET', 1, le(2, 4));
