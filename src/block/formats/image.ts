/** What the formats have in common: an image stands on a file and perhaps on a backing image. */
import { VmError } from '../../util/errors.ts';
import { BlockFailure, type BlockNode, type Extent } from '../api.ts';

/** An extent, and where its bytes lie. */
export interface ImageExtent extends Extent {
  /** Offset in the image's file; absent where nothing is stored as it is. */
  readonly hostOffset?: number;
  readonly compressed?: boolean;
}

/** What the image says of the image it stands on. */
export interface BackingReference {
  readonly name: string;
  /** Absent: the reader has to look at the bytes. */
  readonly format?: string;
}

/** What `info` shows of an image beyond its size. */
export interface ImageInfo {
  readonly clusterSize?: number;
  readonly dirty?: boolean;
  readonly compressed?: boolean;
  readonly backing?: BackingReference;
  readonly snapshots?: readonly SnapshotInfo[];
  /** QEMU's `format-specific` information, by its names. */
  readonly specific?: { readonly type: string; readonly data: Readonly<Record<string, unknown>> };
}

export interface SnapshotInfo {
  readonly id: string;
  readonly name: string;
  readonly vmStateBytes: number;
  readonly dateSeconds: number;
  readonly dateNanoseconds: number;
  readonly vmClockNs: number;
  readonly diskBytes: number;
}

/** What a check found. */
export interface CheckResult {
  corruptions: number;
  leaks: number;
  corruptionsFixed: number;
  leaksFixed: number;
  checkErrors: number;
  imageEndOffset?: number;
  totalClusters?: number;
  allocatedClusters?: number;
  fragmentedClusters?: number;
  compressedClusters?: number;
}

export type Repair = 'none' | 'leaks' | 'all';

export interface Snapshots {
  readonly list: readonly SnapshotInfo[];
  create(name: string, at: { dateSeconds: number; dateNanoseconds: number; vmClockNs: number }): Promise<void>;
  apply(idOrName: string): Promise<void>;
  delete(idOrName: string): Promise<void>;
}

export interface ImageNode extends BlockNode {
  readonly info?: ImageInfo;
  /** The opened backing image. */
  readonly backing?: ImageNode | undefined;
  extentAt(offset: number): Promise<ImageExtent>;
  readonly snapshots?: Snapshots;
  /** Reads are of the snapshot from now on; for an image that was opened to be read. */
  showSnapshot?(idOrName: string): Promise<void>;
  /** `log` hears a line for each fault. */
  check?(repair: Repair, log: (line: string) => void): Promise<CheckResult>;
  /** Writes a whole cluster, compressed if that makes it smaller. */
  writeCompressed?(offset: number, from: Uint8Array): Promise<void>;
  /** Rewrites the name of the backing image; undefined takes it away. The data stay as they are. */
  changeBacking?(backing: BackingReference | undefined): Promise<void>;
  /** Makes all that the image holds itself unallocated. */
  makeEmpty?(): Promise<void>;
}

export interface OpenImageOptions {
  /** For messages. */
  readonly name: string;
  readonly readonly?: boolean;
  /** Opens the image it stands on. Absent: that stays closed and reads as zeros. */
  readonly openOther?: (name: string, as: { format?: string; readonly: boolean }) => Promise<ImageNode>;
  /** Opens a further file of the same image. */
  readonly openPart?: (name: string, as: { readonly: boolean }) => Promise<BlockNode>;
  /** For `check`: an image that is known to be damaged is opened, too. */
  readonly forCheck?: boolean;
}

/** A switch among the options of a new image. */
export function isOn(value: string | undefined): boolean {
  return value === 'on' || value === 'true' || value === 'yes';
}

export function refuse(name: string, why: string, hint?: string): VmError {
  return new VmError(`image '${name}': ${why}`, { hint });
}

/** Reads a file that ends anywhere: what lies beyond its end is zeros. */
export async function readPadded(file: BlockNode, offset: number, into: Uint8Array): Promise<void> {
  const there = Math.max(0, Math.min(into.length, file.sizeBytes - offset));
  if (there > 0) await file.read(offset, into.subarray(0, there));
  into.fill(0, there);
}

/** Writes to a file that grows as needed. */
export async function writeGrowing(file: BlockNode, offset: number, from: Uint8Array): Promise<void> {
  if (offset + from.length > file.sizeBytes) await file.resize(offset + from.length);
  await file.write(offset, from);
}

/** Zeros in a file that grows as needed: what is added reads as zeros already. */
export async function zeroGrowing(file: BlockNode, offset: number, length: number): Promise<void> {
  const old = file.sizeBytes;
  if (offset + length > old) await file.resize(offset + length);
  if (offset < old) await file.writeZeroes(offset, Math.min(length, old - offset));
}

/** A request has to lie within the image. */
export function checkBounds(node: BlockNode, offset: number, length: number): void {
  if (offset >= 0 && length >= 0 && offset + length <= node.sizeBytes) return;
  throw new BlockFailure('EIO', `request at ${offset} for ${length} bytes exceeds the image's ${node.sizeBytes} bytes`);
}

export function checkWritable(node: BlockNode): void {
  if (node.readonly) throw new BlockFailure('EROFS', `${node.driver} image is read-only`);
}

/** `size` bytes at `offset` of a file, or a refusal that names the structure. */
export async function readStructure(
  file: BlockNode,
  { name, what, offset, length }: { name: string; what: string; offset: number; length: number },
): Promise<Uint8Array<ArrayBuffer>> {
  if (!(offset >= 0 && offset + length <= file.sizeBytes)) {
    throw refuse(
      name,
      `${what} at ${offset} (${length} bytes) lies beyond the end of the file (${file.sizeBytes} bytes)`,
    );
  }
  const bytes = new Uint8Array(length);
  await file.read(offset, bytes);
  return bytes;
}
