/** Compressed loop devices (cloop, version 2), read-only: blocks of zlib behind a table of their offsets. */
import { BlockFailure, type BlockNode } from '../api.ts';
import { inflateInto } from './compression.ts';
import { getU64BE, hex, viewOf } from './fields.ts';
import { type ImageNode, type OpenImageOptions, readStructure, refuse } from './image.ts';
import { type BlockMap, MappedImage, type Place } from './mapped-image.ts';
import { PageCache } from './page-cache.ts';

/** A shell script that mounts the image comes first. */
const BLOCK_SIZE_AT = 128;
const TABLE_AT = 136;
const MAX_BLOCK = 64 << 20;

export async function openCloop(file: BlockNode, { name }: OpenImageOptions): Promise<ImageNode> {
  const header = await readStructure(file, { name, what: 'the header', offset: 0, length: TABLE_AT });
  const view = viewOf(header);
  const [blockSize, blocks] = [view.getUint32(BLOCK_SIZE_AT), view.getUint32(BLOCK_SIZE_AT + 4)];
  if (blockSize === 0 || blockSize % 512 !== 0 || blockSize > MAX_BLOCK) {
    throw refuse(name, `cloop blocks of ${blockSize} bytes are not supported (multiples of 512 up to 64 MiB)`);
  }
  if (TABLE_AT + (blocks + 1) * 8 > file.sizeBytes) {
    throw refuse(name, `the offsets of ${blocks} cloop blocks lie beyond the end of the file`);
  }
  const cache = new PageCache(file, { pageSize: 4096, maxPages: 256 });
  const offsetOf = async (block: number): Promise<number> => {
    const at = TABLE_AT + block * 8;
    const page = cache.peek(at) ?? (await cache.page(at));
    return getU64BE(page.view, at - page.offset);
  };
  const map: BlockMap = {
    driver: 'cloop',
    sizeBytes: blocks * blockSize,
    blockSize,
    file,
    info: { compressed: true },
    async find(block): Promise<Place> {
      const [offset, end] = [await offsetOf(block), await offsetOf(block + 1)];
      // A block that does not compress grows a little.
      if (end < offset || end - offset > 2 * blockSize + 64 || end > file.sizeBytes) {
        throw new BlockFailure(
          'EIO',
          `image '${name}': cloop block ${block} at ${hex(offset)} to ${hex(end)} is damaged`,
        );
      }
      return { kind: 'packed', unpack: (into) => unpack(offset, end - offset, into) };
    },
  };
  async function unpack(offset: number, length: number, into: Uint8Array<ArrayBuffer>): Promise<void> {
    const packed = new Uint8Array(length);
    await file.read(offset, packed);
    if (inflateInto(packed, into, 'zlib') === into.length) return;
    throw new BlockFailure('EIO', `image '${name}': the compressed block at ${hex(offset)} is damaged`);
  }
  return new MappedImage(map, { readonly: true });
}
