/** Files as they were dropped, looked into, and unpacked where they are packed. */
import { XzReadableStream } from 'xz-decompress';
import { VmError } from '../../util/errors.ts';
import { HEAD_BYTES, packingOf, type Recognised, recognise, TAIL_BYTES } from './recognise.ts';
import { zipEntries } from './zip.ts';

type Bytes = Uint8Array<ArrayBuffer>;

/** Something that can be stored: a file, or what is in one. */
export interface Source {
  readonly name: string;
  /** Of what is stored; undefined where only unpacking tells. */
  readonly sizeBytes: number | undefined;
  readonly recognised: Recognised;
  /** How it was packed; its name without that ending is `name`. */
  readonly packing?: 'gzip' | 'xz' | 'zip';
  stream(): Promise<ReadableStream<Bytes>>;
}

/** What the files are; one zip file may be several. Throws a VmError if one cannot be read. */
export async function lookInto(files: readonly File[]): Promise<readonly Source[]> {
  return (await Promise.all(files.map(sourcesOf))).flat();
}

async function sourcesOf(file: File): Promise<readonly Source[]> {
  const head = await bytesOf(file, 0, HEAD_BYTES);
  const packing = packingOf(head);
  if (packing === 'zip') {
    const entries = await zipEntries(file);
    if (entries.length === 0) throw new VmError(`${file.name} is empty`);
    return Promise.all(
      entries.map(async ({ name, sizeBytes, stream }) => {
        const inside = await headOf(await stream());
        const recognised = recognise({ name, sizeBytes, head: inside, tail: new Uint8Array() });
        return { name, sizeBytes, recognised, packing, stream };
      }),
    );
  }
  if (packing !== undefined) return [await packedSource(file, packing)];
  const tail = await bytesOf(file, Math.max(0, file.size - TAIL_BYTES), file.size);
  const recognised = recognise({ name: file.name, sizeBytes: file.size, head, tail });
  return [{ name: file.name, sizeBytes: file.size, recognised, stream: async () => file.stream() }];
}

/** An initial RAM disk stays packed, Linux unpacks it; anything else is of use only unpacked. */
async function packedSource(file: File, packing: 'gzip' | 'xz'): Promise<Source> {
  const unpacked = (): ReadableStream<Bytes> => {
    if (packing === 'gzip') return file.stream().pipeThrough(new DecompressionStream('gzip'));
    return new XzReadableStream(file.stream()) as ReadableStream<Bytes>;
  };
  const head = await headOf(unpacked()).catch((cause: unknown) => {
    throw new VmError(`${file.name} cannot be unpacked`, { hint: 'Is it whole? Try to download it again.', cause });
  });
  const name = file.name.replace(/\.(gz|xz)$/i, '');
  const sizeBytes = packing === 'gzip' ? await gzipSize(file) : undefined;
  const inside = recognise({ name, sizeBytes: sizeBytes ?? 0, head, tail: new Uint8Array() });
  if (inside.role === 'initrd' || inside.role === undefined) {
    const recognised: Recognised = { role: 'initrd', format: 'raw', what: `Initial RAM disk (${packing})` };
    return { name: file.name, sizeBytes: file.size, recognised, stream: async () => file.stream() };
  }
  return { name, sizeBytes, recognised: inside, packing, stream: async () => unpacked() };
}

/** RFC 1952: the last four bytes are the size modulo 2^32; below the packed size it has wrapped around. */
async function gzipSize(file: File): Promise<number | undefined> {
  const last = await bytesOf(file, file.size - 4, file.size);
  const size = new DataView(last.buffer).getUint32(0, true);
  return size >= file.size / 2 ? size : undefined;
}

/** The first HEAD_BYTES of a stream, the rest of which is not read. */
async function headOf(stream: ReadableStream<Bytes>): Promise<Bytes> {
  const head = new Uint8Array(HEAD_BYTES);
  const reader = stream.getReader();
  let filled = 0;
  while (filled < head.length) {
    const { done, value } = await reader.read();
    if (done) break;
    const part = value.subarray(0, head.length - filled);
    head.set(part, filled);
    filled += part.length;
  }
  void reader.cancel().catch(() => {});
  return head.slice(0, filled);
}

async function bytesOf(file: File, from: number, to: number): Promise<Bytes> {
  try {
    return new Uint8Array(await file.slice(from, to).arrayBuffer());
  } catch (cause) {
    throw new VmError(`could not read '${file.name}'`, {
      hint: 'Choose the file again; folders cannot be read.',
      cause,
    });
  }
}
