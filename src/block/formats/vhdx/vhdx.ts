/**
 * Hyper-V's VHDX images: "Virtual Hard Disk v2 Format Specification", Microsoft, 2012 ([MS-VHDX]). Differencing disks
 * are refused. An image that was not closed is mended from its log by the first open for writing.
 */
import { BlockFailure, type BlockNode } from '../../api.ts';
import { getU64LE, hex, roundUp, setU64LE, viewOf } from '../fields.ts';
import { type ImageNode, type OpenImageOptions, readStructure, refuse, zeroGrowing } from '../image.ts';
import { type BlockMap, MappedImage, NONE, type Place, ZERO } from '../mapped-image.ts';
import { PageCache } from '../page-cache.ts';
import { type LogPlace, logPages, MAX_LOGGED_PAGES, pendingEntries, replay } from './log.ts';
import { guidAt, isSigned, NO_GUID, randomGuid, setGuid, sign } from './structures.ts';

const SIGNATURE = 'vhdxfile';
const HEADERS_AT = [64 << 10, 128 << 10];
const REGIONS_AT = [192 << 10, 256 << 10];
const STRUCTURE_BYTES = 64 << 10;
const HEADER_BYTES = 4096;
const MAX_REGIONS = 2047;
const MIB = 1 << 20;
const MAX_DISK = 64 * 2 ** 40;

const BAT = '2dc27766-f623-4200-9d64-115e9bfd4a08';
const METADATA = '8b7ca206-4790-4b9a-b8fe-575f050f886e';
const FILE_PARAMETERS = 'caa16737-fa36-4d43-b3b6-33f0aa44e76b';
const DISK_SIZE = '2fa54224-cd1b-4876-b211-5dbed83bf4b8';
const LOGICAL_SECTOR = '8141bf1d-a96f-4709-ba47-f233a8faab5f';
const HAS_PARENT = 2;

/** States of a payload block, the low bits of its entry. */
const STATE = { notPresent: 0, undefined: 1, zero: 2, unmapped: 3, fullyPresent: 6, partlyPresent: 7 };

export async function openVhdx(file: BlockNode, options: OpenImageOptions): Promise<ImageNode> {
  const { name } = options;
  const readonly = options.readonly === true || file.readonly;
  const start = await readStructure(file, { name, what: 'the signature', offset: 0, length: 8 });
  if (new TextDecoder().decode(start) !== SIGNATURE) throw refuse(name, 'not a VHDX image: the signature is missing');
  const header = await newestHeader(file, name);
  await mend(file, header, { name, readonly });
  const regions = await readRegions(file, name);
  const bat = regions.get(BAT);
  const metadata = regions.get(METADATA);
  if (bat === undefined || metadata === undefined)
    throw refuse(name, 'the VHDX region table has no block table or no metadata');
  if (bat.offset % MIB !== 0) throw refuse(name, `the VHDX block table's offset ${hex(bat.offset)} is not aligned`);
  const items = await readMetadata(file, name, metadata);
  const { blockSize, sizeBytes, sectorSize } = items;
  const ratio = (2 ** 23 * sectorSize) / blockSize;
  const entries = Math.ceil(sizeBytes / blockSize);
  if (bat.offset + (entries + Math.floor(entries / ratio)) * 8 > file.sizeBytes) {
    throw refuse(name, 'the VHDX block table lies beyond the end of the file');
  }
  const cache = new PageCache(file, { pageSize: 4096, maxPages: MAX_LOGGED_PAGES });
  const place = { ...logOf(header), guid: randomGuid() };
  let sequence = 0;
  cache.beforeWrite = async (pages) => {
    // What the last entry was of is safe, and the contents that these pages lead to.
    await file.flush();
    if (sequence === 0) await writeHeaders(file, header, place.guid);
    await logPages(file, place, pages, ++sequence);
  };
  const map: BlockMap = {
    driver: 'vhdx',
    sizeBytes,
    blockSize,
    file,
    info: { clusterSize: blockSize },
    async find(block): Promise<Place> {
      // After each chunk comes the entry of a sector bitmap.
      const at = bat.offset + (block + Math.floor(block / ratio)) * 8;
      const page = cache.peek(at) ?? (await cache.page(at));
      const state = page.view.getUint32(at - page.offset, true) & 7;
      if (state === STATE.notPresent || state === STATE.undefined || state === STATE.unmapped) return NONE;
      if (state === STATE.zero) return ZERO;
      const entry = getU64LE(page.view, at - page.offset);
      if (state === STATE.fullyPresent) return { kind: 'data', host: entry - (entry % MIB) };
      throw new BlockFailure('EIO', `image '${name}': VHDX block ${block} has state ${state} (${hex(entry)})`);
    },
    async allocate() {
      const host = roundUp(file.sizeBytes, MIB);
      await zeroGrowing(file, host, blockSize);
      return host;
    },
    async link(block, host) {
      const at = bat.offset + (block + Math.floor(block / ratio)) * 8;
      const page = await cache.page(at);
      setU64LE(page.view, at - page.offset, host + STATE.fullyPresent);
      cache.markDirty(page);
    },
    commit: () => cache.write(),
    async close() {
      if (sequence === 0) return;
      await file.flush();
      await writeHeaders(file, header, NO_GUID);
    },
  };
  return new MappedImage(map, { readonly });
}

function logOf(header: Uint8Array): LogPlace {
  const view = viewOf(header);
  return { offset: getU64LE(view, 72), length: view.getUint32(68, true), guid: guidAt(view, 48) };
}

/** A log that has entries is of an image that was not closed. */
async function mend(
  file: BlockNode,
  header: Uint8Array<ArrayBuffer>,
  { name, readonly }: { name: string; readonly: boolean },
): Promise<void> {
  const log = logOf(header);
  if (log.guid === NO_GUID) return;
  const entries = await pendingEntries(file, log, name);
  if (entries.length === 0) return;
  if (readonly) {
    throw refuse(name, 'the VHDX image was not closed: its log has to be replayed', 'open it once for writing');
  }
  await replay(file, entries, name);
  await writeHeaders(file, header, NO_GUID);
}

/** Both headers, one after the other, so that one is sound at any time. */
async function writeHeaders(file: BlockNode, header: Uint8Array<ArrayBuffer>, logGuid: string): Promise<void> {
  const view = viewOf(header);
  const sequence = getU64LE(view, 8);
  setGuid(view, 16, randomGuid());
  setGuid(view, 32, randomGuid());
  setGuid(view, 48, logGuid);
  // An even number and the next: the newer one always lies in the same place.
  const next = sequence + 2 - (sequence % 2);
  for (const [i, offset] of HEADERS_AT.entries()) {
    setU64LE(view, 8, next + i);
    sign(header, 'head');
    await file.write(offset, header);
    await file.flush();
  }
}

/** Of the two headers the valid one with the higher sequence number. */
async function newestHeader(file: BlockNode, name: string): Promise<Uint8Array<ArrayBuffer>> {
  let newest: { sequence: number; bytes: Uint8Array<ArrayBuffer> } | undefined;
  for (const offset of HEADERS_AT) {
    if (offset + HEADER_BYTES > file.sizeBytes) continue;
    const bytes = await readStructure(file, { name, what: 'a VHDX header', offset, length: HEADER_BYTES });
    if (!isSigned(bytes, 'head')) continue;
    const sequence = getU64LE(viewOf(bytes), 8);
    if (newest === undefined || sequence >= newest.sequence) newest = { sequence, bytes };
  }
  if (newest === undefined) throw refuse(name, 'neither of the two VHDX headers is sound');
  const version = viewOf(newest.bytes).getUint16(66, true);
  if (version !== 1) throw refuse(name, `VHDX version ${version} is not supported (1)`);
  return newest.bytes;
}

interface Region {
  readonly offset: number;
  readonly length: number;
}

async function readRegions(file: BlockNode, name: string): Promise<Map<string, Region>> {
  for (const offset of REGIONS_AT) {
    if (offset + STRUCTURE_BYTES > file.sizeBytes) continue;
    const bytes = await readStructure(file, { name, what: 'a VHDX region table', offset, length: STRUCTURE_BYTES });
    const view = viewOf(bytes);
    const count = view.getUint32(8, true);
    if (!isSigned(bytes, 'regi') || count > MAX_REGIONS) continue;
    const regions = new Map<string, Region>();
    for (let at = 16; at < 16 + count * 32; at += 32) {
      const guid = guidAt(view, at);
      if (guid !== BAT && guid !== METADATA && view.getUint32(at + 28, true) & 1) {
        throw refuse(name, `the VHDX image requires an unknown region (${guid})`);
      }
      regions.set(guid, { offset: getU64LE(view, at + 16), length: view.getUint32(at + 24, true) });
    }
    return regions;
  }
  throw refuse(name, 'neither of the two VHDX region tables is sound');
}

async function readMetadata(
  file: BlockNode,
  name: string,
  { offset: start }: Region,
): Promise<{ blockSize: number; sizeBytes: number; sectorSize: number }> {
  const what = 'the VHDX metadata table';
  const table = await readStructure(file, { name, what, offset: start, length: STRUCTURE_BYTES });
  const view = viewOf(table);
  if (new TextDecoder().decode(table.subarray(0, 8)) !== 'metadata') throw refuse(name, `${what} has no signature`);
  const count = view.getUint16(10, true);
  if (count > MAX_REGIONS) throw refuse(name, `${what} has ${count} entries`);
  const items = new Map<string, number>();
  for (let at = 32; at < 32 + count * 32; at += 32) items.set(guidAt(view, at), view.getUint32(at + 16, true));
  const item = async (guid: string, what: string, length: number): Promise<DataView> => {
    const offset = items.get(guid);
    if (offset === undefined) throw refuse(name, `the VHDX metadata have no ${what}`);
    return viewOf(await readStructure(file, { name, what: `the VHDX ${what}`, offset: start + offset, length }));
  };
  const parameters = await item(FILE_PARAMETERS, 'file parameters', 8);
  const blockSize = parameters.getUint32(0, true);
  if (blockSize < MIB || blockSize > 256 * MIB || (blockSize & (blockSize - 1)) !== 0) {
    throw refuse(name, `VHDX blocks of ${blockSize} bytes are not supported (1 to 256 MiB)`);
  }
  if (parameters.getUint32(4, true) & HAS_PARENT) throw refuse(name, 'VHDX differencing disks are not supported');
  const sizeBytes = getU64LE(await item(DISK_SIZE, 'disk size', 8), 0);
  const sectorSize = (await item(LOGICAL_SECTOR, 'logical sector size', 4)).getUint32(0, true);
  if (sectorSize !== 512 && sectorSize !== 4096)
    throw refuse(name, `VHDX sectors of ${sectorSize} bytes are not supported`);
  if (sizeBytes > MAX_DISK || sizeBytes % sectorSize !== 0)
    throw refuse(name, `a VHDX disk of ${sizeBytes} bytes is not supported`);
  return { blockSize, sizeBytes, sectorSize };
}
