/** The items that a PC's fw_cfg device offers to its firmware. */

import type { FirmwareFile } from '../core/device.ts';
import { FW_CFG, type FwCfgItems, fwCfgItems, littleEndian } from '../devices/nvram/fw-cfg-items.ts';
import { HPET_ID } from '../devices/timer/hpet.ts';
import { HPET_AT } from './acpi/isa-devices.ts';
import { type BootEntry, type BootOptions, bootOrderFile } from './boot-order.ts';
import type { FirmwareKernel, MemoryWrite } from './loaders/direct-boot.ts';
import { E820, E820_ENTRY_BYTES, writeE820 } from './loaders/e820.ts';
import type { MemoryLayout } from './memory-map.ts';

const FOUR_GIB = 2 ** 32;
const HPET_TABLE_BYTES = 121;

export interface FirmwareConfigOptions {
  readonly layout: Pick<MemoryLayout, 'lowRamBytes' | 'highRamBytes'>;
  /** 16 bytes as the text has them. */
  readonly uuid: Uint8Array;
  readonly noGraphics: boolean;
  readonly hpet: boolean;
  readonly boot: BootOptions;
  readonly bootEntries: readonly BootEntry[];
  /** A kernel that the firmware is to start. */
  readonly kernel?: FirmwareKernel | undefined;
  /** Files of devices, of the user, option ROMs. */
  readonly files: Readonly<Record<string, FirmwareFile>>;
}

export function pcFirmwareConfig(options: FirmwareConfigOptions): FwCfgItems {
  const { layout, kernel, boot, bootEntries, files } = options;
  const { lowRamBytes, highRamBytes } = layout;
  const numbered = {
    ...(kernel && kernelItems(kernel)),
    [FW_CFG.UUID]: options.uuid,
    [FW_CFG.RAM_SIZE]: littleEndian(lowRamBytes + highRamBytes, 8),
    [FW_CFG.NOGRAPHIC]: littleEndian(options.noGraphics ? 1 : 0, 2),
    [FW_CFG.NB_CPUS]: littleEndian(1, 2),
    [FW_CFG.BOOT_DEVICE]: littleEndian(0, 2),
    [FW_CFG.NUMA]: new Uint8Array(16),
    [FW_CFG.BOOT_MENU]: littleEndian(boot.menu ? 1 : 0, 2),
    [FW_CFG.MAX_CPUS]: littleEndian(1, 2),
    [FW_CFG.IRQ0_OVERRIDE]: littleEndian(1, 4),
    [FW_CFG.HPET]: hpetBlocks(options.hpet),
  };
  return fwCfgItems(numbered, {
    bootorder: { bytes: bootOrderFile(bootEntries, boot.strict) },
    'etc/boot-fail-wait': { bytes: littleEndian(boot.rebootTimeoutMs >>> 0, 4) },
    ...(boot.splashMs !== undefined && { 'etc/boot-menu-wait': { bytes: littleEndian(boot.splashMs, 2) } }),
    'etc/e820': { bytes: ramEntries(lowRamBytes, highRamBytes) },
    ...files,
  });
}

function kernelItems({ setup, kernel, entry, commandLine, initrd }: FirmwareKernel): Record<number, Uint8Array> {
  const item = (address: number, size: number, data: number, part: MemoryWrite | undefined) => ({
    [address]: littleEndian(part?.gpa ?? 0, 4),
    [size]: littleEndian(part?.bytes.length ?? 0, 4),
    [data]: part?.bytes ?? new Uint8Array(),
  });
  return {
    ...item(FW_CFG.SETUP_ADDR, FW_CFG.SETUP_SIZE, FW_CFG.SETUP_DATA, setup),
    ...item(FW_CFG.KERNEL_ADDR, FW_CFG.KERNEL_SIZE, FW_CFG.KERNEL_DATA, kernel),
    ...item(FW_CFG.CMDLINE_ADDR, FW_CFG.CMDLINE_SIZE, FW_CFG.CMDLINE_DATA, commandLine),
    ...item(FW_CFG.INITRD_ADDR, FW_CFG.INITRD_SIZE, FW_CFG.INITRD_DATA, initrd),
    [FW_CFG.KERNEL_ENTRY]: littleEndian(entry ?? 0, 4),
  };
}

/** A count, and as many timer blocks, of room for 8; count 255: none. */
function hpetBlocks(isThere: boolean): Uint8Array {
  const bytes = new Uint8Array(HPET_TABLE_BYTES);
  bytes[0] = 0xff;
  if (isThere) bytes.set([1, ...littleEndian(HPET_ID, 4), ...littleEndian(HPET_AT, 8)]);
  return bytes;
}

function ramEntries(lowRamBytes: number, highRamBytes: number): Uint8Array {
  const entries = [{ start: 0, size: lowRamBytes, type: E820.usable }];
  if (highRamBytes > 0) entries.push({ start: FOUR_GIB, size: highRamBytes, type: E820.usable });
  const bytes = new Uint8Array(entries.length * E820_ENTRY_BYTES);
  const view = new DataView(bytes.buffer);
  for (const [i, entry] of entries.entries()) writeE820(view, i * E820_ENTRY_BYTES, entry);
  return bytes;
}
