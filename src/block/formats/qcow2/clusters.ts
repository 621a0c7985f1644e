/** The data path: what the guest's bytes are, where they go, and what becomes of where they were. Nothing here locks. */
import { BlockFailure, type BlockNode } from '../../api.ts';
import { inflateInto } from '../compression.ts';
import { hex, roundUp } from '../fields.ts';
import { type ImageExtent, type ImageNode, readPadded, writeGrowing } from '../image.ts';
import type { Header } from './header.ts';
import type { Refcounts } from './refcounts.ts';
import type { Reference } from './snapshots.ts';
import { COPIED, type Run, type Tables, ZERO } from './tables.ts';

/** Head, data and tail of a first write to a cluster go out as one write up to this size. */
const JOIN_BYTES = 1 << 20;

/** The image turned out to be damaged in a way that makes writing to it dangerous. */
export class Damage extends BlockFailure {
  constructor(message: string) {
    super('EIO', message);
  }
}

export interface ClusterParts {
  readonly file: BlockNode;
  readonly name: string;
  readonly header: Header;
  readonly refcounts: Refcounts;
  readonly tables: Tables;
  readonly backing: ImageNode | undefined;
}

export class Clusters {
  readonly backing: ImageNode | undefined;
  /** Where the snapshot table lies. */
  snapshotArea: () => Reference | undefined = () => undefined;
  private readonly file: BlockNode;
  private readonly name: string;
  private readonly header: Header;
  private readonly refcounts: Refcounts;
  private readonly tables: Tables;
  private readonly clusterSize: number;
  /** The last cluster that was decompressed. */
  private unpacked: { host: number; bytes: Uint8Array } | undefined;

  constructor({ file, name, header, refcounts, tables, backing }: ClusterParts) {
    this.file = file;
    this.name = name;
    this.header = header;
    this.refcounts = refcounts;
    this.tables = tables;
    this.backing = backing;
    this.clusterSize = tables.clusterSize;
    refcounts.guard = (offset, length) => this.refuseOverlap(offset, length);
    refcounts.onFree = (offset) => {
      tables.cache.drop(offset, this.clusterSize);
      this.unpacked = undefined;
    };
  }

  private get sizeBytes(): number {
    return this.header.sizeBytes;
  }

  async extentAt(offset: number): Promise<ImageExtent> {
    const within = offset % this.clusterSize;
    const most = Math.ceil((this.sizeBytes - offset + within) / this.clusterSize);
    const run = await this.tables.run(Math.floor(offset / this.clusterSize), most);
    let length = Math.min(run.clusters * this.clusterSize - within, this.sizeBytes - offset);
    if (run.kind === 'unallocated') {
      const behind = (this.backing?.sizeBytes ?? 0) - offset;
      if (behind > 0) length = Math.min(length, behind);
      return { length, zero: behind <= 0, allocated: false };
    }
    return {
      length,
      zero: run.kind === 'zero',
      allocated: true,
      ...(run.kind === 'compressed' ? { compressed: true } : run.host === 0 ? {} : { hostOffset: run.host + within }),
    };
  }

  /** `offset` may lie beyond the disk's end, where the machine's state is. */
  async readMapped(offset: number, into: Uint8Array): Promise<void> {
    for (let at = 0; at < into.length; ) {
      const within = (offset + at) % this.clusterSize;
      const most = Math.ceil((within + into.length - at) / this.clusterSize);
      const run = await this.tables.run(Math.floor((offset + at) / this.clusterSize), most);
      const part = into.subarray(at, at + run.clusters * this.clusterSize - within);
      await this.readRun(run, offset + at, part);
      at += part.length;
    }
  }

  private async readRun(run: Run, offset: number, into: Uint8Array): Promise<void> {
    const within = offset % this.clusterSize;
    if (run.kind === 'normal') {
      await readPadded(this.file, run.host + within, into);
    } else if (run.kind === 'compressed') {
      into.set((await this.unpack(run)).subarray(within, within + into.length));
    } else if (run.kind === 'unallocated' && this.backing !== undefined && offset < this.sizeBytes) {
      await readPadded(this.backing, offset, into);
    } else {
      into.fill(0);
    }
  }

  private async unpack({ host, length }: Run): Promise<Uint8Array> {
    if (this.unpacked?.host === host) return this.unpacked.bytes;
    const packed = new Uint8Array(length);
    await readPadded(this.file, host, packed);
    const bytes = new Uint8Array(this.clusterSize);
    if (inflateInto(packed, bytes, 'raw') !== bytes.length) {
      throw new BlockFailure('EIO', `image '${this.name}': the compressed cluster at ${hex(host)} is damaged`);
    }
    this.unpacked = { host, bytes };
    return bytes;
  }

  /** True if all of it could be written without changing a table. */
  async writeInPlace(offset: number, from: Uint8Array): Promise<boolean> {
    const parts: { at: number; host: number; length: number }[] = [];
    for (let at = 0; at < from.length; ) {
      const within = (offset + at) % this.clusterSize;
      const most = Math.ceil((within + from.length - at) / this.clusterSize);
      const run = await this.tables.run(Math.floor((offset + at) / this.clusterSize), most);
      if (run.kind !== 'normal' || !run.copied || this.holdsTables(run.host, run.clusters * this.clusterSize))
        return false;
      const length = Math.min(run.clusters * this.clusterSize - within, from.length - at);
      parts.push({ at, host: run.host + within, length });
      at += length;
    }
    for (const { at, host, length } of parts) await writeGrowing(this.file, host, from.subarray(at, at + length));
    return true;
  }

  async writeMapped(offset: number, from: Uint8Array): Promise<void> {
    for (let at = 0; at < from.length; ) {
      const start = offset + at;
      const within = start % this.clusterSize;
      const cluster = Math.floor(start / this.clusterSize);
      const most = Math.ceil((within + from.length - at) / this.clusterSize);
      const run = await this.tables.run(cluster, most);
      const inPlace = run.copied && (run.kind === 'normal' || run.kind === 'zero');
      const place = inPlace
        ? { offset: run.host, clusters: run.clusters }
        : await this.refcounts.allocateRun(run.clusters);
      const length = Math.min(place.clusters * this.clusterSize - within, from.length - at);
      const part = from.subarray(at, at + length);
      if (inPlace) this.refuseOverlap(run.host, run.clusters * this.clusterSize);
      if (run.kind === 'normal' && inPlace) {
        await writeGrowing(this.file, run.host + within, part);
      } else {
        await this.fill(run, start, part, place.offset);
        await this.tables.setRun(cluster, place.clusters, place.offset, COPIED, 0);
        if (!inPlace) this.releaseRun(run, place.clusters);
      }
      at += length;
    }
  }

  /** Writes data to clusters that are new to the guest, with what surrounded them before in the first and the last. */
  private async fill(run: Run, start: number, data: Uint8Array, host: number): Promise<void> {
    const within = start % this.clusterSize;
    const end = start + data.length;
    const tail = roundUp(end, this.clusterSize) - end;
    const before = new Uint8Array(within);
    const after = new Uint8Array(tail);
    await this.readOld(run, start - within, before);
    await this.readOld(run, end, after);
    const total = within + data.length + tail;
    if (total === data.length) {
      await writeGrowing(this.file, host, data);
    } else if (total <= JOIN_BYTES) {
      const joined = new Uint8Array(total);
      joined.set(before);
      joined.set(data, within);
      joined.set(after, within + data.length);
      await writeGrowing(this.file, host, joined);
    } else {
      if (within > 0) await writeGrowing(this.file, host, before);
      await writeGrowing(this.file, host + within, data);
      if (tail > 0) await writeGrowing(this.file, host + within + data.length, after);
    }
  }

  /** What part of one cluster of the guest held, up to the end of the disk. */
  private async readOld(run: Run, offset: number, into: Uint8Array): Promise<void> {
    const isDisk = offset < this.sizeBytes;
    const there = isDisk ? into.subarray(0, Math.max(0, this.sizeBytes - offset)) : into;
    if (there.length === 0 || run.kind === 'zero') return;
    await this.readMapped(offset, there);
  }

  private releaseRun(run: Run, clusters: number): void {
    if (run.kind === 'compressed') this.refcounts.release(run.host, run.length);
    else if (run.host !== 0) this.refcounts.release(run.host, clusters * this.clusterSize);
  }

  /** A compressed cluster. */
  async writePacked(cluster: number, packed: Uint8Array): Promise<void> {
    const run = await this.tables.run(cluster, 1);
    const host = await this.refcounts.allocateBytes(packed.length);
    await writeGrowing(this.file, host, packed);
    await this.tables.setCompressed(cluster, host, packed.length);
    this.releaseRun(run, 1);
    this.unpacked = undefined;
  }

  /** Clusters that lie wholly in the request; one that the disk's end cuts is whole. */
  wholeClusters(offset: number, length: number): { first: number; clusters: number } {
    const first = Math.ceil(offset / this.clusterSize);
    const end = offset + length;
    const last = end === this.sizeBytes ? Math.ceil(end / this.clusterSize) : Math.floor(end / this.clusterSize);
    return { first, clusters: Math.max(0, last - first) };
  }

  async zeroMapped(offset: number, length: number): Promise<void> {
    const { first, clusters } = this.wholeClusters(offset, length);
    if (clusters === 0) return this.zeroPartly(offset, length);
    await this.zeroPartly(offset, first * this.clusterSize - offset);
    await this.zeroClusters(first, clusters);
    const end = (first + clusters) * this.clusterSize;
    await this.zeroPartly(end, offset + length - end);
  }

  /** Bytes of a cluster or two: nothing is to do where zeros are read already. */
  private async zeroPartly(offset: number, length: number): Promise<void> {
    for (let at = offset; at < offset + length; ) {
      const cluster = Math.floor(at / this.clusterSize);
      const end = Math.min(offset + length, (cluster + 1) * this.clusterSize);
      const run = await this.tables.run(cluster, 1);
      const isZero = run.kind === 'zero' || (run.kind === 'unallocated' && at >= (this.backing?.sizeBytes ?? 0));
      if (!isZero) await this.writeMapped(at, new Uint8Array(end - at));
      at = end;
    }
  }

  private async zeroClusters(first: number, clusters: number): Promise<void> {
    if (this.header.version >= 3) {
      await this.unmap(first, clusters, 'keep');
    } else if (this.backing === undefined) {
      await this.unmap(first, clusters, 'unallocated');
    } else {
      for (let i = 0; i < clusters; i++) {
        const start = (first + i) * this.clusterSize;
        await this.zeroPartly(start, Math.min(this.clusterSize, this.sizeBytes - start));
      }
    }
  }

  /** `keep`: zero clusters that stay where they are, so that a later write finds its place. */
  async unmap(first: number, clusters: number, to: 'unallocated' | 'zero' | 'keep'): Promise<void> {
    for (let i = 0; i < clusters; ) {
      const run = await this.tables.run(first + i, clusters - i);
      const showsBacking = this.backing !== undefined && (first + i) * this.clusterSize < this.backing.sizeBytes;
      const isDone =
        run.kind === 'unallocated'
          ? to !== 'keep' || !showsBacking
          : run.kind === 'zero' && (to === 'keep' || (to === 'zero' && run.host === 0));
      if (!isDone) {
        const stays = to === 'keep' && run.copied;
        const host = stays ? run.host : 0;
        await this.tables.setRun(first + i, run.clusters, host, stays ? COPIED : 0, to === 'unallocated' ? 0 : ZERO);
        if (!stays) this.releaseRun(run, run.clusters);
      }
      i += run.clusters;
    }
  }

  private holdsTables(offset: number, length: number): boolean {
    const snapshots = this.snapshotArea();
    if (snapshots && offset < snapshots.offset + snapshots.length && offset + length > snapshots.offset) return true;
    for (let at = offset; at < offset + length; at += this.clusterSize) {
      if (at < this.clusterSize || this.refcounts.isTable(at) || this.tables.isTable(at)) return true;
    }
    return false;
  }

  /** Counts that lie must not make data overwrite tables. */
  private refuseOverlap(offset: number, length: number): void {
    if (this.holdsTables(offset, length)) {
      throw new Damage(
        `image '${this.name}': data would overwrite tables at ${hex(offset)}; the image is now marked corrupt`,
      );
    }
  }
}
