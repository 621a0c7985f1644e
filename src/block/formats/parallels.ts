/** Parallels expandable disks: docs/interop/parallels.txt of QEMU. */
import { BlockFailure, type BlockNode } from '../api.ts';
import { getU64LE, parseSize, roundUp, setU64LE, textOf, viewOf } from './fields.ts';
import type { CreateImageOptions, CreateOption } from './formats.ts';
import { type ImageNode, type OpenImageOptions, readStructure, refuse, zeroGrowing } from './image.ts';
import { type BlockMap, MappedImage, NONE, type Place } from './mapped-image.ts';
import { PageCache } from './page-cache.ts';

const HEADER_BYTES = 64;
const SECTOR = 512;
const MAGIC_SECTORS = 'WithoutFreeSpace';
const MAGIC_CLUSTERS = 'WithouFreSpacExt';
const IN_USE_AT = 44;
const IN_USE = 0x746f6e59;
const DEFAULT_CLUSTER = 1 << 20;
const MAX_TRACKS = 1 << 22;
/** The table of a new image has at most 128 MiB. */
const MAX_ENTRIES = 32 << 20;

export async function openParallels(file: BlockNode, options: OpenImageOptions): Promise<ImageNode> {
  const { name } = options;
  const readonly = options.readonly === true || file.readonly;
  const header = await readStructure(file, { name, what: 'the header', offset: 0, length: HEADER_BYTES });
  const view = viewOf(header);
  const magic = textOf(header.subarray(0, 16));
  if (magic !== MAGIC_SECTORS && magic !== MAGIC_CLUSTERS)
    throw refuse(name, 'not a Parallels image: the magic is missing');
  const [version, tracks, entries] = [view.getUint32(16, true), view.getUint32(28, true), view.getUint32(32, true)];
  if (version !== 2) throw refuse(name, `Parallels version ${version} is not supported (2)`);
  if (tracks === 0 || tracks > MAX_TRACKS)
    throw refuse(name, `Parallels clusters of ${tracks} sectors are not supported`);
  // The older format's size has 32 bits.
  const sectors = magic === MAGIC_SECTORS ? view.getUint32(36, true) : getU64LE(view, 36);
  if (sectors > entries * tracks)
    throw refuse(name, `${sectors} sectors do not fit in the ${entries} clusters of the image`);
  if (HEADER_BYTES + entries * 4 > file.sizeBytes)
    throw refuse(name, 'the block table lies beyond the end of the file');
  const unit = magic === MAGIC_SECTORS ? SECTOR : tracks * SECTOR;
  const cache = new PageCache(file, { pageSize: 4096, maxPages: 1024 });
  cache.beforeWrite = () => file.flush();
  /** Marks the image as being written, or as closed. */
  const setInUse = async (value: number): Promise<void> => {
    const page = await cache.page(IN_USE_AT);
    page.view.setUint32(IN_USE_AT - page.offset, value, true);
    cache.markDirty(page);
    await cache.write();
  };
  let marked = false;
  const map: BlockMap = {
    driver: 'parallels',
    sizeBytes: sectors * SECTOR,
    blockSize: tracks * SECTOR,
    file,
    info: { dirty: view.getUint32(44, true) === IN_USE },
    async find(block): Promise<Place> {
      const at = HEADER_BYTES + block * 4;
      const page = cache.peek(at) ?? (await cache.page(at));
      const entry = page.view.getUint32(at - page.offset, true);
      return entry === 0 ? NONE : { kind: 'data', host: entry * unit };
    },
    async allocate() {
      const host = roundUp(file.sizeBytes, tracks * SECTOR);
      if (host / unit > 0xffffffff) throw new BlockFailure('ENOSPC', `image '${name}': the Parallels image is full`);
      if (!marked) await setInUse(IN_USE);
      marked = true;
      await zeroGrowing(file, host, tracks * SECTOR);
      return host;
    },
    async link(block, host) {
      const at = HEADER_BYTES + block * 4;
      const page = await cache.page(at);
      page.view.setUint32(at - page.offset, host / unit, true);
      cache.markDirty(page);
    },
    commit: () => cache.write(),
    async close() {
      if (marked) await setInUse(0);
    },
  };
  return new MappedImage(map, { readonly });
}

export const PARALLELS_OPTIONS: readonly CreateOption[] = [
  { name: 'cluster_size', value: String(DEFAULT_CLUSTER), help: 'Parallels image cluster size' },
];

export async function createParallels(
  file: BlockNode,
  { name, sizeBytes, options }: CreateImageOptions,
): Promise<void> {
  const clusterSize = parseSize(options.get('cluster_size') ?? String(DEFAULT_CLUSTER)) ?? 0;
  if (clusterSize < SECTOR || clusterSize % SECTOR !== 0 || clusterSize / SECTOR > MAX_TRACKS) {
    throw refuse(name, `Parallels clusters of ${clusterSize} bytes are not supported`);
  }
  const entries = Math.ceil(sizeBytes / clusterSize);
  if (entries > MAX_ENTRIES)
    throw refuse(name, `the image size ${sizeBytes} is too large for clusters of ${clusterSize} bytes`);
  const tableEnd = roundUp(HEADER_BYTES + entries * 4, clusterSize);
  const header = new Uint8Array(HEADER_BYTES);
  const view = viewOf(header);
  header.set(new TextEncoder().encode(MAGIC_CLUSTERS));
  view.setUint32(16, 2, true);
  // Heads and cylinders are for programs that ask; no disk depends on them.
  view.setUint32(20, 16, true);
  view.setUint32(24, Math.min(0xffffffff, Math.ceil(sizeBytes / SECTOR / (16 * 32))), true);
  view.setUint32(28, clusterSize / SECTOR, true);
  view.setUint32(32, entries, true);
  setU64LE(view, 36, sizeBytes / SECTOR);
  view.setUint32(48, tableEnd / SECTOR, true);
  await file.resize(0);
  await file.resize(tableEnd);
  await file.write(0, header);
  await file.flush();
}
