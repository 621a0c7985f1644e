/**
 * One PCI function: 256 bytes of configuration space with the rules for writing them, base address registers that
 * place regions into the bus's memory and I/O space, and one interrupt pin. The bytes are the device's saved state;
 * all else here is derived from them.
 */
import type { IrqLine } from '../../core/irq.ts';
import { type Container, type Mapping, type RamRegion, type Region, romRegion } from '../../core/region.ts';
import { CFG, COMMAND, COMMAND_WRITABLE, CONFIG_BYTES, QEMU_SUBSYSTEM, STATUS } from './config.ts';

export interface Bar {
  /** 0 to 5; a 64-bit register takes two. */
  readonly index: number;
  readonly kind: 'io' | 'memory' | 'memory64';
  readonly prefetchable?: boolean;
  /** Its size must be a power of two, at least 4 (I/O) or 16. */
  readonly region: Region;
}

export interface Capability {
  readonly id: number;
  readonly at: number;
  /** What follows the two bytes of the list. */
  readonly body: readonly number[];
  /** Bits of `body` that a guest may change. */
  readonly writable?: readonly number[];
}

export interface PciFunctionInfo {
  readonly vendorId: number;
  readonly deviceId: number;
  readonly revision?: number;
  /** Base class, sub-class, programming interface: 0x060100 is an ISA bridge. */
  readonly classCode: number;
  readonly status?: number;
  readonly headerType?: number;
  readonly subsystem?: { readonly vendor: number; readonly device: number };
  /** 1 to 4: INTA# to INTD#; absent: none. */
  readonly interruptPin?: number;
  readonly bars?: readonly Bar[];
  /** The expansion ROM; its size must be a power of two, at least 2 KiB. */
  readonly rom?: RamRegion;
  readonly capabilities?: readonly Capability[];
  /** Reset values from 0x40 on that are not 0, by offset. */
  readonly specific?: Readonly<Record<number, number>>;
}

/** What a function needs of the bus it is plugged into. */
export interface PciSlot {
  readonly memory: Container;
  readonly io: Container;
  /** Drives the slot's interrupt pin (1 to 4). */
  interrupt(pin: number, level: boolean): void;
}

/** §6.2.5.2: bit 0 of the expansion ROM's base address register. */
const ROM_ENABLE = 1;

interface PlacedBar {
  readonly bar: Bar;
  readonly space: Container;
  mapping: Mapping | undefined;
}

export class PciFunction {
  readonly info: PciFunctionInfo;
  /** Called after the guest wrote to configuration space. */
  onWrite: ((offset: number, size: number) => void) | undefined;
  /** Called before the guest reads configuration space: registers that show something else are refreshed by it. */
  onRead: ((offset: number, size: number) => void) | undefined;

  private readonly config: Uint8Array;
  private readonly resetValues: Uint8Array;
  private readonly writable: Uint8Array;
  private slot: PciSlot | undefined;
  private bars: PlacedBar[] = [];
  private romMapping: Mapping | undefined;
  private asserted = false;

  /** `config` is the 256-byte field of the device's state. */
  constructor(config: Uint8Array, info: PciFunctionInfo) {
    this.config = config;
    this.info = info;
    this.resetValues = resetValuesOf(info);
    this.writable = writableBitsOf(info);
    config.set(this.resetValues);
  }

  plug(slot: PciSlot): void {
    this.slot = slot;
    this.bars = (this.info.bars ?? []).map((bar) => ({
      bar,
      space: bar.kind === 'io' ? slot.io : slot.memory,
      mapping: undefined,
    }));
  }

  /** Sets the reset values; part of the device's own reset. */
  reset(): void {
    this.config.set(this.resetValues);
  }

  /** Brings mappings and the interrupt pin in line with the configuration; part of the device's `sync`. */
  sync(): void {
    this.updateMappings();
    this.updateInterrupt();
  }

  /** The function's interrupt output. */
  readonly intx: IrqLine = {
    set: (level) => {
      this.asserted = level;
      this.updateInterrupt();
    },
  };

  /** Little-endian; bytes behind the end read as 0. */
  read(offset: number, size: number): number {
    this.onRead?.(offset, size);
    let value = 0;
    for (let i = 0; i < size; i++) value |= this.byte(offset + i) << (i * 8);
    return value >>> 0;
  }

  write(offset: number, value: number, size: number): void {
    for (let i = 0; i < size && offset + i < CONFIG_BYTES; i++) {
      const mask = this.writable[offset + i] ?? 0;
      this.config[offset + i] = (this.byte(offset + i) & ~mask) | ((value >>> (i * 8)) & mask);
    }
    const touches = (start: number, length: number): boolean => offset < start + length && offset + size > start;
    if (touches(CFG.COMMAND, 2) || touches(CFG.BAR0, 24) || touches(CFG.EXPANSION_ROM, 4)) this.sync();
    this.onWrite?.(offset, size);
  }

  /** Where a BAR places its region; undefined while it does not. */
  addressOf(bar: Bar): number | undefined {
    const { size } = bar.region;
    const offset = CFG.BAR0 + bar.index * 4;
    const command = this.read(CFG.COMMAND, 2);
    if ((command & (bar.kind === 'io' ? COMMAND.IO : COMMAND.MEMORY)) === 0) return undefined;
    const low = this.read(offset, 4);
    const high = bar.kind === 'memory64' ? this.read(offset + 4, 4) : 0;
    const address = high * 2 ** 32 + low - (low % size);
    const last = address + size - 1;
    // All ones were written to find the size; 0 stands for a register that nobody has set (as in QEMU).
    if (address === 0 || (bar.kind !== 'memory64' && last >= 0xffff_ffff)) return undefined;
    return address;
  }

  /** Where the expansion ROM is; undefined while it is hidden. */
  get romAddress(): number | undefined {
    const register = this.read(CFG.EXPANSION_ROM, 4);
    const isOn = (register & ROM_ENABLE) !== 0 && (this.read(CFG.COMMAND, 2) & COMMAND.MEMORY) !== 0;
    const address = register - ROM_ENABLE;
    return isOn && address > 0 ? address : undefined;
  }

  private byte(offset: number): number {
    return this.config[offset] ?? 0;
  }

  private updateMappings(): void {
    for (const placed of this.bars) {
      const address = this.addressOf(placed.bar);
      if (address === undefined) {
        placed.mapping?.remove();
        placed.mapping = undefined;
      } else if (placed.mapping === undefined) {
        placed.mapping = placed.space.add(address, placed.bar.region, { priority: 1 });
      } else {
        placed.mapping.update({ at: address });
      }
    }
    this.updateRom();
  }

  private updateRom(): void {
    const { rom } = this.info;
    const address = this.romAddress;
    if (rom === undefined || address === undefined) {
      this.romMapping?.remove();
      this.romMapping = undefined;
    } else if (this.romMapping === undefined) {
      const readOnly = romRegion(rom.name, rom.size, rom.ramOffset);
      this.romMapping = this.slot?.memory.add(address, readOnly, { priority: 1 });
    } else {
      this.romMapping.update({ at: address });
    }
  }

  private updateInterrupt(): void {
    const pin = this.byte(CFG.INTERRUPT_PIN);
    if (pin === 0) return;
    const status = this.byte(CFG.STATUS);
    this.config[CFG.STATUS] = this.asserted ? status | STATUS.INTERRUPT : status & ~STATUS.INTERRUPT;
    const enabled = (this.read(CFG.COMMAND, 2) & COMMAND.INTX_DISABLE) === 0;
    this.slot?.interrupt(pin, this.asserted && enabled);
  }
}

function resetValuesOf(info: PciFunctionInfo): Uint8Array {
  const bytes = new Uint8Array(CONFIG_BYTES);
  const view = new DataView(bytes.buffer);
  const capabilities = info.capabilities ?? [];
  view.setUint16(CFG.VENDOR_ID, info.vendorId, true);
  view.setUint16(CFG.DEVICE_ID, info.deviceId, true);
  view.setUint16(CFG.STATUS, (info.status ?? 0) | (capabilities.length > 0 ? STATUS.CAPABILITIES : 0), true);
  view.setUint32(CFG.REVISION_ID, ((info.classCode << 8) | (info.revision ?? 0)) >>> 0, true);
  view.setUint8(CFG.HEADER_TYPE, info.headerType ?? 0);
  const subsystem = info.subsystem ?? QEMU_SUBSYSTEM;
  view.setUint16(CFG.SUBSYSTEM_VENDOR_ID, subsystem.vendor, true);
  view.setUint16(CFG.SUBSYSTEM_ID, subsystem.device, true);
  view.setUint8(CFG.INTERRUPT_PIN, info.interruptPin ?? 0);
  for (const { index, kind, prefetchable } of info.bars ?? []) {
    const flags = kind === 'io' ? 1 : (kind === 'memory64' ? 4 : 0) | (prefetchable ? 8 : 0);
    view.setUint32(CFG.BAR0 + index * 4, flags, true);
  }
  let link: number = CFG.CAPABILITIES;
  for (const { id, at, body } of capabilities) {
    bytes[link] = at;
    bytes[at] = id;
    bytes.set(body, at + 2);
    link = at + 1;
  }
  for (const [offset, value] of Object.entries(info.specific ?? {})) bytes[Number(offset)] = value;
  return bytes;
}

function writableBitsOf(info: PciFunctionInfo): Uint8Array {
  const bytes = new Uint8Array(CONFIG_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint16(CFG.COMMAND, COMMAND_WRITABLE, true);
  view.setUint8(CFG.CACHE_LINE_SIZE, 0xff);
  view.setUint8(CFG.INTERRUPT_LINE, 0xff);
  bytes.fill(0xff, CFG.DEVICE_SPECIFIC);
  for (const { index, kind, region } of info.bars ?? []) {
    const { size } = region;
    if (size < (kind === 'io' ? 4 : 16) || !Number.isInteger(Math.log2(size))) {
      throw new Error(`BUG: BAR ${index}: size ${size} of region '${region.name}'`);
    }
    const mask = (2n ** 64n - 1n) & ~BigInt(size - 1);
    const offset = CFG.BAR0 + index * 4;
    if (kind === 'memory64') view.setBigUint64(offset, mask, true);
    else view.setUint32(offset, Number(mask & 0xffff_ffffn), true);
  }
  if (info.rom !== undefined) {
    const { size, name } = info.rom;
    if (size < 2048 || !Number.isInteger(Math.log2(size))) throw new Error(`BUG: size ${size} of ROM '${name}'`);
    view.setUint32(CFG.EXPANSION_ROM, (-size | ROM_ENABLE) >>> 0, true);
  }
  for (const { at, body, writable } of info.capabilities ?? []) {
    bytes.fill(0, at, at + 2 + body.length);
    bytes.set(writable ?? [], at + 2);
  }
  return bytes;
}
