/** Turns a plan into a machine. */
import { type AudioOut, silence } from '../../audio/api.ts';
import { VirtualClock } from '../core/clock.ts';
import type { FirmwareFile } from '../core/device.ts';
import { type EntropySource, noEntropy } from '../core/entropy.ts';
import { InputQueue } from '../core/input.ts';
import { type LogHook, noLog } from '../core/log.ts';
import type { RamAccess } from '../core/memory.ts';
import { inputRouting } from '../devices/input/input-routing.ts';
import { i82077 } from '../devices/storage/i82077.ts';
import { ideHd } from '../devices/storage/ide-hd.ts';
import { mc146818 } from '../devices/timer/mc146818.ts';
import { acpiFiles } from './acpi/loader-script.ts';
import { Assembly, partsOf } from './assembly.ts';
import { checkBootIndices, DEFAULT_BOOT } from './boot-order.ts';
import { driveCmos, pcCmos, type StoredDrives } from './cmos.ts';
import { pcFirmwareConfig } from './firmware-config.ts';
import type { Machine, RunControl } from './machine.ts';
import type { MachinePlan } from './plan.ts';
import { smbiosFiles } from './smbios/smbios.ts';

/** For S0 to S5: bit 7, the state is there; the others, its SLP_TYP (docs/specs/acpi_sleep_states of fw_cfg). */
const SYSTEM_STATES = Uint8Array.of(0x80, 0, 0, 0x81, 0x82, 0x80);

export interface MachineHost {
  /** At least `plan.backingBytes` bytes, zeroed. */
  readonly ram: RamAccess;
  readonly control: RunControl;
  readonly clock?: VirtualClock;
  readonly log?: LogHook;
  /** Receivers: 'keyboard', 'mouse', 'typing', other devices by their ids. */
  readonly input?: InputQueue;
  readonly entropy?: EntropySource;
  /** A keyboard's lights change: bit 0 scroll lock, 1 num lock, 2 caps lock. */
  readonly leds?: (leds: number) => void;
  readonly audio?: AudioOut;
}

/** Builds the planned machine. Call `reset` before it runs. */
export function buildMachine(plan: MachinePlan, host: MachineHost): Machine {
  const { options, layout, firmware, boot: kernel, optionRoms } = plan;
  const { board, serials = [], boot = DEFAULT_BOOT } = options;
  const clock = host.clock ?? new VirtualClock();
  /** Complete once all devices are there. */
  const items = new Map<number, FirmwareFile>();
  const assembly = new Assembly({
    board,
    layout,
    clock,
    ram: host.ram,
    control: host.control,
    log: host.log ?? noLog,
    values: {
      base: options.rtcSeconds ?? 0,
      entropy: host.entropy ?? noEntropy,
      events: host.input ?? new InputQueue(),
      audio: host.audio ?? silence,
      leds: host.leds ?? (() => {}),
      ramBytes: options.ramBytes,
      items,
      boot,
      serialPorts: serials.filter((s) => s !== undefined).length,
    },
  });
  for (const part of plan.parts) assembly.add(part);

  const inputs = partsOf(inputRouting, assembly.device('input'));
  host.input?.receiveEvents('keyboard', inputs.keyReceiver);
  host.input?.receiveEvents('mouse', inputs.pointerReceiver);
  host.input?.receiveBytes('typing', inputs.typingReceiver);
  const rtc = partsOf(mc146818, assembly.device('rtc'));
  for (const [register, value] of [...pcCmos(layout), ...driveCmos(drivesOf(assembly))]) rtc.setCmos(register, value);

  const roms = optionRoms.map(({ name, bytes, bootIndex }) => ({ path: `genroms/${name}`, bytes, bootIndex }));
  const bootEntries = [
    ...assembly.bootEntries(),
    ...roms.map(({ path, bootIndex }) => ({ index: bootIndex, path: `/rom@${path}` })),
  ];
  checkBootIndices(bootEntries);
  const config = pcFirmwareConfig({
    layout,
    uuid: options.uuid ?? new Uint8Array(16),
    noGraphics: options.noGraphics ?? false,
    hpet: assembly.find('hpet') !== undefined,
    boot,
    bootEntries,
    kernel: options.firmware && kernel?.viaFirmware(),
    files: {
      ...Object.fromEntries(roms.map(({ path, bytes }) => [path, { bytes }])),
      ...(plan.acpi && { ...acpiFiles(plan.acpi), ...smbiosOf(plan), 'etc/system-states': { bytes: SYSTEM_STATES } }),
      ...assembly.firmwareFiles(),
      ...Object.fromEntries((options.fwCfgFiles ?? []).map(({ name, bytes }) => [name, { bytes }])),
    },
  });
  for (const [key, file] of config) items.set(key, file);

  const direct = options.firmware === undefined ? kernel : undefined;
  const deviceRoms = plan.parts.flatMap(({ memory }) => Object.values(memory));
  const loadImage = (offset: number, image: Uint8Array): void => {
    host.ram.bytes.set(image, offset);
    host.ram.written(offset, image.length);
  };
  /** What is in memory and registers after a reset because we, in place of firmware, put it there. */
  function restoreLoaded(): void {
    loadImage(layout.biosOffset, firmware.image);
    for (const { offset, image } of deviceRoms) if (image !== undefined) loadImage(offset, image);
    if (direct === undefined) return;
    for (const { port, value, size } of board.directBoot.ports) assembly.io.write(port, value, size);
    for (const { gpa, bytes } of direct.writes) assembly.memory.writeBytes(gpa, bytes);
  }
  return assembly.finish({ cpuStart: direct?.cpu, restoreLoaded });
}

function smbiosOf({ options, layout }: MachinePlan) {
  const { board, uuid, processor, smbios = [] } = options;
  return smbiosFiles({
    product: board.desc,
    version: board.name,
    uuid: uuid ?? new Uint8Array(16),
    processor: processor ?? { signature: 0, features: 0 },
    lowRamBytes: layout.lowRamBytes,
    highRamBytes: layout.highRamBytes,
    user: smbios,
  });
}

/** The drives that a PC's firmware knows of by itself. */
function drivesOf(assembly: Assembly): StoredDrives {
  const fdc = assembly.find('fdc');
  const hds = assembly.all(ideHd);
  const disks = [0, 1, 2, 3].map((n) => {
    const bus = `ide.${n >> 1}`;
    return hds.find(({ place }) => place.bus === bus && place.unit === (n & 1))?.geometry;
  });
  return { floppies: fdc === undefined ? [] : partsOf(i82077, fdc).driveTypes, disks };
}
