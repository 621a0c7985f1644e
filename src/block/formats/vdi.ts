/**
 * VirtualBox disk images, version 1.1: dynamic and static, blocks of 1 MiB. Differencing images are refused. The layout
 * is the one in VirtualBox's VDICore.h and QEMU's block/vdi.c.
 */
import type { BlockNode } from '../api.ts';
import { getU64LE, hex, roundUp, setU64LE, viewOf } from './fields.ts';
import type { CreateImageOptions, CreateOption } from './formats.ts';
import { type ImageNode, isOn, type OpenImageOptions, readStructure, refuse, zeroGrowing } from './image.ts';
import { type BlockMap, MappedImage, NONE, type Place, ZERO } from './mapped-image.ts';
import { PageCache } from './page-cache.ts';

const HEADER_BYTES = 512;
const SIGNATURE = 0xbeda107f;
const VERSION_1_1 = 0x00010001;
const BLOCK = 1 << 20;
const UNALLOCATED = 0xffffffff;
const DISCARDED = 0xfffffffe;
const MAX_BLOCKS = 0x3fffffff;
const TYPE_DYNAMIC = 1;
const TYPE_STATIC = 2;
const BLOCKS_ALLOCATED = 0x184;

export async function openVdi(file: BlockNode, { name, readonly = false }: OpenImageOptions): Promise<ImageNode> {
  const header = await readStructure(file, { name, what: 'the header', offset: 0, length: HEADER_BYTES });
  const view = viewOf(header);
  const u32 = (at: number): number => view.getUint32(at, true);
  if (u32(0x40) !== SIGNATURE) throw refuse(name, `not a VDI image: signature ${hex(u32(0x40))}`);
  if (u32(0x44) !== VERSION_1_1) {
    throw refuse(name, `VDI version ${u32(0x44) >>> 16}.${u32(0x44) & 0xffff} is not supported (1.1)`);
  }
  const [type, bmapOffset, dataOffset] = [u32(0x4c), u32(0x154), u32(0x158)];
  const [sizeBytes, blockSize, extra, blocks] = [getU64LE(view, 0x170), u32(0x178), u32(0x17c), u32(0x180)];
  if (type !== TYPE_DYNAMIC && type !== TYPE_STATIC)
    throw refuse(name, `VDI image type ${type} is not supported (1, 2)`);
  if (bmapOffset % 512 !== 0 || dataOffset % 512 !== 0) {
    throw refuse(name, `VDI block map offset ${hex(bmapOffset)} or data offset ${hex(dataOffset)} is not aligned`);
  }
  if (u32(0x168) !== 512) throw refuse(name, `VDI sectors of ${u32(0x168)} bytes are not supported (512)`);
  if (blockSize !== BLOCK || extra !== 0)
    throw refuse(name, `VDI blocks of ${blockSize} bytes are not supported (${BLOCK})`);
  if (blocks > MAX_BLOCKS || sizeBytes > blocks * BLOCK) {
    throw refuse(name, `the VDI's ${sizeBytes} bytes do not fit in its ${blocks} blocks`);
  }
  if (bmapOffset + blocks * 4 > file.sizeBytes)
    throw refuse(name, `the VDI's block map lies beyond the end of the file`);
  if (header.subarray(0x1a8, 0x1c8).some((byte) => byte !== 0)) {
    throw refuse(name, 'VDI differencing images (with a parent) are not supported');
  }
  const cache = new PageCache(file, { pageSize: 4096, maxPages: 1024 });
  cache.beforeWrite = () => file.flush();
  let allocated = u32(BLOCKS_ALLOCATED);
  const map: BlockMap = {
    driver: 'vdi',
    sizeBytes: roundUp(sizeBytes, 512),
    blockSize: BLOCK,
    file,
    info: { clusterSize: BLOCK },
    async find(block): Promise<Place> {
      const at = bmapOffset + block * 4;
      const page = cache.peek(at) ?? (await cache.page(at));
      const entry = page.view.getUint32(at - page.offset, true);
      if (entry === UNALLOCATED) return NONE;
      return entry === DISCARDED ? ZERO : { kind: 'data', host: dataOffset + entry * BLOCK };
    },
    async allocate() {
      const host = dataOffset + allocated * BLOCK;
      await zeroGrowing(file, host, BLOCK);
      return host;
    },
    async link(block, host) {
      const at = bmapOffset + block * 4;
      const page = await cache.page(at);
      page.view.setUint32(at - page.offset, (host - dataOffset) / BLOCK, true);
      cache.markDirty(page);
      allocated++;
      // The header's page may have a part of the block map.
      const first = await cache.page(BLOCKS_ALLOCATED);
      first.view.setUint32(BLOCKS_ALLOCATED, allocated, true);
      cache.markDirty(first);
    },
    commit: () => cache.write(),
  };
  return new MappedImage(map, { readonly: readonly || file.readonly });
}

export const VDI_OPTIONS: readonly CreateOption[] = [
  { name: 'static', value: 'off', help: 'VDI static (pre-allocated) image' },
];

export async function createVdi(file: BlockNode, { name, sizeBytes, options }: CreateImageOptions): Promise<void> {
  const blocks = Math.ceil(sizeBytes / BLOCK);
  if (blocks > MAX_BLOCKS) throw refuse(name, `Unsupported VDI image size (${sizeBytes} bytes)`);
  const isStatic = isOn(options.get('static'));
  const bmapBytes = roundUp(blocks * 4, 512);
  const header = new Uint8Array(HEADER_BYTES);
  const view = viewOf(header);
  const u32 = (at: number, value: number): void => view.setUint32(at, value, true);
  header.set(new TextEncoder().encode('<<< Lockstep virtual disk image >>>\n'));
  u32(0x40, SIGNATURE);
  u32(0x44, VERSION_1_1);
  u32(0x48, 0x180);
  u32(0x4c, isStatic ? TYPE_STATIC : TYPE_DYNAMIC);
  u32(0x154, HEADER_BYTES);
  u32(0x158, HEADER_BYTES + bmapBytes);
  u32(0x168, 512);
  setU64LE(view, 0x170, sizeBytes);
  u32(0x178, BLOCK);
  u32(0x180, blocks);
  u32(BLOCKS_ALLOCATED, isStatic ? blocks : 0);
  for (let i = 0x188; i < 0x1a8; i++) header[i] = Math.floor(Math.random() * 256);
  await file.resize(0);
  await file.resize(HEADER_BYTES + bmapBytes + (isStatic ? blocks * BLOCK : 0));
  const bmap = new Uint8Array(bmapBytes);
  for (let i = 0; i < blocks; i++) viewOf(bmap).setUint32(i * 4, isStatic ? i : UNALLOCATED, true);
  await file.write(HEADER_BYTES, bmap);
  await file.write(0, header);
  await file.flush();
}
