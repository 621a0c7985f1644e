/**
 * Takes files out of Debian binary packages: an `ar` archive whose member `data.tar.*` holds the file system (deb(5)).
 * xz and tar are read by libraries; packages with gzip or zstd data are read with Node's own zlib.
 */
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { unpackTar } from 'modern-tar';
import xz from 'xz-decompress';

type Bytes = Uint8Array<ArrayBuffer>;

/** Members of an `ar` archive by name: an 8-byte magic, then 60-byte headers, data padded to even. */
export function arMembers(archive: Bytes): Map<string, Bytes> {
  const text = (from: number, to: number) => new TextDecoder('latin1').decode(archive.subarray(from, to));
  if (text(0, 8) !== '!<arch>\n') throw new Error('not an ar archive: the magic is missing');
  const members = new Map<string, Bytes>();
  for (let at = 8; at < archive.length; ) {
    const name = text(at, at + 16)
      .trim()
      .replace(/\/$/, '');
    const size = Number(text(at + 48, at + 58));
    const start = at + 60;
    if (text(at + 58, at + 60) !== '`\n' || !Number.isInteger(size) || start + size > archive.length) {
      throw new Error(`ar archive damaged or cut off at byte ${at}`);
    }
    members.set(name, archive.subarray(start, start + size));
    at = start + size + (size & 1);
  }
  return members;
}

function decompressed(name: string, data: Bytes): ReadableStream<Uint8Array<ArrayBuffer>> {
  const streamOf = (bytes: Bytes) => new Blob([bytes]).stream();
  switch (name) {
    case 'data.tar':
      return streamOf(data);
    case 'data.tar.xz':
      return new xz.XzReadableStream(streamOf(data)) as ReadableStream<Uint8Array<ArrayBuffer>>;
    case 'data.tar.gz':
      return streamOf(new Uint8Array(gunzipSync(data)));
    case 'data.tar.zst':
      return streamOf(new Uint8Array(zstdDecompressSync(data)));
    default:
      throw new Error(`package data of unknown kind: ${name}`);
  }
}

/** The first regular file that fits each wanted path (`*` is a run of digits), by wanted path. */
export async function filesOfDeb(deb: Bytes, wanted: readonly string[]): Promise<Map<string, Bytes>> {
  const member = [...arMembers(deb)].find(([name]) => name.startsWith('data.tar'));
  if (!member) throw new Error('package without data.tar');
  const patterns = wanted.map((path) => ({ path, pattern: patternOf(path) }));
  const fitting = (name: string) => patterns.find(({ pattern }) => pattern.test(name.replace(/^\.?\//, '')))?.path;
  const files = new Map<string, Bytes>();
  for (const { header, data } of await unpackTar(decompressed(...member), { filter: (h) => !!fitting(h.name) })) {
    const path = fitting(header.name);
    if (path !== undefined && data && !files.has(path)) files.set(path, data);
  }
  for (const path of wanted) if (!files.has(path)) throw new Error(`package without ${path}`);
  return files;
}

/** `*` in a name or path of the manifest: a run of digits, the expression's first group. */
export function patternOf(name: string): RegExp {
  const quoted = name.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${quoted.join('(\\d+)')}$`);
}
