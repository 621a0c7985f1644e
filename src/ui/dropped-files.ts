/** Tells a kernel from an initial RAM disk, so that both can be dropped together anywhere on the page. */

export type FileRole = 'kernel' | 'initrd';

/** How much of a file roleOf() wants to see. */
export const SNIFFED_BYTES = 8192;

/** Linux boot protocol: "HdrS" at 0x202 of the setup sectors. */
const LINUX_HEADER_OFFSET = 0x202;
/** Multiboot 1 specification 3.1.1: the magic stands, 4-aligned, in the first 8192 bytes. */
const MULTIBOOT_MAGIC = 0x1badb002;

/** First bytes of what Linux takes for an initramfs: cpio and the ways it is compressed. */
const INITRD_SIGNATURES: readonly (readonly number[])[] = [
  [0x30, 0x37, 0x30, 0x37, 0x30], // "07070": cpio in ASCII
  [0x1f, 0x8b], // gzip
  [0xfd, 0x37, 0x7a, 0x58, 0x5a], // xz
  [0x28, 0xb5, 0x2f, 0xfd], // zstd
  [0x42, 0x5a, 0x68], // bzip2
  [0x02, 0x21, 0x4c, 0x18], // lz4, old format
  [0x89, 0x4c, 0x5a, 0x4f], // lzop
];

/** By the contents, else by the name; undefined if neither tells. */
export function roleOf(name: string, start: Uint8Array): FileRole | undefined {
  const view = new DataView(start.buffer, start.byteOffset, start.byteLength);
  if (hasText(start, LINUX_HEADER_OFFSET, 'HdrS')) return 'kernel';
  for (let at = 0; at + 4 <= Math.min(start.length, SNIFFED_BYTES); at += 4) {
    if (view.getUint32(at, true) === MULTIBOOT_MAGIC) return 'kernel';
  }
  if (INITRD_SIGNATURES.some((signature) => signature.every((byte, i) => start[i] === byte))) return 'initrd';
  if (/initr|initramfs|cpio|rootfs/i.test(name)) return 'initrd';
  if (/vmlinu|bzimage|kernel|\.elf$/i.test(name)) return 'kernel';
  return undefined;
}

function hasText(bytes: Uint8Array, offset: number, text: string): boolean {
  return [...text].every((character, i) => bytes[offset + i] === character.charCodeAt(0));
}

/** Which of the files dropped is the kernel and which the initrd; the ones that say nothing fill what is free. */
export async function sortDropped(
  files: readonly File[],
  taken: { readonly kernel: boolean },
): Promise<{ kernel?: File; initrd?: File }> {
  const sorted: { kernel?: File; initrd?: File } = {};
  const unclear: File[] = [];
  for (const file of files) {
    const role = roleOf(file.name, await startOf(file));
    if (role === undefined || sorted[role] !== undefined) unclear.push(file);
    else sorted[role] = file;
  }
  for (const file of unclear) {
    if (sorted.kernel === undefined && !taken.kernel) sorted.kernel = file;
    else if (sorted.initrd === undefined) sorted.initrd = file;
  }
  return sorted;
}

/** What cannot be read (a folder, a file that went away) tells nothing; starting the machine reports it. */
async function startOf(file: File): Promise<Uint8Array> {
  try {
    return new Uint8Array(await file.slice(0, SNIFFED_BYTES).arrayBuffer());
  } catch {
    return new Uint8Array();
  }
}
