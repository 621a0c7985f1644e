/**
 * An image kept in clusters, by a store that holds them under their numbers: a disk in the browser's database, or what
 * was written over an image that must not change. Writes gather in a cache; a flush commits them.
 *
 * A commit is all or nothing, and everything written before a flush is in a commit before the flush ends. So after the
 * death of the process at any point the image has all that was flushed, and of the rest any part, as a disk with a
 * volatile cache would.
 */
import { BlockFailure, type BlockNode, type Extent } from './api.ts';

/** What a cluster is in this image. `absent`: as in the image below it, or zeros. */
export const CLUSTER = { ABSENT: 0, DATA: 1, ZERO: 2 } as const;

export interface ClusterGeometry {
  readonly clusterBytes: number;
  readonly sizeBytes: number;
  /** What lies behind this in the image below was cut off once, and reads as zeros. */
  readonly backingBytes: number;
}

export interface ClusterCommit {
  /** By number: the bytes of a cluster, or what it is without bytes of its own. */
  readonly clusters: ReadonlyMap<number, Uint8Array | typeof CLUSTER.ABSENT | typeof CLUSTER.ZERO>;
  readonly geometry: ClusterGeometry;
}

/** Where clusters are kept. Failures are `BlockFailure`s. */
export interface ClusterStore {
  /** The bytes of clusters that are stored; each in a buffer of its own. */
  load(clusters: readonly number[]): Promise<Uint8Array[]>;
  /** All or nothing. `durable`: not even the host's death may undo it once it has resolved. */
  commit(commit: ClusterCommit, durable: boolean): Promise<void>;
  close(): Promise<void>;
}

export interface ClusterNodeOptions {
  readonly driver: string;
  readonly geometry: ClusterGeometry;
  /** What each cluster is, from number 0 on; shorter: the rest is absent. */
  readonly states?: Uint8Array;
  /** Absent: all stays in memory. */
  readonly store?: ClusterStore;
  readonly backing?: BlockNode;
  readonly readonly?: boolean;
  /** How much memory clusters may take; with a store it holds the rest, without one there is no more space. */
  readonly cacheBytes: number;
  /** Calls `body` a little later: what a guest does not flush goes to the store then. Absent: it waits for a flush. */
  readonly later?: (body: () => void) => void;
}

/** As much goes into one commit. */
const COMMIT_BYTES = 16 << 20;

export class ClusterNode implements BlockNode {
  readonly driver: string;
  readonly readonly: boolean;
  private readonly store: ClusterStore | undefined;
  private backing: BlockNode | undefined;
  private readonly clusterBytes: number;
  private readonly capacity: number;
  private geometry: ClusterGeometry;
  private states: Uint8Array;
  /** The least recently used first. */
  private readonly cache = new Map<number, Uint8Array>();
  private readonly loading = new Map<number, Promise<Uint8Array>>();
  /** Clusters that the store does not have as they are, with the number of their latest change. */
  private readonly changed = new Map<number, number>();
  private changes = 0;
  private geometryChanged = false;
  /** Commits since the last durable one. */
  private hasUnsafe = false;
  private committing = 0;
  private readonly later: ClusterNodeOptions['later'];
  private isScheduled = false;
  private lastCommit: Promise<void> = Promise.resolve();

  constructor({ driver, geometry, states, store, backing, readonly, cacheBytes, later }: ClusterNodeOptions) {
    this.driver = driver;
    this.geometry = geometry;
    this.clusterBytes = geometry.clusterBytes;
    this.states = new Uint8Array(this.clusterCount);
    this.states.set((states ?? new Uint8Array()).subarray(0, this.clusterCount));
    this.store = store;
    this.backing = backing;
    this.readonly = readonly ?? false;
    this.later = later;
    this.capacity = Math.max(8, Math.floor(cacheBytes / this.clusterBytes));
  }

  get sizeBytes(): number {
    return this.geometry.sizeBytes;
  }

  /** Bytes that this image holds itself. */
  get allocatedBytes(): number {
    let count = 0;
    for (const state of this.states) if (state === CLUSTER.DATA) count++;
    return count * this.clusterBytes;
  }

  async read(offset: number, into: Uint8Array): Promise<void> {
    this.check(offset, into.length);
    const parts = [...this.split(offset, into.length)];
    await this.prefetch(parts.map(({ cluster }) => cluster));
    for (const { cluster, at, length, done } of parts) {
      const target = into.subarray(done, done + length);
      const state = this.states[cluster];
      if (state === CLUSTER.DATA) {
        await this.using(cluster, (bytes) => target.set(bytes.subarray(at, at + length)));
      } else if (state === CLUSTER.ZERO) {
        target.fill(0);
      } else {
        await this.readBacking(cluster * this.clusterBytes + at, target);
      }
    }
  }

  async write(offset: number, from: Uint8Array): Promise<void> {
    this.checkWritable();
    this.check(offset, from.length);
    for (const { cluster, at, length, done } of this.split(offset, from.length)) {
      await this.makeRoom(cluster);
      const source = from.subarray(done, done + length);
      if (length === this.clusterBytes) {
        const cached = this.cache.get(cluster);
        if (cached === undefined) this.cache.set(cluster, source.slice());
        else cached.set(source);
        this.touch(cluster, CLUSTER.DATA);
      } else {
        await this.using(cluster, (bytes) => {
          bytes.set(source, at);
          this.touch(cluster, CLUSTER.DATA);
        });
      }
    }
  }

  async writeZeroes(offset: number, length: number): Promise<void> {
    this.checkWritable();
    this.check(offset, length);
    for (const part of this.split(offset, length)) {
      const start = part.cluster * this.clusterBytes + part.at;
      if (this.covers(part)) this.empty(part.cluster);
      else await this.write(start, new Uint8Array(part.length));
    }
  }

  async discard(offset: number, length: number): Promise<void> {
    this.checkWritable();
    this.check(offset, length);
    for (const part of this.split(offset, length)) if (this.covers(part)) this.empty(part.cluster);
  }

  flush(): Promise<void> {
    return this.commit(true);
  }

  async extentAt(offset: number): Promise<Extent> {
    this.check(offset, 1);
    let cluster = Math.floor(offset / this.clusterBytes);
    const state = this.states[cluster];
    while (cluster < this.states.length && this.states[cluster] === state) cluster++;
    const length = Math.min(cluster * this.clusterBytes, this.sizeBytes) - offset;
    if (state !== CLUSTER.ABSENT) return { length, zero: state === CLUSTER.ZERO, allocated: true };
    const below = Math.min(this.backing?.sizeBytes ?? 0, this.geometry.backingBytes);
    if (this.backing === undefined || offset >= below) return { length, zero: true, allocated: false };
    const extent = await this.backing.extentAt(offset);
    return { length: Math.min(length, extent.length), zero: extent.zero, allocated: false };
  }

  async resize(sizeBytes: number): Promise<void> {
    this.checkWritable();
    const old = this.sizeBytes;
    if (sizeBytes < old) {
      const tail = Math.min(old, Math.ceil(sizeBytes / this.clusterBytes) * this.clusterBytes);
      if (tail > sizeBytes) await this.write(sizeBytes, new Uint8Array(tail - sizeBytes));
      for (let cluster = Math.ceil(sizeBytes / this.clusterBytes); cluster < this.states.length; cluster++) {
        this.drop(cluster, CLUSTER.ABSENT);
      }
    }
    const { clusterBytes, backingBytes } = this.geometry;
    this.geometry = { clusterBytes, sizeBytes, backingBytes: Math.min(backingBytes, sizeBytes, old) };
    this.geometryChanged = true;
    const states = new Uint8Array(this.clusterCount);
    states.set(this.states.subarray(0, states.length));
    this.states = states;
  }

  /** Writes all that this image holds itself. */
  async copyTo(target: BlockNode): Promise<void> {
    for (let cluster = 0; cluster < this.states.length; cluster++) {
      const at = cluster * this.clusterBytes;
      const length = Math.min(this.clusterBytes, this.sizeBytes - at);
      if (this.states[cluster] === CLUSTER.ZERO) await target.writeZeroes(at, length);
      if (this.states[cluster] !== CLUSTER.DATA) continue;
      await this.using(cluster, () => {});
      await target.write(at, (this.cache.get(cluster) as Uint8Array).subarray(0, length));
    }
  }

  /** Closes the image below while `body` runs; its result takes the place. */
  async exchangeBacking(body: () => Promise<BlockNode>): Promise<void> {
    await this.backing?.close();
    this.backing = await body();
  }

  /** The image below holds all that this one held. */
  makeEmpty(): void {
    for (let cluster = 0; cluster < this.states.length; cluster++) this.drop(cluster, CLUSTER.ABSENT);
    this.geometry = { ...this.geometry, backingBytes: this.sizeBytes };
    this.geometryChanged = true;
  }

  async close(): Promise<void> {
    try {
      if (!this.readonly) await this.flush();
    } finally {
      await this.store?.close();
      await this.backing?.close();
      this.cache.clear();
    }
  }

  // Clusters.

  private get clusterCount(): number {
    return Math.ceil(this.sizeBytes / this.clusterBytes);
  }

  private *split(offset: number, length: number) {
    for (let done = 0; done < length; ) {
      const cluster = Math.floor((offset + done) / this.clusterBytes);
      const at = offset + done - cluster * this.clusterBytes;
      const part = Math.min(length - done, this.clusterBytes - at);
      yield { cluster, at, length: part, done };
      done += part;
    }
  }

  /** All of the cluster that lies within the image. */
  private covers({ cluster, at, length }: { cluster: number; at: number; length: number }): boolean {
    return (
      at === 0 && cluster * this.clusterBytes + length >= Math.min(this.sizeBytes, (cluster + 1) * this.clusterBytes)
    );
  }

  private empty(cluster: number): void {
    this.drop(cluster, this.backing === undefined ? CLUSTER.ABSENT : CLUSTER.ZERO);
  }

  private drop(cluster: number, state: typeof CLUSTER.ABSENT | typeof CLUSTER.ZERO): void {
    // Who loads the old bytes meanwhile finds these.
    if (this.loading.has(cluster)) this.cache.set(cluster, new Uint8Array(this.clusterBytes));
    else this.cache.delete(cluster);
    if (this.states[cluster] !== state) this.touch(cluster, state);
  }

  private touch(cluster: number, state: number): void {
    this.states[cluster] = state;
    this.changed.set(cluster, ++this.changes);
    if (this.later === undefined || this.isScheduled) return;
    this.isScheduled = true;
    this.later(() => {
      this.isScheduled = false;
      // A failure here shows again at the next flush.
      if (this.changed.size > 0) this.commit(false).catch(() => {});
    });
  }

  /** Calls `body` with the cluster's bytes in the cache. */
  private async using(cluster: number, body: (bytes: Uint8Array) => void): Promise<void> {
    const loaded = this.cache.get(cluster) ?? (await this.fill(cluster));
    // It may have been let go of since; then nobody has changed it.
    const bytes = this.cache.get(cluster) ?? loaded;
    // The newest goes to the end.
    this.cache.delete(cluster);
    this.cache.set(cluster, bytes);
    body(bytes);
    this.evict();
  }

  private fill(cluster: number): Promise<Uint8Array> {
    const running = this.loading.get(cluster);
    if (running !== undefined) return running;
    return this.remember(
      cluster,
      this.bytesOf(cluster).then((bytes) => this.install(cluster, bytes)),
    );
  }

  private remember(cluster: number, loaded: Promise<Uint8Array>): Promise<Uint8Array> {
    this.loading.set(cluster, loaded);
    const forget = (): void => void this.loading.delete(cluster);
    loaded.then(forget, forget);
    return loaded;
  }

  /** What was written meanwhile is newer than what was loaded. */
  private install(cluster: number, bytes: Uint8Array): Uint8Array {
    const present = this.cache.get(cluster);
    if (present !== undefined) return present;
    this.cache.set(cluster, bytes);
    return bytes;
  }

  private async bytesOf(cluster: number): Promise<Uint8Array> {
    if (this.states[cluster] === CLUSTER.DATA) {
      const [bytes] = (await this.store?.load([cluster])) ?? [];
      if (bytes === undefined) throw new Error(`BUG: cluster ${cluster} is nowhere`);
      return bytes;
    }
    const bytes = new Uint8Array(this.clusterBytes);
    if (this.states[cluster] === CLUSTER.ABSENT) await this.readBacking(cluster * this.clusterBytes, bytes);
    return bytes;
  }

  /** Loads what a read of several clusters needs in one go. */
  private async prefetch(clusters: readonly number[]): Promise<void> {
    const { store } = this;
    if (store === undefined || clusters.length < 2) return;
    const wanted = clusters.filter(
      (cluster) => this.states[cluster] === CLUSTER.DATA && !this.cache.has(cluster) && !this.loading.has(cluster),
    );
    if (wanted.length < 2 || wanted.length > this.capacity / 2) return;
    const all = store.load(wanted);
    const each = wanted.map((cluster, i) =>
      this.remember(
        cluster,
        all.then((loaded) => this.install(cluster, loaded[i] as Uint8Array)),
      ),
    );
    await Promise.all(each);
  }

  private async readBacking(offset: number, into: Uint8Array): Promise<void> {
    const { backing } = this;
    const below = Math.min(backing?.sizeBytes ?? 0, this.geometry.backingBytes);
    const there = Math.max(0, Math.min(into.length, below - offset));
    if (backing !== undefined && there > 0) await backing.read(offset, into.subarray(0, there));
    into.fill(0, there);
  }

  // The cache.

  /** Lets go of the clusters that were used longest ago, as far as the store has them. */
  private evict(): void {
    if (this.store === undefined || this.cache.size <= this.capacity) return;
    for (const cluster of this.cache.keys()) {
      if (this.cache.size <= this.capacity) return;
      if (!this.changed.has(cluster) && !this.loading.has(cluster)) this.cache.delete(cluster);
    }
  }

  /** Waits until the cluster may be changed. */
  private async makeRoom(cluster: number): Promise<void> {
    if (this.store === undefined) {
      if (this.cache.size < this.capacity || this.cache.has(cluster)) return;
      throw new BlockFailure('ENOSPC', 'no space left for what was written');
    }
    // A failure here shows again when there is no room left, or at the next flush.
    if (this.changed.size >= this.capacity / 2 && this.committing === 0) this.commit(false).catch(() => {});
    while (this.changed.size >= this.capacity) await this.commit(false);
    this.evict();
  }

  /** Hands all changes so far to the store; one commit after the other. */
  private commit(durable: boolean): Promise<void> {
    this.committing++;
    const next = this.lastCommit.then(() => this.commitAll(durable)).finally(() => void this.committing--);
    this.lastCommit = next.catch(() => {});
    return next;
  }

  private async commitAll(durable: boolean): Promise<void> {
    const { store } = this;
    if (store === undefined) return;
    const most = Math.max(1, Math.floor(COMMIT_BYTES / this.clusterBytes));
    const changes = [...this.changed];
    const needed = this.geometryChanged || (durable && this.hasUnsafe);
    for (let from = 0; from < changes.length || (from === 0 && needed); from += most) {
      const part = changes.slice(from, from + most);
      const clusters = new Map(part.map(([cluster]) => [cluster, this.stateOf(cluster)] as const));
      const { geometry } = this;
      this.hasUnsafe = true;
      await store.commit({ clusters, geometry }, durable);
      if (this.geometry === geometry) this.geometryChanged = false;
      for (const [cluster, change] of part) if (this.changed.get(cluster) === change) this.changed.delete(cluster);
    }
    if (durable) this.hasUnsafe = false;
    this.evict();
  }

  /** A cluster as a commit has it. What changes until the store takes the bytes is in them, and in the next commit. */
  private stateOf(cluster: number): Uint8Array | typeof CLUSTER.ABSENT | typeof CLUSTER.ZERO {
    const state = this.states[cluster];
    if (state === CLUSTER.ZERO) return CLUSTER.ZERO;
    if (state !== CLUSTER.DATA) return CLUSTER.ABSENT;
    const bytes = this.cache.get(cluster);
    if (bytes === undefined) throw new Error(`BUG: cluster ${cluster} was changed and is not in memory`);
    return bytes;
  }

  // Requests.

  private check(offset: number, length: number): void {
    if (offset >= 0 && length >= 0 && offset + length <= this.sizeBytes) return;
    throw new BlockFailure(
      'EIO',
      `request at ${offset} for ${length} bytes exceeds the image's ${this.sizeBytes} bytes`,
    );
  }

  private checkWritable(): void {
    if (this.readonly) throw new BlockFailure('EROFS', 'the image is read-only');
  }
}
