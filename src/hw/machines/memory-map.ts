/** Where RAM and ROMs of a PC lie: in the backing store and in guest-physical memory. */
import { VmError } from '../../util/errors.ts';
import { aliasRegion, Container, type RamRegion, ramRegion, romRegion } from '../core/region.ts';
import type { Board, MemoryBlock } from './machine.ts';

const KiB = 1024;
const MiB = 1024 * KiB;
const FOUR_GIB = 2 ** 32;
const PHYSICAL_ADDRESSES = 2 ** 36;
const OPTION_ROM_AT = 0xc0000;
const OPTION_ROM_BYTES = 128 * KiB;
const ISA_BIOS_BYTES = 128 * KiB;
const PAGE = 4096;

export interface MemoryLayout {
  /** RAM from address 0 up, and RAM from 4 GiB up. */
  readonly lowRamBytes: number;
  readonly highRamBytes: number;
  /** Offsets in the backing store; RAM is at 0. */
  readonly optionRomOffset: number;
  readonly biosOffset: number;
  readonly biosBytes: number;
  /** Where the backing store goes on with the memories of devices. */
  readonly endOffset: number;
}

export function memoryLayout(board: Board, ramBytes: number, biosBytes: number): MemoryLayout {
  if (!Number.isSafeInteger(ramBytes) || ramBytes < MiB || ramBytes % PAGE !== 0) {
    throw new VmError(
      `invalid RAM size ${ramBytes} bytes: machine '${board.name}' needs at least 1 MiB, in whole pages`,
    );
  }
  if (ramBytes > board.maxRamBytes) {
    throw new VmError(
      `RAM size of ${ramBytes / MiB} MiB is too large: machine '${board.name}' takes up to ${board.maxRamBytes / MiB} MiB`,
    );
  }
  const lowRamBytes = ramBytes >= board.lowRam.limit ? Math.min(ramBytes, board.lowRam.cut) : ramBytes;
  const optionRomOffset = ramBytes;
  const biosOffset = optionRomOffset + OPTION_ROM_BYTES;
  return {
    lowRamBytes,
    highRamBytes: ramBytes - lowRamBytes,
    optionRomOffset,
    biosOffset,
    biosBytes,
    endOffset: biosOffset + biosBytes,
  };
}

export interface PcMemory {
  readonly system: Container;
  /** What a PCI host bridge leads to; on an ISA board the ROMs lie in `system` itself. */
  readonly pciMemory: Container;
  readonly ram: RamRegion;
}

export function pcMemory(board: Board, layout: MemoryLayout): PcMemory {
  const { lowRamBytes, highRamBytes, biosBytes, biosOffset } = layout;
  const system = new Container('system', PHYSICAL_ADDRESSES);
  const pciMemory = new Container('pci', PHYSICAL_ADDRESSES);
  const ram = ramRegion('pc.ram', lowRamBytes + highRamBytes, 0);
  system.add(0, aliasRegion('ram-below-4g', ram, 0, lowRamBytes));
  if (highRamBytes > 0) system.add(FOUR_GIB, aliasRegion('ram-above-4g', ram, lowRamBytes, highRamBytes));

  const behindPci = board.bus === 'pci';
  const rom = behindPci ? romRegion : ramRegion;
  const romSpace = behindPci ? pciMemory : system;
  const bios = rom('pc.bios', biosBytes, biosOffset);
  const isaBytes = Math.min(biosBytes, ISA_BIOS_BYTES);
  const isaBios = aliasRegion('isa-bios', bios, biosBytes - isaBytes, isaBytes);
  romSpace.add(OPTION_ROM_AT, rom('pc.rom', OPTION_ROM_BYTES, layout.optionRomOffset), { priority: 1 });
  romSpace.add(MiB - isaBytes, isaBios, { priority: 1 });
  romSpace.add(FOUR_GIB - biosBytes, bios);
  if (behindPci) system.add(0, pciMemory, { priority: -1 });
  return { system, pciMemory, ram };
}

/** The layout's pieces of the backing store by QEMU's names. */
export const boardBlocks = (layout: MemoryLayout): MemoryBlock[] => [
  { name: 'pc.ram', offset: 0, bytes: layout.lowRamBytes + layout.highRamBytes },
  { name: 'pc.rom', offset: layout.optionRomOffset, bytes: OPTION_ROM_BYTES },
  { name: 'pc.bios', offset: layout.biosOffset, bytes: layout.biosBytes },
];
