/**
 * Writes cpio archives of the "newc" form (magic 070701), the form an initramfs has.
 * Format: Linux, Documentation/driver-api/early-userspace/buffer-format.rst.
 */

interface Named {
  /** From the root, without a leading slash. */
  readonly path: string;
  /** Permission bits; the type comes from `kind`. */
  readonly mode?: number;
}
export type CpioEntry =
  | (Named & { readonly kind: 'directory' })
  | (Named & { readonly kind: 'file'; readonly data: Uint8Array })
  | (Named & { readonly kind: 'symlink'; readonly target: string })
  | (Named & { readonly kind: 'char' | 'block'; readonly major: number; readonly minor: number });

/** File type bits and the usual permissions, as in inode(7). */
const TYPES = {
  directory: { type: 0o040000, mode: 0o755 },
  file: { type: 0o100000, mode: 0o644 },
  symlink: { type: 0o120000, mode: 0o777 },
  char: { type: 0o020000, mode: 0o600 },
  block: { type: 0o060000, mode: 0o600 },
} as const;

const TRAILER = 'TRAILER!!!';
const NOTHING = new Uint8Array();

/** An archive of the entries in their order: parents have to come before what lies in them. Times and owners are 0. */
export function cpioArchive(entries: readonly CpioEntry[]): Uint8Array<ArrayBuffer> {
  const encoder = new TextEncoder();
  const parts: Uint8Array[] = [];
  let inode = 0;

  const pad = (length: number) => parts.push(new Uint8Array(-length & 3));
  const put = (path: string, mode: number, data: Uint8Array, ino: number, links: number, device = [0, 0]) => {
    const name = encoder.encode(`${path}\0`);
    const [major = 0, minor = 0] = device;
    // ino, mode, uid, gid, nlink, mtime, filesize, maj, min, rmaj, rmin, namesize, chksum (0 in newc)
    const fields = [ino, mode, 0, 0, links, 0, data.length, 0, 0, major, minor, name.length, 0];
    const header = `070701${fields.map((f) => f.toString(16).padStart(8, '0').toUpperCase()).join('')}`;
    parts.push(encoder.encode(header), name);
    pad(header.length + name.length);
    parts.push(data);
    pad(data.length);
  };

  for (const entry of entries) {
    const { type, mode } = TYPES[entry.kind];
    const bits = type | (entry.mode ?? mode);
    const links = entry.kind === 'directory' ? 2 : 1;
    inode++;
    if (entry.kind === 'file') put(entry.path, bits, entry.data, inode, links);
    else if (entry.kind === 'symlink') put(entry.path, bits, encoder.encode(entry.target), inode, links);
    else if (entry.kind === 'directory') put(entry.path, bits, NOTHING, inode, links);
    else put(entry.path, bits, NOTHING, inode, links, [entry.major, entry.minor]);
  }
  put(TRAILER, 0, NOTHING, 0, 1);
  return joined(parts);
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
