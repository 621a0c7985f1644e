/** Opens disk images by where they are. */
import type { BlockNode } from '../block/api.ts';
import { createMemoryNode } from '../block/backends/memory.ts';
import { createBlobNode } from '../block/browser/blob-node.ts';
import { lockDisk } from '../block/browser/disk-lock.ts';
import { openHttpNode } from '../block/browser/http-node.ts';
import { openIndexedDbStore } from '../block/browser/indexeddb-store.ts';
import { openOpfsNode } from '../block/browser/opfs-node.ts';
import { openOpfsStore } from '../block/browser/opfs-store.ts';
import { type ClusterGeometry, ClusterNode } from '../block/cluster-node.ts';
import { VmError } from '../util/errors.ts';
import type { ImageSource } from './api.ts';

/** Large enough for batches to be fast, small enough for a guest that writes a sector at a time. */
const CLUSTER_BYTES = 64 << 10;
const CACHE_BYTES = 64 << 20;
/** A guest that never flushes, as DOS, loses no more than this if the tab dies. */
const WRITE_BEHIND_MS = 1000;
/** What a guest may write over an image that is not kept. */
const TEMPORARY_BYTES = 512 << 20;

interface Opened {
  readonly node: BlockNode;
  /** Tells this state of the image from others, as far as its place says. */
  readonly version: string;
}

/** The source that a file's name stands for, if it is an address. */
export function sourceOfName(name: string): ImageSource | undefined {
  const [, scheme, rest = ''] = /^(indexeddb|opfs|https?):(.*)$/s.exec(name) ?? [];
  if (scheme === undefined) return undefined;
  if (scheme === 'indexeddb') return { kind: 'indexeddb', name: rest };
  return scheme === 'opfs' ? { kind: 'opfs', path: rest } : { kind: 'url', url: name };
}

/** Opens an image; undefined if it is not there. */
export async function openSource(source: ImageSource, name: string, readonly: boolean): Promise<BlockNode | undefined> {
  const opened = await open(source, name, readonly);
  if (opened === undefined) return undefined;
  const isForeign = source.kind === 'file' || source.kind === 'url';
  return isForeign && !readonly ? createTemporary(opened.node) : opened.node;
}

/** What is written over `backing` stays in memory. */
export function createTemporary(backing: BlockNode): ClusterNode {
  return new ClusterNode({
    driver: 'cow',
    geometry: geometryOf(backing.sizeBytes),
    backing,
    cacheBytes: TEMPORARY_BYTES,
  });
}

async function open(source: ImageSource, name: string, readonly: boolean): Promise<Opened | undefined> {
  switch (source.kind) {
    case 'bytes': {
      const { bytes } = source;
      return { node: createMemoryNode(readonly ? bytes : bytes.slice(), { readonly }), version: '' };
    }
    case 'file': {
      const { file } = source;
      const version = 'lastModified' in file ? String(file.lastModified) : '';
      return { node: createBlobNode(file, name), version };
    }
    case 'url':
      return openHttpNode(source.url);
    case 'opfs': {
      const node = await openOpfsNode(source.path, {
        readonly,
        ...(source.createBytes !== undefined && { createBytes: source.createBytes }),
      });
      return node && { node, version: '' };
    }
    case 'indexeddb': {
      const create = source.createBytes === undefined ? undefined : geometryOf(source.createBytes);
      const node = await openDisk(source.name, { place: 'indexeddb', create, readonly });
      return node && { node, version: '' };
    }
    case 'overlay': {
      const base = await open(source.base, name, true);
      if (base === undefined) return undefined;
      const { node: backing, version } = base;
      try {
        const create = readonly ? undefined : geometryOf(backing.sizeBytes);
        const node = await openDisk(source.name, {
          place: source.place ?? 'indexeddb',
          create,
          readonly,
          backing,
          base: `${backing.sizeBytes} ${version}`,
        });
        // Nothing was written over it yet.
        if (node === undefined) return { node: backing, version };
        return { node, version };
      } catch (error) {
        await backing.close();
        throw error;
      }
    }
  }
}

interface DiskOptions {
  readonly place: 'opfs' | 'indexeddb';
  readonly create: ClusterGeometry | undefined;
  readonly readonly: boolean;
  readonly backing?: BlockNode;
  readonly base?: string;
}

async function openDisk(
  name: string,
  { place, create, readonly, backing, base }: DiskOptions,
): Promise<ClusterNode | undefined> {
  if (typeof indexedDB === 'undefined') throw new VmError(`disk '${name}': there is no ${place} here`);
  const release = await lockDisk(place, name, readonly && place === 'indexeddb' ? 'shared' : 'exclusive');
  try {
    const open = place === 'indexeddb' ? openIndexedDbStore : openOpfsStore;
    const opened = await open(name, { create, base });
    if (opened === undefined) {
      release();
      return undefined;
    }
    const { store, geometry, states } = opened;
    return new ClusterNode({
      driver: place,
      geometry,
      states,
      store: {
        load: (clusters) => store.load(clusters),
        commit: (...args) => store.commit(...args),
        close: () => store.close().finally(release),
      },
      ...(backing !== undefined && { backing }),
      readonly,
      cacheBytes: CACHE_BYTES,
      later: (body) => void setTimeout(body, WRITE_BEHIND_MS),
    });
  } catch (error) {
    release();
    throw error;
  }
}

const geometryOf = (sizeBytes: number): ClusterGeometry => ({
  clusterBytes: CLUSTER_BYTES,
  sizeBytes,
  backingBytes: sizeBytes,
});
