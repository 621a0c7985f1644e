/** The items that a PC's fw_cfg device offers to its firmware. */
import { FW_CFG, type FwCfgItems, fwCfgItems, littleEndian } from '../devices/nvram/fw-cfg-items.ts';
import type { LinuxParts, MemoryWrite } from './loaders/direct-boot.ts';
import { E820, E820_ENTRY_BYTES, writeE820 } from './loaders/e820.ts';
import type { MemoryLayout } from './memory-map.ts';

const FOUR_GIB = 2 ** 32;
const HPET_TABLE_BYTES = 121;

/** `linux`: a kernel that the firmware is to start. */
export function pcFirmwareConfig(
  { lowRamBytes, highRamBytes }: Pick<MemoryLayout, 'lowRamBytes' | 'highRamBytes'>,
  linux?: LinuxParts,
): FwCfgItems {
  const numbered = {
    ...(linux && kernelItems(linux)),
    [FW_CFG.UUID]: new Uint8Array(16),
    [FW_CFG.RAM_SIZE]: littleEndian(lowRamBytes + highRamBytes, 8),
    [FW_CFG.NOGRAPHIC]: littleEndian(0, 2),
    [FW_CFG.NB_CPUS]: littleEndian(1, 2),
    [FW_CFG.BOOT_DEVICE]: littleEndian(0, 2),
    [FW_CFG.NUMA]: new Uint8Array(16),
    [FW_CFG.BOOT_MENU]: littleEndian(0, 2),
    [FW_CFG.MAX_CPUS]: littleEndian(1, 2),
    [FW_CFG.IRQ0_OVERRIDE]: littleEndian(1, 4),
    [FW_CFG.HPET]: noHpet(),
  };
  return fwCfgItems(numbered, {
    bootorder: new Uint8Array(),
    'etc/boot-fail-wait': littleEndian(0xffff_ffff, 4),
    'etc/e820': ramEntries(lowRamBytes, highRamBytes),
  });
}

function kernelItems({ setup, kernel, commandLine, initrd }: LinuxParts): Record<number, Uint8Array> {
  const none = { gpa: 0, bytes: new Uint8Array() };
  const item = (address: number, size: number, data: number, { gpa, bytes }: MemoryWrite) => ({
    [address]: littleEndian(gpa, 4),
    [size]: littleEndian(bytes.length, 4),
    [data]: bytes,
  });
  return {
    ...item(FW_CFG.SETUP_ADDR, FW_CFG.SETUP_SIZE, FW_CFG.SETUP_DATA, setup),
    ...item(FW_CFG.KERNEL_ADDR, FW_CFG.KERNEL_SIZE, FW_CFG.KERNEL_DATA, kernel),
    ...item(FW_CFG.CMDLINE_ADDR, FW_CFG.CMDLINE_SIZE, FW_CFG.CMDLINE_DATA, commandLine),
    ...item(FW_CFG.INITRD_ADDR, FW_CFG.INITRD_SIZE, FW_CFG.INITRD_DATA, initrd ?? none),
  };
}

/** Count 255: no timer block. */
function noHpet(): Uint8Array {
  const bytes = new Uint8Array(HPET_TABLE_BYTES);
  bytes[0] = 0xff;
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
