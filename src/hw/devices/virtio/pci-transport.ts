/**
 * virtio over PCI: Virtual I/O Device specification 1.1, §4.1. A transitional device has both register layouts: the
 * legacy one in I/O BAR 0 (§4.1.4.8), the modern one in memory BAR 4, where capabilities point (§4.1.4). Places and
 * sizes are QEMU's.
 * Not modelled: MSI-X. Its BAR 1 and capability 0x98 are free for it; until then vectors read as NO_VECTOR.
 */
import { hex } from '../../core/log.ts';
import { Container, type IoOps, type IoRegion, ioRegion } from '../../core/region.ts';
import { type StateOf, struct, u8, u16, u32 } from '../../core/state.ts';
import { CFG, COMMAND } from '../pci/config.ts';
import type { Bar, Capability } from '../pci/function.ts';
import { NO_VECTOR, STATUS } from './constants.ts';
import type { Transport, VirtioCore } from './core.ts';
import type { QueueState } from './virtqueue.ts';

const ISR = { QUEUE: 1, CONFIG: 2 } as const; // §4.1.4.5

/** §4.1.4: configuration structure types. */
const CAP = { COMMON: 1, NOTIFY: 2, ISR: 3, DEVICE: 4, PCI: 5 } as const;
const PCI_CAP_VENDOR = 0x09;
const MODERN_BAR = 4;
const LEGACY_BAR = 0;
const STRUCTURE_BYTES = 0x1000;
/** Offsets in the modern BAR; each takes a page. */
const PLACES = { COMMON: 0, ISR: 0x1000, DEVICE: 0x2000, NOTIFY: 0x3000 } as const;
const NOTIFY_MULTIPLIER = 4;
/** Where the window of §4.1.4.7 is in configuration space, and within it offset, length and data. */
const WINDOW = { AT: 0x84, BAR: 4, OFFSET: 8, LENGTH: 12, DATA: 16 } as const;

/** §4.1.4.3: offsets of the common configuration structure. */
const COMMON = {
  DEVICE_FEATURE_SELECT: 0x00,
  DEVICE_FEATURE: 0x04,
  DRIVER_FEATURE_SELECT: 0x08,
  DRIVER_FEATURE: 0x0c,
  MSIX_CONFIG: 0x10,
  NUM_QUEUES: 0x12,
  DEVICE_STATUS: 0x14,
  CONFIG_GENERATION: 0x15,
  QUEUE_SELECT: 0x16,
  QUEUE_SIZE: 0x18,
  QUEUE_MSIX_VECTOR: 0x1a,
  QUEUE_ENABLE: 0x1c,
  QUEUE_NOTIFY_OFF: 0x1e,
  QUEUE_DESC: 0x20,
  QUEUE_DRIVER: 0x28,
  QUEUE_DEVICE: 0x30,
} as const;

/** §4.1.4.8: offsets of the legacy header; without MSI-X the device's own configuration follows at once. */
const LEGACY = {
  DEVICE_FEATURES: 0,
  DRIVER_FEATURES: 4,
  QUEUE_ADDRESS: 8,
  QUEUE_SIZE: 12,
  QUEUE_SELECT: 14,
  QUEUE_NOTIFY: 16,
  DEVICE_STATUS: 18,
  ISR_STATUS: 19,
  CONFIG: 20,
} as const;
const LEGACY_PAGE_BITS = 12;
const LEGACY_ALIGN = 4096; // §2.6.2

export const transportFields = {
  deviceFeatureSelect: u32(),
  driverFeatureSelect: u32(),
  queueSelect: u16(),
  isr: u8(),
};
export const transportState = struct(transportFields);
export type TransportState = StateOf<typeof transportFields>;

/** Which 32 bits of a queue's addresses lie at which offset. */
const ADDRESS_FIELDS: Readonly<Record<number, keyof QueueState & `${string}${'Low' | 'High'}`>> = {
  [COMMON.QUEUE_DESC]: 'descLow',
  [COMMON.QUEUE_DESC + 4]: 'descHigh',
  [COMMON.QUEUE_DRIVER]: 'availLow',
  [COMMON.QUEUE_DRIVER + 4]: 'availHigh',
  [COMMON.QUEUE_DEVICE]: 'usedLow',
  [COMMON.QUEUE_DEVICE + 4]: 'usedHigh',
};

/** What the transport sees of its PCI function. */
interface FunctionView {
  read(offset: number, size: number): number;
  readonly intx: { set(level: boolean): void };
}

export class PciTransport implements Transport {
  readonly s: TransportState;
  private core: VirtioCore | undefined;
  private pci: FunctionView | undefined;
  private readonly common: IoOps = {
    read: (offset) => this.readCommon(offset),
    write: (offset, value) => this.writeCommon(offset, value),
  };
  private readonly isr: IoOps = { read: () => this.readIsr(), write() {} };
  private readonly device: IoOps = {
    read: (offset, size) => this.needCore().readConfig(offset, size),
    write: (offset, value, size) => this.needCore().writeConfig(offset, value, size),
  };
  private readonly notifications: IoOps = {
    read: () => 0,
    write: (offset) => this.needCore().notify(Math.floor(offset / NOTIFY_MULTIPLIER)),
  };
  private readonly legacy: IoOps = {
    read: (offset, size) => this.readLegacy(offset, size),
    write: (offset, value, size) => this.writeLegacy(offset, value, size),
  };

  constructor(state: TransportState) {
    this.s = state;
  }

  connect(core: VirtioCore, pci: FunctionView): void {
    this.core = core;
    this.pci = pci;
  }

  queueInterrupt(): void {
    this.raise(ISR.QUEUE);
  }
  configInterrupt(): void {
    this.raise(ISR.CONFIG);
  }
  /** Drives the interrupt pin from the state. */
  sync(): void {
    this.pci?.intx.set(this.s.isr !== 0);
  }

  /** The base address registers of a device with these interfaces. */
  bars({ legacy, modern, configBytes }: { legacy: boolean; modern: boolean; configBytes: number }): Bar[] {
    const bars: Bar[] = [];
    if (legacy) {
      const size = 2 ** Math.ceil(Math.log2(LEGACY.CONFIG + configBytes));
      bars.push({ index: LEGACY_BAR, kind: 'io', region: ioRegion('virtio-pci', size, this.legacy) });
    }
    if (modern) {
      const region = new Container('virtio-pci', 4 * STRUCTURE_BYTES);
      const part = (name: string, at: number, ops: IoOps): IoRegion => {
        const structure = ioRegion(`virtio-pci-${name}`, STRUCTURE_BYTES, ops);
        region.add(at, structure);
        return structure;
      };
      part('common', PLACES.COMMON, this.common);
      part('isr', PLACES.ISR, this.isr);
      part('device', PLACES.DEVICE, this.device);
      part('notify', PLACES.NOTIFY, this.notifications);
      bars.push({ index: MODERN_BAR, kind: 'memory64', prefetchable: true, region });
    }
    return bars;
  }

  /** The window of §4.1.4.7 shows a register of a BAR in configuration space. */
  readWindow(config: Uint8Array, offset: number, size: number): void {
    if (!touchesWindow(offset, size)) return;
    const target = this.windowTarget(config);
    if (target === undefined) return;
    const value = target.ops.read(target.offset, target.length);
    for (let i = 0; i < target.length; i++) config[WINDOW.AT + WINDOW.DATA + i] = value >>> (i * 8);
  }

  configWritten(config: Uint8Array, offset: number, size: number): void {
    const core = this.needCore();
    // As in QEMU: a device that may not be bus master any more stops; drivers set it up anew.
    if (offset < CFG.COMMAND + 2 && offset + size > CFG.COMMAND) {
      const isMaster = ((this.pci?.read(CFG.COMMAND, 2) ?? 0) & COMMAND.MASTER) !== 0;
      if (!isMaster && core.s.status & STATUS.DRIVER_OK) core.writeStatus(core.s.status & ~STATUS.DRIVER_OK);
    }
    if (!touchesWindow(offset, size)) return;
    const target = this.windowTarget(config);
    const data = new DataView(config.buffer, config.byteOffset).getUint32(WINDOW.AT + WINDOW.DATA, true);
    target?.ops.write(target.offset, target.length === 4 ? data : data & (2 ** (8 * target.length) - 1), target.length);
  }

  private windowTarget(config: Uint8Array): { ops: IoOps; offset: number; length: number } | undefined {
    const view = new DataView(config.buffer, config.byteOffset + WINDOW.AT);
    const at = view.getUint32(WINDOW.OFFSET, true);
    const length = view.getUint32(WINDOW.LENGTH, true);
    if (![1, 2, 4].includes(length) || at % length !== 0) return undefined;
    if (view.getUint8(WINDOW.BAR) !== MODERN_BAR || at + length > 4 * STRUCTURE_BYTES) return undefined;
    const ops = [this.common, this.isr, this.device, this.notifications][Math.floor(at / STRUCTURE_BYTES)];
    return ops && { ops, offset: at % STRUCTURE_BYTES, length };
  }

  private needCore(): VirtioCore {
    if (this.core === undefined) throw new Error('BUG: virtio transport without a device');
    return this.core;
  }

  private raise(bit: number): void {
    this.s.isr |= bit;
    this.sync();
  }

  /** §4.1.4.5: reading it ends the interrupt. */
  private readIsr(): number {
    const { isr } = this.s;
    this.s.isr = 0;
    this.sync();
    return isr;
  }

  private readCommon(offset: number): number {
    const { s } = this;
    const core = this.needCore();
    const queue = core.queue(s.queueSelect);
    switch (offset) {
      case COMMON.DEVICE_FEATURE_SELECT:
        return s.deviceFeatureSelect;
      case COMMON.DEVICE_FEATURE:
        return core.offeredFeatures(s.deviceFeatureSelect);
      case COMMON.DRIVER_FEATURE_SELECT:
        return s.driverFeatureSelect;
      case COMMON.DRIVER_FEATURE:
        return core.acceptedFeatures(s.driverFeatureSelect);
      case COMMON.MSIX_CONFIG:
      case COMMON.QUEUE_MSIX_VECTOR:
        return NO_VECTOR;
      case COMMON.NUM_QUEUES:
        return core.queueCount;
      case COMMON.DEVICE_STATUS:
        return core.s.status;
      case COMMON.CONFIG_GENERATION:
        return core.s.configGeneration;
      case COMMON.QUEUE_SELECT:
        return s.queueSelect;
      case COMMON.QUEUE_SIZE:
        return queue?.s.size ?? 0;
      case COMMON.QUEUE_ENABLE:
        return queue?.s.enabled ? 1 : 0;
      case COMMON.QUEUE_NOTIFY_OFF:
        return s.queueSelect;
      default: {
        const field = ADDRESS_FIELDS[offset];
        return field === undefined ? 0 : (queue?.s[field] ?? 0);
      }
    }
  }

  private writeCommon(offset: number, value: number): void {
    const { s } = this;
    const core = this.needCore();
    const queue = core.queue(s.queueSelect);
    switch (offset) {
      case COMMON.DEVICE_FEATURE_SELECT:
        s.deviceFeatureSelect = value;
        break;
      case COMMON.DRIVER_FEATURE_SELECT:
        s.driverFeatureSelect = value;
        break;
      case COMMON.DRIVER_FEATURE:
        core.acceptFeatures(s.driverFeatureSelect, value);
        break;
      case COMMON.MSIX_CONFIG:
      case COMMON.QUEUE_MSIX_VECTOR:
        break;
      case COMMON.DEVICE_STATUS:
        core.writeStatus(value & 0xff);
        break;
      case COMMON.QUEUE_SELECT:
        s.queueSelect = value & 0xffff;
        break;
      case COMMON.QUEUE_SIZE:
        if (queue === undefined || queue.s.enabled || !isQueueSize(value & 0xffff, queue.maxSize)) {
          core.guestError(`size ${value} for queue ${s.queueSelect}`);
        } else {
          queue.s.size = value & 0xffff;
        }
        break;
      case COMMON.QUEUE_ENABLE:
        if (queue !== undefined && value === 1) queue.s.enabled = true;
        else core.guestError(`queue ${s.queueSelect}: enable is ${value}`);
        break;
      default: {
        const field = ADDRESS_FIELDS[offset];
        if (field === undefined) core.guestError(`write to common configuration offset ${hex(offset)}`);
        else if (queue === undefined || queue.s.enabled) core.guestError(`address for queue ${s.queueSelect}`);
        else queue.s[field] = value;
      }
    }
  }

  private readLegacy(offset: number, size: number): number {
    const { s } = this;
    const core = this.needCore();
    const queue = core.queue(s.queueSelect);
    if (offset >= LEGACY.CONFIG) return core.readConfig(offset - LEGACY.CONFIG, size);
    switch (offset) {
      case LEGACY.DEVICE_FEATURES:
        return core.offeredFeatures(0);
      case LEGACY.DRIVER_FEATURES:
        return core.acceptedFeatures(0);
      case LEGACY.QUEUE_ADDRESS:
        return queue?.s.enabled ? (queue.s.descHigh * 2 ** 32 + queue.s.descLow) / 2 ** LEGACY_PAGE_BITS : 0;
      case LEGACY.QUEUE_SIZE:
        return queue?.s.size ?? 0;
      case LEGACY.QUEUE_SELECT:
        return s.queueSelect;
      case LEGACY.DEVICE_STATUS:
        return core.s.status;
      case LEGACY.ISR_STATUS:
        return this.readIsr();
      default:
        return 2 ** (8 * size) - 1;
    }
  }

  private writeLegacy(offset: number, value: number, size: number): void {
    const { s } = this;
    const core = this.needCore();
    if (offset >= LEGACY.CONFIG) {
      core.writeConfig(offset - LEGACY.CONFIG, value, size);
      return;
    }
    switch (offset) {
      case LEGACY.DRIVER_FEATURES:
        core.acceptFeatures(0, value);
        break;
      case LEGACY.QUEUE_ADDRESS:
        this.placeLegacyQueue(value);
        break;
      case LEGACY.QUEUE_SELECT:
        s.queueSelect = value & 0xffff;
        break;
      case LEGACY.QUEUE_NOTIFY:
        core.notify(value & 0xffff);
        break;
      case LEGACY.DEVICE_STATUS:
        core.writeStatus(value & 0xff);
        break;
      default:
        core.guestError(`write of ${hex(value)} to legacy register ${hex(offset)}`);
    }
  }

  /** §2.6.2: one page number places all three parts. 0 resets the device, as QEMU has it. */
  private placeLegacyQueue(page: number): void {
    const core = this.needCore();
    const queue = core.queue(this.s.queueSelect)?.s;
    if (page === 0) {
      core.reset();
    } else if (queue !== undefined) {
      const desc = page * 2 ** LEGACY_PAGE_BITS;
      const avail = desc + 16 * queue.size;
      const used = Math.ceil((avail + 6 + 2 * queue.size) / LEGACY_ALIGN) * LEGACY_ALIGN;
      [queue.descHigh, queue.descLow] = wordsOf(desc);
      [queue.availHigh, queue.availLow] = wordsOf(avail);
      [queue.usedHigh, queue.usedLow] = wordsOf(used);
      queue.enabled = true;
    }
  }
}

const wordsOf = (address: number): [high: number, low: number] => [Math.floor(address / 2 ** 32), address >>> 0];

const isQueueSize = (size: number, largest: number): boolean =>
  size > 0 && size <= largest && (size & (size - 1)) === 0;

const touchesWindow = (offset: number, size: number): boolean => {
  const at = WINDOW.AT + WINDOW.DATA;
  return offset < at + 4 && offset + size > at;
};

const littleEndian = (value: number): number[] => [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);

/** The capabilities that point to the structures, in the order in which QEMU's list has them. */
export function modernCapabilities(): Capability[] {
  const body = (type: number, at: number, length: number, more: readonly number[] = []): number[] => [
    16 + more.length,
    type,
    type === CAP.PCI ? 0 : MODERN_BAR,
    0,
    0,
    0,
    ...littleEndian(at),
    ...littleEndian(length),
    ...more,
  ];
  const whole = STRUCTURE_BYTES;
  const window = body(CAP.PCI, 0, 0, littleEndian(0));
  return [
    {
      id: PCI_CAP_VENDOR,
      at: WINDOW.AT,
      body: window,
      // Bar, offset, length and data are the driver's.
      writable: window.map((_, i) => (i === WINDOW.BAR - 2 || i >= WINDOW.OFFSET - 2 ? 0xff : 0)),
    },
    { id: PCI_CAP_VENDOR, at: 0x70, body: body(CAP.NOTIFY, PLACES.NOTIFY, whole, littleEndian(NOTIFY_MULTIPLIER)) },
    { id: PCI_CAP_VENDOR, at: 0x60, body: body(CAP.DEVICE, PLACES.DEVICE, whole) },
    { id: PCI_CAP_VENDOR, at: 0x50, body: body(CAP.ISR, PLACES.ISR, whole) },
    { id: PCI_CAP_VENDOR, at: 0x40, body: body(CAP.COMMON, PLACES.COMMON, whole) },
  ];
}
