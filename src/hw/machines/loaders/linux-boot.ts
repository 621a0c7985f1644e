/**
 * Linux bzImage by the 32-bit boot protocol: Documentation/x86/boot.rst and zero-page.rst. No real-mode code of the
 * kernel runs; `boot_params` is filled here instead. Addresses are those of QEMU's -kernel.
 */
import { VmError } from '../../../util/errors.ts';
import type { DirectBoot, DirectBootOptions, FirmwareKernel, MemoryWrite, NamedFile } from './direct-boot.ts';
import { E820_ENTRY_BYTES, type E820Entry, writeE820 } from './e820.ts';
import { flatGdt } from './gdt.ts';

/** Offsets in the first two sectors of the file, and, from 0x1f1 on, in boot_params too. */
const HDR = {
  setup_sects: 0x1f1,
  syssize: 0x1f4,
  vid_mode: 0x1fa,
  boot_flag: 0x1fe,
  jump_offset: 0x201,
  magic: 0x202,
  version: 0x206,
  type_of_loader: 0x210,
  loadflags: 0x211,
  code32_start: 0x214,
  ramdisk_image: 0x218,
  ramdisk_size: 0x21c,
  heap_end_ptr: 0x224,
  cmd_line_ptr: 0x228,
  initrd_addr_max: 0x22c,
  xloadflags: 0x236,
  cmdline_size: 0x238,
} as const;

/** boot_params outside the setup header (zero-page.rst). */
const ZERO_PAGE = {
  ext_mem_k: 0x002,
  orig_video_mode: 0x006,
  orig_video_cols: 0x007,
  orig_video_ega_bx: 0x00a,
  orig_video_lines: 0x00e,
  orig_video_isVGA: 0x00f,
  orig_video_points: 0x010,
  acpi_rsdp_addr: 0x070,
  alt_mem_k: 0x1e0,
  e820_entries: 0x1e8,
  e820_table: 0x2d0,
  size: 0x1000,
} as const;

const HDRS = 0x53726448; // "HdrS"
const BOOT_FLAG = 0xaa55;
/** 2.02 brought cmd_line_ptr; what is older expects its own real-mode code to run. */
const OLDEST_PROTOCOL = 0x0202;
const LOADED_HIGH = 0x01;
const CAN_USE_HEAP = 0x80;
const XLF_CAN_BE_LOADED_ABOVE_4G = 0x02;
const LOADER_QEMU = 0xb0;
/** BX of video BIOS function 12h, 10h: 256 KiB of video memory; unchanged because there is no such function. */
const EGA_256K = 0x0003;
const EGA_NONE = 0xff10;
const MAX_E820_ENTRIES = 128;

const BOOT_PARAMS_AT = 0x10000;
const GDT_AT = 0x11000;
const COMMAND_LINE_AT = 0x20000;
const KERNEL_AT = 0x100000;
/** QEMU keeps this much free at the end of low RAM, where the BIOS puts ACPI tables. */
const ACPI_DATA_BYTES = 0x28000;
const OLD_INITRD_MAX = 0x37ff_ffff;
const PAGE = 4096;

export function isLinuxImage(bytes: Uint8Array): boolean {
  return bytes.length >= HDR.version + 2 && viewOf(bytes).getUint32(HDR.magic, true) === HDRS;
}

/** The fields of a setup header that was checked against its file. */
interface SetupHeader {
  readonly protocol: number;
  /** Bytes of boot sector and setup code; the protected-mode kernel follows. */
  readonly setupBytes: number;
  /** End of the header in the file. */
  readonly end: number;
  readonly code32Start: number;
  readonly initrdMax: number;
  readonly commandLineMax: number;
}

export function loadLinux(options: DirectBootOptions): DirectBoot {
  const { kernel, lowRamBytes } = options;
  const header = parseHeader(kernel);
  const payload = kernel.bytes.subarray(header.setupBytes);
  if (KERNEL_AT + payload.length > lowRamBytes) {
    throw new VmError(
      `could not load kernel '${kernel.name}': ${payload.length} bytes at 1 MiB do not fit into ` +
        `${lowRamBytes / 2 ** 20} MiB of RAM`,
      { hint: 'give the machine more memory with -m' },
    );
  }
  const parts = {
    optionRom: 'linuxboot_dma.bin',
    setup: { gpa: BOOT_PARAMS_AT, bytes: kernel.bytes.slice(0, header.setupBytes) },
    kernel: { gpa: KERNEL_AT, bytes: payload },
    commandLine: { gpa: COMMAND_LINE_AT, bytes: commandLineBytes(options.commandLine, header, kernel.name) },
    initrd: options.initrd === undefined ? undefined : placeInitrd(options.initrd, header, options),
  } as const satisfies FirmwareKernel;
  fillHeader(viewOf(parts.setup.bytes), options.commandLine, parts.initrd);
  const gdt = flatGdt(GDT_AT);
  return {
    kind: `Linux boot protocol ${protocolText(header.protocol)}`,
    writes: [
      { gpa: BOOT_PARAMS_AT, bytes: bootParams(header, options, parts) },
      gdt.write,
      parts.commandLine,
      parts.kernel,
      ...(parts.initrd === undefined ? [] : [parts.initrd]),
    ],
    cpu: { ...gdt.state, eip: header.code32Start, regs: { esi: BOOT_PARAMS_AT } },
    viaFirmware: () => parts,
  };
}

function parseHeader({ name, bytes }: NamedFile): SetupHeader {
  const fail = (what: string, hint?: string): never => {
    throw new VmError(`could not load kernel '${name}': ${what}`, { hint });
  };
  const view = viewOf(bytes);
  const protocol = view.getUint16(HDR.version, true);
  if (view.getUint16(HDR.boot_flag, true) !== BOOT_FLAG) {
    fail(`boot flag 0x${view.getUint16(HDR.boot_flag, true).toString(16)} is not 0xaa55`);
  }
  if (protocol < OLDEST_PROTOCOL) {
    fail(`boot protocol ${protocolText(protocol)} is too old`, '2.02 (Linux 2.4) or later is supported');
  }
  const end = HDR.magic + (bytes[HDR.jump_offset] ?? 0);
  if (end < HDR.initrd_addr_max || bytes.length < end) fail(`the setup header ends early, at 0x${end.toString(16)}`);
  if (((bytes[HDR.loadflags] ?? 0) & LOADED_HIGH) === 0) {
    fail('a zImage, which loads below 640K', 'build it as a bzImage');
  }
  const setupSectors = (bytes[HDR.setup_sects] ?? 0) || 4;
  const setupBytes = (setupSectors + 1) * 512;
  if (setupBytes >= bytes.length) {
    fail(`invalid kernel header: ${setupSectors} setup sectors in a file of ${bytes.length} bytes`);
  }
  // The count is in paragraphs and may be rounded up; before 2.04 its upper half was not part of the field.
  const needed = protocol >= 0x204 ? setupBytes + (view.getUint32(HDR.syssize, true) - 1) * 16 : 0;
  if (needed > bytes.length) fail(`the file is truncated: ${bytes.length} bytes, ${needed + 16} expected`);

  const has = (field: number, size: number, since: number): boolean => protocol >= since && end >= field + size;
  const code32Start = view.getUint32(HDR.code32_start, true);
  if (code32Start < KERNEL_AT || code32Start >= KERNEL_AT + bytes.length - setupBytes) {
    fail(`invalid kernel header: entry 0x${code32Start.toString(16)} is outside of the kernel`);
  }
  return {
    protocol,
    setupBytes,
    end,
    code32Start,
    initrdMax: initrdMaxOf(),
    commandLineMax: has(HDR.cmdline_size, 4, 0x206) ? view.getUint32(HDR.cmdline_size, true) : 255,
  };

  function initrdMaxOf(): number {
    const above4g =
      has(HDR.xloadflags, 2, 0x20c) && (view.getUint16(HDR.xloadflags, true) & XLF_CAN_BE_LOADED_ABOVE_4G) !== 0;
    if (above4g) return 0xffff_ffff;
    return has(HDR.initrd_addr_max, 4, 0x203) ? view.getUint32(HDR.initrd_addr_max, true) : OLD_INITRD_MAX;
  }
}

function commandLineBytes(text: string, header: SetupHeader, kernelName: string): Uint8Array {
  const bytes = new TextEncoder().encode(`${text}\0`);
  const length = bytes.length - 1;
  const max = Math.min(header.commandLineMax, 0x9fc00 - COMMAND_LINE_AT - 1);
  if (length > max) {
    throw new VmError(`kernel command line of ${length} bytes is too long: kernel '${kernelName}' takes ${max}`);
  }
  return bytes;
}

/** As high as kernel and RAM allow, on a page boundary. */
function placeInitrd(name: string, header: SetupHeader, options: DirectBootOptions): MemoryWrite {
  const bytes = options.openFile(name);
  const max = Math.min(header.initrdMax, options.lowRamBytes - ACPI_DATA_BYTES - 1);
  const gpa = Math.floor((max - bytes.length) / PAGE) * PAGE;
  const kernelEnd = KERNEL_AT + options.kernel.bytes.length - header.setupBytes;
  if (bytes.length >= max || gpa < kernelEnd) {
    throw new VmError(
      `initrd '${name}' is too large: ${bytes.length} bytes do not fit between the kernel's end ` +
        `(0x${kernelEnd.toString(16)}) and 0x${max.toString(16)}`,
      { hint: 'give the machine more memory with -m' },
    );
  }
  return { gpa, bytes };
}

/** The fields of the setup header that are the boot loader's to fill. */
function fillHeader(view: DataView, commandLine: string, initrd: MemoryWrite | undefined): void {
  view.setUint8(HDR.type_of_loader, LOADER_QEMU);
  view.setUint8(HDR.loadflags, view.getUint8(HDR.loadflags) | CAN_USE_HEAP);
  view.setUint16(HDR.heap_end_ptr, COMMAND_LINE_AT - BOOT_PARAMS_AT - 0x200, true);
  view.setUint32(HDR.cmd_line_ptr, COMMAND_LINE_AT, true);
  view.setUint32(HDR.ramdisk_image, initrd?.gpa ?? 0, true);
  view.setUint32(HDR.ramdisk_size, initrd?.bytes.length ?? 0, true);
  const videoMode = videoModeOf(commandLine);
  if (videoMode !== undefined) view.setUint16(HDR.vid_mode, videoMode, true);
}

function bootParams(
  header: SetupHeader,
  options: DirectBootOptions,
  { setup }: { readonly setup: MemoryWrite },
): Uint8Array {
  const page = new Uint8Array(ZERO_PAGE.size);
  const view = viewOf(page);
  page.set(setup.bytes.subarray(HDR.setup_sects, header.end), HDR.setup_sects);
  fillScreenInfo(view, options.vga ?? false);
  const extendedKiB = Math.floor((options.lowRamBytes - KERNEL_AT) / 1024);
  view.setUint16(ZERO_PAGE.ext_mem_k, Math.min(extendedKiB, 0xfc00), true);
  view.setUint32(ZERO_PAGE.alt_mem_k, extendedKiB, true);
  if (options.rsdp !== undefined && header.protocol >= 0x20e) {
    view.setBigUint64(ZERO_PAGE.acpi_rsdp_addr, BigInt(options.rsdp), true);
  }
  fillE820(view, options.e820);
  return page;
}

/** Text mode 3, 80x25 in colour. Without a VGA this is all that the kernel's own set-up code finds out. */
function fillScreenInfo(view: DataView, vga: boolean): void {
  view.setUint8(ZERO_PAGE.orig_video_mode, 3);
  view.setUint8(ZERO_PAGE.orig_video_cols, 80);
  view.setUint8(ZERO_PAGE.orig_video_lines, 25);
  view.setUint16(ZERO_PAGE.orig_video_ega_bx, vga ? EGA_256K : EGA_NONE, true);
  view.setUint8(ZERO_PAGE.orig_video_isVGA, vga ? 1 : 0);
  view.setUint16(ZERO_PAGE.orig_video_points, 16, true);
}

function fillE820(view: DataView, map: readonly E820Entry[]): void {
  if (map.length > MAX_E820_ENTRIES) throw new Error(`BUG: ${map.length} e820 entries`);
  view.setUint8(ZERO_PAGE.e820_entries, map.length);
  for (const [i, entry] of map.entries()) writeE820(view, ZERO_PAGE.e820_table + i * E820_ENTRY_BYTES, entry);
}

/** `vga=` of the command line is for the boot loader (boot.rst, "Special command line options"). */
function videoModeOf(commandLine: string): number | undefined {
  const value = /(?:^|\s)vga=(\S+)/.exec(commandLine)?.[1];
  if (value === undefined) return undefined;
  if (value.startsWith('normal')) return 0xffff;
  if (value.startsWith('ext')) return 0xfffe;
  if (value.startsWith('ask')) return 0xfffd;
  const mode = Number(value);
  return Number.isInteger(mode) && mode >= 0 && mode <= 0xffff ? mode : undefined;
}

const protocolText = (protocol: number): string => `${protocol >> 8}.${(protocol & 0xff).toString().padStart(2, '0')}`;

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
