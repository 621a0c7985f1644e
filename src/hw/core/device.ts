/**
 * A device type is a declaration (names, properties, interrupt outputs, state) and one function that wires a state to
 * its surroundings. All that changes at run time is in the declared state; closures hold wiring only. So reset, save,
 * load and hash are the same few lines for every device.
 */
import type { Clock } from './clock.ts';
import { type IrqLine, unconnected } from './irq.ts';
import { type LogHook, noLog } from './log.ts';
import type { Props, PropValues } from './props.ts';
import type { RamRegion, Region } from './region.ts';
import type { Resettable } from './reset.ts';
import type { Fields, StateOf, VmState } from './state.ts';
import type { ByteReader } from './state-bytes.ts';

/** QEMU's names of kinds of buses. */
export type BusKind =
  | 'ISA'
  | 'PCI'
  | 'System'
  | 'IDE'
  | 'SCSI'
  | 'floppy-bus'
  | 'i2c-bus'
  | 'usb-bus'
  | 'virtio-serial-bus';

/**
 * A bus that a controller offers to devices of its kind. A device gets it as its property `parent` (kind `code`) and
 * plugs itself in when it is created; what it says to the bus is between the two.
 */
export interface DeviceBus {
  readonly kind: BusKind;
  /** As `-device …,bus=` takes it: `ide.0`. */
  readonly name: string;
  /** No place is free for a device that does not ask for a certain one. */
  readonly full: boolean;
}

/** A file that firmware finds in the machine's firmware configuration device. */
export interface FirmwareFile {
  readonly bytes: Uint8Array;
  /** The guest may write to it: all of `from` lies within `bytes`. Absent: read-only. */
  write?(offset: number, from: Uint8Array): void;
}

/** How firmware names a device (OpenFirmware's device tree), and its place in the boot order. */
export interface FirmwareNode {
  /** The node below that of its bus: `fdc@03f0`, `drive@0`. A PCI function is named by its class. */
  readonly name?: string;
  /** What can be booted from it: the user's `bootindex` (-1: none), and what follows its node, `/disk@0`. */
  readonly boot?: readonly { readonly index: number; readonly suffix?: string }[];
}

/** What `create` returns. A chip may add functions of its own for the machine: inputs, an interrupt acknowledge. */
export interface Parts {
  /** What the guest can address, by name; the machine decides where. */
  readonly regions: Readonly<Record<string, Region>>;
  /** Drives all outputs from the state. Called after reset and after load; must change nothing in the state. */
  sync(): void;
  /** Buses for devices behind this one. */
  readonly buses?: readonly DeviceBus[];
  readonly firmware?: FirmwareNode;
  /** By name: `etc/ramfb`. */
  readonly firmwareFiles?: Readonly<Record<string, FirmwareFile>>;
  /** Called after the generic reset of the fields, for what their reset values cannot say. */
  reset?(): void;
}

export interface Services {
  readonly id: string;
  readonly clock: Clock;
  readonly log: LogHook;
}

export type Wiring<P extends Props, I extends string> = PropValues<P> & { readonly [K in I]: IrqLine } & Services;

/** What an ISA card decodes and which interrupts it is jumpered to, as a function of its properties. */
export interface IsaPlaces {
  /** First port of each region, by the region's name. */
  readonly ports: Readonly<Record<string, number>>;
  /** ISA interrupt number of each output, by the output's name. */
  readonly irqs?: Readonly<Record<string, number>>;
}

export interface DeviceType<F extends Fields, P extends Props, I extends string, D extends Parts> {
  /** QEMU's name: what `-device` takes. */
  readonly type: string;
  readonly desc: string;
  /** The bus that a `-device` of this type plugs into; absent: only machines create it. */
  readonly bus?: BusKind;
  readonly props: P;
  /** Names of the interrupt outputs. */
  readonly irqs: readonly I[];
  readonly state: VmState<F>;
  /** Devices of the ISA bus: where the machine maps the regions and connects the interrupt outputs. */
  isa?(props: PropValues<P>): IsaPlaces;
  /** What memory of its own the device needs, by name. */
  memory?(props: PropValues<P>): Readonly<Record<string, DeviceMemoryNeed>>;
  create(state: StateOf<F>, wiring: Wiring<P, I>): D;
}

/** Memory of its own that a device needs: of a size, or filled from a firmware file at each reset (then a power of two). */
export type DeviceMemoryNeed = { readonly bytes: number } | { readonly file: string };

/**
 * A device's own memory: video memory, an option ROM. It lies behind guest RAM, so that the guest reaches it as fast and
 * other threads can read it. A device gets its memories, by name, as its property `memory` (kind `code`).
 */
export interface DeviceMemory {
  /** For reads and writes; a ROM's guest view is `romOf` of it. */
  readonly region: RamRegion;
  readonly bytes: Uint8Array;
  /** Reports what the device itself wrote into `bytes`. */
  written(offset: number, length: number): void;
}

/** A device type of unknown details, as tables of devices hold them. */
export type AnyDeviceType = DeviceType<Fields, Props, string, Parts>;

export const defineDevice = <F extends Fields, P extends Props, const I extends string, D extends Parts>(
  type: DeviceType<F, P, I, D>,
): DeviceType<F, P, I, D> => type;

/** A device in a machine. */
export interface Device<D extends Parts = Parts, S = unknown> extends Resettable {
  readonly id: string;
  readonly type: string;
  readonly parts: D;
  readonly state: S;
  save(): Uint8Array;
  /** Refills the state; outputs are not driven yet. Use `loadDevices` for a machine. */
  fill(bytes: Uint8Array, version?: number): void;
  /** Decodes a saved state; what it returns refills the state, as `fill` does. */
  decode(reader: ByteReader): () => void;
  readonly stateName: string;
  readonly stateVersion: number;
  describe(): readonly { readonly name: string; readonly type: string; readonly size: number }[];
  sync(): void;
  hash(): string;
}

export interface DeviceOptions<P extends Props, I extends string> {
  readonly id?: string;
  readonly clock: Clock;
  readonly log?: LogHook;
  readonly props?: Partial<PropValues<P>>;
  readonly irqs?: { readonly [K in I]?: IrqLine };
}

/** Creates a device with its power-on state. Reset the machine before it runs: that drives the outputs. */
export function createDevice<F extends Fields, P extends Props, I extends string, D extends Parts>(
  type: DeviceType<F, P, I, D>,
  options: DeviceOptions<P, I>,
): Device<D, StateOf<F>> {
  const id = options.id ?? type.type;
  const state = type.state.fresh();
  const values = fillProps(type.props, options.props ?? {}, id);
  const wiring: Record<string, unknown> = { ...values, id, clock: options.clock, log: options.log ?? noLog };
  for (const name of type.irqs) wiring[name] = options.irqs?.[name] ?? unconnected;
  const parts = type.create(state, wiring as Wiring<P, I>);
  return {
    id,
    type: type.type,
    parts,
    state,
    enterReset() {
      type.state.reset(state);
      parts.reset?.();
    },
    holdReset: () => parts.sync(),
    save: () => type.state.save(state),
    fill: (bytes, version) => type.state.load(state, bytes, version),
    decode: (reader) => type.state.decode(state, reader),
    stateName: type.state.name,
    stateVersion: type.state.version,
    describe: () => type.state.describe(state),
    sync: () => parts.sync(),
    hash: () => type.state.hash(state),
  };
}

/** Adds the defaults to the properties that were set. */
export function fillProps<P extends Props>(props: P, set: Partial<PropValues<P>>, id: string): PropValues<P> {
  const values: Record<string, unknown> = {};
  for (const [name, p] of Object.entries(props)) {
    values[name] = set[name] ?? p.default;
    if (values[name] === undefined) throw new Error(`BUG: device '${id}': property '${name}' is not set`);
  }
  return values as PropValues<P>;
}

/** Refills all devices, then drives all outputs, so that no device sees a line of another that is not loaded yet. */
export function loadDevices(saved: readonly { readonly device: Device; readonly bytes: Uint8Array }[]): void {
  for (const { device, bytes } of saved) device.fill(bytes);
  for (const { device } of saved) device.sync();
}
