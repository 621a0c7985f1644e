/** The names that `lockstep-system-i386`'s options may use. */
import { CPU_MODELS } from '../cpu/isa/x86/cpuid.ts';
import { parseProps, propsHelp } from '../hw/core/props.ts';
import { boardByName, boards } from '../hw/machines/boards.ts';
import { userDeviceTypes } from '../hw/machines/device-types.ts';
import { memoryNeeds, parsePciAddress } from '../hw/machines/plan.ts';
import type { Catalogue, DeviceEntry, MachineEntry } from './options/catalogue.ts';
import type { MachineOptions } from './options/machine-options.ts';
import { VERSION } from './version.ts';

const machines: readonly MachineEntry[] = boards.flatMap(
  ({ name, desc, alias, isDefault = false, parts, ideUnits }) => [
    {
      name,
      description: desc,
      isDefault,
      hasFloppies: parts.some(({ type }) => type === 'isa-fdc'),
      ...(ideUnits !== undefined && { ideUnits }),
    },
    ...(alias === undefined ? [] : [{ name: alias, description: desc, aliasOf: name }]),
  ],
);

const DISPLAYS: readonly string[] = ['VGA', 'cirrus-vga', 'isa-vga', 'ramfb'];
const INPUTS: readonly string[] = ['isa-serial', 'usb-kbd', 'usb-mouse', 'usb-tablet'];
const SOUND_CARDS: readonly string[] = ['AC97', 'sb16'];
const CONTROLLERS: readonly string[] = ['piix3-usb-uhci', 'usb-hub'];
const categoryOf = (type: string): string => {
  if (DISPLAYS.includes(type)) return 'Display';
  if (SOUND_CARDS.includes(type)) return 'Sound';
  if (CONTROLLERS.includes(type)) return 'Controller/Bridge/Hub';
  return INPUTS.includes(type) ? 'Input' : 'Misc';
};

const devices: readonly DeviceEntry[] = userDeviceTypes.map(({ type, desc, bus, props }) => ({
  name: type,
  ...(bus !== undefined && { bus }),
  ...(desc !== '' && { description: desc }),
  category: categoryOf(type),
  help: `${propsHelp(type, props)}\n`,
  // Objects that a property names are looked up when the machine is built.
  check({ bus: _bus, addr, ...texts }) {
    if (addr !== undefined && bus === 'PCI') parsePciAddress(type, addr);
    parseProps(type, props, addr !== undefined && bus !== 'PCI' ? { ...texts, addr } : texts, () => null);
  },
}));

export const catalogueI386: Catalogue = {
  target: 'i386',
  version: VERSION,
  machines,
  cpus: CPU_MODELS,
  devices,
};

/** The firmware that runs unless -bios names another: a kernel without a screen is started directly. */
export function defaultFirmware({ machine, kernel, bios, vga, flash }: MachineOptions): string | undefined {
  const isNeeded = bios === undefined && flash.length === 0 && (kernel === undefined || vga !== 'none');
  return isNeeded ? boardByName(machine).firmware : undefined;
}

/** Files beside the firmware that it needs: how it starts a kernel, and the BIOSes of adapters. */
export function firmwareOptionRoms(options: MachineOptions): readonly string[] {
  const { machine, kernel, bios, vga, flash, devices: added } = options;
  const runs = bios !== undefined || flash.length > 0 || defaultFirmware(options) !== undefined;
  const adapter = vga === 'none' ? undefined : boardByName(machine).vga[vga]?.type;
  return [
    ...(kernel !== undefined && runs ? ['linuxboot_dma.bin', 'multiboot.bin'] : []),
    ...(adapter === undefined ? [] : romFilesOf(adapter, {})),
    ...added.flatMap(({ driver, properties }) => romFilesOf(driver, properties)),
  ];
}

function romFilesOf(driver: string, texts: Readonly<Record<string, string>>): readonly string[] {
  const type = userDeviceTypes.find((known) => known.type === driver);
  if (type?.memory === undefined) return [];
  const { bus: _bus, addr: _addr, ...own } = texts;
  return memoryNeeds(
    type,
    parseProps(type.type, type.props, own, () => null),
  ).flatMap(([, need]) => ('file' in need ? [need.file] : []));
}
