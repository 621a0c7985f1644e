/**
 * The log of a VHDX ([MS-VHDX] 2.3): tables are written there first, so that a crash between two of their sectors can
 * be mended. Each entry we write is a sequence of its own at the log's beginning: the one before is done with by then.
 */
import type { BlockNode } from '../../api.ts';
import { getU64LE, setU64LE, viewOf } from '../fields.ts';
import { readStructure, refuse, writeGrowing, zeroGrowing } from '../image.ts';
import type { Page } from '../page-cache.ts';
import { guidAt, isSigned, setGuid, sign } from './structures.ts';

const SECTOR = 4096;
const HEADER_BYTES = 64;
const DESCRIPTOR_BYTES = 32;
const MAX_LOG = 64 << 20;
/** Descriptors that fit in the first sector behind the entry's header. */
export const MAX_LOGGED_PAGES = (SECTOR - HEADER_BYTES) / DESCRIPTOR_BYTES;
const DATA = 0x63736564;
const ZERO = 0x6f72657a;
const DATA_SECTOR = 0x61746164;

export interface LogPlace {
  readonly offset: number;
  readonly length: number;
  readonly guid: string;
}

interface Entry {
  readonly sequence: number;
  readonly tail: number;
  readonly bytes: Uint8Array;
}

/** What has to be written to the file before it can be used, in order; empty if it was closed well. */
export async function pendingEntries(
  file: BlockNode,
  { offset, length, guid }: LogPlace,
  name: string,
): Promise<Uint8Array[]> {
  if (length % SECTOR !== 0 || length > MAX_LOG) throw refuse(name, `a VHDX log of ${length} bytes is not supported`);
  const log = await readStructure(file, { name, what: 'the VHDX log', offset, length });
  const entries = new Map<number, Entry>();
  for (let at = 0; at < length; at += SECTOR) {
    const entry = entryAt(log, at, guid);
    if (entry !== undefined) entries.set(at, entry);
  }
  // The newest entry whose whole sequence, from its tail on, is there.
  const newestFirst = [...entries].sort(([, a], [, b]) => b.sequence - a.sequence);
  for (const [at, { tail }] of newestFirst) {
    const sequence = walk(entries, tail, at, length);
    if (sequence !== undefined) return sequence;
  }
  return [];
}

function entryAt(log: Uint8Array, at: number, guid: string): Entry | undefined {
  const view = viewOf(log.subarray(at, at + HEADER_BYTES));
  const length = view.getUint32(8, true);
  if (length < SECTOR || length % SECTOR !== 0 || length > log.length || view.getUint32(0, true) !== 0x65676f6c)
    return undefined;
  const bytes = new Uint8Array(length);
  // Entries go on at the log's beginning.
  const first = log.subarray(at, at + length);
  bytes.set(first);
  bytes.set(log.subarray(0, length - first.length), first.length);
  if (!isSigned(bytes, 'loge') || guidAt(view, 32) !== guid) return undefined;
  return { sequence: getU64LE(view, 16), tail: view.getUint32(12, true), bytes };
}

function walk(
  entries: ReadonlyMap<number, Entry>,
  tail: number,
  head: number,
  length: number,
): Uint8Array[] | undefined {
  const found: Uint8Array[] = [];
  let at = tail;
  for (let expected: number | undefined; found.length <= entries.size; ) {
    const entry = entries.get(at);
    if (entry === undefined || (expected !== undefined && entry.sequence !== expected)) return undefined;
    found.push(entry.bytes);
    if (at === head) return found;
    expected = entry.sequence + 1;
    at = (at + entry.bytes.length) % length;
  }
  return undefined;
}

/** Writes what the entries say. */
export async function replay(file: BlockNode, entries: readonly Uint8Array[], name: string): Promise<void> {
  for (const bytes of entries) {
    const view = viewOf(bytes);
    const count = view.getUint32(24, true);
    const firstData = Math.ceil((HEADER_BYTES + count * DESCRIPTOR_BYTES) / SECTOR) * SECTOR;
    const lastFileOffset = getU64LE(view, 56);
    if (firstData > bytes.length) throw refuse(name, `a VHDX log entry is too short for its ${count} descriptors`);
    if (lastFileOffset > file.sizeBytes + MAX_LOG)
      throw refuse(name, `a VHDX log entry is of a file of ${lastFileOffset} bytes`);
    let data = firstData;
    for (let at = HEADER_BYTES; at < HEADER_BYTES + count * DESCRIPTOR_BYTES; at += DESCRIPTOR_BYTES) {
      const [kind, length, offset] = [view.getUint32(at, true), getU64LE(view, at + 8), getU64LE(view, at + 16)];
      const end = offset + (kind === ZERO ? length : SECTOR);
      if (offset % SECTOR !== 0 || end > Math.max(file.sizeBytes, lastFileOffset)) {
        throw refuse(name, `a VHDX log entry is of ${offset}, beyond the file's ${file.sizeBytes} bytes`);
      }
      if (kind === ZERO) {
        await zeroGrowing(file, offset, length);
      } else if (kind === DATA && data + SECTOR <= bytes.length && view.getUint32(data, true) === DATA_SECTOR) {
        const sector = bytes.slice(data, data + SECTOR);
        sector.set(bytes.subarray(at + 8, at + 16));
        sector.set(bytes.subarray(at + 4, at + 8), SECTOR - 4);
        await writeGrowing(file, offset, sector);
        data += SECTOR;
      } else {
        throw refuse(name, 'a VHDX log entry has an unknown descriptor or too little data');
      }
    }
  }
  await file.flush();
}

/** Logs pages of 4 KiB that are about to be written to their places; safe when this ends. */
export async function logPages(
  file: BlockNode,
  { offset, guid }: LogPlace,
  pages: readonly Page[],
  sequence: number,
): Promise<void> {
  const bytes = new Uint8Array(SECTOR * (1 + pages.length));
  const view = viewOf(bytes);
  view.setUint32(8, bytes.length, true);
  setU64LE(view, 16, sequence);
  view.setUint32(24, pages.length, true);
  setGuid(view, 32, guid);
  setU64LE(view, 48, file.sizeBytes);
  setU64LE(view, 56, file.sizeBytes);
  pages.forEach((page, i) => {
    const at = HEADER_BYTES + i * DESCRIPTOR_BYTES;
    const data = SECTOR * (1 + i);
    view.setUint32(at, DATA, true);
    bytes.set(page.bytes.subarray(SECTOR - 4), at + 4);
    bytes.set(page.bytes.subarray(0, 8), at + 8);
    setU64LE(view, at + 16, page.offset);
    setU64LE(view, at + 24, sequence);
    view.setUint32(data, DATA_SECTOR, true);
    view.setUint32(data + 4, Math.floor(sequence / 2 ** 32), true);
    bytes.set(page.bytes.subarray(8, SECTOR - 4), data + 8);
    view.setUint32(data + SECTOR - 4, sequence >>> 0, true);
  });
  sign(bytes, 'loge');
  await file.write(offset, bytes);
  await file.flush();
}
