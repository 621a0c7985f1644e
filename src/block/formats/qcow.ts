/** The first version of QEMU's copy-on-write format, read-only: block/qcow.c of QEMU describes it. Encryption is refused. */
import { BlockFailure, type BlockNode } from '../api.ts';
import { inflateInto } from './compression.ts';
import { getU64BE, hex, roundUp, viewOf } from './fields.ts';
import { type ImageNode, type OpenImageOptions, readPadded, readStructure, refuse } from './image.ts';
import { type BlockMap, MappedImage, NONE, type Place } from './mapped-image.ts';
import { PageCache } from './page-cache.ts';

const HEADER_BYTES = 48;
const MAGIC = 0x514649fb;
const COMPRESSED = 0x80000000;
const TWO_32 = 2 ** 32;
const MAX_L1_BYTES = 32 << 20;

export async function openQcow(file: BlockNode, { name, openOther }: OpenImageOptions): Promise<ImageNode> {
  const header = await readStructure(file, { name, what: 'the header', offset: 0, length: HEADER_BYTES });
  const view = viewOf(header);
  if (view.getUint32(0) !== MAGIC) throw refuse(name, 'not a qcow image: the magic is missing');
  if (view.getUint32(4) !== 1)
    throw refuse(name, `qcow version ${view.getUint32(4)} is not supported by this format (1)`);
  const [sizeBytes, clusterBits, l2Bits] = [getU64BE(view, 24), header[32]!, header[33]!];
  if (sizeBytes <= 1) throw refuse(name, 'Image size is too small (must be at least 2 bytes)');
  if (clusterBits < 9 || clusterBits > 16)
    throw refuse(name, `qcow clusters of 2^${clusterBits} bytes are not supported (512 to 64k)`);
  if (l2Bits < 6 || l2Bits > 13)
    throw refuse(name, `qcow L2 tables of 2^${l2Bits} entries are not supported (512 to 64k bytes)`);
  const crypt = view.getUint32(36);
  if (crypt !== 0) throw refuse(name, `encryption method ${crypt} is not supported`);
  const clusterSize = 1 << clusterBits;
  const perTable = 1 << l2Bits;
  const l1Offset = getU64BE(view, 40);
  const l1Entries = Math.ceil(sizeBytes / (clusterSize * perTable));
  if (l1Entries * 8 > MAX_L1_BYTES) throw refuse(name, `a qcow image of ${sizeBytes} bytes is too large`);
  if (l1Offset + l1Entries * 8 > file.sizeBytes)
    throw refuse(name, `the L1 table at ${hex(l1Offset)} lies beyond the end of the file`);
  const cache = new PageCache(file, { pageSize: 512, maxPages: 8192 });
  const entryAt = async (at: number): Promise<[hi: number, lo: number]> => {
    // A table may begin anywhere; entries do not straddle pages as long as it begins at a multiple of 8.
    if (at % 8 !== 0) throw new BlockFailure('EIO', `image '${name}': table offset ${hex(at)} is not aligned`);
    const page = cache.peek(at) ?? (await cache.page(at));
    return [page.view.getUint32(at - page.offset), page.view.getUint32(at - page.offset + 4)];
  };
  const map: BlockMap = {
    driver: 'qcow',
    sizeBytes: roundUp(sizeBytes, 512),
    blockSize: clusterSize,
    file,
    info: { clusterSize, ...(await backingOf(file, view, name)) },
    async find(block): Promise<Place> {
      const [tableHi, tableLo] = await entryAt(l1Offset + Math.floor(block / perTable) * 8);
      const table = tableHi * TWO_32 + tableLo;
      if (table === 0) return NONE;
      const [hi, lo] = await entryAt(table + (block % perTable) * 8);
      if (hi === 0 && lo === 0) return NONE;
      if ((hi & COMPRESSED) === 0) return { kind: 'data', host: hi * TWO_32 + lo };
      // The length is below the flag, the offset below the length.
      const shift = 63 - clusterBits - 32;
      const length = (hi & 0x7fffffff) >>> shift;
      const host = (hi & (2 ** shift - 1)) * TWO_32 + lo;
      return { kind: 'packed', unpack: (into) => unpack(host, length, into) };
    },
  };
  async function unpack(host: number, length: number, into: Uint8Array<ArrayBuffer>): Promise<void> {
    const packed = new Uint8Array(length);
    await readPadded(file, host, packed);
    if (inflateInto(packed, into, 'raw') === into.length) return;
    throw new BlockFailure('EIO', `image '${name}': the compressed cluster at ${hex(host)} is damaged`);
  }
  const backing = map.info.backing && (await openOther?.(map.info.backing.name, { readonly: true }));
  return new MappedImage(map, { readonly: true, backing });
}

async function backingOf(file: BlockNode, view: DataView, name: string): Promise<{ backing?: { name: string } }> {
  const [offset, length] = [getU64BE(view, 8), view.getUint32(16)];
  if (offset === 0 || length === 0) return {};
  if (length > 1023) throw refuse(name, `the backing file's name is too long (${length} bytes)`);
  const bytes = await readStructure(file, { name, what: "the backing file's name", offset, length });
  return { backing: { name: new TextDecoder().decode(bytes) } };
}
