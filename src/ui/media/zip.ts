/** The entries of a zip file (PKWARE APPNOTE 6.3): stored or deflated ones, which the browser unpacks itself. */
import { VmError } from '../../util/errors.ts';

export interface ZipEntry {
  readonly name: string;
  readonly sizeBytes: number;
  stream(): Promise<ReadableStream<Uint8Array<ArrayBuffer>>>;
}

const END_OF_DIRECTORY = 0x06054b50;
const DIRECTORY_ENTRY = 0x02014b50;
const LOCAL_HEADER = 0x04034b50;
/** 4.3.16: 22 bytes and a comment of at most 65,535. */
const END_BYTES = 22;
const STORED = 0;
const DEFLATED = 8;
/** A directory of more is no disk image's. */
const MAX_DIRECTORY_BYTES = 16 * 2 ** 20;

/** Files, not folders. Throws a VmError if the directory makes no sense. */
export async function zipEntries(zip: Blob): Promise<readonly ZipEntry[]> {
  const tailAt = Math.max(0, zip.size - END_BYTES - 0xffff);
  const tail = await viewOf(zip.slice(tailAt));
  let end = tail.byteLength - END_BYTES;
  while (end >= 0 && tail.getUint32(end, true) !== END_OF_DIRECTORY) end--;
  if (end < 0) throw broken('its directory is missing; was it cut off?');
  const [bytes, at] = [tail.getUint32(end + 12, true), tail.getUint32(end + 16, true)];
  if (at === 0xffffffff) throw broken('it is a zip64 file, which is not supported');
  if (bytes > MAX_DIRECTORY_BYTES || at + bytes > zip.size) throw broken('its directory is damaged');
  const directory = await viewOf(zip.slice(at, at + bytes));
  const entries: ZipEntry[] = [];
  for (let next = 0; next + 46 <= directory.byteLength; ) {
    if (directory.getUint32(next, true) !== DIRECTORY_ENTRY) throw broken('its directory is damaged');
    const entry = next;
    const u16 = (offset: number): number => directory.getUint16(entry + offset, true);
    const u32 = (offset: number): number => directory.getUint32(entry + offset, true);
    const nameBytes = new Uint8Array(
      directory.buffer,
      entry + 46,
      Math.min(u16(28), directory.byteLength - entry - 46),
    );
    const name = new TextDecoder().decode(nameBytes);
    const [flags, method, packedBytes, sizeBytes, localAt] = [u16(8), u16(10), u32(20), u32(24), u32(42)];
    next += 46 + u16(28) + u16(30) + u16(32);
    if (name.endsWith('/')) continue;
    entries.push({
      name: name.split('/').at(-1)!,
      sizeBytes,
      async stream() {
        if ((flags & 1) !== 0) throw broken(`'${name}' is encrypted`);
        if (method !== STORED && method !== DEFLATED) throw broken(`'${name}' is packed by method ${method}`);
        const local = await viewOf(zip.slice(localAt, localAt + 30));
        if (local.byteLength < 30 || local.getUint32(0, true) !== LOCAL_HEADER) throw broken(`'${name}' is damaged`);
        const from = localAt + 30 + local.getUint16(26, true) + local.getUint16(28, true);
        const packed = zip.slice(from, from + packedBytes).stream();
        return method === STORED ? packed : packed.pipeThrough(new DecompressionStream('deflate-raw'));
      },
    });
  }
  return entries;
}

async function viewOf(blob: Blob): Promise<DataView<ArrayBuffer>> {
  return new DataView(await blob.arrayBuffer());
}

const broken = (why: string): VmError => new VmError(`the zip file cannot be read: ${why}`);
