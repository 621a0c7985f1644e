/** Contents from image to image, by extents; zeros are found and stay holes. */

import { pieces } from './extents.ts';
import { isZero } from './formats/fields.ts';
import type { ImageNode } from './formats/image.ts';

/** So much is read at once. */
export const CHUNK_BYTES = 2 << 20;
/** Zeros of at least so many bytes, at multiples of it, are not written as data: qemu-img's `-S`. */
const SPARSE_BYTES = 4096;

export interface Copying {
  /** The target reads as zeros where nothing was written. */
  readonly targetIsZero: boolean;
  readonly compressed: boolean;
  /** Extents that this many images down and further hold are left to the target's backing image. */
  readonly depth?: number;
  /** Where in the target the source begins. */
  readonly at: number;
  readonly progress?: (bytes: number) => void;
}

export async function copyImage(source: ImageNode, target: ImageNode, copying: Copying): Promise<void> {
  const { at, targetIsZero, compressed, depth = Number.POSITIVE_INFINITY, progress } = copying;
  // Compressed clusters are written once and whole.
  const unit = compressed ? (target.info?.clusterSize ?? CHUNK_BYTES) : CHUNK_BYTES;
  const size = Math.min(source.sizeBytes, target.sizeBytes - at);
  const buffer = new Uint8Array(unit);
  let start = 0;
  while (start < size) {
    const length = Math.min(unit - ((at + start) % unit), size - start);
    const kind = await kindOf(source, start, length, depth);
    if (kind === 'data') {
      const bytes = buffer.subarray(0, length);
      await source.read(start, bytes);
      if (!compressed) await writeSparse(target, at + start, bytes, targetIsZero);
      else if (!isZero(bytes)) await writePacked(target, at + start, bytes);
      else if (!targetIsZero) await target.writeZeroes(at + start, length);
    } else if (kind === 'zero' && !targetIsZero) {
      await target.writeZeroes(at + start, length);
    }
    start += length;
    progress?.(start);
  }
}

/** `below`: all of it lies in the images that the target stands on, too. */
async function kindOf(
  source: ImageNode,
  start: number,
  length: number,
  depth: number,
): Promise<'data' | 'zero' | 'below'> {
  let kind: 'data' | 'zero' | 'below' | undefined;
  for await (const piece of pieces(source, start, start + length)) {
    const its = piece.depth >= depth ? 'below' : piece.zero ? 'zero' : 'data';
    if (kind !== undefined && kind !== its) return 'data';
    kind = its;
  }
  return kind ?? 'zero';
}

async function writePacked(target: ImageNode, offset: number, bytes: Uint8Array): Promise<void> {
  if (target.writeCompressed === undefined) await target.write(offset, bytes);
  else await target.writeCompressed(offset, bytes);
}

/** Writes what is not zero, and zeros only where the target may hold something else. */
export async function writeSparse(
  target: ImageNode,
  offset: number,
  bytes: Uint8Array,
  targetIsZero: boolean,
): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const first = endOfBlock(offset, at, bytes.length);
    const zero = isZero(bytes.subarray(at, first));
    let end = first;
    while (end < bytes.length) {
      const next = endOfBlock(offset, end, bytes.length);
      if (isZero(bytes.subarray(end, next)) !== zero) break;
      end = next;
    }
    if (!zero) await target.write(offset + at, bytes.subarray(at, end));
    else if (!targetIsZero) await target.writeZeroes(offset + at, end - at);
    at = end;
  }
}

function endOfBlock(offset: number, at: number, limit: number): number {
  return Math.min(limit, at + SPARSE_BYTES - ((offset + at) % SPARSE_BYTES));
}
