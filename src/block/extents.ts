/** An image as a row of extents: through its backing chain, or its own alone. */
import type { ImageExtent, ImageNode } from './formats/image.ts';

export interface Piece {
  readonly start: number;
  readonly length: number;
  readonly zero: boolean;
  /** Stored in some image of the chain. */
  readonly present: boolean;
  /** How many images further down. */
  readonly depth: number;
  readonly offset?: number;
  readonly compressed?: boolean;
}

/** What is at `start`, by the image of the chain that decides it. */
async function pieceAt(image: ImageNode, start: number, limit: number): Promise<Piece> {
  let node: ImageNode = image;
  let length = limit;
  for (let depth = 0; ; depth++) {
    const extent: ImageExtent = await node.extentAt(start);
    length = Math.min(length, extent.length);
    const below: ImageNode | undefined = node.backing;
    if (extent.allocated || below === undefined || start >= below.sizeBytes) {
      const offset = node.driver === 'raw' && extent.allocated ? start : extent.hostOffset;
      return {
        start,
        length,
        zero: extent.zero || (!extent.allocated && below !== undefined),
        present: extent.allocated,
        depth,
        ...(offset === undefined ? {} : { offset }),
        ...(extent.compressed ? { compressed: true } : {}),
      };
    }
    node = below;
  }
}

/** Neighbours that are alike come as one. */
export async function* pieces(image: ImageNode, from = 0, to = image.sizeBytes): AsyncGenerator<Piece> {
  let last: Piece | undefined;
  for (let at = from; at < to; ) {
    const next = await pieceAt(image, at, to - at);
    at += next.length;
    if (last !== undefined && areAlike(last, next)) last = { ...last, length: last.length + next.length };
    else {
      if (last !== undefined) yield last;
      last = next;
    }
  }
  if (last !== undefined) yield last;
}

function areAlike(a: Piece, b: Piece): boolean {
  const continues = a.offset === undefined ? b.offset === undefined : a.offset + a.length === b.offset;
  return (
    continues && a.zero === b.zero && a.present === b.present && a.depth === b.depth && a.compressed === b.compressed
  );
}
