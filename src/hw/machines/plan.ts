/** From a board and the user's options to a plan: all that can be checked before memory for the machine exists. */
import type { Drive } from '../../block/api.ts';
import type { Chardev } from '../../chardev/api.ts';
import { VmError } from '../../util/errors.ts';
import type { AnyDeviceType, DeviceMemoryNeed } from '../core/device.ts';
import { type LinkLookup, parseProps } from '../core/props.ts';
import { pflashCfi01 } from '../devices/storage/pflash-cfi01.ts';
import { OPTIONAL_DEVICES } from './acpi/isa-devices.ts';
import { type AcpiBoard, pcAcpiTables } from './acpi/pc-acpi.ts';
import type { TableBlock } from './acpi/tables.ts';
import { type BootOptions, checkBootOrder } from './boot-order.ts';
import { BackingPlan, type OpenFirmware, type PlannedMemory } from './device-memory.ts';
import { boardDeviceType, userDeviceType } from './device-types.ts';
import { DIRECT_BOOT_BYTES, directBootFirmware, type Firmware, userFirmware } from './firmware.ts';
import { type DirectBoot, loadKernel, type NamedFile, type OpenFile } from './loaders/direct-boot.ts';
import { pcMemoryMap } from './loaders/e820.ts';
import type { Board, Part, VgaKind } from './machine.ts';
import { type MemoryLayout, memoryLayout } from './memory-map.ts';
import type { SmbiosOption } from './smbios/smbios.ts';
import type { ProcessorIdentity } from './smbios/structures.ts';

/** A device that the user adds: `-device driver,name=value`. */
export interface UserDevice {
  readonly driver: string;
  readonly id?: string | undefined;
  /** Values as written. */
  readonly properties: Readonly<Record<string, string>>;
}

/** A ROM that the firmware gets through fw_cfg: `-option-rom`. */
export interface OptionRom {
  /** Its name there, without a path. */
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly bootIndex: number;
}

export interface FlashImage {
  readonly drive: Drive;
  readonly contents: Uint8Array;
}

export interface KernelOptions {
  readonly kernel: NamedFile;
  readonly initrd?: string | undefined;
  readonly commandLine: string;
  readonly openFile: OpenFile;
}

export interface MachineOptions {
  readonly board: Board;
  readonly ramBytes: number;
  /**
   * Runs first, if it is given, and gets the kernel through fw_cfg. Without firmware the kernel is started directly; one
   * of the two must be there.
   */
  readonly firmware?: NamedFile | undefined;
  readonly kernel?: KernelOptions | undefined;
  /** Back ends of the serial ports; undefined: the port is left out. */
  readonly serials?: readonly (Chardev | undefined)[];
  /** The display adapter; absent: none. */
  readonly vga?: VgaKind | undefined;
  readonly devices?: readonly UserDevice[];
  /** Properties of the board's own devices that the user set, as texts, by the devices' types. */
  readonly partProperties?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Finds back ends that device properties name by id. */
  readonly lookup?: LinkLookup;
  /** Finds option ROMs by name. */
  readonly openFirmware?: OpenFirmware;
  /** What the RTC shows at power-on: seconds since 1970. */
  readonly rtcSeconds?: number;
  /** 16 bytes as the text has them. */
  readonly uuid?: Uint8Array;
  /** Types of board parts to leave out: `hpet` (-no-hpet). */
  readonly without?: readonly string[];
  /** Nothing draws a screen: firmware writes to the serial port. */
  readonly noGraphics?: boolean;
  /** Flash chips from 4 GiB down; the first holds the firmware, in place of a ROM. */
  readonly flash?: readonly FlashImage[];
  readonly boot?: BootOptions;
  /** With the board's USB controller. */
  readonly usb?: boolean;
  /** The user's own files in fw_cfg: `opt/org.example/name`. */
  readonly fwCfgFiles?: readonly NamedFile[];
  readonly optionRoms?: readonly OptionRom[];
  readonly smbios?: readonly SmbiosOption[];
  /** CPUID's signature and features, for SMBIOS. */
  readonly processor?: ProcessorIdentity;
}

/** A device that the machine will have, in the order of creation. */
export interface PlannedPart extends Omit<Part, 'type' | 'pci' | 'id'> {
  /** Undefined: the user did not name it. */
  readonly id: string | undefined;
  readonly type: AnyDeviceType;
  readonly props: Readonly<Record<string, unknown>>;
  readonly place: PartPlace;
  readonly memory: Readonly<Record<string, PlannedMemory>>;
}

/** Where the user wants a device; a board's own parts know. */
export interface PartPlace {
  /** Slot and function; `any`: the first free slot. */
  readonly pci?: { readonly slot: number; readonly fn: number } | 'any';
  /** Name of the bus behind a controller; absent: the first of its kind that has room. */
  readonly bus?: string;
}

/** What a machine will be, checked, before memory for it exists. */
export interface MachinePlan {
  readonly options: MachineOptions;
  readonly layout: MemoryLayout;
  readonly firmware: Firmware;
  /** Absent on a board without ACPI. */
  readonly acpi: TableBlock | undefined;
  readonly boot: DirectBoot | undefined;
  readonly optionRoms: readonly OptionRom[];
  readonly parts: readonly PlannedPart[];
  /** What the engine must provide as a whole: guest RAM, ROMs, memories of devices. */
  readonly backingBytes: number;
}

const FOUR_GIB = 2 ** 32;
const MAX_FLASH_BYTES = 8 * 2 ** 20;

/** Two devices can't have the same drive. */
function drivesOnce(lookup: LinkLookup): LinkLookup {
  const taken = new Set<string>();
  return (kind, id) => {
    if (kind === 'drive') {
      if (taken.has(id)) throw new VmError(`Drive '${id}' is already in use by another block device`);
      taken.add(id);
    }
    return lookup(kind, id);
  };
}

/** Checks all that can be checked without memory: sizes, files, the kernel image, the devices' properties. */
export function planMachine(given: MachineOptions): MachinePlan {
  const options = { ...withFlashFirmware(given), lookup: drivesOnce(given.lookup ?? (() => undefined)) };
  const { board, ramBytes, kernel } = options;
  const serials = options.serials ?? [];
  for (const [type, texts] of Object.entries(options.partProperties ?? {})) {
    const [property] = Object.keys(texts);
    if (property === undefined || board.parts.some((part) => part.type === type)) continue;
    throw new VmError(`machine '${board.name}' has no ${type} for property '${property}'`);
  }
  if (serials.length > board.maxSerials) {
    throw new VmError(`too many serial ports: machine '${board.name}' has ${board.maxSerials}, not ${serials.length}`);
  }
  const layout = memoryLayout(board, ramBytes, biosBytesOf(options));
  if (options.boot !== undefined) {
    checkBootOrder(options.boot.order);
    checkBootOrder(options.boot.once ?? '');
  }
  const backing = new BackingPlan(layout.endOffset, options.openFirmware ?? (() => undefined));
  const parts = [
    ...boardParts(options).map((part) => plannedBoardPart(part, options, backing)),
    ...flashParts(options.flash ?? [], backing),
    ...serialParts(serials),
    ...(options.devices ?? []).map((device) => plannedUserPart(device, options, backing)),
  ];
  const { lowRamBytes, highRamBytes } = layout;
  const acpi = board.acpi && acpiTablesOf(board.acpi, parts, lowRamBytes, options.firmware !== undefined);
  const firmware = options.firmware === undefined ? directBootFirmware(acpi) : userFirmware(options.firmware);
  const e820 = pcMemoryMap(lowRamBytes, highRamBytes);
  const boot = kernel && loadKernel({ ...kernel, lowRamBytes, e820, rsdp: firmware.rsdp });
  return {
    options,
    layout,
    firmware,
    acpi,
    boot,
    optionRoms: optionRomsOf(options, boot),
    parts,
    backingBytes: backing.backingBytes,
  };
}

/** Without those that `-nodefaults` and its kin leave out, with those that options add. */
const boardParts = (options: MachineOptions): Part[] => [
  ...options.board.parts.filter(({ type }) => !options.without?.includes(type)),
  ...vgaPart(options),
  ...(options.usb && options.board.usb ? [options.board.usb] : []),
];

/** What is in the first flash chip is the firmware; below 1 MiB a copy of its end is shown. */
function withFlashFirmware(options: MachineOptions): MachineOptions {
  const [first] = options.flash ?? [];
  if (first === undefined) return options;
  if (options.firmware !== undefined) throw new VmError('-bios and a flash chip with firmware exclude each other');
  if (options.board.bus !== 'pci') throw new VmError(`machine '${options.board.name}' has no flash chips`);
  return { ...options, firmware: { name: `drive ${first.drive.id}`, bytes: first.contents } };
}

function flashParts(flash: readonly FlashImage[], backing: BackingPlan): PlannedPart[] {
  const type = boardDeviceType(pflashCfi01.type);
  let address = FOUR_GIB;
  return flash.map(({ drive, contents }, unit) => {
    address -= contents.length;
    if (FOUR_GIB - address > MAX_FLASH_BYTES) {
      throw new VmError(`combined size of system firmware exceeds ${MAX_FLASH_BYTES} bytes`);
    }
    const id = `system.flash${unit}`;
    const props = { drive, contents: { bytes: contents }, address };
    return { id, type, props, place: {}, memory: placeMemory(id, type, props, backing) };
  });
}

/** Those of the user, and the one by which firmware starts a kernel. */
function optionRomsOf(
  { firmware, openFirmware, optionRoms = [] }: MachineOptions,
  boot: DirectBoot | undefined,
): OptionRom[] {
  if (boot === undefined || firmware === undefined) return [...optionRoms];
  const name = boot.viaFirmware().optionRom;
  const bytes = openFirmware?.(name);
  if (bytes === undefined) {
    throw new VmError(`could not load option ROM '${name}': No such file or directory`, {
      hint: 'firmware starts a kernel with it; leave out -bios and -vga: then the kernel is started directly',
    });
  }
  return [{ name, bytes, bootIndex: 0 }, ...optionRoms];
}

function biosBytesOf({ board, firmware, kernel }: MachineOptions): number {
  if (firmware !== undefined) return userFirmware(firmware).image.length;
  if (kernel !== undefined) return DIRECT_BOOT_BYTES;
  throw new VmError(`could not load PC BIOS '${board.firmware}'`, {
    hint: 'give a kernel (-kernel) or firmware (-bios)',
  });
}

function acpiTablesOf(
  board: AcpiBoard,
  parts: readonly PlannedPart[],
  lowRamBytes: number,
  canSuspend: boolean,
): TableBlock {
  const has = (name: string): boolean => parts.some(({ type }) => type.type === name);
  const counts = new Map<string, number>();
  const isaDevices = parts.flatMap(({ type, props }) => {
    const acpiDevice = Object.hasOwn(OPTIONAL_DEVICES, type.type) ? OPTIONAL_DEVICES[type.type] : undefined;
    const places = acpiDevice && type.isa?.(knownProps(type, props));
    if (acpiDevice === undefined || places === undefined) return [];
    const n = counts.get(type.type) ?? 0;
    counts.set(type.type, n + 1);
    const [port = 0] = Object.values(places.ports);
    const [irq = 0] = Object.values(places.irqs ?? {});
    return [acpiDevice(port, irq, n)];
  });
  return pcAcpiTables({ board, lowRamBytes, apic: has('ioapic'), hpet: has('hpet'), canSuspend, isaDevices });
}

function plannedBoardPart(
  { type: name, pci, ...part }: Part,
  { partProperties = {}, lookup }: MachineOptions,
  backing: BackingPlan,
): PlannedPart {
  const type = boardDeviceType(name);
  const props = {
    ...part.props,
    ...parseProps(name, type.props, partProperties[name] ?? {}, lookup ?? (() => undefined)),
  };
  return {
    ...part,
    type,
    props,
    place: pci === undefined ? {} : { pci },
    memory: placeMemory(part.id, type, props, backing),
  };
}

function vgaPart({ board, vga }: MachineOptions): readonly Part[] {
  if (vga === undefined) return [];
  const part = board.vga[vga];
  if (part === undefined) throw new VmError(`machine '${board.name}' has no ${vga} VGA`);
  return [part];
}

function serialParts(serials: readonly (Chardev | undefined)[]): PlannedPart[] {
  const type = boardDeviceType('isa-serial');
  return serials.flatMap((chardev, index) =>
    chardev === undefined ? [] : [{ id: `serial${index}`, type, props: { index, chardev }, place: {}, memory: {} }],
  );
}

function plannedUserPart(
  { driver, id, properties }: UserDevice,
  { board, lookup }: MachineOptions,
  backing: BackingPlan,
): PlannedPart {
  const type = userDeviceType(driver);
  if (type.bus === 'PCI' && board.bus !== 'pci') throw new VmError(`No 'PCI' bus found for device '${type.type}'`);
  const { bus, addr, ...own } = properties;
  if (addr !== undefined && type.bus !== 'PCI') throw new VmError(`Property '${type.type}.addr' not found`);
  const props = parseProps(type.type, type.props, own, lookup ?? (() => undefined));
  return {
    id,
    type,
    props,
    place: {
      ...(type.bus === 'PCI' && { pci: addr === undefined ? 'any' : parsePciAddress(type.type, addr) }),
      ...(bus !== undefined && { bus }),
    },
    memory: placeMemory(id ?? type.type, type, props, backing),
  };
}

/** `addr=4`, `addr=04.1`: hexadecimal, as QEMU takes it. */
export function parsePciAddress(type: string, text: string): { slot: number; fn: number } {
  const match = /^(?:0x)?([0-9a-f]{1,2})(?:\.([0-7]))?$/i.exec(text);
  const slot = Number.parseInt(match?.[1] ?? 'ff', 16);
  if (match === null || slot > 31) {
    throw new VmError(`Property '${type}.addr' doesn't take value '${text}'`, { hint: 'slot.function, 0.0 to 1f.7' });
  }
  return { slot, fn: Number(match[2] ?? 0) };
}

function placeMemory(
  owner: string,
  type: AnyDeviceType,
  props: Readonly<Record<string, unknown>>,
  backing: BackingPlan,
): Record<string, PlannedMemory> {
  return Object.fromEntries(memoryNeeds(type, props).map(([name, need]) => [name, backing.place(owner, need)]));
}

/** What memories of its own a device with these properties needs, by name. */
export function memoryNeeds(
  type: AnyDeviceType,
  props: Readonly<Record<string, unknown>>,
): [string, DeviceMemoryNeed][] {
  if (type.memory === undefined) return [];
  return Object.entries(type.memory(knownProps(type, props)));
}

/** The properties, as far as they are known before the machine exists: what machine code sets later is null. */
function knownProps(type: AnyDeviceType, props: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(type.props).map(([name, p]) => [name, props[name] ?? p.default ?? null]));
}
