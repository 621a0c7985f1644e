/**
 * Reference counts of host clusters, and who gets which cluster. Increments may reach the disk at any time; a cluster
 * is given back only after nothing on the disk refers to it any more (`release`, then `settle` after the barrier).
 */
import { BlockFailure, type BlockNode } from '../../api.ts';
import { getU64BE, hex, setU64BE, viewOf } from '../fields.ts';
import { readStructure, refuse, writeGrowing, zeroGrowing } from '../image.ts';
import { PageCache } from '../page-cache.ts';
import { countAt, MAX_EXACT, setCountAt } from './count-field.ts';
import { FIELD, type Header, MAX_REFCOUNT_TABLE_BYTES } from './header.ts';

const ENTRY = 8;
/** Bits 0 to 8 of a table's entry are reserved. */
const OFFSET_UNIT = 512;
/** Released clusters that are kept back until the next barrier; more than these ask for one. */
const MANY_RELEASED = 4096;
const MAX_HOST_OFFSET = 2 ** 56;

export class Refcounts {
  readonly cache: PageCache;
  /** Throws if the clusters that are about to be given away hold tables: counts lie. */
  guard: (offset: number, length: number) => void = () => {};
  /** Called once, before the first cluster within the file is given away: whether counts can be trusted. */
  beforeReuse: (() => Promise<void>) | undefined;
  /** Hears that a cluster is free. */
  onFree: (offset: number) => void = () => {};
  readonly bits: number;
  readonly max: number;
  readonly perBlock: number;
  /** Offsets of the blocks; 0: none. */
  table: Float64Array;
  private readonly file: BlockNode;
  private readonly header: Header;
  private readonly name: string;
  private readonly clusterSize: number;
  private readonly dirtyEntries = new Set<number>();
  private blocks: Set<number> | undefined;
  private moved: { oldOffset: number; oldClusters: number } | undefined;
  /** No cluster below this one is free. */
  private firstFree = 0;
  /** Where the next compressed cluster may go on in a cluster of others. */
  private nextByte = 0;
  private released: { offset: number; length: number }[] = [];

  private constructor(file: BlockNode, header: Header, name: string, table: Float64Array) {
    this.file = file;
    this.header = header;
    this.name = name;
    this.table = table;
    this.clusterSize = 1 << header.clusterBits;
    this.bits = 1 << header.refcountOrder;
    this.max = this.bits >= 53 ? MAX_EXACT : 2 ** this.bits - 1;
    this.perBlock = (this.clusterSize * 8) / this.bits;
    const pageSize = Math.min(this.clusterSize, 4096);
    this.cache = new PageCache(file, { pageSize, maxPages: Math.max(64, (1 << 20) / pageSize) });
  }

  static async open(file: BlockNode, header: Header, name: string): Promise<Refcounts> {
    const clusterSize = 1 << header.clusterBits;
    const length = header.refcountTableClusters * clusterSize;
    const offset = header.refcountTableOffset;
    if (length === 0) throw refuse(name, 'the image has no refcount table');
    if (length > MAX_REFCOUNT_TABLE_BYTES) throw refuse(name, `the refcount table is too large (${length} bytes)`);
    if (offset % clusterSize !== 0) throw refuse(name, `the refcount table's offset ${hex(offset)} is not aligned`);
    const bytes = await readStructure(file, { name, what: 'the refcount table', offset, length });
    const view = viewOf(bytes);
    return new Refcounts(
      file,
      header,
      name,
      Float64Array.from({ length: length / ENTRY }, (_, i) => {
        const entry = getU64BE(view, i * ENTRY);
        return entry - (entry % OFFSET_UNIT);
      }),
    );
  }

  /** An offset that cannot be a block's: unaligned, or beyond what offsets can say. */
  isSound(blockOffset: number): boolean {
    return blockOffset % this.clusterSize === 0 && blockOffset < MAX_HOST_OFFSET;
  }

  private blockOf(cluster: number): number {
    const offset = this.table[Math.floor(cluster / this.perBlock)] ?? 0;
    if (!this.isSound(offset)) {
      throw new BlockFailure('EIO', `image '${this.name}': refcount block offset ${hex(offset)} is not a cluster's`);
    }
    return offset;
  }

  private byteOf(block: number, cluster: number): number {
    return block + Math.floor(((cluster % this.perBlock) * this.bits) / 8);
  }

  async get(cluster: number): Promise<number> {
    const block = this.blockOf(cluster);
    if (block === 0) return 0;
    const at = this.byteOf(block, cluster);
    const page = this.cache.peek(at) ?? (await this.cache.page(at));
    return countAt(page.view, at - page.offset, this.bits, cluster);
  }

  /** Sets one count, whatever it was. The block has to be there. */
  async set(cluster: number, count: number): Promise<void> {
    const block = this.blockOf(cluster);
    if (block === 0) throw new Error(`BUG: cluster ${cluster} has no refcount block`);
    const at = this.byteOf(block, cluster);
    const page = this.cache.peek(at) ?? (await this.cache.page(at));
    setCountAt(page.view, at - page.offset, { bits: this.bits, index: cluster, count });
    this.cache.markDirty(page);
    if (count !== 0) return;
    if (cluster < this.firstFree) this.firstFree = cluster;
    if (cluster === Math.floor(this.nextByte / this.clusterSize)) this.nextByte = 0;
    this.onFree(cluster * this.clusterSize);
  }

  /** One more reference to each cluster that the bytes touch, or to none. */
  async addReference(offset: number, length: number): Promise<void> {
    for (const cluster of this.clustersOf(offset, length)) {
      const count = await this.get(cluster);
      if (count === 0) {
        throw new BlockFailure(
          'EIO',
          `image '${this.name}': cluster ${cluster} is in use but counted as free; check it, with repair`,
        );
      }
      if (count < this.max) continue;
      throw new BlockFailure(
        'EINVAL',
        `image '${this.name}': cluster ${cluster} has ${count} references already, ${this.bits}-bit refcounts allow no more`,
      );
    }
    for (const cluster of this.clustersOf(offset, length)) await this.set(cluster, (await this.get(cluster)) + 1);
  }

  /** One reference less, at once: nothing on the disk has it any more. */
  async dropReference(offset: number, length: number): Promise<void> {
    for (const cluster of this.clustersOf(offset, length)) {
      const count = await this.get(cluster);
      // A count that lies: at worst the cluster is lost until the next check.
      if (count === 0 || count >= MAX_EXACT) continue;
      await this.set(cluster, count - 1);
    }
  }

  private *clustersOf(offset: number, length: number): Generator<number> {
    const last = Math.floor((offset + length - 1) / this.clusterSize);
    for (let cluster = Math.floor(offset / this.clusterSize); cluster <= last; cluster++) yield cluster;
  }

  /** One reference less, as soon as the tables that no longer have it are safe. */
  release(offset: number, length: number): void {
    const last = this.released.at(-1);
    if (last && last.offset + last.length === offset && offset % this.clusterSize === 0) last.length += length;
    else this.released.push({ offset, length });
  }

  get hasManyReleased(): boolean {
    return this.released.length > MANY_RELEASED;
  }

  get hasReleased(): boolean {
    return this.released.length > 0;
  }

  /** Nothing on the disk refers to what was released. */
  async settle(): Promise<void> {
    const released = this.released;
    this.released = [];
    for (const { offset, length } of released) await this.dropReference(offset, length);
  }

  /** Contiguous clusters with a count of 1. */
  async allocate(clusters: number): Promise<number> {
    for (;;) {
      const first = await this.findFree(clusters);
      if ((first + clusters) * this.clusterSize > MAX_HOST_OFFSET) {
        throw new BlockFailure('ENOSPC', `image '${this.name}': no host cluster below 2^56 is free`);
      }
      if (this.beforeReuse !== undefined && first * this.clusterSize < this.file.sizeBytes) {
        const verify = this.beforeReuse;
        this.beforeReuse = undefined;
        await verify();
        continue;
      }
      // Blocks that are missing take clusters, perhaps these: then look again.
      if (await this.ensureBlocks(first, clusters)) continue;
      this.guard(first * this.clusterSize, clusters * this.clusterSize);
      for (let i = 0; i < clusters; i++) await this.set(first + i, 1);
      if (first === this.firstFree) this.firstFree = first + clusters;
      return first * this.clusterSize;
    }
  }

  /** As many of `clusters` contiguous clusters as are free in the first gap, at least one. */
  async allocateRun(clusters: number): Promise<{ offset: number; clusters: number }> {
    const offset = await this.allocate(1);
    let taken = 1;
    for (let next = offset / this.clusterSize + 1; taken < clusters; next++, taken++) {
      if (next >= this.table.length * this.perBlock || this.blockOf(next) === 0) break;
      if ((await this.get(next)) !== 0) break;
      this.guard(next * this.clusterSize, this.clusterSize);
      await this.set(next, 1);
      if (next === this.firstFree) this.firstFree++;
    }
    return { offset, clusters: taken };
  }

  private async findFree(clusters: number): Promise<number> {
    let run = 0;
    let atFirst = true;
    for (let cluster = this.firstFree; ; cluster++) {
      // Beyond the table's end nothing is counted yet.
      if (cluster >= this.table.length * this.perBlock) return cluster - run;
      if (this.blockOf(cluster) !== 0 && (await this.get(cluster)) !== 0) {
        run = 0;
        continue;
      }
      if (atFirst) this.firstFree = cluster;
      atFirst = false;
      if (++run === clusters) return cluster - run + 1;
    }
  }

  /** Bytes for compressed data: they may share a cluster with others, and span into the next one. */
  async allocateBytes(length: number): Promise<number> {
    const room = this.clusterSize - (this.nextByte % this.clusterSize);
    let start = this.nextByte;
    const shares = start % this.clusterSize !== 0 && (await this.get(Math.floor(start / this.clusterSize))) < this.max;
    if (!shares) {
      start = await this.allocate(1);
    } else if (length > room) {
      const next = await this.allocate(1);
      if (next === start + room) await this.addReference(start, 1);
      else start = next;
    } else {
      await this.addReference(start, 1);
    }
    this.nextByte = start + length;
    return start;
  }

  /** True if the tables changed in a way that may have taken the clusters. */
  private async ensureBlocks(first: number, clusters: number): Promise<boolean> {
    let changed = false;
    for (let at = first; at < first + clusters; at = (Math.floor(at / this.perBlock) + 1) * this.perBlock) {
      changed = (await this.ensureBlock(at)) || changed;
    }
    return changed;
  }

  /** Makes sure that the cluster has a refcount block. True if something changed. */
  async ensureBlock(cluster: number): Promise<boolean> {
    const index = Math.floor(cluster / this.perBlock);
    if (index >= this.table.length) {
      await this.growTable(index);
      return true;
    }
    if (this.blockOf(cluster) !== 0) return false;
    const home = await this.findFree(1);
    const homeIndex = Math.floor(home / this.perBlock);
    if (homeIndex !== index && (await this.ensureBlock(home))) return this.ensureBlock(cluster);
    this.guard(home * this.clusterSize, this.clusterSize);
    await zeroGrowing(this.file, home * this.clusterSize, this.clusterSize);
    this.setEntry(index, home * this.clusterSize);
    await this.set(home, 1);
    return true;
  }

  /** Whether the cluster at `offset` is a refcount block or part of the table. */
  isTable(offset: number): boolean {
    if (this.blocks === undefined) this.blocks = new Set(this.table);
    const { refcountTableOffset: table, refcountTableClusters } = this.header;
    if (offset >= table && offset < table + refcountTableClusters * this.clusterSize) return true;
    return offset !== 0 && this.blocks.has(offset);
  }

  private setEntry(index: number, offset: number): void {
    this.table[index] = offset;
    this.blocks?.add(offset);
    this.dirtyEntries.add(index);
  }

  /**
   * A larger table, right behind all that the old one counts, with the blocks that count the new area itself. It is
   * in use at once, on the disk after the next `write`.
   */
  private async growTable(index: number): Promise<void> {
    const first = this.table.length * this.perBlock;
    let clusters = this.header.refcountTableClusters;
    let blocks = 0;
    const wanted = Math.max(index + 1, Math.ceil(this.table.length * 1.5));
    do {
      clusters = Math.max(clusters, Math.ceil((wanted * ENTRY) / this.clusterSize));
      blocks = Math.ceil((clusters + blocks + 1) / this.perBlock);
      const entries = this.table.length + blocks;
      if (entries * ENTRY > clusters * this.clusterSize) clusters = Math.ceil((entries * ENTRY) / this.clusterSize);
    } while (blocks * this.perBlock < clusters + blocks);
    if (clusters * this.clusterSize > MAX_REFCOUNT_TABLE_BYTES) {
      throw new BlockFailure('ENOSPC', `image '${this.name}': the refcount table cannot grow beyond 8 MiB`);
    }
    const table = new Float64Array((clusters * this.clusterSize) / ENTRY);
    table.set(this.table);
    const start = first * this.clusterSize;
    const firstIndex = this.table.length;
    this.guard(start, (clusters + blocks) * this.clusterSize);
    await zeroGrowing(this.file, start, (clusters + blocks) * this.clusterSize);
    for (let i = 0; i < blocks; i++) table[firstIndex + i] = start + (clusters + i) * this.clusterSize;
    this.table = table;
    this.blocks = undefined;
    for (let i = 0; i < clusters + blocks; i++) await this.set(first + i, 1);
    if (this.moved === undefined) {
      const { refcountTableOffset: oldOffset, refcountTableClusters: oldClusters } = this.header;
      this.moved = { oldOffset, oldClusters };
    } else {
      // Grown twice before it was written: the one in between never reached the header.
      this.release(this.header.refcountTableOffset, this.header.refcountTableClusters * this.clusterSize);
    }
    this.header.refcountTableOffset = start;
    this.header.refcountTableClusters = clusters;
  }

  get isDirty(): boolean {
    return this.cache.isDirty || this.dirtyEntries.size > 0 || this.moved !== undefined;
  }

  /** Blocks first, then the table that leads to them, then the header that leads to the table. */
  async write(): Promise<void> {
    await this.cache.write();
    if (this.moved !== undefined) {
      await this.writeTable(0, this.table.length);
      await this.file.flush();
      const field = new Uint8Array(12);
      setU64BE(viewOf(field), 0, this.header.refcountTableOffset);
      viewOf(field).setUint32(8, this.header.refcountTableClusters);
      await this.file.write(FIELD.refcountTableOffset, field);
      await this.file.flush();
      this.release(this.moved.oldOffset, this.moved.oldClusters * this.clusterSize);
      this.moved = undefined;
      this.dirtyEntries.clear();
    } else if (this.dirtyEntries.size > 0) {
      await this.file.flush();
      for (const index of [...this.dirtyEntries]) {
        await this.writeTable(index, 1);
        this.dirtyEntries.delete(index);
      }
    }
  }

  private async writeTable(first: number, entries: number): Promise<void> {
    const bytes = new Uint8Array(entries * ENTRY);
    const view = viewOf(bytes);
    for (let i = 0; i < entries; i++) setU64BE(view, i * ENTRY, this.table[first + i] ?? 0);
    await writeGrowing(this.file, this.header.refcountTableOffset + first * ENTRY, bytes);
  }

  /**
   * Replaces all blocks and the table by new ones behind everything else. `counts`: what refers to each cluster,
   * without the old blocks and table.
   */
  async rebuild(counts: ReadonlyMap<number, number>, end: number): Promise<void> {
    const entries = new Map<number, number[]>();
    const place = (cluster: number): void => {
      const block = Math.floor(cluster / this.perBlock);
      const there = entries.get(block);
      if (there) there.push(cluster);
      else entries.set(block, [cluster]);
    };
    for (const cluster of counts.keys()) place(cluster);
    // The new area counts itself, which may take further blocks.
    let [tableClusters, total] = [0, -1];
    for (let taken = 0; total !== tableClusters + entries.size; ) {
      total = tableClusters + entries.size;
      for (; taken < total; taken++) place(end + taken);
      const indexes = Math.max(...entries.keys()) + 1;
      tableClusters = Math.ceil((indexes * ENTRY) / this.clusterSize);
    }
    if (tableClusters * this.clusterSize > MAX_REFCOUNT_TABLE_BYTES) {
      throw refuse(this.name, 'the refcount table that the image needs is too large (8 MiB at most)');
    }
    const start = end * this.clusterSize;
    this.cache.clear();
    await zeroGrowing(this.file, start, total * this.clusterSize);
    this.table = new Float64Array((tableClusters * this.clusterSize) / ENTRY);
    this.blocks = undefined;
    [...entries.keys()]
      .sort((a, b) => a - b)
      .forEach((block, i) => {
        this.table[block] = start + (tableClusters + i) * this.clusterSize;
      });
    for (const [cluster, count] of counts) await this.set(cluster, Math.min(count, this.max));
    for (let i = 0; i < total; i++) await this.set(end + i, 1);
    this.released = [];
    this.dirtyEntries.clear();
    this.moved = { oldOffset: 0, oldClusters: 0 };
    this.header.refcountTableOffset = start;
    this.header.refcountTableClusters = tableClusters;
    await this.write();
    this.released = [];
  }
}
