/** A new qcow2 image. */
import type { BlockNode } from '../../api.ts';
import { parseSize, setU64BE, viewOf } from '../fields.ts';
import type { CreateImageOptions, CreateOption } from '../formats.ts';
import { type BackingReference, refuse, zeroGrowing } from '../image.ts';
import {
  COMPATIBLE_LAZY_REFCOUNTS,
  encodeHeader,
  featureNameTable,
  type Header,
  MAX_CLUSTER_BITS,
  MAX_L1_BYTES,
  MIN_CLUSTER_BITS,
} from './header.ts';
import { Qcow2Image } from './image.ts';
import { COPIED, l1EntriesFor } from './tables.ts';

/** Each is QEMU's option of that name; absent: QEMU's default. */
export interface Qcow2CreateOptions {
  readonly name: string;
  readonly sizeBytes: number;
  readonly version?: 2 | 3;
  readonly clusterSize?: number;
  readonly refcountBits?: number;
  readonly lazyRefcounts?: boolean;
  readonly preallocation?: 'off' | 'metadata' | 'falloc' | 'full';
  readonly backing?: BackingReference;
}

const DEFAULT_CLUSTER = 65536;

/** Makes `file` a new image, whatever it was. */
export async function createQcow2(file: BlockNode, options: Qcow2CreateOptions): Promise<void> {
  const { name, version = 3, clusterSize = DEFAULT_CLUSTER, refcountBits = 16, sizeBytes } = options;
  const clusterBits = Math.log2(clusterSize);
  if (!Number.isInteger(clusterBits) || clusterBits < MIN_CLUSTER_BITS || clusterBits > MAX_CLUSTER_BITS) {
    throw refuse(name, 'Cluster size must be a power of two between 512 and 2048k');
  }
  const refcountOrder = Math.log2(refcountBits);
  if (!Number.isInteger(refcountOrder) || refcountOrder < 0 || refcountOrder > 6) {
    throw refuse(name, 'Refcount width must be a power of two and may not exceed 64 bits');
  }
  if (version < 3 && refcountBits !== 16) {
    throw refuse(name, 'Different refcount widths than 16 bits require compatibility level 1.1 or above');
  }
  if (version < 3 && options.lazyRefcounts === true) {
    throw refuse(
      name,
      'Lazy refcounts only supported with compatibility level 1.1 and above (use version=v3 or greater)',
    );
  }
  if (!(sizeBytes >= 0) || l1EntriesFor(sizeBytes, clusterBits) * 8 > MAX_L1_BYTES) {
    throw refuse(name, `The image size ${sizeBytes} is too large for clusters of ${clusterSize} bytes`);
  }
  if (options.backing !== undefined && (options.preallocation ?? 'off') !== 'off') {
    throw refuse(name, 'Backing file and preallocation can only be used at the same time if extended_l2 is enabled');
  }
  const header: Header = {
    version,
    clusterBits,
    sizeBytes: 0,
    l1Entries: 0,
    l1Offset: 0,
    refcountTableOffset: clusterSize,
    refcountTableClusters: 1,
    snapshotCount: 0,
    snapshotsOffset: 0,
    incompatible: 0n,
    compatible: options.lazyRefcounts === true ? COMPATIBLE_LAZY_REFCOUNTS : 0n,
    autoclear: 0n,
    refcountOrder,
    additional: new Uint8Array(),
    // A cluster of 512 bytes has no room for the table and a name.
    extensions: version >= 3 && clusterSize > 512 ? [featureNameTable()] : [],
    backingName: options.backing?.name,
    backingFormat: options.backing?.format,
  };
  await writeEmpty(file, header, name);
  const image = await Qcow2Image.open(file, { name });
  await image.resize(sizeBytes);
  if ((options.preallocation ?? 'off') !== 'off') await preallocate(image, options.preallocation === 'full');
  await image.flush();
}

/** Header, refcount table and the one block that counts the three of them; the header goes last. */
async function writeEmpty(file: BlockNode, header: Header, name: string): Promise<void> {
  const clusterSize = 1 << header.clusterBits;
  const first = encodeHeader(header, name);
  await file.resize(0);
  await zeroGrowing(file, 0, 3 * clusterSize);
  const entry = new Uint8Array(8);
  setU64BE(viewOf(entry), 0, 2 * clusterSize);
  await file.write(clusterSize, entry);
  const bits = 1 << header.refcountOrder;
  const counts = new Uint8Array(Math.ceil((3 * bits) / 8));
  for (let i = 0; i < 3; i++) {
    // Ones, each in the least significant bit of its field; sub-byte fields fill a byte from below.
    if (bits < 8) counts[Math.floor((i * bits) / 8)]! |= 1 << ((i * bits) % 8);
    else counts[((i + 1) * bits) / 8 - 1] = 1;
  }
  await file.write(2 * clusterSize, counts);
  await file.flush();
  await file.write(0, first);
  await file.flush();
}

/** Gives each cluster its place. The places read as zeros: the file was empty. */
async function preallocate(image: Qcow2Image, full: boolean): Promise<void> {
  const { clusterSize, tables, refcounts, file } = image;
  const clusters = Math.ceil(image.sizeBytes / clusterSize);
  await image.alone(async () => {
    for (let at = 0; at < clusters; ) {
      const inTable = tables.entriesPerTable - (at % tables.entriesPerTable);
      await tables.ownTable(Math.floor(at / tables.entriesPerTable));
      const place = await refcounts.allocateRun(Math.min(inTable, clusters - at));
      const length = place.clusters * clusterSize;
      if (full) await writeZeros(file, place.offset, length);
      else await zeroGrowing(file, place.offset, length);
      await tables.setRun(at, place.clusters, place.offset, COPIED, 0);
      at += place.clusters;
    }
    await tables.commit();
  });
}

async function writeZeros(file: BlockNode, offset: number, length: number): Promise<void> {
  await zeroGrowing(file, offset, length);
  const zeros = new Uint8Array(Math.min(length, 1 << 20));
  for (let at = 0; at < length; at += zeros.length) {
    await file.write(offset + at, zeros.subarray(0, Math.min(zeros.length, length - at)));
  }
}

/** As QEMU lists them for `-o help`, with its defaults. */
export const QCOW2_OPTIONS: readonly CreateOption[] = [
  { name: 'compat', help: 'Compatibility level (v2 [0.10] or v3 [1.1])' },
  { name: 'cluster_size', value: '65536', help: 'qcow2 cluster size' },
  { name: 'preallocation', help: 'Preallocation mode (allowed values: off, metadata, falloc, full)' },
  { name: 'compression_type', value: 'zlib', help: 'Compression method used for image cluster compression (zlib)' },
  { name: 'lazy_refcounts', value: 'off', help: 'Postpone refcount updates' },
  { name: 'refcount_bits', value: '16', help: 'Width of a reference count entry in bits' },
];

const PREALLOCATIONS = ['off', 'metadata', 'falloc', 'full'] as const;
const VERSIONS: Readonly<Record<string, 2 | 3>> = { '0.10': 2, v2: 2, '1.1': 3, v3: 3 };

export async function qcow2FromOptions(
  file: BlockNode,
  { name, sizeBytes, backing, options }: CreateImageOptions,
): Promise<void> {
  const compat = options.get('compat') ?? '1.1';
  const version = VERSIONS[compat];
  if (version === undefined) throw refuse(name, `Invalid compatibility level: '${compat}' (0.10 or 1.1)`);
  const wanted = options.get('preallocation') ?? 'off';
  const preallocation = PREALLOCATIONS.find((mode) => mode === wanted);
  if (preallocation === undefined)
    throw refuse(name, `Invalid parameter '${wanted}' (preallocation: ${PREALLOCATIONS.join(', ')})`);
  const compression = options.get('compression_type') ?? 'zlib';
  if (compression !== 'zlib') throw refuse(name, `compression type '${compression}' is not supported (zlib)`);
  await createQcow2(file, {
    name,
    sizeBytes,
    version,
    preallocation,
    clusterSize: parseSize(options.get('cluster_size') ?? '65536') ?? Number.NaN,
    refcountBits: Number(options.get('refcount_bits') ?? 16),
    lazyRefcounts: (options.get('lazy_refcounts') ?? 'off') === 'on',
    ...(backing === undefined ? {} : { backing }),
  });
}
