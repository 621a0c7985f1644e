/** The names that `lockstep-system-i386`'s options may use. */
import { CPU_MODELS } from '../cpu/isa/x86/cpuid.ts';
import { parseProps, propsHelp } from '../hw/core/props.ts';
import { boardByName, boards } from '../hw/machines/boards.ts';
import { userDeviceTypes } from '../hw/machines/device-types.ts';
import { parsePciAddress } from '../hw/machines/plan.ts';
import type { Catalogue, DeviceEntry, MachineEntry } from './options/catalogue.ts';
import type { MachineOptions } from './options/machine-options.ts';
import { VERSION } from './version.ts';

const machines: readonly MachineEntry[] = boards.flatMap(({ name, desc, alias, isDefault = false }) => [
  { name, description: desc, isDefault },
  ...(alias === undefined ? [] : [{ name: alias, description: desc, aliasOf: name }]),
]);

const devices: readonly DeviceEntry[] = userDeviceTypes.map(({ type, desc, bus, props }) => ({
  name: type,
  ...(bus !== undefined && { bus }),
  ...(desc !== '' && { description: desc }),
  category: type === 'isa-serial' ? 'Input' : 'Misc',
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

/** The firmware that a machine without a kernel starts, unless -bios names another. */
export function defaultFirmware({ machine, kernel, bios }: MachineOptions): string | undefined {
  return kernel === undefined && bios === undefined ? boardByName(machine).firmware : undefined;
}

/** Files beside the firmware that it needs: how it starts a kernel. */
export const firmwareOptionRoms = ({ kernel, bios }: MachineOptions): readonly string[] =>
  kernel !== undefined && bios !== undefined ? ['linuxboot_dma.bin', 'multiboot.bin'] : [];
