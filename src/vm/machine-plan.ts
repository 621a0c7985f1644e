/** From the command line's options to those of the machine's builder: files opened, back ends found. */

import type { Drive } from '../block/api.ts';
import type { Medium } from '../block/drive.ts';
import { basicLeaves, CPU_MODELS } from '../cpu/isa/x86/cpuid.ts';
import { boardByName } from '../hw/machines/boards.ts';
import type { NamedFile } from '../hw/machines/loaders/direct-boot.ts';
import type { MachineOptions as BuildOptions } from '../hw/machines/plan.ts';
import { VmError } from '../util/errors.ts';
import { defaultFirmware } from './catalogue-i386.ts';
import type { Host } from './host.ts';
import type { MachineOptions, RtcBase } from './options/machine-options.ts';
import type { CharPort } from './serial-ports.ts';

interface Surroundings {
  readonly serials: readonly CharPort[];
  readonly chardevs: ReadonlyMap<string, CharPort>;
  readonly drives: ReadonlyMap<string, Drive>;
  readonly media: ReadonlyMap<string, Medium>;
  readonly host: Host;
}

const NO_FIRMWARE: NamedFile = { name: 'none', bytes: new Uint8Array(0x10000) };

export function planOptions(
  options: MachineOptions,
  files: Readonly<Record<string, Uint8Array>>,
  { serials, chardevs, drives, media, host }: Surroundings,
): BuildOptions {
  const board = boardByName(options.machine);
  const fileOf = (what: string, name: string): NamedFile => {
    const bytes = Object.hasOwn(files, name) ? files[name] : undefined;
    if (bytes === undefined) throw new VmError(`could not open ${what} '${name}': No such file or directory`);
    return { name, bytes };
  };
  const model = modelLeaf(options.cpu ?? board.defaultCpu);
  const preset = defaultFirmware(options);
  // A machine that only a test drives runs no firmware.
  const needsNone = options.accel.name === 'qtest' && options.bios === undefined;
  const bios = options.bios ?? (preset !== undefined && Object.hasOwn(files, preset) ? preset : undefined);
  return {
    board,
    ramBytes: options.ramBytes,
    firmware: needsNone ? NO_FIRMWARE : bios === undefined ? undefined : fileOf('PC BIOS', bios),
    kernel:
      options.kernel === undefined
        ? undefined
        : {
            kernel: fileOf('kernel file', options.kernel),
            initrd: options.initrd,
            commandLine: options.append ?? '',
            openFile: (name) => fileOf('initrd', name).bytes,
          },
    serials: serials.map(({ chardev }) => chardev),
    vga: options.vga === 'none' ? undefined : options.vga,
    devices: options.devices,
    lookup(kind, id) {
      if (kind === 'chardev') return chardevs.get(id)?.chardev;
      return kind === 'drive' ? drives.get(id) : undefined;
    },
    partProperties: { 'isa-fdc': options.floppies },
    openFirmware: (name) => (Object.hasOwn(files, name) ? files[name] : undefined),
    usb: options.usb,
    flash: options.flash.map((id) => {
      const [drive, contents] = [drives.get(id), media.get(id)?.contents];
      if (drive === undefined || contents === undefined)
        throw new VmError(`drive '${id}': a flash chip needs an image`);
      return { drive, contents };
    }),
    boot: options.boot,
    optionRoms: options.optionRoms.map(({ file, bootIndex }) => ({
      name: file.split('/').at(-1) ?? file,
      bytes: fileOf('option ROM', file).bytes,
      bootIndex,
    })),
    fwCfgFiles: options.fwCfg.map((item) =>
      'file' in item
        ? { name: item.name, bytes: fileOf('fw_cfg file', item.file).bytes }
        : { name: item.name, bytes: new TextEncoder().encode(item.string) },
    ),
    smbios: options.smbios,
    without: options.hpet ? [] : ['hpet'],
    ...(model && { processor: { signature: model[0], features: model[3] } }),
    uuid: uuidBytes(options.uuid),
    noGraphics: options.nographic,
    rtcSeconds: rtcSeconds(options.rtc.base, host),
  };
}

/** CPUID leaf 1: signature in EAX, features in EDX. */
function modelLeaf(cpu: string) {
  const model = CPU_MODELS.find(({ name }) => name === cpu);
  return model && basicLeaves(model)[1];
}

const uuidBytes = (uuid: string): Uint8Array =>
  Uint8Array.from({ length: 16 }, (_, i) => Number.parseInt(uuid.replaceAll('-', '').slice(2 * i, 2 * i + 2), 16));

function rtcSeconds(base: RtcBase, host: Host): number {
  if (typeof base === 'object') return base.epochSeconds;
  const utc = Math.floor(host.epochMs() / 1000);
  return base === 'utc' ? utc : utc + host.utcOffsetMinutes() * 60;
}
