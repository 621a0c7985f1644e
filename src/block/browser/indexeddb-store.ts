/**
 * Clusters of a disk in a database of the browser's own. A commit is one transaction, so the map of clusters, the
 * clusters and the size are always of one moment.
 *
 * Keys: a cluster's number; `geometry`; `map:n`, what each of 4,096 clusters is; `base`, which image it was made over.
 */
import { getMany, promisifyRequest, setMany, type UseStore } from 'idb-keyval';
import { VmError } from '../../util/errors.ts';
import { CLUSTER, type ClusterGeometry, type ClusterStore } from '../cluster-node.ts';
import { guarded } from './failures.ts';

const PREFIX = 'lockstep-disk:';
const STORE = 'disk';
const GEOMETRY = 'geometry';
const BASE = 'base';
const MAP_CLUSTERS = 4096;
const MAX_CLUSTER_BYTES = 1 << 22;

export interface OpenStore {
  readonly store: ClusterStore;
  readonly geometry: ClusterGeometry;
  readonly states: Uint8Array;
}

export interface OpenStoreOptions {
  /** If there is no such disk, one of this geometry is made. */
  readonly create?: ClusterGeometry | undefined;
  /** Tells the image below from others; a disk made over another is refused. */
  readonly base?: string | undefined;
}

/** Opens a disk; undefined if there is none and none is to be created. */
export async function openIndexedDbStore(
  name: string,
  { create, base }: OpenStoreOptions,
): Promise<OpenStore | undefined> {
  const database = await openDatabase(name, create !== undefined);
  if (database === undefined) return undefined;
  try {
    const use = storeOf(database, 'relaxed');
    const [found, madeOver] = await getMany<unknown>([GEOMETRY, BASE], use);
    if (found === undefined && create === undefined) {
      database.close();
      return undefined;
    }
    const geometry = found === undefined ? (create as ClusterGeometry) : checkedGeometry(found, name);
    if (found === undefined) await setMany(Object.entries({ [GEOMETRY]: geometry, [BASE]: base }), use);
    else if (madeOver !== base) {
      throw new VmError(`disk '${name}' was made over another image than it is opened with now`, {
        hint: 'Its image was replaced: the changes made over the old one do not fit the new one.',
      });
    }
    const states = await readStates(geometry, use);
    return { store: new IndexedDbStore(name, database, states), geometry, states };
  } catch (error) {
    database.close();
    throw error;
  }
}

class IndexedDbStore implements ClusterStore {
  private readonly name: string;
  private readonly database: IDBDatabase;
  /** As it is stored. */
  private states: Uint8Array;

  constructor(name: string, database: IDBDatabase, states: Uint8Array) {
    this.name = name;
    this.database = database;
    this.states = states.slice();
  }

  load(clusters: readonly number[]): Promise<Uint8Array[]> {
    return guarded(`disk '${this.name}'`, async () => {
      const found = await getMany<unknown>([...clusters], storeOf(this.database, 'relaxed'));
      return found.map((bytes, i) => {
        if (bytes instanceof Uint8Array) return bytes;
        throw new DOMException(`cluster ${clusters[i]} is missing`, 'DataError');
      });
    });
  }

  commit({ clusters, geometry }: Parameters<ClusterStore['commit']>[0], durable: boolean): Promise<void> {
    const states = new Uint8Array(Math.ceil(geometry.sizeBytes / geometry.clusterBytes));
    states.set(this.states.subarray(0, states.length));
    const pages = new Set<number>();
    return guarded(`disk '${this.name}'`, async () => {
      await storeOf(this.database, durable ? 'strict' : 'relaxed')('readwrite', (store) => {
        try {
          for (const [cluster, value] of clusters) {
            if (value instanceof Uint8Array) store.put(value, cluster);
            else store.delete(cluster);
            if (cluster >= states.length) continue;
            states[cluster] = value instanceof Uint8Array ? CLUSTER.DATA : value;
            pages.add(Math.floor(cluster / MAP_CLUSTERS));
          }
          for (const page of pages) {
            store.put(states.slice(page * MAP_CLUSTERS, (page + 1) * MAP_CLUSTERS), mapKey(page));
          }
          store.put({ ...geometry }, GEOMETRY);
        } catch (error) {
          // What was put so far would be committed by itself.
          store.transaction.abort();
          throw error;
        }
        return promisifyRequest(store.transaction);
      });
      this.states = states;
    });
  }

  async close(): Promise<void> {
    this.database.close();
  }
}

const mapKey = (page: number): string => `map:${page}`;

function storeOf(database: IDBDatabase, durability: IDBTransactionDurability): UseStore {
  return async (mode, callback) => callback(database.transaction(STORE, mode, { durability }).objectStore(STORE));
}

function openDatabase(name: string, create: boolean): Promise<IDBDatabase | undefined> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(PREFIX + name, 1);
    let missing = false;
    request.onupgradeneeded = () => {
      if (create) {
        request.result.createObjectStore(STORE);
        return;
      }
      missing = true;
      request.transaction?.abort();
    };
    request.onsuccess = () => {
      const database = request.result;
      // Another tab deletes the disk: it may, this one finds out.
      database.onversionchange = () => database.close();
      resolve(database);
    };
    request.onerror = (event) => {
      event.preventDefault();
      if (missing) resolve(undefined);
      else reject(new VmError(`Could not open disk '${name}': ${request.error?.message}`, { cause: request.error }));
    };
  });
}

async function readStates({ sizeBytes, clusterBytes }: ClusterGeometry, use: UseStore): Promise<Uint8Array> {
  const states = new Uint8Array(Math.ceil(sizeBytes / clusterBytes));
  const pages = Array.from({ length: Math.ceil(states.length / MAP_CLUSTERS) }, (_, page) => page);
  for (const [page, map] of (await getMany<unknown>(pages.map(mapKey), use)).entries()) {
    if (!(map instanceof Uint8Array)) continue;
    const at = page * MAP_CLUSTERS;
    states.set(map.subarray(0, Math.min(MAP_CLUSTERS, states.length - at)), at);
  }
  return states;
}

function checkedGeometry(stored: unknown, name: string): ClusterGeometry {
  const { clusterBytes, sizeBytes, backingBytes } = (stored ?? {}) as Partial<Record<keyof ClusterGeometry, unknown>>;
  const isSize = (value: unknown): value is number =>
    typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
  if (
    !isSize(clusterBytes) ||
    !isSize(sizeBytes) ||
    !isSize(backingBytes) ||
    clusterBytes < 512 ||
    clusterBytes > MAX_CLUSTER_BYTES
  ) {
    throw new VmError(`disk '${name}' is not one that this version can read`);
  }
  return { clusterBytes, sizeBytes, backingBytes };
}

/** Names of all disks in this browser. */
export async function listIndexedDbDisks(): Promise<string[]> {
  const names = (await indexedDB.databases()).map(({ name = '' }) => name);
  return names.filter((name) => name.startsWith(PREFIX)).map((name) => name.slice(PREFIX.length));
}

export function deleteIndexedDbDisk(name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(PREFIX + name);
    request.onsuccess = () => resolve();
    request.onerror = () => reject(new VmError(`Could not delete disk '${name}': ${request.error?.message}`));
  });
}
