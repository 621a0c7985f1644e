/**
 * The two-level mapping from guest to host clusters. The active L1 table is in memory, L2 tables are cached. Nothing
 * that refers to a cluster reaches the disk before the cluster's contents and its count: `commit` says in which order.
 */
import { BlockFailure, type BlockNode } from '../../api.ts';
import { hex, roundUp, setU64BE, viewOf } from '../fields.ts';
import { readStructure, refuse, writeGrowing, zeroGrowing } from '../image.ts';
import { PageCache } from '../page-cache.ts';
import { FIELD, type Header, MAX_L1_BYTES } from './header.ts';
import type { Refcounts } from './refcounts.ts';

/** Bits of an entry's upper half. */
export const COPIED = 0x80000000;
export const COMPRESSED = 0x40000000;
/** Bit of an entry's lower half: the cluster reads as zeros. */
export const ZERO = 1;
const OFFSET_HIGH = 0x00ffffff;
const OFFSET_LOW = 0xfffffe00;
const TWO_32 = 2 ** 32;
const ENTRY = 8;
const SECTOR = 512;

export type ClusterKind = 'unallocated' | 'zero' | 'normal' | 'compressed';

/** Clusters that follow one another in the guest and, where they have a place, in the file. */
export interface Run {
  readonly kind: ClusterKind;
  readonly clusters: number;
  /** 0: none. A zero cluster may have one. */
  readonly host: number;
  /** Nobody else refers to it: it may be written in place. */
  readonly copied: boolean;
  /** Of compressed data, in bytes up to the end of the last sector. */
  readonly length: number;
}

export function offsetOf(hi: number, lo: number): number {
  return (hi & OFFSET_HIGH) * TWO_32 + ((lo & OFFSET_LOW) >>> 0);
}

/** Where a compressed cluster's data lie: the descriptor's fields depend on the cluster's size. */
export function compressedPlace(hi: number, lo: number, clusterBits: number): { host: number; length: number } {
  // The offset has 62 - (clusterBits - 8) bits; the count of further sectors is above it.
  const countShift = 62 - (clusterBits - 8) - 32;
  const host = (hi & (2 ** countShift - 1)) * TWO_32 + (lo >>> 0);
  const sectors = ((hi & 0x3fffffff) >>> countShift) + 1;
  return { host, length: sectors * SECTOR - (lo & (SECTOR - 1)) };
}

export class Tables {
  readonly clusterSize: number;
  readonly entriesPerTable: number;
  readonly cache: PageCache;
  /** The active L1 table, as on the disk. */
  l1: DataView;
  /** Counts are put right after a crash, so nothing waits for them. */
  lazy = false;
  private readonly file: BlockNode;
  private readonly header: Header;
  private readonly name: string;
  private readonly refcounts: Refcounts;
  private readonly dirtySectors = new Set<number>();
  private tableOffsets: Set<number> | undefined;

  private constructor(
    file: BlockNode,
    {
      header,
      name,
      refcounts,
      l1,
    }: { header: Header; name: string; refcounts: Refcounts; l1: Uint8Array<ArrayBuffer> },
  ) {
    this.file = file;
    this.header = header;
    this.name = name;
    this.refcounts = refcounts;
    this.clusterSize = 1 << header.clusterBits;
    this.entriesPerTable = this.clusterSize / ENTRY;
    this.l1 = viewOf(l1);
    const pageSize = Math.min(this.clusterSize, 4096);
    this.cache = new PageCache(file, { pageSize, maxPages: Math.max(256, (4 << 20) / pageSize) });
    this.cache.beforeWrite = () => this.barrier();
  }

  static async open(file: BlockNode, header: Header, name: string, refcounts: Refcounts): Promise<Tables> {
    const l1 = await readL1(file, {
      name,
      header,
      offset: header.l1Offset,
      entries: header.l1Entries,
      what: 'the L1 table',
    });
    return new Tables(file, { header, name, refcounts, l1 });
  }

  get l1Entries(): number {
    return this.l1.byteLength / ENTRY;
  }

  /** Bytes of the guest's disk that one L2 table maps. */
  get bytesPerTable(): number {
    return this.entriesPerTable * this.clusterSize;
  }

  l1Offset(index: number): number {
    return offsetOf(this.l1.getUint32(index * ENTRY), this.l1.getUint32(index * ENTRY + 4));
  }

  /** Whether the cluster at `offset` is an active L2 table or part of the active L1 table. */
  isTable(offset: number): boolean {
    if (this.tableOffsets === undefined) {
      this.tableOffsets = new Set();
      for (let i = 0; i < this.l1Entries; i++) this.tableOffsets.add(this.l1Offset(i));
    }
    const { l1Offset } = this.header;
    if (l1Offset !== 0 && offset + this.clusterSize > l1Offset && offset < l1Offset + this.l1.byteLength) return true;
    return offset !== 0 && this.tableOffsets.has(offset);
  }

  /** A damaged image: the message names the place. */
  private damaged(what: string): BlockFailure {
    return new BlockFailure('EIO', `image '${this.name}': ${what}`);
  }

  private tableOf(l1Index: number): number {
    if (l1Index >= this.l1Entries) return 0;
    const table = this.l1Offset(l1Index);
    if (table % this.clusterSize !== 0) {
      throw this.damaged(`L2 table offset ${hex(table)} is not aligned (L1 index ${l1Index})`);
    }
    return table;
  }

  /** What the guest's clusters from `cluster` on are: at least one of them, at most `max`. */
  async run(cluster: number, max: number): Promise<Run> {
    const l1Index = Math.floor(cluster / this.entriesPerTable);
    const l2Index = cluster % this.entriesPerTable;
    const inTable = Math.min(max, this.entriesPerTable - l2Index);
    const table = this.tableOf(l1Index);
    if (table === 0) return { kind: 'unallocated', clusters: inTable, host: 0, copied: false, length: 0 };
    const at = table + l2Index * ENTRY;
    const page = this.cache.peek(at) ?? (await this.cache.page(at));
    const inPage = at - page.offset;
    const entries = Math.min(inTable, (page.bytes.length - inPage) / ENTRY);
    const first = this.decode(page.view, inPage, l2Index);
    let clusters = 1;
    if (first.kind !== 'compressed') {
      const step = first.host === 0 ? 0 : this.clusterSize;
      for (; clusters < entries; clusters++) {
        const next = this.decode(page.view, inPage + clusters * ENTRY, l2Index + clusters);
        if (next.kind !== first.kind || next.copied !== first.copied) break;
        if (next.host !== first.host + clusters * step) break;
      }
    }
    return { ...first, clusters };
  }

  private decode(view: DataView, at: number, l2Index: number): Run {
    const hi = view.getUint32(at);
    const lo = view.getUint32(at + 4);
    if (hi & COMPRESSED) {
      const { host, length } = compressedPlace(hi, lo, this.header.clusterBits);
      return { kind: 'compressed', clusters: 1, host, copied: false, length };
    }
    const host = offsetOf(hi, lo);
    if (host % this.clusterSize !== 0) {
      throw this.damaged(`cluster offset ${hex(host)} is not aligned (L2 index ${l2Index})`);
    }
    const zero = this.header.version >= 3 && (lo & ZERO) !== 0;
    const kind = zero ? 'zero' : host === 0 ? 'unallocated' : 'normal';
    return { kind, clusters: 1, host, copied: (hi & COPIED) !== 0 && host !== 0, length: 0 };
  }

  /** The L2 table of an L1 entry, of which nobody else has a part: a new one, or a copy of one that is shared. */
  async ownTable(l1Index: number): Promise<number> {
    const old = this.tableOf(l1Index);
    if (old !== 0 && this.l1.getUint32(l1Index * ENTRY) & COPIED) return old;
    const table = await this.refcounts.allocate(1);
    this.cache.drop(table, this.clusterSize);
    if (old === 0) {
      await zeroGrowing(this.file, table, this.clusterSize);
    } else {
      const copy = new Uint8Array(this.clusterSize);
      for (let at = 0; at < this.clusterSize; at += this.cache.pageSize) {
        copy.set((await this.cache.page(old + at)).bytes, at);
      }
      await writeGrowing(this.file, table, copy);
      this.refcounts.release(old, this.clusterSize);
    }
    this.setL1(l1Index, table, COPIED);
    return table;
  }

  setL1(index: number, offset: number, flags: number): void {
    this.tableOffsets?.delete(this.l1Offset(index));
    setU64BE(this.l1, index * ENTRY, offset);
    this.l1.setUint32(index * ENTRY, (this.l1.getUint32(index * ENTRY) | flags) >>> 0);
    this.dirtySectors.add(Math.floor((index * ENTRY) / SECTOR));
    if (offset !== 0) this.tableOffsets?.add(offset);
  }

  /**
   * Sets the entries of contiguous clusters. `host` 0: without a place, the flags alone count; otherwise each next
   * one lies a cluster further.
   */
  async setRun(cluster: number, clusters: number, host: number, high: number, low: number): Promise<void> {
    for (let i = 0; i < clusters; ) {
      const l1Index = Math.floor((cluster + i) / this.entriesPerTable);
      const table = await this.ownTable(l1Index);
      const at = table + ((cluster + i) % this.entriesPerTable) * ENTRY;
      const page = this.cache.peek(at) ?? (await this.cache.page(at));
      let inPage = at - page.offset;
      for (; i < clusters && inPage < page.bytes.length; i++, inPage += ENTRY) {
        const offset = host === 0 ? 0 : host + i * this.clusterSize;
        page.view.setUint32(inPage, (Math.floor(offset / TWO_32) | high) >>> 0);
        page.view.setUint32(inPage + 4, ((offset % TWO_32) | low) >>> 0);
      }
      this.cache.markDirty(page);
    }
  }

  async setCompressed(cluster: number, host: number, length: number): Promise<void> {
    const sectors = Math.floor((host + length - 1) / SECTOR) - Math.floor(host / SECTOR);
    const countShift = 62 - (this.header.clusterBits - 8) - 32;
    const high = (COMPRESSED | (sectors * 2 ** countShift)) >>> 0;
    await this.setRun(cluster, 1, host, high, 0);
  }

  /** A larger L1 table, in a new place. */
  async growL1(entries: number): Promise<void> {
    if (entries <= this.l1Entries) return;
    if (entries * ENTRY > MAX_L1_BYTES) {
      throw new BlockFailure('EINVAL', `image '${this.name}': an L1 table of ${entries} entries is too large`);
    }
    const bytes = new Uint8Array(roundUp(entries * ENTRY, this.clusterSize));
    bytes.set(new Uint8Array(this.l1.buffer, this.l1.byteOffset, this.l1.byteLength));
    await this.replaceL1(bytes.subarray(0, entries * ENTRY), bytes);
  }

  /**
   * Another L1 table in a new place. What refers to new things is safe first; the header turns to it in one write.
   * `padded` fills whole clusters.
   */
  async replaceL1(l1: Uint8Array<ArrayBuffer>, padded: Uint8Array): Promise<void> {
    const offset = l1.length === 0 ? 0 : await this.refcounts.allocate(padded.length / this.clusterSize);
    if (offset !== 0) await writeGrowing(this.file, offset, padded);
    await this.cache.write();
    await this.barrier();
    const field = new Uint8Array(12);
    viewOf(field).setUint32(0, l1.length / ENTRY);
    setU64BE(viewOf(field), 4, offset);
    await this.file.write(FIELD.l1Entries, field);
    await this.file.flush();
    const { l1Offset, l1Entries } = this.header;
    if (l1Entries > 0) this.refcounts.release(l1Offset, roundUp(l1Entries * ENTRY, this.clusterSize));
    this.header.l1Offset = offset;
    this.header.l1Entries = l1.length / ENTRY;
    this.l1 = viewOf(l1);
    this.dirtySectors.clear();
    this.tableOffsets = undefined;
  }

  /** Data and counts are safe when this ends: then entries may refer to them. */
  private async barrier(): Promise<void> {
    if (!this.lazy) await this.refcounts.write();
    await this.file.flush();
  }

  get isDirty(): boolean {
    return this.cache.isDirty || this.dirtySectors.size > 0 || this.refcounts.isDirty || this.refcounts.hasReleased;
  }

  /** All is safe when this ends: data and counts, then L2 tables, then the L1 table; then what was let go of is free. */
  async commit(): Promise<void> {
    await this.cache.write();
    if (this.dirtySectors.size > 0) {
      await this.barrier();
      for (const sector of [...this.dirtySectors].sort((a, b) => a - b)) {
        const at = sector * SECTOR;
        const length = Math.min(SECTOR, this.l1.byteLength - at);
        const bytes = new Uint8Array(this.l1.buffer, this.l1.byteOffset + at, length);
        await writeGrowing(this.file, this.header.l1Offset + at, bytes);
        this.dirtySectors.delete(sector);
      }
    }
    await this.barrier();
    await this.settle();
  }

  /** Nothing on the disk has what was released. A table of counts that moved releases its old place. */
  private async settle(): Promise<void> {
    while (this.refcounts.hasReleased) {
      await this.refcounts.settle();
      if (!this.lazy) await this.refcounts.write();
    }
  }

  /** After a `commit`: the counts are safe, too, even if they are kept lazily. */
  async commitCounts(): Promise<void> {
    do {
      await this.refcounts.write();
      await this.file.flush();
      await this.settle();
    } while (this.refcounts.isDirty);
  }
}

/** An L1 table, the active one or a snapshot's. */
export async function readL1(
  file: BlockNode,
  {
    name,
    header,
    offset,
    entries,
    what,
  }: { name: string; header: Header; offset: number; entries: number; what: string },
): Promise<Uint8Array<ArrayBuffer>> {
  if (entries * ENTRY > MAX_L1_BYTES) throw refuse(name, `${what} is too large (${entries} entries)`);
  if (offset % (1 << header.clusterBits) !== 0) throw refuse(name, `${what}'s offset ${hex(offset)} is not aligned`);
  if (entries === 0) return new Uint8Array();
  return readStructure(file, { name, what, offset, length: entries * ENTRY });
}

/** How many L1 entries a disk of this size needs. */
export function l1EntriesFor(sizeBytes: number, clusterBits: number): number {
  return Math.ceil(sizeBytes / 2 ** (clusterBits + (clusterBits - 3)));
}
