/**
 * A machine while it is put together: buses and lines, and what parts may ask for by the name of a property. In the
 * end it yields the machine.
 */

import type { Display } from '../../display/api.ts';
import { VmError } from '../../util/errors.ts';
import type { VirtualClock } from '../core/clock.ts';
import {
  type AnyDeviceType,
  type BusKind,
  createDevice,
  type Device,
  type DeviceBus,
  type FirmwareFile,
  fillProps,
  loadDevices,
  type Parts,
} from '../core/device.ts';
import { createDma } from '../core/dma.ts';
import { type IrqLine, Wire } from '../core/irq.ts';
import type { LogHook } from '../core/log.ts';
import { AddressSpace, PAGE_SIZE, type RamAccess } from '../core/memory.ts';
import { PORT_COUNT, PortSpace } from '../core/ports.ts';
import { Container, type Region } from '../core/region.ts';
import { resetAll } from '../core/reset.ts';
import { hashBytes } from '../core/state.ts';
import { uart16550 } from '../devices/char/uart16550.ts';
import { i8237 } from '../devices/dma/i8237.ts';
import { inputRouting } from '../devices/input/input-routing.ts';
import { i8259 } from '../devices/intc/i8259.ts';
import { PC_TESTDEV_MEMORY_AT } from '../devices/misc/pc-testdev.ts';
import { portF0 } from '../devices/misc/portf0.ts';
import type { PowerManagement } from '../devices/pci/acpi-pm1.ts';
import { createPciBus, type PciBus } from '../devices/pci/bus.ts';
import { devfnOf } from '../devices/pci/config.ts';
import type { PciFunction } from '../devices/pci/function.ts';
import { ich9Lpc } from '../devices/pci/ich9-lpc.ts';
import { piix3 } from '../devices/pci/piix3.ts';
import { mc146818 } from '../devices/timer/mc146818.ts';
import { UsbBus } from '../devices/usb/usb.ts';
import { usbHub } from '../devices/usb/usb-hub.ts';
import { a20Gate } from './a20-gate.ts';
import { HPET_AT } from './acpi/isa-devices.ts';
import type { BootEntry } from './boot-order.ts';
import { deviceMemory } from './device-memory.ts';
import { ISA_ROOT, PCI_ROOT, pciNode } from './firmware-paths.ts';
import type { BootState } from './loaders/direct-boot.ts';
import type { Board, CpuLine, Machine, MemoryBlock, NumericErrors, RunControl, SavedDevice } from './machine.ts';
import { boardBlocks, type MemoryLayout, type PcMemory, pcMemory } from './memory-map.ts';
import type { PartPlace, PlannedPart } from './plan.ts';
import { SharedLines } from './shared-lines.ts';

/** Where firmware looks for the reason of a reset, and what it finds after S3. */
const CMOS_SHUTDOWN = 0x0f;
const SHUTDOWN_SUSPENDED = 0xfe;

const ISA_IRQ_COUNT = 16;

const ISA_BRIDGE = 0x0601;
const MAX_PIRQS = 8;

/** Buses that a board has, not a controller on it. */
const BOARD_BUSES: ReadonlySet<BusKind> = new Set(['ISA', 'PCI', 'System']);

/** Memory-mapped regions of ISA devices, by type and region. */
const MEMORY_PLACES: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  hpet: { memory: HPET_AT },
  'pc-testdev': { memory: PC_TESTDEV_MEMORY_AT },
};

export interface AssemblyOptions {
  readonly board: Board;
  readonly layout: MemoryLayout;
  readonly clock: VirtualClock;
  readonly ram: RamAccess;
  readonly control: RunControl;
  readonly log: LogHook;
  /** Plain values for properties of these names. */
  readonly values: Readonly<Record<string, unknown>>;
}

/** The typed functions of a part that is known to be of this type. */
export function partsOf<D extends Parts>(
  type: { readonly type: string; create(...args: never[]): D },
  device: Device,
): D {
  if (device.type !== type.type) throw new Error(`BUG: '${device.id}' is a ${device.type}, not a ${type.type}`);
  return device.parts as D;
}

type LineWatcher = (n: number, level: boolean) => void;

/** A line to the CPU, with a listener. */
class CpuWire implements IrqLine, CpuLine {
  onChange: ((level: boolean) => void) | undefined;
  private readonly wire: Wire;

  constructor() {
    this.wire = new Wire((level) => this.onChange?.(level));
  }
  get level(): boolean {
    return this.wire.level;
  }
  set(level: boolean): void {
    this.wire.set(level);
  }
  repeat(): void {
    this.onChange?.(this.level);
  }
}

export class Assembly {
  readonly io: PortSpace;
  readonly memory: AddressSpace;

  private readonly options: AssemblyOptions;
  private readonly ports = new Container('io', PORT_COUNT);
  private readonly regions: PcMemory;
  private readonly devices: Device[] = [];
  /** Each device's name for firmware; its node, and those of the buses above. */
  private readonly firmwarePaths = new Map<Device, string>();
  private readonly blocks: MemoryBlock[];
  private readonly cpuIrq = new CpuWire();
  private readonly a20 = new CpuWire();
  private readonly numericErrors: NumericErrors = {
    raise: () => partsOf(portF0, this.device('portF0')).raise(),
    onIgnored: undefined,
  };
  private readonly isaLines: SharedLines;
  /** Who watches lines: the ISA bus's, and devices' outputs by id. */
  private isaWatcher: LineWatcher | undefined;
  private readonly watchers = new Map<string, LineWatcher>();
  private pciBus: PciBus | undefined;
  private usbBuses = 0;

  constructor(options: AssemblyOptions) {
    this.options = options;
    const { board, layout, ram, log } = options;
    this.regions = pcMemory(board, layout);
    this.blocks = boardBlocks(layout);
    this.memory = new AddressSpace(this.regions.system, ram, log);
    this.io = new PortSpace(this.ports, log);
    this.isaLines = new SharedLines(
      Array.from(
        { length: ISA_IRQ_COUNT },
        (_, n): IrqLine => ({
          set: (level) => {
            this.pic().inputs[n]?.set(level);
            this.isaWatcher?.(n, level);
          },
        }),
      ),
    );
  }

  find(id: string): Device | undefined {
    return this.devices.find((device) => device.id === id);
  }
  device(id: string): Device {
    const device = this.find(id);
    if (device === undefined) throw new Error(`BUG: no part '${id}'`);
    return device;
  }
  /** All parts of a type. */
  all<D extends Parts>(type: { readonly type: string; create(...args: never[]): D }): D[] {
    return this.devices.filter((device) => device.type === type.type).map((device) => partsOf(type, device));
  }
  /** A name for a device that the user did not name. */
  private freeId(type: string): string {
    for (let n = 0; ; n++) if (this.find(`${type}.${n}`) === undefined) return `${type}.${n}`;
  }

  /** Adds a device; throws a VmError if there is no place for it. */
  add({ id: name, type, props, links = {}, outputs = {}, place, memory }: PlannedPart): void {
    const id = name ?? this.freeId(type.type);
    if (this.find(id) !== undefined) throw new VmError(`Duplicate device ID '${id}'`);
    const set: Record<string, unknown> = { ...this.services(type), ...props };
    // Each serial port has its own place.
    if (type === uart16550) set['index'] ??= this.devices.filter((device) => device.type === type.type).length;
    if (type.memory !== undefined) {
      set['memory'] = Object.fromEntries(
        Object.entries(memory).map(([part, planned]) => [
          part,
          deviceMemory(`${id}.${part}`, planned, this.options.ram),
        ]),
      );
      for (const [part, { offset, bytes }] of Object.entries(memory)) {
        this.blocks.push({ name: `${id}.${part}`, offset, bytes: Math.ceil(bytes / PAGE_SIZE) * PAGE_SIZE });
      }
    }
    if (type.bus === 'usb-bus' && type !== usbHub && props['port'] === undefined) this.makeRoomOnUsb(type, place);
    if (type.bus !== undefined && !BOARD_BUSES.has(type.bus)) set['parent'] = this.busFor(type, place);
    const devfn = place.pci && this.pciPlace(id, type, place);
    for (const [property, target] of Object.entries(links)) set[property] = this.linked(target);
    const places = type.isa?.(fillProps(type.props, set, id));
    const irqs: Record<string, IrqLine> = {};
    for (const [index, output] of type.irqs.entries()) {
      const n = places?.irqs?.[output];
      const [part = '', end = ''] = outputs[output]?.split('.') ?? [];
      if (this.find(part) !== undefined) irqs[output] = this.linked(`${part}.${end}`) as IrqLine;
      else irqs[output] = n === undefined ? this.ownLine(type, output) : this.isaLines.connect(n);
      irqs[output] = this.watched(id, index, irqs[output]);
    }
    const device = createDevice(type, { id, clock: this.options.clock, log: this.options.log, props: set, irqs });
    this.devices.push(device);

    const region = (name: string): Region => {
      const found = device.parts.regions[name];
      if (found === undefined) throw new Error(`BUG: ${type.type} has no region '${name}'`);
      return found;
    };
    this.memory.transaction(() => {
      for (const [name, port] of Object.entries(places?.ports ?? {})) {
        this.ports.add(port, region(name), { priority: portPriority(type) });
      }
      for (const [name, gpa] of Object.entries(MEMORY_PLACES[type.type] ?? {})) {
        this.regions.system.add(gpa, region(name), { priority: 1 });
      }
    });
    if (devfn !== undefined) this.bus().plug(devfn, pciFunctionOf(device));
    const parent = set['parent'] as DeviceBus | undefined;
    this.firmwarePaths.set(device, this.firmwarePath(device, type, devfn, parent));
  }

  private firmwarePath({ parts }: Device, type: AnyDeviceType, devfn?: number, parent?: DeviceBus): string {
    if (devfn !== undefined) return `${PCI_ROOT}/${pciNode(pciFunctionOf({ parts }).info, devfn)}`;
    const below = (node: string): string =>
      parts.firmware?.name === undefined ? node : `${node}/${parts.firmware.name}`;
    if (parent !== undefined) {
      const controller = this.devices.find((device) => device.parts.buses?.includes(parent));
      return below((controller && this.firmwarePaths.get(controller)) ?? '');
    }
    return type.isa === undefined ? below('') : below(this.isaRoot());
  }

  private isaRoot(): string {
    for (const [devfn, { info }] of this.pciBus?.functions() ?? []) {
      if (info.classCode >> 8 === ISA_BRIDGE) return `${PCI_ROOT}/${pciNode(info, devfn)}`;
    }
    return ISA_ROOT;
  }

  /** What devices say can be booted from them. */
  bootEntries(): BootEntry[] {
    return this.devices.flatMap((device) =>
      (device.parts.firmware?.boot ?? []).map(({ index, suffix = '' }) => ({
        index,
        path: `${this.firmwarePaths.get(device)}${suffix}`,
      })),
    );
  }

  private watched(id: string, index: number, line: IrqLine): IrqLine {
    return {
      set: (level) => {
        line.set(level);
        this.watchers.get(id)?.(index, level);
      },
    };
  }
  private watchLines(ends: 'in' | 'out', name: string, changed: LineWatcher): boolean {
    if (ends === 'in') {
      if (name !== 'ioapic' && name !== 'pic') return false;
      this.isaWatcher = changed;
      return true;
    }
    const device = this.devices.find(({ id, type }) => id === name || type === name);
    if (device !== undefined) this.watchers.set(device.id, changed);
    return device !== undefined;
  }

  /** What devices have firmware find in fw_cfg. */
  firmwareFiles(): Record<string, FirmwareFile> {
    return Object.assign({}, ...this.devices.map(({ parts }) => parts.firmwareFiles ?? {}));
  }

  finish({ cpuStart, restoreLoaded }: { cpuStart: BootState | undefined; restoreLoaded(): void }): Machine {
    const { devices, cpuIrq, a20, numericErrors } = this;
    const pic = this.pic();
    const gate = partsOf(a20Gate, this.device('a20'));
    /** Lines get their final levels once all devices have repeated their outputs. */
    const settle = (how: 'settleReset' | 'settleLoad', repeatOutputs: () => void): void => {
      this.memory.transaction(() => this.isaLines[how](() => gate.settle(repeatOutputs)));
      cpuIrq.repeat();
      a20.repeat();
    };
    function reset(): void {
      settle('settleReset', () => resetAll(devices));
      restoreLoaded();
    }
    const rtc = partsOf(mc146818, this.device('rtc'));
    const power = devices.map(({ parts }) => (parts as { power?: PowerManagement }).power).find((p) => p !== undefined);
    const save = (): SavedDevice[] => devices.map((device) => [device.id, device.save()]);
    return {
      board: this.options.board,
      clock: this.options.clock,
      memory: this.memory,
      io: this.io,
      devices,
      device: (id) => this.find(id),
      watchLines: (ends, device, changed) => this.watchLines(ends, device, changed),
      cpuIrq: Object.assign(cpuIrq, { acknowledge: () => pic.ack() }),
      a20,
      numericErrors,
      display: devices.map(displayOf).find((display) => display !== undefined),
      cpuStart,
      reset,
      pressPowerButton: () => power?.pressPowerButton(),
      suspend: () => rtc.setCmos(CMOS_SHUTDOWN, SHUTDOWN_SUSPENDED),
      wake() {
        reset();
        power?.wake();
      },
      save,
      load(saved) {
        const pairs = pairUp(devices, saved);
        const before = pairUp(devices, save());
        try {
          settle('settleLoad', () => loadDevices(pairs));
        } catch (error) {
          settle('settleLoad', () => loadDevices(before));
          throw error;
        }
      },
      memoryBlocks: this.blocks,
      refill: (fill) =>
        settle('settleLoad', () => {
          fill();
          for (const device of devices) device.sync();
        }),
      hash: () => hashBytes(joined(save().map(([, bytes]) => bytes))),
    };
  }

  /** Values for those properties that only machine code sets, by name. */
  private services(type: AnyDeviceType): Record<string, unknown> {
    const { board, control, values } = this.options;
    const { system, pciMemory, ram } = this.regions;
    const requestReset = (): void => control.requestReset();
    const known: Record<string, () => unknown> = {
      bus: () => this.bus(),
      dma: () => createDma(this.memory),
      dmaController: () => partsOf(i8237, this.device('dma')),
      exit: () => (status: number) => control.requestExit(status),
      inputs: () => partsOf(inputRouting, this.device('input')).registry,
      ignoreErrors: () => () => this.numericErrors.onIgnored?.(),
      io: () => this.ports,
      gsis: () => this.allIsaLines(),
      isaIrqs: () => this.allIsaLines(),
      legacyMemory: () => (this.options.board.bus === 'pci' ? pciMemory : system),
      lines: () => this.allIsaLines(),
      pciMemory: () => pciMemory,
      ram: () => ram,
      ramAt: () => (gpa: number, length: number) => this.memory.ramAt(gpa, length),
      requestReset: () => requestReset,
      romSpace: () => (board.bus === 'pci' ? pciMemory : system),
      reportPanic: () => () => control.reportPanic(),
      requestShutdown: () => () => control.requestShutdown(),
      requestSuspend: () => () => control.requestSuspend(),
      system: () => system,
      systemReset: () => requestReset,
      watchdogExpired: () => () => control.watchdogExpired(),
      usbBus: () => new UsbBus(`usb-bus.${this.usbBuses++}`),
      transaction: () => (change: () => void) => this.memory.transaction(change),
    };
    const given: Record<string, unknown> = {};
    for (const [name, { kind }] of Object.entries(type.props)) {
      if (kind !== 'code') continue;
      const value = known[name]?.() ?? values[name];
      if (value !== undefined) given[name] = value;
    }
    return given;
  }

  /** Outputs that are not interrupts of the ISA bus. */
  private ownLine(type: AnyDeviceType, output: string): IrqLine {
    if (output === 'a20') return type === a20Gate ? this.a20 : partsOf(a20Gate, this.device('a20')).connect();
    if (type.type === i8259.type) return this.cpuIrq;
    throw new Error(`BUG: output '${output}' of ${type.type} leads nowhere`);
  }

  /** What a part offers to others: all of its functions, or one end that it names. */
  private linked(target: string): unknown {
    const [id = '', end] = target.split('.');
    const { parts } = this.device(id);
    if (end === undefined) return parts;
    const found = (parts as unknown as Readonly<Record<string, unknown>>)[end];
    if (found === undefined) throw new Error(`BUG: '${id}' has no '${end}'`);
    return found;
  }

  /** The bus behind a controller that a device goes to. */
  private busFor(type: AnyDeviceType, { bus }: PartPlace): DeviceBus {
    const buses = this.devices.flatMap(({ parts }) => parts.buses ?? []);
    if (bus !== undefined) {
      const named = buses.find(({ name }) => name === bus);
      if (named === undefined) throw new VmError(`Bus '${bus}' not found`);
      if (named.kind !== type.bus) throw new VmError(`Device '${type.type}' can't go on ${named.kind} bus`);
      return named;
    }
    const ofKind = buses.filter(({ kind }) => kind === type.bus);
    const free = ofKind.find(({ full }) => !full) ?? ofKind[0];
    if (free === undefined) throw new VmError(`No '${type.bus}' bus found for device '${type.type}'`);
    return free;
  }

  /** As QEMU: before the last free port is taken, a hub takes it. */
  private makeRoomOnUsb(type: AnyDeviceType, place: PartPlace): void {
    const bus = this.busFor(type, place);
    if (!(bus instanceof UsbBus) || bus.freePorts !== 1) return;
    this.add({ id: undefined, type: usbHub, props: {}, place: { bus: bus.name }, memory: {} });
  }

  private pciPlace(id: string, type: AnyDeviceType, { pci, bus }: PartPlace): number {
    if (bus !== undefined && bus !== this.options.board.pci?.name) throw new VmError(`Bus '${bus}' not found`);
    if (pci === undefined || pci === 'any') {
      const slot = this.bus().freeSlot();
      if (slot === undefined) throw new VmError(`PCI: no slot/function available for ${type.type}, all in use`);
      return devfnOf(slot, 0);
    }
    const devfn = devfnOf(pci.slot, pci.fn);
    const other = this.bus().at(devfn);
    if (other !== undefined) {
      throw new VmError(`PCI: slot ${pci.slot} function ${pci.fn} not available for ${type.type} '${id}', in use`);
    }
    return devfn;
  }

  private allIsaLines(): IrqLine[] {
    return Array.from({ length: ISA_IRQ_COUNT }, (_, n) => this.isaLines.connect(n));
  }

  private pic() {
    return partsOf(i8259, this.device('pic'));
  }

  /** The PCI bus; a part of the board routes its interrupts. */
  private bus(): PciBus {
    const { pciMemory } = this.regions;
    const router = (): InterruptRouter =>
      this.device(this.options.board.pci?.router ?? '').parts as unknown as InterruptRouter;
    this.pciBus ??= createPciBus({
      memory: pciMemory,
      io: this.ports,
      route: (devfn, pin) => router().route(devfn, pin),
      lines: Array.from({ length: MAX_PIRQS }, (_, n): IrqLine => ({ set: (level) => router().pirqs[n]?.set(level) })),
    });
    return this.pciBus;
  }
}

/** The south bridge's reset register lies in the middle of the host bridge's address register. */
const portPriority = ({ type }: AnyDeviceType): number => (type === piix3.type || type === ich9Lpc.type ? 1 : 0);

/** The part of a board that turns interrupt pins of PCI into interrupts of the system. */
interface InterruptRouter {
  readonly pirqs: readonly IrqLine[];
  route(devfn: number, pin: number): number;
}

function pciFunctionOf({ parts }: { readonly parts: Parts }): PciFunction {
  const { pci } = parts as Parts & { readonly pci?: PciFunction };
  if (pci === undefined) throw new Error('BUG: no PCI device');
  return pci;
}

const displayOf = ({ parts }: Device): Display | undefined => (parts as Parts & { readonly display?: Display }).display;

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function pairUp(devices: readonly Device[], saved: readonly SavedDevice[]) {
  const states = new Map(saved);
  const pairs = devices.map((device) => {
    const bytes = states.get(device.id);
    if (bytes === undefined) throw new VmError(`device '${device.id}' is missing in the saved state`);
    states.delete(device.id);
    return { device, bytes };
  });
  const [extra] = states.keys();
  if (extra !== undefined) throw new VmError(`the saved state has a device '${extra}', which this machine has not`);
  return pairs;
}
