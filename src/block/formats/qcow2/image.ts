/**
 * qcow2 images, versions 2 and 3 (docs/interop/qcow2.txt of QEMU). Not here, and refused by name: encryption,
 * external data files, zstd, extended L2 entries. Persistent bitmaps are dropped on the first open for writing.
 *
 * Requests that change no table share the image; those that do have it alone. Tables are written when the guest
 * flushes, in an order that leaves the image sound wherever a crash cuts it (`Tables.commit`).
 */
import { BlockFailure, type BlockNode } from '../../api.ts';
import { deflateRaw } from '../compression.ts';
import { roundUp, setU64BE, viewOf } from '../fields.ts';
import {
  type BackingReference,
  type CheckResult,
  checkBounds,
  checkWritable,
  type ImageExtent,
  type ImageInfo,
  type ImageNode,
  type OpenImageOptions,
  type Repair,
  refuse,
} from '../image.ts';
import { SharedLock } from '../shared-lock.ts';
import { checkImage, findUndercounted } from './check.ts';
import { type ClusterParts, Clusters, Damage } from './clusters.ts';
import {
  COMPATIBLE_LAZY_REFCOUNTS,
  encodeHeader,
  FIELD,
  type Header,
  INCOMPATIBLE_CORRUPT,
  INCOMPATIBLE_DIRTY,
  MAX_CLUSTER_BITS,
  MAX_L1_BYTES,
  parseHeader,
} from './header.ts';
import { Refcounts } from './refcounts.ts';
import { SnapshotTable } from './snapshots.ts';
import { l1EntriesFor, Tables } from './tables.ts';

/** L2 tables of a disk of 1 TiB with clusters of 64 KiB: more are not looked through before clusters are reused. */
const MAX_VERIFIED_BYTES = 128 << 20;
/** QEMU sets its decompressor up for this window. */
const WINDOW_BITS = 12;

export class Qcow2Image implements ImageNode {
  readonly driver = 'qcow2';
  readonly readonly: boolean;
  readonly name: string;
  readonly file: BlockNode;
  readonly header: Header;
  readonly refcounts: Refcounts;
  readonly tables: Tables;
  readonly clusters: Clusters;
  readonly snapshots: SnapshotTable;
  readonly clusterSize: number;
  readonly lock = new SharedLock();
  backing: ImageNode | undefined;
  private broken: string | undefined;

  private constructor(parts: ClusterParts & { readonly: boolean }) {
    this.file = parts.file;
    this.name = parts.name;
    this.readonly = parts.readonly;
    this.header = parts.header;
    this.refcounts = parts.refcounts;
    this.tables = parts.tables;
    this.backing = parts.backing;
    this.clusterSize = 1 << parts.header.clusterBits;
    this.clusters = new Clusters(parts);
    this.snapshots = new SnapshotTable(this);
    this.clusters.snapshotArea = () => this.snapshots.area;
  }

  static async open(file: BlockNode, options: OpenImageOptions): Promise<Qcow2Image> {
    const { name, forCheck = false } = options;
    const first = new Uint8Array(Math.min(file.sizeBytes, 1 << MAX_CLUSTER_BITS));
    await file.read(0, first);
    const header = parseHeader(first, name);
    const readonly = options.readonly === true || file.readonly;
    if (header.l1Entries < l1EntriesFor(header.sizeBytes, header.clusterBits)) {
      throw refuse(name, `the L1 table is too small (${header.l1Entries} entries for ${header.sizeBytes} bytes)`);
    }
    if (!readonly && !forCheck && header.incompatible & INCOMPATIBLE_CORRUPT) {
      throw refuse(name, 'the image is corrupt and cannot be opened for writing', 'check it, with repair');
    }
    const refcounts = await Refcounts.open(file, header, name);
    const tables = await Tables.open(file, header, name, refcounts);
    const backing = await openBacking(header, options);
    const image = new Qcow2Image({ file, header, refcounts, tables, name, readonly, backing });
    try {
      await image.snapshots.load();
      if (!readonly && !forCheck) await image.prepareForWriting();
    } catch (error) {
      await backing?.close();
      throw error;
    }
    return image;
  }

  private async prepareForWriting(): Promise<void> {
    const { header } = this;
    if (header.autoclear !== 0n) {
      header.autoclear = 0n;
      await this.file.write(FIELD.autoclear, new Uint8Array(8));
    }
    if (header.incompatible & INCOMPATIBLE_DIRTY) {
      const result = await checkImage(this, 'all', () => {});
      if (result.corruptions > 0 || result.checkErrors > 0) {
        throw refuse(this.name, 'the image was not closed and could not be repaired');
      }
    }
    this.refcounts.beforeReuse = () => this.verifyCounts();
    this.tables.lazy = (header.compatible & COMPATIBLE_LAZY_REFCOUNTS) !== 0n;
  }

  get sizeBytes(): number {
    return this.header.sizeBytes;
  }

  get info(): ImageInfo {
    const { header } = this;
    return {
      clusterSize: this.clusterSize,
      dirty: (header.incompatible & INCOMPATIBLE_DIRTY) !== 0n,
      ...(header.backingName === undefined ? {} : { backing: this.backingReference! }),
      snapshots: this.snapshots.list,
      specific: {
        type: 'qcow2',
        data: {
          compat: header.version === 2 ? '0.10' : '1.1',
          'compression-type': 'zlib',
          ...(header.version === 2 ? {} : { 'lazy-refcounts': (header.compatible & COMPATIBLE_LAZY_REFCOUNTS) !== 0n }),
          'refcount-bits': this.refcounts.bits,
          ...(header.version === 2
            ? {}
            : { corrupt: (header.incompatible & INCOMPATIBLE_CORRUPT) !== 0n, 'extended-l2': false }),
        },
      },
    };
  }

  private get backingReference(): BackingReference | undefined {
    const { backingName, backingFormat } = this.header;
    if (backingName === undefined) return undefined;
    return backingFormat === undefined ? { name: backingName } : { name: backingName, format: backingFormat };
  }

  // What the guest asks for.

  async read(offset: number, into: Uint8Array): Promise<void> {
    checkBounds(this, offset, into.length);
    await this.lock.shared(() => this.clusters.readMapped(offset, into));
  }

  async write(offset: number, from: Uint8Array): Promise<void> {
    checkBounds(this, offset, from.length);
    this.checkUsable();
    const done = await this.lock.shared(() => this.clusters.writeInPlace(offset, from));
    if (!done) await this.alone(() => this.clusters.writeMapped(offset, from));
  }

  async writeZeroes(offset: number, length: number): Promise<void> {
    checkBounds(this, offset, length);
    this.checkUsable();
    await this.alone(() => this.clusters.zeroMapped(offset, length));
  }

  async discard(offset: number, length: number): Promise<void> {
    checkBounds(this, offset, length);
    this.checkUsable();
    // Without zero clusters the backing image would show through.
    if (this.header.version < 3 && this.backing !== undefined) return;
    await this.alone(async () => {
      const { first, clusters } = this.clusters.wholeClusters(offset, length);
      await this.clusters.unmap(first, clusters, this.header.version >= 3 ? 'zero' : 'unallocated');
    });
  }

  async flush(): Promise<void> {
    if (this.readonly) return;
    await this.lock.alone(() => this.tables.commit());
  }

  async extentAt(offset: number): Promise<ImageExtent> {
    checkBounds(this, offset, 1);
    return this.lock.shared(() => this.clusters.extentAt(offset));
  }

  // Writing.

  private checkUsable(): void {
    checkWritable(this);
    if (this.broken !== undefined) throw new BlockFailure('EIO', this.broken);
  }

  /** The image for oneself, to change its tables. */
  async alone<T>(body: () => Promise<T>): Promise<T> {
    return this.lock.alone(async () => {
      this.checkUsable();
      if (this.tables.lazy && !(this.header.incompatible & INCOMPATIBLE_DIRTY))
        await this.setIncompatible(INCOMPATIBLE_DIRTY);
      try {
        return await body();
      } catch (error) {
        if (error instanceof Damage) await this.breakDown(error.message);
        throw error;
      } finally {
        if (this.refcounts.hasManyReleased && this.broken === undefined) await this.tables.commit();
      }
    });
  }

  async writeCompressed(offset: number, from: Uint8Array): Promise<void> {
    checkBounds(this, offset, from.length);
    this.checkUsable();
    if (from.length === 0) return;
    const isLast = offset + from.length === this.sizeBytes;
    if (
      offset % this.clusterSize !== 0 ||
      (from.length !== this.clusterSize && !(isLast && from.length < this.clusterSize))
    ) {
      throw new BlockFailure('EINVAL', `compressed writes are whole clusters (${from.length} bytes at ${offset})`);
    }
    const whole = new Uint8Array(this.clusterSize);
    whole.set(from);
    const packed = deflateRaw(whole, WINDOW_BITS);
    if (packed.length >= this.clusterSize) return this.write(offset, from);
    await this.alone(() => this.clusters.writePacked(offset / this.clusterSize, packed));
  }

  async makeEmpty(): Promise<void> {
    this.checkUsable();
    await this.alone(() => this.clusters.unmap(0, Math.ceil(this.sizeBytes / this.clusterSize), 'unallocated'));
    await this.flush();
  }

  // Size, header, state of a machine.

  async resize(sizeBytes: number): Promise<void> {
    this.checkUsable();
    if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0 || sizeBytes % 512 !== 0) {
      throw new BlockFailure('EINVAL', `image '${this.name}': ${sizeBytes} bytes is not a whole number of sectors`);
    }
    const entries = l1EntriesFor(sizeBytes, this.header.clusterBits);
    if (entries * 8 > MAX_L1_BYTES) {
      throw new BlockFailure('EINVAL', `image '${this.name}': ${sizeBytes} bytes are too many for its cluster size`);
    }
    if (this.header.version < 3 && this.header.snapshotCount > 0) {
      throw new BlockFailure('EINVAL', `image '${this.name}': a version 2 image with snapshots cannot be resized`);
    }
    await this.alone(() => this.resizeAlone(sizeBytes));
  }

  async resizeAlone(sizeBytes: number): Promise<void> {
    const old = this.sizeBytes;
    await this.snapshots.dropVmState();
    if (sizeBytes < old) {
      const first = Math.ceil(sizeBytes / this.clusterSize);
      await this.clusters.unmap(first, Math.ceil(old / this.clusterSize) - first, 'unallocated');
      const firstTable = l1EntriesFor(sizeBytes, this.header.clusterBits);
      for (let i = firstTable; i < this.tables.l1Entries; i++) {
        const table = this.tables.l1Offset(i);
        if (table === 0) continue;
        this.tables.setL1(i, 0, 0);
        this.refcounts.release(table, this.clusterSize);
      }
    }
    await this.tables.growL1(l1EntriesFor(sizeBytes, this.header.clusterBits));
    await this.tables.commit();
    const field = new Uint8Array(8);
    setU64BE(viewOf(field), 0, sizeBytes);
    await this.file.write(FIELD.sizeBytes, field);
    this.header.sizeBytes = sizeBytes;
    if (sizeBytes > old) {
      // The rest of the last cluster, and what a longer backing image would show.
      const stale = Math.min(sizeBytes, Math.max(roundUp(old, this.clusterSize), this.backing?.sizeBytes ?? 0));
      if (stale > old) await this.clusters.zeroMapped(old, stale - old);
    }
    await this.tables.commit();
  }

  async changeBacking(backing: BackingReference | undefined): Promise<void> {
    this.checkUsable();
    await this.alone(async () => {
      const header = { ...this.header, backingName: backing?.name, backingFormat: backing?.format };
      const bytes = encodeHeader(header, this.name);
      await this.tables.commit();
      await this.file.write(0, bytes);
      await this.file.flush();
      this.header.backingName = backing?.name;
      this.header.backingFormat = backing?.format;
    });
  }

  /** Where the state of a machine begins, as if the disk went on. */
  get vmStateOffset(): number {
    return l1EntriesFor(this.sizeBytes, this.header.clusterBits) * this.tables.bytesPerTable;
  }

  /** The state of a machine, which `snapshots.create` takes with it. */
  async writeVmState(offset: number, from: Uint8Array): Promise<void> {
    this.checkUsable();
    await this.alone(async () => {
      const start = this.vmStateOffset + offset;
      await this.tables.growL1(Math.ceil((start + from.length) / this.tables.bytesPerTable));
      await this.clusters.writeMapped(start, from);
    });
  }

  async readVmState(offset: number, into: Uint8Array): Promise<void> {
    await this.lock.shared(() => this.clusters.readMapped(this.vmStateOffset + offset, into));
  }

  async showSnapshot(idOrName: string): Promise<void> {
    if (!this.readonly) throw new Error('BUG: a snapshot is shown of an image that can be written');
    this.tables.l1 = viewOf(await this.snapshots.tableOf(idOrName));
  }

  check(repair: Repair, log: (line: string) => void): Promise<CheckResult> {
    if (repair !== 'none') checkWritable(this);
    return this.lock.alone(async () => {
      if (!this.readonly) await this.tables.commit();
      return checkImage(this, repair, log);
    });
  }

  async close(): Promise<void> {
    if (!this.readonly && this.broken === undefined) {
      await this.lock.alone(async () => {
        await this.tables.commit();
        if (!this.tables.lazy) return;
        await this.tables.commitCounts();
        if (this.header.incompatible & INCOMPATIBLE_DIRTY) await this.setIncompatible(0n, INCOMPATIBLE_DIRTY);
      });
    }
    await this.backing?.close();
    await this.file.close();
  }

  // Damage.

  async setIncompatible(set: bigint, clear = 0n): Promise<void> {
    if (this.header.version < 3) return;
    this.header.incompatible = (this.header.incompatible & ~clear) | set;
    const field = new Uint8Array(8);
    viewOf(field).setBigUint64(0, this.header.incompatible);
    await this.file.write(FIELD.incompatible, field);
    await this.file.flush();
  }

  /**
   * Before the first free cluster within the file is used: a count that lies would let new data overwrite others'.
   * What lies behind the end of the file is nobody's, so an image without gaps is not looked through.
   */
  private async verifyCounts(): Promise<void> {
    const { tables, clusterSize, name } = this;
    const all = [tables.l1Entries, ...this.snapshots.list.map(({ l1Entries }) => l1Entries)];
    if (all.reduce((sum, entries) => sum + entries, 0) * clusterSize > MAX_VERIFIED_BYTES) return;
    await tables.commit();
    const cluster = await findUndercounted(this);
    if (cluster === undefined) return;
    throw new Damage(
      `image '${name}': cluster ${cluster} is in use but counted as free; the image is now marked corrupt`,
    );
  }

  private async breakDown(why: string): Promise<void> {
    this.broken = why;
    await this.setIncompatible(INCOMPATIBLE_CORRUPT);
  }
}

async function openBacking(header: Header, { openOther }: OpenImageOptions): Promise<ImageNode | undefined> {
  if (header.backingName === undefined || openOther === undefined) return undefined;
  const { backingName: name, backingFormat: format } = header;
  return openOther(name, format === undefined ? { readonly: true } : { format, readonly: true });
}
