/** `compare`: whether two images read the same. */

import { CHUNK_BYTES } from '../../block/copy.ts';
import { pieces } from '../../block/extents.ts';
import { isZero } from '../../block/formats/fields.ts';
import type { ImageNode } from '../../block/formats/image.ts';
import { type Arguments, usage } from './arguments.ts';
import type { Output } from './output.ts';
import { openImage } from './store.ts';

export const COMPARE_NAMES = { f: true, F: true, T: true, p: false, q: false, s: false, U: false };
const DIFFERENT = 1;

export async function compare(args: Arguments, out: Output): Promise<number> {
  const [first, second] = args.operands;
  if (first === undefined || second === undefined || args.operands.length !== 2) {
    throw usage('Expecting two image file names');
  }
  const say = (text: string): void => {
    if (!args.has('q')) out.say(`${text}\n`);
  };
  const a = await openImage(first, { format: args.get('f'), readonly: true });
  try {
    const b = await openImage(second, { format: args.get('F'), readonly: true });
    try {
      return await compareOpened(a, b, { strict: args.has('s'), say });
    } finally {
      await b.close();
    }
  } finally {
    await a.close();
  }
}

async function compareOpened(
  a: ImageNode,
  b: ImageNode,
  { strict, say }: { strict: boolean; say: (text: string) => void },
): Promise<number> {
  if (strict && a.sizeBytes !== b.sizeBytes) {
    say('Strict mode: Image size mismatch!');
    return DIFFERENT;
  }
  const common = Math.min(a.sizeBytes, b.sizeBytes);
  for await (const [start, length, mayDiffer] of commonPieces(a, b, common, strict)) {
    if (mayDiffer === 'allocation') {
      say(`Strict mode: Offset ${start} block status mismatch!`);
      return DIFFERENT;
    }
    if (mayDiffer === 'no') continue;
    const at = await firstDifference(a, b, start, length);
    if (at === undefined) continue;
    say(`Content mismatch at offset ${at}!`);
    return DIFFERENT;
  }
  if (a.sizeBytes !== b.sizeBytes) {
    say('Warning: Image size mismatch!');
    const longer = a.sizeBytes > b.sizeBytes ? a : b;
    const at = await firstNonZero(longer, common);
    if (at !== undefined) {
      say(`Content mismatch at offset ${at}!`);
      return DIFFERENT;
    }
  }
  say('Images are identical.');
  return 0;
}

/** Where both have one kind of extent. */
async function* commonPieces(
  a: ImageNode,
  b: ImageNode,
  end: number,
  strict: boolean,
): AsyncGenerator<[start: number, length: number, mayDiffer: 'yes' | 'no' | 'allocation']> {
  const others = pieces(b, 0, end);
  let other = (await others.next()).value;
  for await (const piece of pieces(a, 0, end)) {
    for (let at = piece.start; at < piece.start + piece.length; ) {
      while (other !== undefined && other.start + other.length <= at) other = (await others.next()).value;
      const stop = Math.min(piece.start + piece.length, other === undefined ? end : other.start + other.length);
      const differs = strict && other !== undefined && piece.present !== other.present;
      yield [at, stop - at, differs ? 'allocation' : piece.zero && other?.zero ? 'no' : 'yes'];
      at = stop;
    }
  }
}

/** Of a sector: qemu-img says where it begins. */
const SECTOR = 512;

async function firstDifference(a: ImageNode, b: ImageNode, start: number, length: number): Promise<number | undefined> {
  const [left, right] = [new Uint8Array(CHUNK_BYTES), new Uint8Array(CHUNK_BYTES)];
  for (let at = start; at < start + length; at += CHUNK_BYTES) {
    const size = Math.min(CHUNK_BYTES, start + length - at);
    const [x, y] = [left.subarray(0, size), right.subarray(0, size)];
    await a.read(at, x);
    await b.read(at, y);
    if (Buffer.compare(x, y) === 0) continue;
    const differs = x.findIndex((byte, i) => byte !== y[i]);
    return at + differs - (differs % SECTOR);
  }
  return undefined;
}

async function firstNonZero(image: ImageNode, start: number): Promise<number | undefined> {
  const buffer = new Uint8Array(CHUNK_BYTES);
  for await (const piece of pieces(image, start)) {
    if (piece.zero) continue;
    for (let at = piece.start; at < piece.start + piece.length; at += CHUNK_BYTES) {
      const bytes = buffer.subarray(0, Math.min(CHUNK_BYTES, piece.start + piece.length - at));
      await image.read(at, bytes);
      if (isZero(bytes)) continue;
      const differs = bytes.findIndex((byte) => byte !== 0);
      return at + differs - (differs % SECTOR);
    }
  }
  return undefined;
}
