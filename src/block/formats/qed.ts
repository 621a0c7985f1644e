/** QED images, read-only: docs/interop/qed_spec.txt of QEMU. */
import { BlockFailure, type BlockNode } from '../api.ts';
import { getU64LE, hex, viewOf } from './fields.ts';
import { type ImageInfo, type ImageNode, type OpenImageOptions, readStructure, refuse } from './image.ts';
import { type BlockMap, MappedImage, NONE, type Place, ZERO } from './mapped-image.ts';
import { PageCache } from './page-cache.ts';

const HEADER_BYTES = 64;
const MAGIC = 0x00444551;
const FEATURE_BACKING = 1;
const FEATURE_NEED_CHECK = 2;
const FEATURE_BACKING_RAW = 4;
const KNOWN = FEATURE_BACKING | FEATURE_NEED_CHECK | FEATURE_BACKING_RAW;
const MIN_CLUSTER = 4096;
const MAX_CLUSTER = 64 << 20;
const MAX_TABLE_CLUSTERS = 16;

export async function openQed(file: BlockNode, { name, openOther }: OpenImageOptions): Promise<ImageNode> {
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
  };
  const { backing: reference } = info;
  const backing =
    reference &&
    (await openOther?.(reference.name, { readonly: true, ...(reference.format ? { format: reference.format } : {}) }));
  return new MappedImage(map, { readonly: true, backing });
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
