/** What a file is, told by its contents: the name only where they say nothing. */
import type { FileRole } from '../library/records.ts';

export type Packing = 'gzip' | 'xz' | 'zip';

export interface Recognised {
  /** Undefined: it may be anything. */
  readonly role: FileRole | undefined;
  /** QEMU's name of the image format. */
  readonly format: string;
  /** In words: 'Linux kernel 6.1.0-44-686'. */
  readonly what: string;
  /** What the guest sees of it, where that is not the file's own size. */
  readonly sizeBytes?: number;
  /** Firmware finds something to start on it. */
  readonly bootable?: boolean;
}

/** Beginning and end of a file. */
export interface Peek {
  readonly name: string;
  readonly sizeBytes: number;
  /** Up to HEAD_BYTES of it. */
  readonly head: Uint8Array;
  /** Its last 512 bytes. */
  readonly tail: Uint8Array;
}

/** As far as the boot catalogue's address in an ISO 9660 image. */
export const HEAD_BYTES = 0x8800 + 0x800;
export const TAIL_BYTES = 512;

export function packingOf(head: Uint8Array): Packing | undefined {
  if (startsWith(head, 0x1f, 0x8b)) return 'gzip';
  if (startsWith(head, 0xfd, 0x37, 0x7a, 0x58, 0x5a, 0)) return 'xz';
  return startsWith(head, 0x50, 0x4b, 3, 4) ? 'zip' : undefined;
}

/** The first of them that knows it; those whose mark could stand in another's image by chance come last. */
const recognisers: readonly ((peek: Peek) => Recognised | undefined)[] = [
  imageFormat,
  linuxKernel,
  initrd,
  iso9660,
  multiboot,
  floppy,
  partitioned,
  firmware,
];

export function recognise(peek: Peek): Recognised {
  for (const recogniser of recognisers) {
    const known = recogniser(peek);
    if (known !== undefined) return known;
  }
  return byName(peek);
}

/** Images whose first bytes, or last, are a magic number; see the documents of each in src/block/formats. */
function imageFormat({ head, tail, sizeBytes }: Peek): Recognised | undefined {
  const view = viewOf(head);
  const disk = (format: string, what: string, size?: number): Recognised => ({
    role: 'disk',
    format,
    what,
    ...(size !== undefined && { sizeBytes: size }),
    bootable: true,
  });
  if (hasText(head, 0, 'QFI\xfb') && head.length >= 32) {
    const version = view.getUint32(4);
    if (version === 1) return disk('qcow', 'QEMU image of the old format, qcow');
    return disk('qcow2', `QEMU image, qcow2 version ${version}`, Number(view.getBigUint64(24)));
  }
  if (hasText(head, 0, 'KDMV') && head.length >= 20) {
    return disk('vmdk', 'VMware disk, vmdk', Number(view.getBigUint64(12, true)) * 512);
  }
  if (hasText(head, 0, 'COWD') || hasText(head, 0, '# Disk DescriptorFile')) return disk('vmdk', 'VMware disk, vmdk');
  if (head.length >= 0x178 && view.getUint32(0x40, true) === 0xbeda107f) {
    return disk('vdi', 'VirtualBox disk, vdi', Number(view.getBigUint64(0x170, true)));
  }
  if (hasText(head, 0, 'vhdxfile')) return disk('vhdx', 'Hyper-V disk, vhdx');
  for (const [footer, kind] of [
    [head, 'dynamic'],
    [tail, 'fixed'],
  ] as const) {
    if (hasText(footer, 0, 'conectix') && footer.length >= 56) {
      return disk('vpc', `Virtual PC disk, vhd (${kind})`, Number(viewOf(footer).getBigUint64(48)));
    }
  }
  if (hasText(head, 0, 'QED\0')) return disk('qed', 'QEMU image, qed');
  if (hasText(head, 0, 'WithoutFreeSpace') || hasText(head, 0, 'WithouFreSpacExt')) {
    return disk('parallels', 'Parallels disk');
  }
  if (hasText(tail, 0, 'koly')) return { role: 'disk', format: 'dmg', what: 'Macintosh disk image, dmg', sizeBytes };
  return undefined;
}

/** Linux boot protocol: the boot flag at 0x1fe, "HdrS" at 0x202, the version's text where 0x20e says. */
function linuxKernel({ head }: Peek): Recognised | undefined {
  if (!hasText(head, 0x202, 'HdrS')) return undefined;
  const at = viewOf(head).getUint16(0x20e, true) + 0x200;
  const version = at > 0x200 && at < head.length ? (textAt(head, at, 64).split(' ')[0] ?? '') : '';
  return { role: 'kernel', format: 'raw', what: version === '' ? 'Linux kernel' : `Linux kernel ${version}` };
}

/** Multiboot 1 specification 3.1.1: magic, flags and a checksum that makes the sum zero, 4-aligned in the first 8192 bytes. */
function multiboot({ head }: Peek): Recognised | undefined {
  const view = viewOf(head);
  for (let at = 0; at + 12 <= Math.min(head.length, 8192); at += 4) {
    if (view.getUint32(at, true) !== 0x1badb002) continue;
    const sum = 0x1badb002 + view.getUint32(at + 4, true) + view.getUint32(at + 8, true);
    if (sum >>> 0 === 0) return { role: 'kernel', format: 'raw', what: 'Multiboot kernel' };
  }
  return undefined;
}

/** cpio, as it is or as packed as Linux unpacks it by itself. */
function initrd({ head }: Peek): Recognised | undefined {
  const kinds: readonly (readonly [readonly number[], string])[] = [
    [[0x30, 0x37, 0x30, 0x37, 0x30], 'cpio'],
    [[0x28, 0xb5, 0x2f, 0xfd], 'zstd'],
    [[0x42, 0x5a, 0x68], 'bzip2'],
    [[0x02, 0x21, 0x4c, 0x18], 'lz4'],
    [[0x89, 0x4c, 0x5a, 0x4f], 'lzop'],
  ];
  const kind = kinds.find(([magic]) => startsWith(head, ...magic))?.[1];
  return kind === undefined ? undefined : { role: 'initrd', format: 'raw', what: `Initial RAM disk (${kind})` };
}

/** ECMA-119: volume descriptors from sector 16 on; El Torito: a boot record in sector 17. */
function iso9660({ name, sizeBytes, head }: Peek): Recognised | undefined {
  if (!hasText(head, 0x8001, 'CD001')) return undefined;
  // GRUB's rescue floppy is one with a boot sector: both kinds of drive start it, and only its name says what it is for.
  if (sizeBytes <= MOST_FLOPPY_BYTES && hasBootMark(head) && /\.(img|ima|flp|vfd)$/i.test(name)) {
    return { role: 'floppy', format: 'raw', what: 'Floppy with the file system of a CD', bootable: true };
  }
  const label = textAt(head, 0x8028, 32).trim();
  const bootable = head[0x8800] === 0 && hasText(head, 0x8807, 'EL TORITO SPECIFICATION');
  return { role: 'cdrom', format: 'raw', what: label === '' ? 'CD image' : `CD image “${label}”`, bootable };
}

/** What the drives of a PC read, KiB. */
const FLOPPY_KIB: readonly number[] = [160, 180, 320, 360, 720, 1200, 1440, 1680, 1722, 2880];

const MOST_FLOPPY_BYTES = Math.max(...FLOPPY_KIB) * 1024;

function floppy({ head, sizeBytes }: Peek): Recognised | undefined {
  const bySize = FLOPPY_KIB.find((kib) => kib * 1024 === sizeBytes);
  // A boot sector that describes a floppy, in an image whose unused end was left out.
  const sectors = head.length >= 512 && hasBootMark(head) && isJump(head) ? viewOf(head).getUint16(0x13, true) : 0;
  const byHeader = FLOPPY_KIB.find((kib) => kib * 2 === sectors && sizeBytes <= kib * 1024);
  const kib = bySize ?? byHeader;
  if (kib === undefined) return undefined;
  return { role: 'floppy', format: 'raw', what: `Floppy, ${kib} KiB`, bootable: hasBootMark(head) };
}

/** A master boot record with at least one partition that makes sense, or a partition table of EFI. */
function partitioned({ head, sizeBytes }: Peek): Recognised | undefined {
  if (head.length < 512 || !hasBootMark(head)) return undefined;
  const view = viewOf(head);
  let partitions = 0;
  for (let at = 0x1be; at < 0x1fe; at += 16) {
    const status = head[at]!;
    if (status !== 0 && status !== 0x80) return bootSector(head);
    if (head[at + 4] !== 0 && view.getUint32(at + 12, true) > 0) partitions++;
  }
  if (hasText(head, 512, 'EFI PART')) return { role: 'disk', format: 'raw', what: 'Hard disk with a GPT' };
  if (partitions === 0 || sizeBytes < 1024) return bootSector(head);
  const many = partitions === 1 ? '1 partition' : `${partitions} partitions`;
  return { role: 'disk', format: 'raw', what: `Hard disk, ${many}`, bootable: true };
}

const bootSector = (head: Uint8Array): Recognised | undefined =>
  isJump(head) ? { role: 'disk', format: 'raw', what: 'Disk with a boot sector', bootable: true } : undefined;

/** The processor starts 16 bytes before the end, where a far jump stands. */
function firmware({ sizeBytes, tail }: Peek): Recognised | undefined {
  const isSize = sizeBytes % 0x10000 === 0 && sizeBytes > 0 && sizeBytes <= 16 * 2 ** 20;
  if (!isSize || tail.length < 16 || tail[tail.length - 16] !== 0xea) return undefined;
  return { role: 'bios', format: 'raw', what: 'PC firmware' };
}

function byName({ name, sizeBytes }: Peek): Recognised {
  const raw = (role: FileRole, what: string): Recognised => ({ role, format: 'raw', what });
  if (/initr|initramfs|cpio|rootfs/i.test(name)) return raw('initrd', 'Initial RAM disk, by its name');
  if (/vmlinu|bzimage|kernel|\.elf$/i.test(name)) return raw('kernel', 'Kernel, by its name');
  if (/\.iso$/i.test(name)) return raw('cdrom', 'CD image, by its name');
  if (/\.(img|raw|dsk|hdd|ima|flp|vfd)$/i.test(name) && sizeBytes > 0) {
    return raw(sizeBytes <= MOST_FLOPPY_BYTES ? 'floppy' : 'disk', 'Disk image, by its name');
  }
  return { role: undefined, format: 'raw', what: 'Nothing that is known' };
}

/** The jump over the parameters that a boot sector of DOS begins with. */
const isJump = (head: Uint8Array): boolean => head[0] === 0xe9 || (head[0] === 0xeb && head[2] === 0x90);

const hasBootMark = (head: Uint8Array): boolean => head[510] === 0x55 && head[511] === 0xaa;

const viewOf = ({ buffer, byteOffset, byteLength }: Uint8Array): DataView =>
  new DataView(buffer, byteOffset, byteLength);

const startsWith = (bytes: Uint8Array, ...magic: readonly number[]): boolean =>
  magic.every((byte, at) => bytes[at] === byte);

function hasText(bytes: Uint8Array, offset: number, text: string): boolean {
  return [...text].every((character, i) => bytes[offset + i] === character.charCodeAt(0));
}

function textAt(bytes: Uint8Array, offset: number, limit: number): string {
  const text = String.fromCharCode(...bytes.subarray(offset, offset + limit));
  return text.split('\0', 1)[0]!.replace(/[^ -~]/g, '');
}
