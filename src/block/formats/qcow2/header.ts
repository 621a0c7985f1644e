/** The header of a qcow2 image: docs/interop/qcow2.txt of QEMU, "Header" to "Feature name table". */
import { getU64BE, hex, setU64BE, textOf, viewOf } from '../fields.ts';
import { refuse } from '../image.ts';

export const MAGIC = 0x514649fb;
const V2_LENGTH = 72;
/** What QEMU writes: the known fields, the compression type and its padding. */
const V3_LENGTH = 112;
const V3_MIN_LENGTH = 104;
export const MIN_CLUSTER_BITS = 9;
export const MAX_CLUSTER_BITS = 21;
const MAX_BACKING_NAME = 1023;

/** QEMU's limits, so that what one opens the other does. */
export const MAX_L1_BYTES = 32 << 20;
export const MAX_REFCOUNT_TABLE_BYTES = 8 << 20;
export const MAX_SNAPSHOTS = 65536;

export const INCOMPATIBLE_DIRTY = 1n << 0n;
export const INCOMPATIBLE_CORRUPT = 1n << 1n;
export const COMPATIBLE_LAZY_REFCOUNTS = 1n << 0n;
export const AUTOCLEAR_BITMAPS = 1n << 0n;

const EXTENSION_END = 0;
const EXTENSION_BACKING_FORMAT = 0xe2792aca;
const EXTENSION_FEATURE_NAMES = 0x6803f857;
export const EXTENSION_BITMAPS = 0x23852875;

/** Names of features by kind (incompatible, compatible, autoclear) and bit, as QEMU's own table has them. */
const FEATURE_NAMES: readonly (readonly [kind: number, bit: number, name: string])[] = [
  [0, 0, 'dirty bit'],
  [0, 1, 'corrupt bit'],
  [0, 2, 'external data file'],
  [0, 3, 'compression type'],
  [0, 4, 'extended L2 entries'],
  [1, 0, 'lazy refcounts'],
  [2, 0, 'bitmaps'],
  [2, 1, 'raw external data'],
];
const FEATURE_ENTRY = 48;

export interface Extension {
  readonly type: number;
  readonly data: Uint8Array;
}

export interface Header {
  version: number;
  clusterBits: number;
  sizeBytes: number;
  l1Entries: number;
  l1Offset: number;
  refcountTableOffset: number;
  refcountTableClusters: number;
  snapshotCount: number;
  snapshotsOffset: number;
  incompatible: bigint;
  compatible: bigint;
  autoclear: bigint;
  refcountOrder: number;
  /** Fields after the ones above, whatever they are: kept as they are. */
  additional: Uint8Array;
  /** All but the backing format's. */
  extensions: readonly Extension[];
  backingName: string | undefined;
  backingFormat: string | undefined;
}

/** Where single fields lie that change by themselves. */
export const FIELD = {
  sizeBytes: 24,
  l1Entries: 36,
  refcountTableOffset: 48,
  snapshotCount: 60,
  incompatible: 72,
  autoclear: 88,
} as const;

/** `bytes`: the beginning of the file, at most one cluster of the largest size. */
export function parseHeader(bytes: Uint8Array, name: string): Header {
  if (bytes.length < V2_LENGTH) throw refuse(name, `a qcow2 header has ${V2_LENGTH} bytes, the file ${bytes.length}`);
  const view = viewOf(bytes);
  if (view.getUint32(0) !== MAGIC) throw refuse(name, 'not a qcow2 image: the magic number is missing');
  const version = view.getUint32(4);
  if (version !== 2 && version !== 3) throw refuse(name, `qcow2 version ${version} is not supported (2 or 3)`);
  const clusterBits = view.getUint32(20);
  if (clusterBits < MIN_CLUSTER_BITS || clusterBits > MAX_CLUSTER_BITS) {
    throw refuse(name, `clusters of 2^${clusterBits} bytes are not supported (2^9 to 2^21)`);
  }
  const clusterSize = 1 << clusterBits;
  const first = bytes.subarray(0, clusterSize);
  let length = V2_LENGTH;
  if (version === 3) {
    if (bytes.length < V3_MIN_LENGTH) throw refuse(name, `a version 3 header has 104 bytes, the file ${bytes.length}`);
    length = view.getUint32(100);
    if (length < V3_MIN_LENGTH) throw refuse(name, `header length ${length} is too short (at least ${V3_MIN_LENGTH})`);
    if (length > first.length) throw refuse(name, `header length ${length} exceeds the first cluster`);
  }
  const incompatible = version === 3 ? view.getBigUint64(72) : 0n;
  const extensions = parseExtensions(first, length, { name, backingOffset: getU64BE(view, 8) });
  refuseFeatures(incompatible & ~(INCOMPATIBLE_DIRTY | INCOMPATIBLE_CORRUPT), extensions, name);
  const crypt = view.getUint32(32);
  if (crypt !== 0) throw refuse(name, `encryption method ${crypt} (${CRYPT[crypt] ?? 'unknown'}) is not supported`);
  const refcountOrder = version === 3 ? view.getUint32(96) : 4;
  if (refcountOrder > 6)
    throw refuse(name, `reference counts of 2^${refcountOrder} bits are not supported (1 to 64 bits)`);
  const format = extensions.find(({ type }) => type === EXTENSION_BACKING_FORMAT);
  return {
    version,
    clusterBits,
    sizeBytes: getU64BE(view, 24),
    l1Entries: view.getUint32(36),
    l1Offset: getU64BE(view, 40),
    refcountTableOffset: getU64BE(view, 48),
    refcountTableClusters: view.getUint32(56),
    snapshotCount: view.getUint32(60),
    snapshotsOffset: getU64BE(view, 64),
    incompatible,
    compatible: version === 3 ? view.getBigUint64(80) : 0n,
    autoclear: version === 3 ? view.getBigUint64(88) : 0n,
    refcountOrder,
    additional: first.slice(V3_MIN_LENGTH, Math.max(V3_MIN_LENGTH, length)),
    extensions: extensions.filter(({ type }) => type !== EXTENSION_BACKING_FORMAT),
    backingName: parseBackingName(first, name),
    backingFormat: format ? textOf(format.data) : undefined,
  };
}

const CRYPT: Readonly<Record<number, string>> = { 1: 'AES', 2: 'LUKS' };

function parseBackingName(first: Uint8Array, name: string): string | undefined {
  const view = viewOf(first);
  const offset = getU64BE(view, 8);
  if (offset === 0) return undefined;
  const length = view.getUint32(16);
  if (length > MAX_BACKING_NAME || offset + length > first.length) {
    throw refuse(name, `the backing file's name (${length} bytes at ${offset}) does not lie within the first cluster`);
  }
  return length === 0 ? undefined : new TextDecoder().decode(first.subarray(offset, offset + length));
}

function parseExtensions(
  first: Uint8Array,
  start: number,
  { name, backingOffset }: { name: string; backingOffset: number },
): Extension[] {
  const view = viewOf(first);
  const end = backingOffset > 0 && backingOffset < first.length ? backingOffset : first.length;
  const extensions: Extension[] = [];
  for (let at = start; at + 8 <= end; ) {
    const type = view.getUint32(at);
    const length = view.getUint32(at + 4);
    if (type === EXTENSION_END) break;
    if (at + 8 + length > end) {
      throw refuse(name, `header extension ${hex(type)} at ${at} is too large (${length} bytes)`);
    }
    extensions.push({ type, data: first.slice(at + 8, at + 8 + length) });
    at += 8 + Math.ceil(length / 8) * 8;
  }
  return extensions;
}

/** Refuses what this reader does not know, by the names that the image or QEMU gives it. */
function refuseFeatures(unknown: bigint, extensions: readonly Extension[], name: string): void {
  if (unknown === 0n) return;
  const names = new Map(FEATURE_NAMES.filter(([kind]) => kind === 0).map(([, bit, feature]) => [bit, feature]));
  const table = extensions.find(({ type }) => type === EXTENSION_FEATURE_NAMES)?.data ?? new Uint8Array();
  for (let at = 0; at + FEATURE_ENTRY <= table.length; at += FEATURE_ENTRY) {
    if (table[at] === 0) names.set(table[at + 1] ?? 0, textOf(table.subarray(at + 2, at + FEATURE_ENTRY)));
  }
  const said: string[] = [];
  for (let bit = 0; bit < 64; bit++) {
    if ((unknown >> BigInt(bit)) & 1n) said.push(names.get(bit) ?? `unknown feature (bit ${bit})`);
  }
  throw refuse(name, `unsupported qcow2 feature(s): ${said.join(', ')}`);
}

/** The first cluster. Throws if the extensions and the backing file's name do not fit. */
export function encodeHeader(header: Header, name: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(1 << header.clusterBits);
  const view = viewOf(bytes);
  view.setUint32(0, MAGIC);
  view.setUint32(4, header.version);
  view.setUint32(20, header.clusterBits);
  setU64BE(view, 24, header.sizeBytes);
  view.setUint32(36, header.l1Entries);
  setU64BE(view, 40, header.l1Offset);
  setU64BE(view, 48, header.refcountTableOffset);
  view.setUint32(56, header.refcountTableClusters);
  view.setUint32(60, header.snapshotCount);
  setU64BE(view, 64, header.snapshotsOffset);
  let at = V2_LENGTH;
  if (header.version === 3) {
    view.setBigUint64(72, header.incompatible);
    view.setBigUint64(80, header.compatible);
    view.setBigUint64(88, header.autoclear);
    view.setUint32(96, header.refcountOrder);
    bytes.set(header.additional, V3_MIN_LENGTH);
    at = Math.max(V3_LENGTH, V3_MIN_LENGTH + header.additional.length);
    view.setUint32(100, at);
  }
  const put = (type: number, data: Uint8Array): void => {
    if (at + 8 + data.length > bytes.length)
      throw refuse(name, 'the header extensions do not fit in the first cluster');
    view.setUint32(at, type);
    view.setUint32(at + 4, data.length);
    bytes.set(data, at + 8);
    at += 8 + Math.ceil(data.length / 8) * 8;
  };
  const text = new TextEncoder();
  if (header.backingFormat !== undefined) put(EXTENSION_BACKING_FORMAT, text.encode(header.backingFormat));
  for (const { type, data } of header.extensions) put(type, data);
  put(EXTENSION_END, new Uint8Array());
  if (header.backingName !== undefined) {
    const backing = text.encode(header.backingName);
    if (backing.length > MAX_BACKING_NAME || at + backing.length > bytes.length) {
      throw refuse(name, `the name of the backing file is too long (${backing.length} bytes)`);
    }
    setU64BE(view, 8, at);
    view.setUint32(16, backing.length);
    bytes.set(backing, at);
  }
  return bytes;
}

/** The table of names that new images get, so that older readers can name what they refuse. */
export function featureNameTable(): Extension {
  const data = new Uint8Array(FEATURE_NAMES.length * FEATURE_ENTRY);
  FEATURE_NAMES.forEach(([kind, bit, feature], i) => {
    data.set([kind, bit], i * FEATURE_ENTRY);
    data.set(new TextEncoder().encode(feature), i * FEATURE_ENTRY + 2);
  });
  return { type: EXTENSION_FEATURE_NAMES, data };
}
