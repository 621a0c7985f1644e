/**
 * Apple's disk images (UDIF), read-only: the trailer "koly", a property list with the block tables "mish". Raw, zero
 * and zlib chunks; ADC, bzip2, LZFSE and LZMA are refused by name when a chunk of theirs is read.
 */
import { bytesOfBase64 } from '../../util/base64.ts';
import { BlockFailure, type BlockNode } from '../api.ts';
import { inflateInto } from './compression.ts';
import { getU64BE, hex, viewOf } from './fields.ts';
import {
  checkBounds,
  type ImageExtent,
  type ImageNode,
  type OpenImageOptions,
  readStructure,
  refuse,
} from './image.ts';

const TRAILER_BYTES = 512;
const SECTOR = 512;
const MAX_PLIST = 64 << 20;
const TABLE_HEADER = 204;
const ENTRY_BYTES = 40;
const MAX_CHUNKS = 1 << 22;
/** As QEMU: a chunk is at most 64 MiB, packed or not. */
const MAX_CHUNK_BYTES = 64 << 20;

const RAW = 1;
const ZERO = 0;
const IGNORED = 2;
const ZLIB = 0x80000005;
const PACKED_NAMES: Readonly<Record<number, string>> = {
  2147483652: 'ADC',
  2147483654: 'bzip2',
  2147483655: 'LZFSE',
  2147483656: 'LZMA',
};
const COMMENT = 0x7ffffffe;
const END = 0xffffffff;

interface Chunk {
  readonly type: number;
  readonly start: number;
  readonly length: number;
  readonly host: number;
  readonly packedBytes: number;
}

export async function openDmg(file: BlockNode, { name }: OpenImageOptions): Promise<ImageNode> {
  const offset = file.sizeBytes - TRAILER_BYTES;
  const trailer = await readStructure(file, { name, what: 'the trailer', offset, length: TRAILER_BYTES });
  const view = viewOf(trailer);
  if (view.getUint32(0) !== 0x6b6f6c79) throw refuse(name, "not a dmg image: the trailer 'koly' is missing");
  const dataFork = getU64BE(view, 0x18);
  const [plistAt, plistBytes] = [getU64BE(view, 0xd8), getU64BE(view, 0xe0)];
  if (plistBytes === 0)
    throw refuse(name, 'dmg images with a resource fork instead of a property list are not supported');
  if (plistBytes > MAX_PLIST) throw refuse(name, `the dmg property list is too long (${plistBytes} bytes)`);
  const plist = await readStructure(file, { name, what: 'the dmg property list', offset: plistAt, length: plistBytes });
  const chunks: Chunk[] = [];
  for (const table of blockTables(new TextDecoder().decode(plist), name)) readTable(table, { chunks, dataFork, name });
  chunks.sort((a, b) => a.start - b.start);
  chunks.forEach((chunk, i) => {
    const before = chunks[i - 1];
    if (before === undefined || before.start + before.length <= chunk.start) return;
    throw refuse(name, `dmg chunks overlap at sector ${chunk.start / SECTOR}`);
  });
  return new DmgImage(file, chunks, name, getU64BE(view, 0x1ec));
}

/** The `<data>` of the array `blkx`. */
function* blockTables(plist: string, name: string): Generator<Uint8Array> {
  const from = plist.indexOf('<key>blkx</key>');
  const to = plist.indexOf('</array>', from);
  if (from < 0 || to < 0) throw refuse(name, "the dmg property list has no 'blkx'");
  for (const [, text] of plist.slice(from, to).matchAll(/<data>([^<]*)<\/data>/g)) {
    try {
      yield bytesOfBase64((text ?? '').replaceAll(/\s/g, ''));
    } catch {
      throw refuse(name, 'a dmg block table is not base64');
    }
  }
}

function readTable(
  table: Uint8Array,
  { chunks, dataFork, name }: { chunks: Chunk[]; dataFork: number; name: string },
): void {
  const view = viewOf(table);
  if (table.length < TABLE_HEADER || view.getUint32(0) !== 0x6d697368) return;
  const [firstSector, tableOffset] = [getU64BE(view, 8), getU64BE(view, 24)];
  const count = view.getUint32(200);
  if (TABLE_HEADER + count * ENTRY_BYTES > table.length)
    throw refuse(name, `a dmg block table is too short for its ${count} chunks`);
  for (let at = TABLE_HEADER; at < TABLE_HEADER + count * ENTRY_BYTES; at += ENTRY_BYTES) {
    const type = view.getUint32(at);
    if (type === COMMENT || type === END) continue;
    const [sector, sectors] = [getU64BE(view, at + 8), getU64BE(view, at + 16)];
    const [offset, packedBytes] = [getU64BE(view, at + 24), getU64BE(view, at + 32)];
    const isStored = type !== ZERO && type !== IGNORED;
    const length = sectors * SECTOR;
    if (isStored && (length > MAX_CHUNK_BYTES || packedBytes > MAX_CHUNK_BYTES)) {
      throw refuse(name, `a dmg chunk of ${length} bytes, ${packedBytes} of them stored, is too large (64 MiB)`);
    }
    if (chunks.length >= MAX_CHUNKS) throw refuse(name, 'the dmg image has too many chunks');
    if (length === 0) continue;
    chunks.push({
      type,
      start: (firstSector + sector) * SECTOR,
      length,
      host: dataFork + tableOffset + offset,
      packedBytes,
    });
  }
}

class DmgImage implements ImageNode {
  readonly driver = 'dmg';
  readonly readonly = true;
  readonly sizeBytes: number;
  readonly info = { compressed: true };
  private readonly file: BlockNode;
  private readonly chunks: readonly Chunk[];
  private readonly name: string;
  private unpacked: { chunk: Chunk; bytes: Uint8Array } | undefined;

  constructor(file: BlockNode, chunks: readonly Chunk[], name: string, sectors: number) {
    this.file = file;
    this.chunks = chunks;
    this.name = name;
    const last = chunks.at(-1);
    const end = last === undefined ? 0 : last.start + last.length;
    this.sizeBytes = Math.max(end, sectors * SECTOR);
    if (!Number.isSafeInteger(this.sizeBytes))
      throw refuse(name, `a dmg image of ${this.sizeBytes} bytes is too large`);
  }

  /** The chunk that has the byte, or the first one behind it. */
  private chunkAt(offset: number): Chunk | undefined {
    let [low, high] = [0, this.chunks.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const chunk = this.chunks[middle]!;
      if (chunk.start + chunk.length <= offset) low = middle + 1;
      else high = middle;
    }
    return this.chunks[low];
  }

  async read(offset: number, into: Uint8Array): Promise<void> {
    checkBounds(this, offset, into.length);
    for (let at = 0; at < into.length; ) {
      const chunk = this.chunkAt(offset + at);
      const within = chunk === undefined ? -1 : offset + at - chunk.start;
      if (chunk === undefined || within < 0) {
        // Sectors that no chunk has are zeros.
        const gap = chunk === undefined ? into.length - at : Math.min(-within, into.length - at);
        into.fill(0, at, at + gap);
        at += gap;
        continue;
      }
      const part = into.subarray(at, at + chunk.length - within);
      await this.readChunk(chunk, within, part);
      at += part.length;
    }
  }

  private async readChunk(chunk: Chunk, within: number, into: Uint8Array): Promise<void> {
    if (chunk.type === ZERO || chunk.type === IGNORED) {
      into.fill(0);
      return;
    }
    if (this.unpacked?.chunk !== chunk) this.unpacked = { chunk, bytes: await this.unpack(chunk) };
    into.set(this.unpacked.bytes.subarray(within, within + into.length));
  }

  private async unpack(chunk: Chunk): Promise<Uint8Array> {
    const { type, host, packedBytes, length } = chunk;
    if (type !== RAW && type !== ZLIB) {
      const what = PACKED_NAMES[type] ?? `type ${hex(type)}`;
      throw new BlockFailure('EIO', `image '${this.name}': dmg chunks packed with ${what} are not supported (zlib)`);
    }
    if (host + packedBytes > this.file.sizeBytes) {
      throw new BlockFailure(
        'EIO',
        `image '${this.name}': the dmg chunk at ${hex(host)} lies beyond the end of the file`,
      );
    }
    const packed = new Uint8Array(packedBytes);
    await this.file.read(host, packed);
    const bytes = new Uint8Array(length);
    if (type === RAW) bytes.set(packed.subarray(0, length));
    else if (inflateInto(packed, bytes, 'zlib') !== length) {
      throw new BlockFailure('EIO', `image '${this.name}': the dmg chunk at ${hex(host)} is damaged`);
    }
    return bytes;
  }

  async extentAt(offset: number): Promise<ImageExtent> {
    checkBounds(this, offset, 1);
    const chunk = this.chunkAt(offset);
    if (chunk === undefined) return { length: this.sizeBytes - offset, zero: true, allocated: false };
    if (chunk.start > offset) return { length: chunk.start - offset, zero: true, allocated: false };
    const length = chunk.start + chunk.length - offset;
    return {
      length,
      zero: chunk.type === ZERO || chunk.type === IGNORED,
      allocated: true,
      compressed: chunk.type !== RAW,
    };
  }

  private refuseChange(): Promise<never> {
    return Promise.reject(new BlockFailure('EROFS', 'dmg images are read-only'));
  }

  write(): Promise<void> {
    return this.refuseChange();
  }

  writeZeroes(): Promise<void> {
    return this.refuseChange();
  }

  discard(): Promise<void> {
    return this.refuseChange();
  }

  resize(): Promise<void> {
    return this.refuseChange();
  }

  async flush(): Promise<void> {}

  close(): Promise<void> {
    return this.file.close();
  }
}
