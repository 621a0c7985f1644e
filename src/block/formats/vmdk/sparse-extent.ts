/**
 * A hosted sparse extent of a VMDK: "Virtual Disk Format 5.0", VMware, 2011, "Hosted Sparse Extents" and
 * "Stream-Optimized Compressed Sparse Extents".
 */
import { BlockFailure, type BlockNode } from '../../api.ts';
import { inflateInto } from '../compression.ts';
import { getU64LE, hex, roundUp, viewOf } from '../fields.ts';
import { readPadded, readStructure, refuse, zeroGrowing } from '../image.ts';
import { NONE, type Place, ZERO } from '../mapped-image.ts';
import { PageCache } from '../page-cache.ts';

export const SPARSE_MAGIC = 0x564d444b;
export const HEADER_BYTES = 512;
export const SECTOR = 512;
const FLAG_REDUNDANT = 1 << 1;
const FLAG_ZEROED_GRAINS = 1 << 2;
const FLAG_COMPRESSED = 1 << 16;
const FLAG_MARKERS = 1 << 17;
const AT_END = 2 ** 64;
const FOOTER_FROM_END = 1024;
const MAX_GRAIN_SECTORS = (64 << 20) / SECTOR;
const MAX_TABLE_ENTRIES = 512;
const MAX_DIRECTORY_ENTRIES = 32 << 20;

export interface SparseExtent {
  readonly sizeBytes: number;
  readonly grainBytes: number;
  readonly isCompressed: boolean;
  /** Where the descriptor lies in it. */
  readonly descriptor: { readonly offset: number; readonly length: number } | undefined;
  find(grain: number): Promise<Place>;
  allocate(grain: number): Promise<number>;
  link(grain: number, host: number): Promise<void>;
  commit(): Promise<void>;
}

export async function openSparseExtent(file: BlockNode, name: string): Promise<SparseExtent> {
  let header = await readStructure(file, { name, what: 'the header', offset: 0, length: HEADER_BYTES });
  if (viewOf(header).getUint32(0, true) !== SPARSE_MAGIC)
    throw refuse(name, 'not a sparse VMDK extent: the magic is missing');
  if (getU64LE(viewOf(header), 56) >= AT_END - 1) {
    // The directory was not known when the stream began: a copy of the header is at its end.
    const offset = file.sizeBytes - FOOTER_FROM_END;
    header = await readStructure(file, { name, what: 'the footer', offset, length: HEADER_BYTES });
    if (viewOf(header).getUint32(0, true) !== SPARSE_MAGIC)
      throw refuse(name, `the VMDK footer at ${offset} is missing`);
  }
  return new HostedSparse(file, viewOf(header), name);
}

class HostedSparse implements SparseExtent {
  readonly sizeBytes: number;
  readonly grainBytes: number;
  readonly isCompressed: boolean;
  readonly descriptor: { offset: number; length: number } | undefined;
  private readonly file: BlockNode;
  private readonly name: string;
  private readonly perTable: number;
  private readonly directory: number;
  private readonly redundant: number | undefined;
  private readonly hasMarkers: boolean;
  private readonly hasZeroed: boolean;
  private readonly cache: PageCache;

  constructor(file: BlockNode, view: DataView, name: string) {
    this.file = file;
    this.name = name;
    const [version, flags] = [view.getUint32(4, true), view.getUint32(8, true)];
    if (version < 1 || version > 3) throw refuse(name, `VMDK version ${version} is not supported (1 to 3)`);
    const [capacity, grain, perTable] = [getU64LE(view, 12), getU64LE(view, 20), view.getUint32(44, true)];
    if (grain < 1 || grain > MAX_GRAIN_SECTORS || (grain & (grain - 1)) !== 0) {
      throw refuse(name, `VMDK grains of ${grain} sectors are not supported`);
    }
    if (perTable < 1 || perTable > MAX_TABLE_ENTRIES)
      throw refuse(name, `VMDK grain tables of ${perTable} entries are not supported`);
    const entries = Math.ceil(capacity / (grain * perTable));
    if (entries > MAX_DIRECTORY_ENTRIES) throw refuse(name, `a VMDK of ${capacity} sectors is too large`);
    this.sizeBytes = capacity * SECTOR;
    this.grainBytes = grain * SECTOR;
    this.perTable = perTable;
    this.directory = getU64LE(view, 56) * SECTOR;
    if (this.directory + entries * 4 > file.sizeBytes) {
      throw refuse(name, `the VMDK grain directory at ${hex(this.directory)} lies beyond the end of the file`);
    }
    const redundant = getU64LE(view, 48) * SECTOR;
    this.redundant = flags & FLAG_REDUNDANT && redundant + entries * 4 <= file.sizeBytes ? redundant : undefined;
    this.isCompressed = (flags & FLAG_COMPRESSED) !== 0;
    const algorithm = view.getUint16(77, true);
    if (this.isCompressed && algorithm !== 1)
      throw refuse(name, `VMDK compression ${algorithm} is not supported (1: deflate)`);
    this.hasMarkers = (flags & FLAG_MARKERS) !== 0;
    this.hasZeroed = (flags & FLAG_ZEROED_GRAINS) !== 0;
    const [offset, length] = [getU64LE(view, 28) * SECTOR, getU64LE(view, 36) * SECTOR];
    this.descriptor = offset > 0 && length > 0 ? { offset, length } : undefined;
    this.cache = new PageCache(file, { pageSize: SECTOR, maxPages: 8192 });
    this.cache.beforeWrite = () => file.flush();
  }

  private async entry(at: number): Promise<number> {
    const page = this.cache.peek(at) ?? (await this.cache.page(at));
    return page.view.getUint32(at - page.offset, true);
  }

  /** Where a grain's entry is, by one of the two directories; undefined: there is no table. */
  private async entryAt(directory: number, grain: number): Promise<number | undefined> {
    const table = (await this.entry(directory + Math.floor(grain / this.perTable) * 4)) * SECTOR;
    if (table === 0) return undefined;
    if (table + this.perTable * 4 > this.file.sizeBytes) {
      throw new BlockFailure(
        'EIO',
        `image '${this.name}': VMDK grain table ${hex(table)} lies beyond the end of the file`,
      );
    }
    return table + (grain % this.perTable) * 4;
  }

  async find(grain: number): Promise<Place> {
    const at = await this.entryAt(this.directory, grain);
    const sector = at === undefined ? 0 : await this.entry(at);
    if (sector === 0) return NONE;
    if (sector === 1 && this.hasZeroed) return ZERO;
    const host = sector * SECTOR;
    if (!this.isCompressed) return { kind: 'data', host };
    return { kind: 'packed', unpack: (into) => this.unpack(host, into) };
  }

  /** A marker with the grain's number and the length of its data comes first. */
  private async unpack(host: number, into: Uint8Array<ArrayBuffer>): Promise<void> {
    const marker = new Uint8Array(12);
    await readPadded(this.file, host, marker);
    const length = this.hasMarkers ? viewOf(marker).getUint32(8, true) : 2 * this.grainBytes;
    const packed = new Uint8Array(Math.min(length, 2 * this.grainBytes + 1024));
    await readPadded(this.file, host + (this.hasMarkers ? 12 : 0), packed);
    // The last grain may be shorter than the others.
    if (inflateInto(packed, into, 'zlib') === undefined) {
      throw new BlockFailure('EIO', `image '${this.name}': the compressed VMDK grain at ${hex(host)} is damaged`);
    }
  }

  async allocate(grain: number): Promise<number> {
    if ((await this.entryAt(this.directory, grain)) === undefined) {
      throw new BlockFailure('EIO', `image '${this.name}': there is no VMDK grain table for grain ${grain}`);
    }
    const host = roundUp(this.file.sizeBytes, SECTOR);
    if (host / SECTOR > 0xffffffff) throw new BlockFailure('ENOSPC', `image '${this.name}': the VMDK extent is full`);
    await zeroGrowing(this.file, host, this.grainBytes);
    return host;
  }

  async link(grain: number, host: number): Promise<void> {
    for (const directory of [this.directory, this.redundant]) {
      const at = directory === undefined ? undefined : await this.entryAt(directory, grain);
      if (at === undefined) continue;
      const page = await this.cache.page(at);
      page.view.setUint32(at - page.offset, host / SECTOR, true);
      this.cache.markDirty(page);
    }
  }

  commit(): Promise<void> {
    return this.cache.write();
  }
}
