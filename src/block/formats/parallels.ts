/** Parallels expandable disks, read-only: docs/interop/parallels.txt of QEMU. */
import type { BlockNode } from '../api.ts';
import { getU64LE, textOf, viewOf } from './fields.ts';
import { type ImageNode, type OpenImageOptions, readStructure, refuse } from './image.ts';
import { type BlockMap, MappedImage, NONE, type Place } from './mapped-image.ts';
import { PageCache } from './page-cache.ts';

const HEADER_BYTES = 64;
const SECTOR = 512;
const MAGIC_SECTORS = 'WithoutFreeSpace';
const MAGIC_CLUSTERS = 'WithouFreSpacExt';
const IN_USE = 0x746f6e59;
const MAX_TRACKS = 1 << 22;

export async function openParallels(file: BlockNode, { name }: OpenImageOptions): Promise<ImageNode> {
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
  };
  return new MappedImage(map, { readonly: true });
}
