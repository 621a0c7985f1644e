/** QED images: docs/interop/qed_spec.txt of QEMU. */
import { BlockFailure, type BlockNode } from '../api.ts';
import { getU64LE, hex, parseSize, roundUp, setU64LE, viewOf } from './fields.ts';
import type { CreateImageOptions, CreateOption } from './formats.ts';
import { type ImageInfo, type ImageNode, type OpenImageOptions, readStructure, refuse, zeroGrowing } from './image.ts';
import { type BlockMap, MappedImage, NONE, type Place, ZERO } from './mapped-image.ts';
import { PageCache } from './page-cache.ts';

const HEADER_BYTES = 64;
const MAGIC = 0x00444551;
const FEATURES_AT = 16;
const FEATURE_BACKING = 1;
const FEATURE_NEED_CHECK = 2;
const FEATURE_BACKING_RAW = 4;
const KNOWN = FEATURE_BACKING | FEATURE_NEED_CHECK | FEATURE_BACKING_RAW;
const MIN_CLUSTER = 4096;
const MAX_CLUSTER = 64 << 20;
const MAX_TABLE_CLUSTERS = 16;

export async function openQed(file: BlockNode, options: OpenImageOptions): Promise<ImageNode> {
  const { name, openOther } = options;
  const readonly = options.readonly === true || file.readonly;
  const header = await readStructure(file, { name, what: 'the header', offset: 0, length: HEADER_BYTES });
  const view = viewOf(header);
  const u32 = (at: number): number => view.getUint32(at, true);
  if (u32(0) !== MAGIC) throw refuse(name, 'not a QED image: the magic is missing');
  const [clusterSize, tableClusters, features, featuresHigh] = [u32(4), u32(8), u32(16), u32(20)];
  if (featuresHigh !== 0 || (features & ~KNOWN) !== 0) {
    throw refuse(name, `unsupported QED features ${hex(featuresHigh * 2 ** 32 + ((features & ~KNOWN) >>> 0))}`);
  }
  if (clusterSize < MIN_CLUSTER || clusterSize > MAX_CLUSTER || (clusterSize & (clusterSize - 1)) !== 0) {
    throw refuse(name, `QED clusters of ${clusterSize} bytes are not supported`);
  }
  if (tableClusters < 1 || tableClusters > MAX_TABLE_CLUSTERS || (tableClusters & (tableClusters - 1)) !== 0) {
    throw refuse(name, `QED tables of ${tableClusters} clusters are not supported (1 to 16)`);
  }
  const [l1Offset, sizeBytes] = [getU64LE(view, 40), getU64LE(view, 48)];
  const perTable = (tableClusters * clusterSize) / 8;
  if (sizeBytes % 512 !== 0 || sizeBytes > perTable * perTable * clusterSize) {
    throw refuse(name, `a QED image of ${sizeBytes} bytes does not fit in its tables`);
  }
  if (l1Offset % clusterSize !== 0 || l1Offset + perTable * 8 > file.sizeBytes) {
    throw refuse(name, `QED L1 table offset ${hex(l1Offset)} is not aligned, or beyond the end of the file`);
  }
  const info = await infoOf(file, view, { name, features, clusterSize });
  const cache = new PageCache(file, { pageSize: 4096, maxPages: 1024 });
  const entryAt = async (at: number): Promise<number> => {
    const page = cache.peek(at) ?? (await cache.page(at));
    return getU64LE(page.view, at - page.offset);
  };
  const aligned = (offset: number, what: string): number => {
    if (offset % clusterSize === 0 && offset < file.sizeBytes) return offset;
    throw new BlockFailure('EIO', `image '${name}': QED ${what} offset ${hex(offset)} is damaged`);
  };
  if (!readonly && !options.forCheck && info.dirty) {
    throw refuse(
      name,
      'the QED image was not closed and has to be repaired before it can be written',
      'open it once with a program that can',
    );
  }
  cache.beforeWrite = () => file.flush();
  /** While clusters are given away the image says that it is to be checked, should nobody close it. */
  const setNeedCheck = async (on: boolean): Promise<void> => {
    const page = await cache.page(FEATURES_AT);
    page.view.setUint32(FEATURES_AT, on ? features | FEATURE_NEED_CHECK : features & ~FEATURE_NEED_CHECK, true);
    cache.markDirty(page);
    await cache.write();
    await file.flush();
  };
  const setEntry = async (at: number, value: number): Promise<void> => {
    const page = await cache.page(at);
    setU64LE(page.view, at - page.offset, value);
    cache.markDirty(page);
  };
  const append = async (bytes: number): Promise<number> => {
    const place = roundUp(file.sizeBytes, clusterSize);
    await zeroGrowing(file, place, bytes);
    return place;
  };
  let marked = false;
  const map: BlockMap = {
    driver: 'qed',
    sizeBytes,
    blockSize: clusterSize,
    file,
    info,
    async find(block): Promise<Place> {
      const table = await entryAt(l1Offset + Math.floor(block / perTable) * 8);
      if (table === 0) return NONE;
      const entry = await entryAt(aligned(table, 'L2 table') + (block % perTable) * 8);
      if (entry === 0) return NONE;
      return entry === 1 ? ZERO : { kind: 'data', host: aligned(entry, 'cluster') };
    },
    async allocate() {
      if (!marked) await setNeedCheck(true);
      marked = true;
      return append(clusterSize);
    },
    async link(block, host) {
      const l1At = l1Offset + Math.floor(block / perTable) * 8;
      let table = await entryAt(l1At);
      if (table === 0) {
        table = await append(tableClusters * clusterSize);
        await setEntry(l1At, table);
      }
      await setEntry(aligned(table, 'L2 table') + (block % perTable) * 8, host);
    },
    commit: () => cache.write(),
    async close() {
      if (marked) await setNeedCheck(false);
    },
  };
  const { backing: reference } = info;
  const backing =
    reference &&
    (await openOther?.(reference.name, { readonly: true, ...(reference.format ? { format: reference.format } : {}) }));
  return new MappedImage(map, { readonly, backing });
}

async function infoOf(
  file: BlockNode,
  view: DataView,
  { name, features, clusterSize }: { name: string; features: number; clusterSize: number },
): Promise<ImageInfo> {
  const info = { clusterSize, dirty: (features & FEATURE_NEED_CHECK) !== 0 };
  if ((features & FEATURE_BACKING) === 0) return info;
  const [offset, length] = [view.getUint32(56, true), view.getUint32(60, true)];
  if (length > 1023) throw refuse(name, `the backing file's name is too long (${length} bytes)`);
  const bytes = await readStructure(file, { name, what: "the backing file's name", offset, length });
  const backing = new TextDecoder().decode(bytes);
  return { ...info, backing: features & FEATURE_BACKING_RAW ? { name: backing, format: 'raw' } : { name: backing } };
}

const DEFAULT_CLUSTER = 65536;
const DEFAULT_TABLE_CLUSTERS = 4;

export const QED_OPTIONS: readonly CreateOption[] = [
  { name: 'cluster_size', value: String(DEFAULT_CLUSTER), help: 'Cluster size (in bytes)' },
  { name: 'table_size', help: 'L1/L2 table size (in clusters)' },
];

export async function createQed(
  file: BlockNode,
  { name, sizeBytes, backing, options }: CreateImageOptions,
): Promise<void> {
  const clusterSize = parseSize(options.get('cluster_size') ?? String(DEFAULT_CLUSTER)) ?? 0;
  const tableClusters = Number(options.get('table_size') ?? DEFAULT_TABLE_CLUSTERS);
  if (clusterSize < MIN_CLUSTER || clusterSize > MAX_CLUSTER || (clusterSize & (clusterSize - 1)) !== 0) {
    throw refuse(name, 'QED cluster size must be within range [4096, 67108864] and power of 2');
  }
  if (!(tableClusters >= 1 && tableClusters <= MAX_TABLE_CLUSTERS) || (tableClusters & (tableClusters - 1)) !== 0) {
    throw refuse(name, 'QED table size must be within range [1, 16] and power of 2');
  }
  const perTable = (tableClusters * clusterSize) / 8;
  if (sizeBytes > perTable * perTable * clusterSize)
    throw refuse(name, `QED image size ${sizeBytes} is too large for its tables`);
  const header = new Uint8Array(clusterSize);
  const view = viewOf(header);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, clusterSize, true);
  view.setUint32(8, tableClusters, true);
  view.setUint32(12, 1, true);
  setU64LE(view, 40, clusterSize);
  setU64LE(view, 48, sizeBytes);
  if (backing !== undefined) {
    const bytes = new TextEncoder().encode(backing.name);
    if (bytes.length > 1023) throw refuse(name, `the name of the backing file is too long (${bytes.length} bytes)`);
    view.setUint32(FEATURES_AT, FEATURE_BACKING | (backing.format === 'raw' ? FEATURE_BACKING_RAW : 0), true);
    view.setUint32(56, HEADER_BYTES, true);
    view.setUint32(60, bytes.length, true);
    header.set(bytes, HEADER_BYTES);
  }
  await file.resize(0);
  await file.resize((1 + tableClusters) * clusterSize);
  await file.write(0, header);
  await file.flush();
}
