/**
 * Multiboot Specification 0.6.96: ELF and a.out-kludge images, modules, memory map. Placement is QEMU's: information
 * and memory map in low memory, module list and strings behind the kernel, then the modules, page by page.
 */
import { VmError } from '../../../util/errors.ts';
import type { DirectBoot, DirectBootOptions, FirmwareKernel, MemoryWrite } from './direct-boot.ts';
import { E820, E820_ENTRY_BYTES, type E820Entry, writeE820 } from './e820.ts';
import { isElf, parseElf32 } from './elf32.ts';
import { flatGdt } from './gdt.ts';

const HEADER_MAGIC = 0x1badb002;
const LOADER_MAGIC = 0x2badb002;
const SEARCH_BYTES = 8192;
const FLAG_VIDEO = 0x4;
const FLAG_AOUT_KLUDGE = 0x1_0000;
/** Bits 0 to 15 are requirements; of these we know page-aligned modules, memory information, video mode. */
const KNOWN_REQUIREMENTS = 0x7;

/** Multiboot information (§3.3): offsets of the fields that we fill. */
const MBI = {
  flags: 0,
  mem_lower: 4,
  mem_upper: 8,
  boot_device: 12,
  cmdline: 16,
  mods_count: 20,
  mods_addr: 24,
  mmap_length: 44,
  mmap_addr: 48,
  boot_loader_name: 64,
  size: 88,
} as const;
const MBI_FLAGS = 0x001 | 0x002 | 0x004 | 0x008 | 0x040 | 0x200; // memory, device, cmdline, modules, map, loader name
const MODULE_ENTRY_BYTES = 16;

const MEMORY_MAP_AT = 0x9000;
const INFORMATION_AT = 0x9500;
const GDT_AT = 0x9800;
const PAGE = 4096;
const MiB = 1024 * 1024;
const BOOT_FROM_FIRST_DISK = 0x8000_ffff;

type Fail = (what: string) => never;

/** Where the header is, or -1. */
function findHeader(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = Math.min(SEARCH_BYTES, bytes.length) - 12;
  for (let at = 0; at <= end; at += 4) {
    if (view.getUint32(at, true) !== HEADER_MAGIC) continue;
    const sum = HEADER_MAGIC + view.getUint32(at + 4, true) + view.getUint32(at + 8, true);
    if (sum >>> 0 === 0) return at;
  }
  return -1;
}

export const hasMultibootHeader = (bytes: Uint8Array): boolean => findHeader(bytes) >= 0;

interface Image {
  readonly entry: number;
  readonly writes: readonly MemoryWrite[];
  /** .bss: RAM may hold what the last run left there. */
  readonly cleared: readonly { readonly from: number; readonly to: number }[];
  /** Lowest and first free address, .bss included. */
  readonly start: number;
  readonly end: number;
}

export function loadMultiboot(options: DirectBootOptions): DirectBoot {
  const { kernel, lowRamBytes } = options;
  const fail: Fail = (what) => {
    throw new VmError(`could not load kernel '${kernel.name}': ${what}`);
  };
  const header = findHeader(kernel.bytes);
  const flags = new DataView(kernel.bytes.buffer, kernel.bytes.byteOffset).getUint32(header + 4, true);
  const unknown = flags & 0xffff & ~KNOWN_REQUIREMENTS;
  if (unknown !== 0) fail(`multiboot requirement 0x${unknown.toString(16)} is not supported`);
  if ((flags & FLAG_VIDEO) !== 0) fail('multiboot video modes are not supported');
  const image = (flags & FLAG_AOUT_KLUDGE) !== 0 ? aoutImage(kernel.bytes, header, fail) : elfImage(kernel.bytes, fail);
  if (image.end > lowRamBytes) {
    fail(`it needs RAM up to 0x${image.end.toString(16)}, the machine has 0x${lowRamBytes.toString(16)} bytes`);
  }
  if (image.start < INFORMATION_AT + PAGE) fail(`load address 0x${image.start.toString(16)} is too low`);

  const { write: strings, commandLine, loaderName, moduleList, modules } = layOut(options, image.end);
  const gdt = flatGdt(GDT_AT);
  const information = new Uint8Array(MBI.size);
  const view = new DataView(information.buffer);
  view.setUint32(MBI.flags, MBI_FLAGS, true);
  view.setUint32(MBI.mem_lower, usableKiBFrom(0, options.e820), true);
  view.setUint32(MBI.mem_upper, usableKiBFrom(MiB, options.e820), true);
  view.setUint32(MBI.boot_device, BOOT_FROM_FIRST_DISK, true);
  view.setUint32(MBI.cmdline, commandLine, true);
  view.setUint32(MBI.mods_count, modules.length, true);
  view.setUint32(MBI.mods_addr, moduleList, true);
  view.setUint32(MBI.mmap_length, options.e820.length * (E820_ENTRY_BYTES + 4), true);
  view.setUint32(MBI.mmap_addr, MEMORY_MAP_AT, true);
  view.setUint32(MBI.boot_loader_name, loaderName, true);
  const loaded = [...image.writes, strings, ...modules];
  return {
    kind: 'multiboot',
    writes: [
      ...image.cleared
        .filter(({ from, to }) => to > from)
        .map(({ from, to }) => ({ gpa: from, bytes: new Uint8Array(to - from) })),
      ...loaded,
      { gpa: MEMORY_MAP_AT, bytes: memoryMap(options.e820) },
      { gpa: INFORMATION_AT, bytes: information },
      gdt.write,
    ],
    cpu: { ...gdt.state, eip: image.entry, regs: { eax: LOADER_MAGIC, ebx: INFORMATION_AT } },
    viaFirmware: (): FirmwareKernel => ({
      optionRom: 'multiboot.bin',
      entry: image.entry,
      kernel: joined(image.start, loaded),
      initrd: { gpa: INFORMATION_AT, bytes: information },
    }),
  };
}

/** All pieces in one, with zeros between them: .bss is among these. */
function joined(start: number, pieces: readonly MemoryWrite[]): MemoryWrite {
  const end = Math.max(...pieces.map(({ gpa, bytes }) => gpa + bytes.length));
  const bytes = new Uint8Array(end - start);
  for (const piece of pieces) bytes.set(piece.bytes, piece.gpa - start);
  return { gpa: start, bytes };
}

/** §3.1.3: the header says what to load where. */
function aoutImage(bytes: Uint8Array, header: number, fail: Fail): Image {
  if (header + 32 > bytes.length) fail('the multiboot header is truncated');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const field = (offset: number): number => view.getUint32(header + offset, true);
  const [headerAddr, loadAddr, loadEnd, bssEnd, entry] = [field(12), field(16), field(20), field(24), field(28)];
  const address = (value: number): string => `0x${value.toString(16)}`;
  const offset = header - (headerAddr - loadAddr);
  if (loadAddr > headerAddr || offset < 0) fail(`invalid load_addr address ${address(loadAddr)}`);
  if (loadEnd !== 0 && loadEnd < loadAddr) fail(`invalid load_end_addr address ${address(loadEnd)}`);
  const size = loadEnd === 0 ? bytes.length - offset : loadEnd - loadAddr;
  if (offset + size > bytes.length) fail(`load_end_addr ${address(loadEnd)} exceeds the file`);
  if (bssEnd !== 0 && bssEnd < loadAddr + size) fail(`invalid bss_end_addr address ${address(bssEnd)}`);
  const end = bssEnd === 0 ? loadAddr + size : bssEnd;
  const write: MemoryWrite = { gpa: loadAddr, bytes: bytes.subarray(offset, offset + size) };
  return { entry, writes: [write], cleared: [{ from: loadAddr + size, to: end }], start: loadAddr, end };
}

function elfImage(bytes: Uint8Array, fail: Fail): Image {
  if (!isElf(bytes)) fail('the multiboot header gives no addresses and the file is not ELF');
  const { entry, segments } = parseElf32(bytes, fail);
  return {
    entry,
    writes: segments.map(({ paddr, bytes }) => ({ gpa: paddr, bytes })),
    cleared: segments.map(({ paddr, bytes, memorySize }) => ({ from: paddr + bytes.length, to: paddr + memorySize })),
    start: Math.min(...segments.map((s) => s.paddr)),
    end: Math.max(...segments.map((s) => s.paddr + s.memorySize)),
  };
}

interface Layout {
  readonly write: MemoryWrite;
  readonly commandLine: number;
  readonly loaderName: number;
  readonly moduleList: number;
  readonly modules: readonly MemoryWrite[];
}

/** Places the module list, the strings and the modules behind the kernel. */
function layOut(options: DirectBootOptions, kernelEnd: number): Layout {
  const { kernel, lowRamBytes, openFile } = options;
  const specs = options.initrd === undefined ? [] : splitModules(options.initrd);
  const moduleList = roundUp(kernelEnd);
  const encoder = new TextEncoder();
  const texts = [...specs, `${kernel.name} ${options.commandLine}`, 'qemu'].map((text) => encoder.encode(`${text}\0`));
  const listBytes = specs.length * MODULE_ENTRY_BYTES;
  const area = new Uint8Array(listBytes + texts.reduce((sum, { length }) => sum + length, 0));
  const addresses: number[] = [];
  let used = listBytes;
  for (const text of texts) {
    area.set(text, used);
    addresses.push(moduleList + used);
    used += text.length;
  }
  const [commandLine = 0, loaderName = 0] = addresses.slice(specs.length);

  const view = new DataView(area.buffer);
  let next = roundUp(moduleList + area.length);
  const modules = specs.map((spec, i): MemoryWrite => {
    const name = spec.split(' ', 1)[0] ?? '';
    const bytes = openFile(name);
    const gpa = next;
    next = roundUp(gpa + bytes.length);
    if (gpa + bytes.length > lowRamBytes) {
      throw new VmError(
        `module '${name}' is too large: ${bytes.length} bytes at 0x${gpa.toString(16)} exceed the machine's RAM`,
        { hint: 'give the machine more memory with -m' },
      );
    }
    const entry = i * MODULE_ENTRY_BYTES;
    view.setUint32(entry, gpa, true);
    view.setUint32(entry + 4, gpa + bytes.length, true);
    view.setUint32(entry + 8, addresses[i] ?? 0, true);
    return { gpa, bytes };
  });
  if (moduleList + area.length > lowRamBytes) {
    throw new VmError(`could not load kernel '${kernel.name}': no RAM is left behind it for its command line`);
  }
  return { write: { gpa: moduleList, bytes: area }, commandLine, loaderName, moduleList, modules };
}

/** `file args,file args`; two commas stand for one. */
function splitModules(list: string): string[] {
  return list
    .replaceAll(',,', '\0')
    .split(',')
    .map((spec) => spec.replaceAll('\0', ',').trimStart());
}

/** Size of the memory that the map says is usable from `start` on. */
function usableKiBFrom(start: number, map: readonly E820Entry[]): number {
  const entry = map.find((e) => e.start === start && e.type === E820.usable);
  return Math.floor((entry?.size ?? 0) / 1024);
}

/** §3.3 mmap: each E820 entry behind its size, which does not count itself. */
function memoryMap(entries: readonly E820Entry[]): Uint8Array {
  const bytes = new Uint8Array(entries.length * (E820_ENTRY_BYTES + 4));
  const view = new DataView(bytes.buffer);
  for (const [i, entry] of entries.entries()) {
    view.setUint32(i * (E820_ENTRY_BYTES + 4), E820_ENTRY_BYTES, true);
    writeE820(view, i * (E820_ENTRY_BYTES + 4) + 4, entry);
  }
  return bytes;
}

const roundUp = (address: number): number => Math.ceil(address / PAGE) * PAGE;
