/**
 * Whether an image is sound: what refers to each host cluster is counted anew and compared with the counts it has.
 * Faults, repairs and their wording are those of `qemu-img check`.
 */
import { getU64BE, hex, roundUp, viewOf } from '../fields.ts';
import { type CheckResult, type Repair, readPadded, refuse } from '../image.ts';
import { AUTOCLEAR_BITMAPS, EXTENSION_BITMAPS, INCOMPATIBLE_CORRUPT, INCOMPATIBLE_DIRTY } from './header.ts';
import type { Qcow2Image } from './image.ts';
import { COMPRESSED, COPIED, compressedPlace, offsetOf, readL1, ZERO } from './tables.ts';

const ENTRY = 8;
/** Bits 56 to 62 of an entry, and 1 to 8. */
const RESERVED_HIGH = 0x7f000000;
const L2_RESERVED_HIGH = 0x3f000000;
const RESERVED_LOW = 0x1ff;
const L2_RESERVED_LOW = 0x1fe;
/** As many clusters as this are counted: 16 TiB of an image with clusters of 64 KiB. */
const MAX_COUNTED = 1 << 28;
const CHUNK = 512;

/** Counts of clusters, most of which are never asked for. */
class Counts {
  private readonly chunks = new Map<number, Uint32Array>();
  private readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  get(cluster: number): number {
    return this.chunks.get(Math.floor(cluster / CHUNK))?.[cluster % CHUNK] ?? 0;
  }

  add(cluster: number): void {
    const index = Math.floor(cluster / CHUNK);
    let chunk = this.chunks.get(index);
    if (chunk === undefined) {
      if (this.chunks.size * CHUNK >= MAX_COUNTED) throw refuse(this.name, 'the image is too large to be checked');
      chunk = new Uint32Array(CHUNK);
      this.chunks.set(index, chunk);
    }
    chunk[cluster % CHUNK]!++;
  }

  *entries(): Generator<[cluster: number, count: number]> {
    for (const index of [...this.chunks.keys()].sort((a, b) => a - b)) {
      const chunk = this.chunks.get(index)!;
      for (let i = 0; i < CHUNK; i++) if (chunk[i] !== 0) yield [index * CHUNK + i, chunk[i]!];
    }
  }
}

export async function checkImage(image: Qcow2Image, repair: Repair, log: (line: string) => void): Promise<CheckResult> {
  const check = new Check(image, repair, log);
  await check.run();
  return check.result;
}

/**
 * A cluster that is in use and has too low a count, if there is one: what is free by the counts may not be given away.
 * Nothing else is judged.
 */
export async function findUndercounted(image: Qcow2Image): Promise<number | undefined> {
  return new Check(image, 'none', () => {}).findUndercounted();
}

class Check {
  readonly result: CheckResult = {
    corruptions: 0,
    leaks: 0,
    corruptionsFixed: 0,
    leaksFixed: 0,
    checkErrors: 0,
    allocatedClusters: 0,
    fragmentedClusters: 0,
    compressedClusters: 0,
  };
  private readonly image: Qcow2Image;
  private readonly repair: Repair;
  private readonly log: (line: string) => void;
  private readonly counts: Counts;
  private readonly clusterSize: number;
  private readonly fileClusters: number;
  /** The counts' own structure is damaged: all of it has to be made anew. */
  private mustRebuild = false;

  constructor(image: Qcow2Image, repair: Repair, log: (line: string) => void) {
    this.image = image;
    this.repair = repair;
    this.log = log;
    this.counts = new Counts(image.name);
    this.clusterSize = image.clusterSize;
    this.fileClusters = Math.ceil(image.file.sizeBytes / this.clusterSize);
  }

  async run(): Promise<void> {
    const { image, result } = this;
    result.totalClusters = Math.ceil(image.sizeBytes / this.clusterSize);
    await this.countTables();
    const withoutRefcounts = this.repair === 'all' ? new Map(this.counts.entries()) : undefined;
    this.countRefcounts();
    if (!this.mustRebuild) await this.compare();
    if (this.mustRebuild) await this.rebuild(withoutRefcounts);
    await this.checkCopied();
    if (this.repair === 'none') return;
    await image.tables.commit();
    await image.refcounts.write();
    await image.file.flush();
    if (result.corruptions === 0 && result.checkErrors === 0) {
      const marks = INCOMPATIBLE_DIRTY | INCOMPATIBLE_CORRUPT;
      if (image.header.incompatible & marks) await image.setIncompatible(0n, marks);
    }
  }

  async findUndercounted(): Promise<number | undefined> {
    await this.countTables();
    this.countRefcounts();
    for (const [cluster, references] of this.counts.entries()) {
      if ((await this.image.refcounts.get(cluster)) < references) return cluster;
    }
    return undefined;
  }

  private corruption(text: string): void {
    this.result.corruptions++;
    this.log(`ERROR ${text}`);
  }

  private count(offset: number, length: number): void {
    if (length === 0) return;
    if (offset + length - this.image.file.sizeBytes >= this.clusterSize) {
      this.corruption(
        `counting reference for region exceeding the end of the file by one cluster or more: offset ${hex(offset)} size ${hex(length)}`,
      );
      return;
    }
    const last = Math.floor((offset + length - 1) / this.clusterSize);
    for (let cluster = Math.floor(offset / this.clusterSize); cluster <= last; cluster++) this.counts.add(cluster);
  }

  private async countTables(): Promise<void> {
    const { header, tables, snapshots, file, name } = this.image;
    this.count(0, this.clusterSize);
    if (tables.l1.byteLength > 0) this.count(header.l1Offset, tables.l1.byteLength);
    await this.countL1(tables.l1, true);
    for (const snapshot of snapshots.list) {
      const what = `the L1 table of snapshot '${snapshot.name}'`;
      try {
        const { l1Offset: offset, l1Entries: entries } = snapshot;
        const l1 = await readL1(file, { name, header, offset, entries, what });
        this.count(offset, l1.length);
        await this.countL1(viewOf(l1), false);
      } catch (error) {
        this.corruption(error instanceof Error ? error.message : String(error));
      }
    }
    if (snapshots.area) this.count(snapshots.area.offset, snapshots.area.length);
    if (header.autoclear & AUTOCLEAR_BITMAPS) await this.countBitmaps();
  }

  private async countL1(l1: DataView, isActive: boolean): Promise<void> {
    const seen = new Set<number>();
    for (let i = 0; i < l1.byteLength / ENTRY; i++) {
      const [hi, lo] = [l1.getUint32(i * ENTRY), l1.getUint32(i * ENTRY + 4)];
      if ((hi & RESERVED_HIGH) !== 0 || (lo & RESERVED_LOW) !== 0) {
        this.corruption(`found L1 entry with reserved bits set: ${entryText(hi, lo)}`);
      }
      const table = offsetOf(hi, lo);
      if (table === 0) continue;
      this.count(table, this.clusterSize);
      if (table % this.clusterSize !== 0) {
        this.corruption(`l2_offset=${hex(table)}: Table is not cluster aligned; L1 entry corrupted`);
      } else if (!seen.has(table)) {
        // One that is there twice is found by its count; it leads to the same clusters.
        seen.add(table);
        await this.countL2(table, isActive);
      }
    }
  }

  private async countL2(table: number, isActive: boolean): Promise<void> {
    const { result } = this;
    const bytes = new Uint8Array(this.clusterSize);
    await readPadded(this.image.file, table, bytes);
    const view = viewOf(bytes);
    let next = 0;
    for (let at = 0; at < bytes.length; at += ENTRY) {
      const [hi, lo] = [view.getUint32(at), view.getUint32(at + 4)];
      if (hi === 0 && lo === 0) continue;
      if (hi & COMPRESSED) {
        const { host, length } = compressedPlace(hi, lo, this.image.header.clusterBits);
        if (hi & COPIED) {
          this.corruption(`coffset=${hex(host)}: copied flag must never be set for compressed clusters`);
        }
        this.count(host, length);
        if (!isActive) continue;
        result.allocatedClusters!++;
        result.compressedClusters!++;
        // Compressed clusters are fragmented by nature.
        result.fragmentedClusters!++;
        continue;
      }
      if ((hi & L2_RESERVED_HIGH) !== 0 || (lo & L2_RESERVED_LOW) !== 0) {
        this.corruption(`found l2 entry with reserved bits set: ${entryText(hi, lo)}`);
      }
      const host = offsetOf(hi, lo);
      if (host === 0) continue;
      if (host % this.clusterSize !== 0) {
        const what = lo & ZERO ? 'Preallocated cluster' : 'Cluster';
        this.corruption(`offset=${hex(host)}: ${what} is not properly aligned; L2 entry corrupted.`);
        continue;
      }
      this.count(host, this.clusterSize);
      if (!isActive) continue;
      result.allocatedClusters!++;
      if (next !== 0 && host !== next) result.fragmentedClusters!++;
      next = host + this.clusterSize;
    }
  }

  /** The directory and the tables of persistent bitmaps, and their data. */
  private async countBitmaps(): Promise<void> {
    const { header, file } = this.image;
    const data = header.extensions.find(({ type }) => type === EXTENSION_BITMAPS)?.data;
    if (data === undefined || data.length < 24) {
      this.corruption('the bitmaps extension is missing');
      return;
    }
    const [size, offset] = [getU64BE(viewOf(data), 8), getU64BE(viewOf(data), 16)];
    if (offset + size > file.sizeBytes || size > 64 << 20) {
      this.corruption(`the bitmap directory (${size} bytes at ${hex(offset)}) lies beyond the end of the file`);
      return;
    }
    this.count(offset, size);
    const directory = new Uint8Array(size);
    await readPadded(file, offset, directory);
    const view = viewOf(directory);
    for (let at = 0; at + 24 <= size; ) {
      const [table, entries] = [getU64BE(view, at), view.getUint32(at + 8)];
      if (table + entries * ENTRY > file.sizeBytes) {
        this.corruption(`the bitmap table at ${hex(table)} lies beyond the end of the file`);
      } else {
        this.count(table, entries * ENTRY);
        await this.countBitmap(table, entries);
      }
      at += roundUp(24 + view.getUint16(at + 18) + view.getUint32(at + 20), 8);
    }
  }

  private async countBitmap(table: number, entries: number): Promise<void> {
    const bytes = new Uint8Array(entries * ENTRY);
    await readPadded(this.image.file, table, bytes);
    const view = viewOf(bytes);
    for (let at = 0; at < bytes.length; at += ENTRY) {
      const host = offsetOf(view.getUint32(at), view.getUint32(at + 4));
      if (host !== 0) this.count(host, this.clusterSize);
    }
  }

  private countRefcounts(): void {
    const { header, refcounts, file } = this.image;
    this.count(header.refcountTableOffset, header.refcountTableClusters * this.clusterSize);
    refcounts.table.forEach((block, i) => {
      if (block === 0) return;
      if (!refcounts.isSound(block)) {
        this.corruption(`refcount block ${i} is not cluster aligned; refcount table entry corrupted`);
      } else if (block >= file.sizeBytes) {
        this.corruption(`refcount block ${i} is outside image`);
      } else {
        this.count(block, this.clusterSize);
        const references = this.counts.get(block / this.clusterSize);
        if (references === 1) return;
        this.corruption(`refcount block ${i} refcount=${references}`);
      }
      this.mustRebuild = true;
    });
  }

  private async compare(): Promise<void> {
    const { result, image } = this;
    const { refcounts } = image;
    const blocks = new Set<number>();
    refcounts.table.forEach((block, i) => {
      if (block !== 0) blocks.add(i);
    });
    for (const [cluster] of this.counts.entries()) blocks.add(Math.floor(cluster / refcounts.perBlock));
    let end = 0;
    for (const block of [...blocks].sort((a, b) => a - b)) {
      const last = Math.min(this.fileClusters, (block + 1) * refcounts.perBlock);
      for (let cluster = block * refcounts.perBlock; cluster < last; cluster++) {
        const has = await refcounts.get(cluster);
        const references = this.counts.get(cluster);
        if (has > 0 || references > 0) end = cluster + 1;
        if (has !== references) await this.differs(cluster, has, references);
      }
    }
    result.imageEndOffset = end * this.clusterSize;
  }

  private async differs(cluster: number, has: number, references: number): Promise<void> {
    const { result, repair } = this;
    const isLeak = has > references;
    const repairs = isLeak ? repair !== 'none' : repair === 'all' && has > 0;
    const verb = repairs ? 'Repairing' : isLeak ? 'Leaked' : 'ERROR';
    this.log(`${verb} cluster ${cluster} refcount=${has} reference=${references}`);
    if (repairs) {
      await this.image.refcounts.set(cluster, Math.min(references, this.image.refcounts.max));
      if (isLeak) result.leaksFixed++;
      else result.corruptionsFixed++;
    } else if (isLeak) {
      result.leaks++;
    } else {
      result.corruptions++;
      // Used, but not counted at all: the block may be missing, or what is free cannot be told.
      if (has === 0) this.mustRebuild = true;
    }
  }

  private async rebuild(counts: ReadonlyMap<number, number> | undefined): Promise<void> {
    if (counts === undefined) return;
    this.log('Rebuilding refcount structure');
    const { result, image } = this;
    let end = this.fileClusters;
    for (const cluster of counts.keys()) end = Math.max(end, cluster + 1);
    const before = result.corruptions;
    await image.refcounts.rebuild(counts, end);
    result.corruptionsFixed += before;
    result.leaksFixed += result.leaks;
    result.corruptions = 0;
    result.leaks = 0;
    // What the tables themselves have wrong is still wrong.
    const again = new Check(image, 'none', () => {});
    await again.countTables();
    again.countRefcounts();
    await again.compare();
    result.corruptions = again.result.corruptions;
    result.leaks = again.result.leaks;
    result.corruptionsFixed -= Math.min(result.corruptionsFixed, again.result.corruptions);
    if (again.result.imageEndOffset !== undefined) result.imageEndOffset = again.result.imageEndOffset;
  }

  /** The flags that say of what there is no other owner have to agree with the counts. */
  private async checkCopied(): Promise<void> {
    const { image, result } = this;
    const { tables, refcounts } = image;
    const isSound = result.corruptions === 0 && result.leaks === 0 && result.checkErrors === 0;
    const repairs = this.repair === 'all' || (this.repair === 'leaks' && isSound);
    const wrong = (text: string): void => {
      this.log(`${repairs ? 'Repairing' : 'ERROR'} ${text}`);
      if (repairs) result.corruptionsFixed++;
      else result.corruptions++;
    };
    const seen = new Set<number>();
    for (let i = 0; i < tables.l1Entries; i++) {
      const [l1Hi, l1Lo] = [tables.l1.getUint32(i * ENTRY), tables.l1.getUint32(i * ENTRY + 4)];
      const table = offsetOf(l1Hi, l1Lo);
      if (table === 0 || table % this.clusterSize !== 0 || table >= image.file.sizeBytes) continue;
      const owners = await refcounts.get(table / this.clusterSize);
      if ((owners === 1) !== ((l1Hi & COPIED) !== 0)) {
        wrong(`OFLAG_COPIED L2 cluster: l1_index=${i} l1_entry=${entryText(l1Hi, l1Lo)} refcount=${owners}`);
        if (repairs) tables.setL1(i, table, owners === 1 ? COPIED : 0);
      }
      if (seen.has(table)) continue;
      seen.add(table);
      for (let start = table; start < table + this.clusterSize; start += tables.cache.pageSize) {
        const page = await tables.cache.page(start);
        for (let at = 0; at < page.bytes.length; at += ENTRY) {
          const [hi, lo] = [page.view.getUint32(at), page.view.getUint32(at + 4)];
          const host = offsetOf(hi, lo);
          if (hi & COMPRESSED || host === 0 || host % this.clusterSize !== 0) continue;
          const others = await refcounts.get(host / this.clusterSize);
          if ((others === 1) === ((hi & COPIED) !== 0)) continue;
          wrong(`OFLAG_COPIED data cluster: l2_entry=${entryText(hi, lo)} refcount=${others}`);
          if (!repairs) continue;
          page.view.setUint32(at, (hi ^ COPIED) >>> 0);
          tables.cache.markDirty(page);
        }
      }
    }
  }
}

function entryText(hi: number, lo: number): string {
  return (BigInt(hi >>> 0) * 2n ** 32n + BigInt(lo >>> 0)).toString(16);
}
