/** `commit`: what an image holds goes into the image it stands on. */

import { CHUNK_BYTES } from '../../block/copy.ts';
import { pieces } from '../../block/extents.ts';
import { VmError } from '../../util/errors.ts';
import { type Arguments, oneImage } from './arguments.ts';
import type { Output } from './output.ts';
import { hostStore, openImage } from './store.ts';

export const COMMIT_NAMES = { f: true, t: true, b: true, r: true, d: false, p: false, q: false };

export async function commit(args: Arguments, out: Output): Promise<number> {
  const name = oneImage(args);
  const top = await openImage(name, { format: args.get('f') });
  try {
    const { name: baseName, format, depth } = await findBase(name, args.get('b'));
    const base = await openImage(baseName, { format });
    try {
      if (base.sizeBytes < top.sizeBytes) await base.resize(top.sizeBytes);
      const buffer = new Uint8Array(CHUNK_BYTES);
      for await (const piece of pieces(top)) {
        if (piece.depth >= depth) continue;
        for (let at = piece.start; at < piece.start + piece.length; at += CHUNK_BYTES) {
          const bytes = buffer.subarray(0, Math.min(CHUNK_BYTES, piece.start + piece.length - at));
          if (piece.zero) {
            await base.writeZeroes(at, bytes.length);
          } else {
            await top.read(at, bytes);
            await base.write(at, bytes);
          }
        }
      }
      await base.flush();
    } finally {
      await base.close();
    }
    // With a base further down, the images between still say otherwise.
    if (!args.has('d') && depth === 1) await top.makeEmpty?.();
  } finally {
    await top.close();
  }
  if (!args.has('q')) out.say('Image committed.\n');
  return 0;
}

/** The image that `-b` names, or the one directly below. */
async function findBase(
  top: string,
  wanted: string | undefined,
): Promise<{ name: string; format: string | undefined; depth: number }> {
  let name = top;
  for (let depth = 1; ; depth++) {
    const image = await openImage(name, { readonly: true, withBacking: false });
    const backing = image.info?.backing;
    await image.close();
    if (backing === undefined) {
      throw new VmError(
        wanted === undefined
          ? 'Image does not have a backing file'
          : `Did not find '${wanted}' in the backing chain of '${top}'`,
      );
    }
    name = hostStore.resolve(name, backing.name);
    if (wanted === undefined || wanted === backing.name || hostStore.identity(wanted) === hostStore.identity(name)) {
      return { name, format: backing.format, depth };
    }
  }
}
