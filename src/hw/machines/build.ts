/** Turns a board and the user's options into a machine. */
import type { Chardev } from '../../chardev/api.ts';
import { VmError } from '../../util/errors.ts';
import { VirtualClock } from '../core/clock.ts';
import type { InputQueue } from '../core/input.ts';
import { type LogHook, noLog } from '../core/log.ts';
import type { RamAccess } from '../core/memory.ts';
import { type LinkLookup, parseProps } from '../core/props.ts';
import { ps2Keyboard } from '../devices/input/ps2-keyboard.ts';
import { ps2Mouse } from '../devices/input/ps2-mouse.ts';
import { mc146818 } from '../devices/timer/mc146818.ts';
import { Assembly, partsOf } from './assembly.ts';
import { pcCmos } from './cmos.ts';
import { boardDeviceType, userDeviceType } from './device-types.ts';
import { directBootFirmware, type Firmware, userFirmware } from './firmware.ts';
import { pcFirmwareConfig } from './firmware-config.ts';
import { type DirectBoot, loadKernel, type NamedFile, type OpenFile } from './loaders/direct-boot.ts';
import { pcMemoryMap } from './loaders/e820.ts';
import type { Board, Machine, RunControl } from './machine.ts';
import { type MemoryLayout, memoryLayout } from './memory-map.ts';

/** A device that the user adds: `-device driver,name=value`. */
export interface UserDevice {
  readonly driver: string;
  readonly id?: string | undefined;
  /** Values as written. */
  readonly properties: Readonly<Record<string, string>>;
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
  readonly devices?: readonly UserDevice[];
  /** Finds back ends that device properties name by id. */
  readonly lookup?: LinkLookup;
  /** What the RTC shows at power-on: seconds since 1970. */
  readonly rtcSeconds?: number;
}

/** What a machine will be, checked, before memory for it exists. */
export interface MachinePlan {
  readonly options: MachineOptions;
  readonly layout: MemoryLayout;
  readonly firmware: Firmware;
  readonly boot: DirectBoot | undefined;
}

export interface MachineHost {
  /** At least `layout.backingBytes` bytes, zeroed. */
  readonly ram: RamAccess;
  readonly control: RunControl;
  readonly clock?: VirtualClock;
  readonly log?: LogHook;
  /** Keyboard and mouse register here as receivers 'keyboard' and 'mouse'. */
  readonly input?: InputQueue;
}

const SERIAL_PORTS = [
  { port: 0x3f8, irq: 4 },
  { port: 0x2f8, irq: 3 },
  { port: 0x3e8, irq: 4 },
  { port: 0x2e8, irq: 3 },
] as const;

/** Checks all that can be checked without memory: sizes, files, the kernel image. */
export function planMachine(options: MachineOptions): MachinePlan {
  const { board, ramBytes, kernel } = options;
  const serials = options.serials ?? [];
  if (serials.length > board.maxSerials) {
    throw new VmError(`too many serial ports: machine '${board.name}' has ${board.maxSerials}, not ${serials.length}`);
  }
  const present = SERIAL_PORTS.filter((_, i) => serials[i] !== undefined);
  const firmware = firmwareOf(options, present);
  const layout = memoryLayout(board, ramBytes, firmware.image.length);
  const { lowRamBytes, highRamBytes } = layout;
  const e820 = pcMemoryMap(lowRamBytes, highRamBytes);
  const boot = kernel && loadKernel({ ...kernel, lowRamBytes, e820, rsdp: firmware.rsdp });
  if (boot !== undefined && boot.linux === undefined && options.firmware !== undefined) {
    throw new VmError(
      `firmware '${options.firmware.name}' cannot start kernel '${kernel?.kernel.name}': not a Linux image`,
      {
        hint: 'leave out -bios: the kernel is started directly',
      },
    );
  }
  return { options, layout, firmware, boot };
}

function firmwareOf({ board, firmware, kernel }: MachineOptions, serials: Parameters<typeof directBootFirmware>[1]) {
  if (firmware !== undefined) return userFirmware(firmware);
  if (kernel !== undefined) return directBootFirmware(board, serials);
  throw new VmError(`could not load PC BIOS '${board.firmware}'`, {
    hint: 'give a kernel (-kernel) or firmware (-bios)',
  });
}

/** Builds the planned machine. Call `reset` before it runs. */
export function buildMachine(plan: MachinePlan, host: MachineHost): Machine {
  const { options, layout, firmware, boot } = plan;
  const { board, serials = [], devices = [] } = options;
  const clock = host.clock ?? new VirtualClock();
  const assembly = new Assembly({
    board,
    layout,
    clock,
    ram: host.ram,
    control: host.control,
    log: host.log ?? noLog,
    values: {
      base: options.rtcSeconds ?? 0,
      items: pcFirmwareConfig(layout, boot?.linux),
      serialPorts: serials.filter((s) => s !== undefined).length,
    },
  });
  for (const part of board.parts) assembly.add({ ...part, type: boardDeviceType(part.type) });
  for (const [index, chardev] of serials.entries()) {
    if (chardev === undefined) continue;
    assembly.add({ id: `serial${index}`, type: boardDeviceType('isa-serial'), props: { index, chardev } });
  }
  for (const device of devices) addUserDevice(assembly, device, options);

  host.input?.receiveEvents('keyboard', partsOf(ps2Keyboard, assembly.device('keyboard')).receiver);
  host.input?.receiveEvents('mouse', partsOf(ps2Mouse, assembly.device('mouse')).receiver);
  const rtc = partsOf(mc146818, assembly.device('rtc'));
  for (const [register, value] of pcCmos(layout)) rtc.setCmos(register, value);

  const direct = options.firmware === undefined ? boot : undefined;
  /** What is in memory and registers after a reset because we, in place of firmware, put it there. */
  function restoreLoaded(): void {
    host.ram.bytes.set(firmware.image, layout.biosOffset);
    host.ram.written(layout.biosOffset, firmware.image.length);
    if (direct === undefined) return;
    for (const { port, value, size } of board.directBoot.ports) assembly.io.write(port, value, size);
    for (const { gpa, bytes } of direct.writes) assembly.memory.writeBytes(gpa, bytes);
  }
  return assembly.finish({ cpuStart: direct?.cpu, restoreLoaded });
}

function addUserDevice(assembly: Assembly, device: UserDevice, { board, lookup }: MachineOptions): void {
  const type = userDeviceType(device.driver);
  if (type.bus === 'PCI' && board.bus !== 'pci') throw new VmError(`No 'PCI' bus found for device '${type.type}'`);
  const props: Record<string, unknown> = parseProps(
    type.type,
    type.props,
    device.properties,
    lookup ?? (() => undefined),
  );
  if (type.type === 'isa-serial') props['index'] ??= assembly.count('isa-serial');
  const id = device.id ?? assembly.freeId(type.type);
  if (assembly.find(id) !== undefined) throw new VmError(`Duplicate device ID '${id}'`);
  assembly.add({ id, type, props });
}
