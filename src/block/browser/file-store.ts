/**
 * Clusters of a disk in files: one of clusters, in slots as they came, and a log that says which cluster is in which
 * slot. There are two logs, of which the one with the higher generation counts: a log that grew long is written anew
 * into the other.
 *
 * A cluster is in its slot for good before the log says so, and a slot is not used again before the log says that it
 * is free. A record of the log that is not whole ends it.
 *
 * Log: records of type, length, body, checksum (32-bit little-endian words; the checksum is over all before it). The
 * first has the header as JSON; each other is a commit: size and backing size as doubles, then pairs of cluster and
 * slot.
 */
import { VmError } from '../../util/errors.ts';
import { BlockFailure } from '../api.ts';
import { CLUSTER, type ClusterCommit, type ClusterGeometry, type ClusterStore } from '../cluster-node.ts';

/** What is used of a `FileSystemSyncAccessHandle`. */
export interface SyncFile {
  read(into: Uint8Array<ArrayBuffer>, options: { at: number }): number;
  write(from: Uint8Array<ArrayBuffer>, options: { at: number }): number;
  getSize(): number;
  truncate(size: number): void;
  flush(): void;
  close(): void;
}

export interface StoreFiles {
  readonly data: SyncFile;
  readonly logs: readonly [SyncFile, SyncFile];
}

export interface FileStoreOptions {
  /** For messages. */
  readonly name: string;
  /** If nothing is in the files, a disk of this geometry is made. */
  readonly create?: ClusterGeometry | undefined;
  /** Tells the image below from others; a disk made over another is refused. */
  readonly base?: string | undefined;
  /** A log of this length that is mostly out of date is written anew. */
  readonly longLog?: number;
}

const HEADER = 0x48534b4c; // 'LKSH'
const COMMIT = 0x43534b4c; // 'LKSC'
const VERSION = 1;
const HEAD_BYTES = 8;
const SUM_BYTES = 4;
const PAIR_BYTES = 8;
const SIZES_BYTES = 16;
/** Slots that are none. */
const ABSENT = 0xffff_ffff;
const ZERO = 0xffff_fffe;
const LONG_LOG = 1 << 20;
const MAX_CLUSTER_BYTES = 1 << 22;
const MAX_RECORD_BYTES = 1 << 26;

interface Header {
  readonly version: number;
  readonly generation: number;
  readonly clusterBytes: number;
  readonly base: string | null;
}

/** A log as it was read: what it says, and where the next record goes. */
interface Replayed {
  readonly header: Header;
  readonly slots: Map<number, number>;
  readonly sizes: { sizeBytes: number; backingBytes: number };
  readonly end: number;
}

interface OpenStore {
  readonly store: ClusterStore;
  readonly geometry: ClusterGeometry;
  readonly states: Uint8Array;
}

/** Undefined: nothing is in the files and nothing is to be made. */
export function openFileStore(files: StoreFiles, options: FileStoreOptions): OpenStore | undefined {
  const { name, create, base, longLog = LONG_LOG } = options;
  const found = currentLog(files.logs.map(contentsOf));
  let { log } = found;
  if (log === undefined) {
    if (create === undefined) return undefined;
    log = {
      header: { version: VERSION, generation: 0, clusterBytes: create.clusterBytes, base: base ?? null },
      slots: new Map(),
      sizes: { sizeBytes: create.sizeBytes, backingBytes: create.backingBytes },
      end: 0,
    };
  }
  return {
    ...shapeOf(log, options),
    store: new FileStore(name, files, log, { current: found.current, longLog }),
  };
}

/** For threads that may only read, and while no other has the disk open. `readData` reads the file of clusters. */
export function readFileStore(
  logs: readonly Uint8Array<ArrayBuffer>[],
  readData: (offset: number, length: number) => Promise<Uint8Array>,
  options: FileStoreOptions,
): OpenStore | undefined {
  const { log } = currentLog(logs);
  if (log === undefined) return undefined;
  const { clusterBytes } = log.header;
  return {
    ...shapeOf(log, options),
    store: {
      load: (clusters) =>
        Promise.all(
          clusters.map(async (cluster) => {
            const bytes = new Uint8Array(clusterBytes);
            bytes.set(await readData((log.slots.get(cluster) ?? 0) * clusterBytes, clusterBytes));
            return bytes;
          }),
        ),
      commit: () => Promise.reject(new BlockFailure('EROFS', `disk '${options.name}' is read-only`)),
      async close() {},
    },
  };
}

function contentsOf(file: SyncFile): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(file.getSize());
  file.read(bytes, { at: 0 });
  return bytes;
}

/** The log that counts, and which it is. */
function currentLog(logs: readonly Uint8Array<ArrayBuffer>[]): { log: Replayed | undefined; current: number } {
  const found = logs.map(replay);
  const current = (found[1]?.header.generation ?? -1) > (found[0]?.header.generation ?? -1) ? 1 : 0;
  return { log: found[current], current };
}

/** Checks that the log is of the disk that is wanted. */
function shapeOf(
  { header, slots, sizes }: Replayed,
  { name, base }: FileStoreOptions,
): Pick<OpenStore, 'geometry' | 'states'> {
  if (header.version !== VERSION) throw new VmError(`disk '${name}' is not one that this version can read`);
  if (header.base !== (base ?? null)) {
    throw new VmError(`disk '${name}' was made over another image than it is opened with now`, {
      hint: 'Its image was replaced: the changes made over the old one do not fit the new one.',
    });
  }
  const geometry = { clusterBytes: header.clusterBytes, ...sizes };
  const states = new Uint8Array(Math.ceil(sizes.sizeBytes / header.clusterBytes));
  for (const [cluster, slot] of slots) {
    if (cluster < states.length) states[cluster] = slot === ZERO ? CLUSTER.ZERO : CLUSTER.DATA;
  }
  return { geometry, states };
}

class FileStore implements ClusterStore {
  private readonly name: string;
  private readonly files: StoreFiles;
  private readonly clusterBytes: number;
  private readonly base: string | null;
  private readonly longLog: number;
  private generation: number;
  private current: number;
  private logEnd: number;
  private sizes: { sizeBytes: number; backingBytes: number };
  private readonly slots: Map<number, number>;
  private free: number[] = [];
  private slotCount = 0;
  private hasUnflushed = false;

  constructor(
    name: string,
    files: StoreFiles,
    { header, slots, sizes, end }: Replayed,
    { current, longLog }: { current: number; longLog: number },
  ) {
    this.longLog = longLog;
    this.name = name;
    this.files = files;
    this.clusterBytes = header.clusterBytes;
    this.base = header.base;
    this.generation = header.generation;
    this.current = current;
    this.logEnd = end;
    this.slots = slots;
    this.sizes = sizes;
    const used = new Set(slots.values());
    for (const slot of used) if (slot !== ZERO) this.slotCount = Math.max(this.slotCount, slot + 1);
    for (let slot = 0; slot < this.slotCount; slot++) if (!used.has(slot)) this.free.push(slot);
    if (end === 0) this.rewriteLog(files.logs[current] as SyncFile);
  }

  async load(clusters: readonly number[]): Promise<Uint8Array[]> {
    return clusters.map((cluster) => {
      const slot = this.slots.get(cluster);
      if (slot === undefined || slot === ZERO)
        throw new Error(`BUG: disk '${this.name}': cluster ${cluster} has no slot`);
      const bytes = new Uint8Array(this.clusterBytes);
      this.files.data.read(bytes, { at: slot * this.clusterBytes });
      return bytes;
    });
  }

  async commit({ clusters, geometry }: ClusterCommit, durable: boolean): Promise<void> {
    const { data } = this.files;
    const changed = new Map<number, number>();
    const taken: number[] = [];
    const released: number[] = [];
    let isRecorded = false;
    try {
      for (const [cluster, value] of clusters) {
        const old = this.slots.get(cluster);
        let slot = old === undefined || old === ZERO ? undefined : old;
        if (!(value instanceof Uint8Array)) {
          if (slot !== undefined) released.push(slot);
          const next = value === CLUSTER.ZERO ? ZERO : ABSENT;
          if (old !== next && !(old === undefined && next === ABSENT)) changed.set(cluster, next);
          continue;
        }
        if (slot === undefined) {
          slot = this.free.pop() ?? this.slotCount++;
          taken.push(slot);
          changed.set(cluster, slot);
        }
        this.write(data, value, slot * this.clusterBytes);
      }
      const isResized =
        geometry.sizeBytes !== this.sizes.sizeBytes || geometry.backingBytes !== this.sizes.backingBytes;
      if (changed.size > 0 || isResized) {
        data.flush();
        const log = this.log;
        this.logEnd += this.append(log, COMMIT, commitBody(geometry, changed));
        isRecorded = true;
        if (durable) log.flush();
        else this.hasUnflushed = true;
      } else if (durable) {
        data.flush();
      } else {
        this.hasUnflushed = true;
      }
    } catch (error) {
      // Slots that the log knows of are another cluster's no more, until the disk is opened anew.
      if (!isRecorded) this.free.push(...taken);
      throw error;
    }
    for (const [cluster, slot] of changed) {
      if (slot === ABSENT) this.slots.delete(cluster);
      else this.slots.set(cluster, slot);
    }
    const { sizeBytes, backingBytes } = geometry;
    this.sizes = { sizeBytes, backingBytes };
    if (durable && this.hasUnflushed) {
      this.log.flush();
      data.flush();
      this.hasUnflushed = false;
    }
    // A log that says that they are free must be safe before anything else is written there.
    if (released.length > 0 && !durable) this.log.flush();
    this.free.push(...released);
    if (this.logEnd > this.longLog && this.logEnd > 4 * PAIR_BYTES * this.slots.size) {
      this.generation++;
      this.current ^= 1;
      this.rewriteLog(this.log);
    }
  }

  async close(): Promise<void> {
    for (const file of [this.files.data, ...this.files.logs]) file.close();
  }

  private get log(): SyncFile {
    return this.files.logs[this.current] as SyncFile;
  }

  /** A log with nothing but what counts. */
  private rewriteLog(log: SyncFile): void {
    log.truncate(0);
    const { generation, clusterBytes, base, sizes } = this;
    const header: Header = { version: VERSION, generation, clusterBytes, base };
    // The header comes last, so that a log which is not whole has none.
    const head = recordOf(HEADER, new TextEncoder().encode(JSON.stringify(header)));
    const commit = recordOf(COMMIT, commitBody(sizes, this.slots));
    this.write(log, commit, head.length);
    log.flush();
    this.write(log, head, 0);
    log.flush();
    this.logEnd = head.length + commit.length;
  }

  private append(log: SyncFile, type: number, body: Uint8Array): number {
    const record = recordOf(type, body);
    this.write(log, record, this.logEnd);
    return record.length;
  }

  private write(file: SyncFile, bytes: Uint8Array, at: number): void {
    if (file.write(bytes as Uint8Array<ArrayBuffer>, { at }) === bytes.length) return;
    throw new BlockFailure('ENOSPC', `disk '${this.name}': this browser has no room left for this page`);
  }
}

function commitBody(
  { sizeBytes, backingBytes }: { readonly sizeBytes: number; readonly backingBytes: number },
  changed: ReadonlyMap<number, number>,
): Uint8Array {
  const body = new Uint8Array(SIZES_BYTES + changed.size * PAIR_BYTES);
  const view = new DataView(body.buffer);
  view.setFloat64(0, sizeBytes, true);
  view.setFloat64(8, backingBytes, true);
  let at = SIZES_BYTES;
  for (const [cluster, slot] of changed) {
    view.setUint32(at, cluster, true);
    view.setUint32(at + 4, slot, true);
    at += PAIR_BYTES;
  }
  return body;
}

function recordOf(type: number, body: Uint8Array): Uint8Array {
  const record = new Uint8Array(HEAD_BYTES + body.length + SUM_BYTES);
  const view = new DataView(record.buffer);
  view.setUint32(0, type, true);
  view.setUint32(4, body.length, true);
  record.set(body, HEAD_BYTES);
  view.setUint32(record.length - SUM_BYTES, checksum(record.subarray(0, -SUM_BYTES)), true);
  return record;
}

/** Adler-32 (RFC 1950, 8.2), seeded so that zeros are not right. */
function checksum(bytes: Uint8Array): number {
  let a = 1;
  let b = 0x4c4b;
  for (const byte of bytes) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  return ((b << 16) | a) >>> 0;
}

/** Undefined: this is no log. */
function replay(bytes: Uint8Array<ArrayBuffer>): Replayed | undefined {
  const view = new DataView(bytes.buffer);
  const record = (at: number, type: number): Uint8Array | undefined => {
    if (at + HEAD_BYTES + SUM_BYTES > bytes.length || view.getUint32(at, true) !== type) return undefined;
    const length = view.getUint32(at + 4, true);
    const end = at + HEAD_BYTES + length;
    if (length > MAX_RECORD_BYTES || end + SUM_BYTES > bytes.length) return undefined;
    if (view.getUint32(end, true) !== checksum(bytes.subarray(at, end))) return undefined;
    return bytes.subarray(at + HEAD_BYTES, end);
  };
  const head = record(0, HEADER);
  const header = head && headerOf(head);
  if (head === undefined || header === undefined) return undefined;
  const slots = new Map<number, number>();
  const sizes = { sizeBytes: 0, backingBytes: 0 };
  let at = HEAD_BYTES + head.length + SUM_BYTES;
  for (let body = record(at, COMMIT); body !== undefined; body = record(at, COMMIT)) {
    const pairs = new DataView(body.buffer, body.byteOffset, body.length);
    sizes.sizeBytes = pairs.getFloat64(0, true);
    sizes.backingBytes = pairs.getFloat64(8, true);
    for (let i = SIZES_BYTES; i + PAIR_BYTES <= body.length; i += PAIR_BYTES) {
      const slot = pairs.getUint32(i + 4, true);
      if (slot === ABSENT) slots.delete(pairs.getUint32(i, true));
      else slots.set(pairs.getUint32(i, true), slot);
    }
    at += HEAD_BYTES + body.length + SUM_BYTES;
  }
  return { header, slots, sizes, end: at };
}

function headerOf(body: Uint8Array): Header | undefined {
  try {
    const { version, generation, clusterBytes, base } = JSON.parse(new TextDecoder().decode(body)) as Header;
    if (!Number.isSafeInteger(version) || !Number.isSafeInteger(generation)) return undefined;
    if (!Number.isSafeInteger(clusterBytes) || clusterBytes < 1 || clusterBytes > MAX_CLUSTER_BYTES) return undefined;
    return { version, generation, clusterBytes, base: typeof base === 'string' ? base : null };
  } catch {
    return undefined;
  }
}
