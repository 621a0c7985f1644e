/** Names of devices as firmware knows them: OpenFirmware's device tree, with QEMU's names of the nodes. */
import { functionOf, slotOf } from '../devices/pci/config.ts';
import type { PciFunctionInfo } from '../devices/pci/function.ts';

/** Base class and sub-class to node name; what is not here is named by its identification. */
const CLASS_NAMES: Readonly<Record<number, string>> = {
  256: 'scsi',
  257: 'ide',
  258: 'fdc',
  259: 'ipi',
  260: 'raid',
  512: 'ethernet',
  513: 'token-ring',
  514: 'fddi',
  515: 'atm',
  768: 'display',
  1024: 'video',
  1025: 'sound',
  1027: 'sound',
  1280: 'memory',
  1281: 'flash',
  1536: 'host',
  1537: 'isa',
  1538: 'eisa',
  1539: 'mca',
  1540: 'pci-bridge',
  1541: 'pcmcia',
  1542: 'nubus',
  1543: 'cardbus',
  1792: 'serial',
  1793: 'parallel',
  2048: 'interrupt-controller',
  2049: 'dma-controller',
  2050: 'timer',
  2051: 'rtc',
  2304: 'keyboard',
  2305: 'pen',
  2306: 'mouse',
  3072: 'firewire',
  3073: 'access-bus',
  3074: 'ssa',
  3075: 'usb',
  3076: 'fibre-channel',
};

/** The host bridge, by the port of its configuration address register. */
export const PCI_ROOT = '/pci@i0cf8';
/** The ISA bus of a board without PCI. */
export const ISA_ROOT = '/isa';

/** `ide@1,1`: a function by class, slot and, if it is not 0, function number. */
export function pciNode({ classCode, vendorId, deviceId }: PciFunctionInfo, devfn: number): string {
  const hex4 = (value: number): string => value.toString(16).padStart(4, '0');
  const name = CLASS_NAMES[classCode >> 8] ?? `pci${hex4(vendorId)},${hex4(deviceId)}`;
  const fn = functionOf(devfn);
  return `${name}@${slotOf(devfn).toString(16)}${fn === 0 ? '' : `,${fn.toString(16)}`}`;
}
