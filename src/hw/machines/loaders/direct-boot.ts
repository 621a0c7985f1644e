/**
 * Starting a kernel without firmware. A loader does no I/O: it returns what firmware and boot loader would have left
 * behind, as data. The machine applies it after each reset, so that a reboot starts the same kernel again.
 */
import { VmError } from '../../../util/errors.ts';
import type { E820Entry } from './e820.ts';
import { isLinuxImage, loadLinux } from './linux-boot.ts';
import { hasMultibootHeader, loadMultiboot } from './multiboot1.ts';

export interface MemoryWrite {
  readonly gpa: number;
  readonly bytes: Uint8Array;
}

export type BootRegister = 'eax' | 'ebx' | 'ecx' | 'edx' | 'esi' | 'edi' | 'ebp' | 'esp';

/** How the CPU starts: 32-bit protected mode, flat 4-GiB segments, no paging, A20 open, interrupts off. */
export interface BootState {
  readonly flatProtected: true;
  readonly eip: number;
  /** Registers that are not named are 0. */
  readonly regs: Readonly<Partial<Record<BootRegister, number>>>;
  /** The GDT that holds the two descriptors lies in memory. */
  readonly gdt: { readonly base: number; readonly limit: number };
  readonly codeSelector: number;
  readonly dataSelector: number;
}

/** A kernel for firmware that loads it by itself, from fw_cfg, with the help of an option ROM. Each part has its place. */
export interface FirmwareKernel {
  readonly optionRom: 'linuxboot_dma.bin' | 'multiboot.bin';
  /** Linux: boot sector and real-mode code, with the boot loader's fields of the header filled. */
  readonly setup?: MemoryWrite;
  readonly kernel: MemoryWrite;
  /** Multiboot: where it is entered. */
  readonly entry?: number;
  readonly commandLine?: MemoryWrite;
  /** Linux: the initial RAM disk. Multiboot: the information structure. */
  readonly initrd?: MemoryWrite | undefined;
}

export interface DirectBoot {
  /** The kind of image, for messages: `Linux 2.15`, `multiboot`. */
  readonly kind: string;
  readonly writes: readonly MemoryWrite[];
  readonly cpu: BootState;
  viaFirmware(): FirmwareKernel;
}

/** A file that the user named: `-kernel`, `-initrd`, a multiboot module. */
export interface NamedFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Gives the contents of a file by the name that the user gave; throws a VmError if there is none. */
export type OpenFile = (name: string) => Uint8Array;

export interface DirectBootOptions {
  readonly kernel: NamedFile;
  /** `-initrd` as given: a file name, or for multiboot a list of modules `file args,file args`. */
  readonly initrd?: string | undefined;
  /** `-append`. */
  readonly commandLine: string;
  readonly openFile: OpenFile;
  /** Bytes of RAM from address 0 up, below 4 GiB. */
  readonly lowRamBytes: number;
  readonly e820: readonly E820Entry[];
  /** The machine has a VGA in text mode. */
  readonly vga?: boolean;
  /** Physical address of ACPI's root pointer, for boot protocols that can hand it over. */
  readonly rsdp?: number | undefined;
}

/** Loads a bzImage or a multiboot image, whichever the file is. */
export function loadKernel(options: DirectBootOptions): DirectBoot {
  const { name, bytes } = options.kernel;
  if (isLinuxImage(bytes)) return loadLinux(options);
  if (hasMultibootHeader(bytes)) return loadMultiboot(options);
  throw new VmError(`could not load kernel '${name}': ${whyNoKernel(bytes)}`, {
    hint: 'a bzImage (arch/x86/boot/bzImage) or a multiboot image is needed',
  });
}

function whyNoKernel(bytes: Uint8Array): string {
  if (bytes.length === 0) return 'the file is empty';
  const starts = (...magic: readonly number[]): boolean => magic.every((byte, i) => bytes[i] === byte);
  if (starts(0x7f, 0x45, 0x4c, 0x46)) return 'an ELF image without a multiboot header';
  if (starts(0x1f, 0x8b)) return 'a gzip-compressed file';
  if (bytes.length < 1024) return `${bytes.length} bytes are too few for a kernel image`;
  return 'neither a Linux boot header (HdrS) nor a multiboot header was found';
}
