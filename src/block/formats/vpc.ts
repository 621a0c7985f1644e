/**
 * Virtual PC images: "Virtual Hard Disk Image Format Specification", Microsoft, 2006. Fixed and dynamic disks;
 * differencing disks are refused. The sector bitmaps are ignored, as QEMU does: what is not in them is zero anyway.
 */
import type { BlockNode } from '../api.ts';
import { getU64BE, hex, roundUp, setU64BE, textOf, viewOf } from './fields.ts';
import type { CreateImageOptions, CreateOption } from './formats.ts';
import { type ImageNode, type OpenImageOptions, readStructure, refuse, writeGrowing, zeroGrowing } from './image.ts';
import { type BlockMap, MappedImage, NONE, type Place } from './mapped-image.ts';
import { PageCache } from './page-cache.ts';

const FOOTER_BYTES = 512;
const DYNAMIC_HEADER_BYTES = 1024;
const SECTOR = 512;
const COOKIE = 'conectix';
const DYNAMIC_COOKIE = 'cxsparse';
const TYPE_FIXED = 2;
const TYPE_DYNAMIC = 3;
const TYPE_DIFFERENCING = 4;
const UNALLOCATED = 0xffffffff;
const DEFAULT_BLOCK = 2 << 20;
const MAX_SECTORS = 0xff000000;
/** The largest disk that the fields for its geometry can say. */
const MAX_CHS_SECTORS = 65535 * 16 * 255;
/** Programs that mean the size field and not the geometry, by what they sign with. */
const SIZE_CREATORS = ['win ', 'qem2', 'd2v ', 'tap\0', 'CTXS'];

interface Footer {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly sizeBytes: number;
  readonly type: number;
  readonly dataOffset: number;
}

export async function openVpc(file: BlockNode, options: OpenImageOptions): Promise<ImageNode> {
  const { name } = options;
  const readonly = options.readonly === true || file.readonly;
  const footer = await readFooter(file, name);
  if (footer.type === TYPE_DIFFERENCING) throw refuse(name, 'VPC differencing disks are not supported');
  if (footer.type === TYPE_FIXED) return openFixed(file, footer, { name, readonly });
  if (footer.type !== TYPE_DYNAMIC) throw refuse(name, `VPC disk type ${footer.type} is not supported (2, 3)`);
  return openDynamic(file, footer, { name, readonly });
}

/** A dynamic disk has a copy of its footer at the beginning. */
async function readFooter(file: BlockNode, name: string): Promise<Footer> {
  const what = 'the footer';
  let bytes = await readStructure(file, { name, what, offset: 0, length: FOOTER_BYTES });
  if (textOf(bytes.subarray(0, 8)) !== COOKIE) {
    bytes = await readStructure(file, { name, what, offset: file.sizeBytes - FOOTER_BYTES, length: FOOTER_BYTES });
    if (textOf(bytes.subarray(0, 8)) !== COOKIE) throw refuse(name, 'not a VPC image: the cookie is missing');
  }
  const view = viewOf(bytes);
  const sum = checksum(bytes, 64);
  if (view.getUint32(64) !== sum) {
    throw refuse(name, `the VPC footer's checksum is ${hex(view.getUint32(64))}, it should be ${hex(sum)}`);
  }
  const geometry = view.getUint16(56) * bytes[58]! * bytes[59]!;
  const creator = String.fromCharCode(...bytes.subarray(28, 32));
  const bySize = SIZE_CREATORS.includes(creator) || geometry === MAX_CHS_SECTORS;
  const sizeBytes = bySize ? getU64BE(view, 48) : geometry * SECTOR;
  if (sizeBytes > MAX_SECTORS * SECTOR) throw refuse(name, `a VPC image of ${sizeBytes} bytes is too large`);
  return {
    bytes,
    sizeBytes: sizeBytes - (sizeBytes % SECTOR),
    type: view.getUint32(60),
    dataOffset: getU64BE(view, 16),
  };
}

/** The ones' complement of the sum of all bytes but the field's own. */
function checksum(bytes: Uint8Array, field: number): number {
  const sum = bytes.reduce((total, byte, i) => (i >= field && i < field + 4 ? total : total + byte), 0);
  return ~sum >>> 0;
}

interface Opening {
  readonly name: string;
  readonly readonly: boolean;
}

/** The disk's bytes as they are, then the footer. */
function openFixed(file: BlockNode, { sizeBytes }: Footer, { name, readonly }: Opening): ImageNode {
  if (sizeBytes + FOOTER_BYTES > file.sizeBytes) {
    throw refuse(name, `a fixed VPC disk of ${sizeBytes} bytes does not fit in a file of ${file.sizeBytes}`);
  }
  const map: BlockMap = {
    driver: 'vpc',
    sizeBytes,
    blockSize: DEFAULT_BLOCK,
    file,
    info: {},
    find: async (block) => ({ kind: 'data', host: block * DEFAULT_BLOCK }),
    allocate: () => Promise.reject(new Error('BUG: all blocks of a fixed disk have a place')),
  };
  return new MappedImage(map, { readonly });
}

async function openDynamic(file: BlockNode, footer: Footer, { name, readonly }: Opening): Promise<ImageNode> {
  const { dataOffset: offset, sizeBytes } = footer;
  const header = await readStructure(file, {
    name,
    what: 'the dynamic disk header',
    offset,
    length: DYNAMIC_HEADER_BYTES,
  });
  if (textOf(header.subarray(0, 8)) !== DYNAMIC_COOKIE) throw refuse(name, 'the VPC dynamic disk header has no cookie');
  const view = viewOf(header);
  const [tableOffset, entries, blockSize] = [getU64BE(view, 16), view.getUint32(28), view.getUint32(32)];
  if (blockSize < SECTOR || blockSize > 256 << 20 || (blockSize & (blockSize - 1)) !== 0) {
    throw refuse(name, `VPC blocks of ${blockSize} bytes are not supported`);
  }
  if (entries * blockSize < sizeBytes) {
    throw refuse(name, `the VPC block table's ${entries} entries are too few for ${sizeBytes} bytes`);
  }
  if (tableOffset % SECTOR !== 0) throw refuse(name, `the VPC block table's offset ${hex(tableOffset)} is not aligned`);
  if (tableOffset + entries * 4 > file.sizeBytes)
    throw refuse(name, 'the VPC block table lies beyond the end of the file');
  const bitmapBytes = roundUp(blockSize / SECTOR / 8, SECTOR);
  const cache = new PageCache(file, { pageSize: 512, maxPages: 8192 });
  cache.beforeWrite = () => file.flush();
  // New blocks go where the footer is; it moves behind them.
  let end = await endOfBlocks();
  let footerAt = end;

  async function endOfBlocks(): Promise<number> {
    let last = roundUp(tableOffset + entries * 4, SECTOR);
    if (readonly) return last;
    for (let at = 0; at < entries; at++) {
      const entry = await entryOf(at);
      if (entry !== UNALLOCATED) last = Math.max(last, entry * SECTOR + bitmapBytes + blockSize);
    }
    return last;
  }
  async function entryOf(block: number): Promise<number> {
    const at = tableOffset + block * 4;
    const page = cache.peek(at) ?? (await cache.page(at));
    return page.view.getUint32(at - page.offset);
  }
  const map: BlockMap = {
    driver: 'vpc',
    sizeBytes,
    blockSize,
    file,
    info: { clusterSize: blockSize },
    async find(block): Promise<Place> {
      const entry = await entryOf(block);
      return entry === UNALLOCATED ? NONE : { kind: 'data', host: entry * SECTOR + bitmapBytes };
    },
    async allocate() {
      const place = end;
      end += bitmapBytes + blockSize;
      await zeroGrowing(file, place, bitmapBytes + blockSize + FOOTER_BYTES);
      await writeGrowing(file, place, new Uint8Array(bitmapBytes).fill(0xff));
      return place + bitmapBytes;
    },
    async link(block, host) {
      const at = tableOffset + block * 4;
      const page = await cache.page(at);
      page.view.setUint32(at - page.offset, (host - bitmapBytes) / SECTOR);
      cache.markDirty(page);
    },
    async commit() {
      if (footerAt !== end) {
        await writeGrowing(file, end, footer.bytes);
        footerAt = end;
      }
      await cache.write();
    },
  };
  return new MappedImage(map, { readonly });
}

export const VPC_OPTIONS: readonly CreateOption[] = [
  { name: 'subformat', value: 'dynamic', help: 'Type of virtual hard disk format: dynamic or fixed' },
];

/** Signed so that readers take the size field, which is exact. */
const CREATOR = 'qem2';
const SECONDS_TO_2000 = 946684800;

export async function createVpc(file: BlockNode, { name, sizeBytes, options }: CreateImageOptions): Promise<void> {
  const subformat = options.get('subformat') ?? 'dynamic';
  if (subformat !== 'dynamic' && subformat !== 'fixed')
    throw refuse(name, `Invalid subformat '${subformat}' (dynamic, fixed)`);
  if (sizeBytes > MAX_SECTORS * SECTOR) throw refuse(name, 'The requested image size is too large for VPC');
  const isFixed = subformat === 'fixed';
  const footer = footerOf(sizeBytes, isFixed);
  await file.resize(0);
  if (isFixed) {
    await file.resize(sizeBytes + FOOTER_BYTES);
    await file.write(sizeBytes, footer);
    return file.flush();
  }
  const entries = Math.ceil(sizeBytes / DEFAULT_BLOCK);
  const tableOffset = FOOTER_BYTES + DYNAMIC_HEADER_BYTES;
  const tableBytes = roundUp(entries * 4, SECTOR);
  const header = new Uint8Array(DYNAMIC_HEADER_BYTES);
  const view = viewOf(header);
  header.set(new TextEncoder().encode(DYNAMIC_COOKIE));
  header.fill(0xff, 8, 16);
  setU64BE(view, 16, tableOffset);
  view.setUint32(24, 0x10000);
  view.setUint32(28, entries);
  view.setUint32(32, DEFAULT_BLOCK);
  view.setUint32(36, checksum(header, 36));
  await file.resize(tableOffset + tableBytes + FOOTER_BYTES);
  await file.write(tableOffset, new Uint8Array(tableBytes).fill(0xff));
  await file.write(FOOTER_BYTES, header);
  await file.write(tableOffset + tableBytes, footer);
  await file.write(0, footer);
  await file.flush();
}

function footerOf(sizeBytes: number, isFixed: boolean): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(FOOTER_BYTES);
  const view = viewOf(bytes);
  const text = new TextEncoder();
  bytes.set(text.encode(COOKIE));
  view.setUint32(8, 2);
  view.setUint32(12, 0x10000);
  if (isFixed) bytes.fill(0xff, 16, 24);
  else setU64BE(view, 16, FOOTER_BYTES);
  view.setUint32(24, Math.max(0, Math.floor(Date.now() / 1000) - SECONDS_TO_2000));
  bytes.set(text.encode(CREATOR), 28);
  view.setUint16(32, 5);
  view.setUint16(34, 3);
  bytes.set(text.encode('Wi2k'), 36);
  setU64BE(view, 40, sizeBytes);
  setU64BE(view, 48, sizeBytes);
  const { cylinders, heads, sectors } = geometryOf(sizeBytes / SECTOR);
  view.setUint16(56, cylinders);
  bytes[58] = heads;
  bytes[59] = sectors;
  view.setUint32(60, isFixed ? TYPE_FIXED : TYPE_DYNAMIC);
  for (let i = 68; i < 84; i++) bytes[i] = Math.floor(Math.random() * 256);
  view.setUint32(64, checksum(bytes, 64));
  return bytes;
}

/** The specification's appendix "CHS Calculation". */
function geometryOf(total: number): { cylinders: number; heads: number; sectors: number } {
  const most = Math.min(total, MAX_CHS_SECTORS);
  if (most > 65535 * 16 * 63) return { cylinders: Math.floor(most / 255 / 16), heads: 16, sectors: 255 };
  let sectors = 17;
  let tracks = Math.floor(most / sectors);
  let heads = Math.max(4, Math.floor((tracks + 1023) / 1024));
  if (tracks >= heads * 1024 || heads > 16) {
    [sectors, heads] = [31, 16];
    tracks = Math.floor(most / sectors);
  }
  if (tracks >= heads * 1024) {
    [sectors, heads] = [63, 16];
    tracks = Math.floor(most / sectors);
  }
  return { cylinders: Math.floor(tracks / heads), heads, sectors };
}
