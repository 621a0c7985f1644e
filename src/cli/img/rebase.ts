/** `rebase`: an image stands on another one; it reads as before, unless `-u` says that the caller has seen to that. */

import { CHUNK_BYTES } from '../../block/copy.ts';
import type { ImageNode } from '../../block/formats/image.ts';
import { VmError } from '../../util/errors.ts';
import { type Arguments, oneImage, usage } from './arguments.ts';
import { reference } from './create.ts';
import type { Output } from './output.ts';
import { hostStore, openImage } from './store.ts';

export const REBASE_NAMES = { f: true, t: true, T: true, b: true, F: true, u: false, p: false, q: false, U: false };

export async function rebase(args: Arguments, _out: Output): Promise<number> {
  const name = oneImage(args);
  const to = args.get('b');
  if (to === undefined && !args.has('u')) throw usage('Must specify backing file (-b) or use simple rebase mode (-u)');
  const format = args.get('F');
  if (to && format === undefined) throw new VmError('Backing file specified without backing format');
  const image = await openImage(name, { format: args.get('f'), withBacking: !args.has('u') });
  try {
    if (image.changeBacking === undefined) {
      throw new VmError(`Could not change the backing file to '${to}': the format ${image.driver} has none`);
    }
    if (!args.has('u')) {
      const base = to ? await openImage(hostStore.resolve(name, to), { format, readonly: true }) : undefined;
      try {
        if (base !== undefined) refuseLoop(name, to!);
        await takeDifferences(image, base);
      } finally {
        await base?.close();
      }
    }
    await image.changeBacking(to ? reference(to, format) : undefined);
  } finally {
    await image.close();
  }
  return 0;
}

function refuseLoop(name: string, to: string): void {
  if (hostStore.identity(name) !== hostStore.identity(hostStore.resolve(name, to))) return;
  throw new VmError(`Backing file '${to}' creates an infinite loop.`);
}

/** What the image shows of its old base and the new one has otherwise becomes its own. */
async function takeDifferences(image: ImageNode, base: ImageNode | undefined): Promise<void> {
  const old = image.backing;
  for (let at = 0; at < image.sizeBytes; ) {
    const extent = await image.extentAt(at);
    const length = Math.min(extent.length, CHUNK_BYTES);
    if (!extent.allocated) {
      const [was, is] = [await readUpTo(old, at, length), await readUpTo(base, at, length)];
      const step = image.info?.clusterSize ?? length;
      for (let start = 0; start < length; ) {
        const end = Math.min(length, start + step - ((at + start) % step));
        const part = was.subarray(start, end);
        if (Buffer.compare(part, is.subarray(start, end)) !== 0) await image.write(at + start, part);
        start = end;
      }
    }
    at += length;
  }
  await image.flush();
}

async function readUpTo(image: ImageNode | undefined, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  const there = Math.min(length, (image?.sizeBytes ?? 0) - offset);
  if (there > 0) await image?.read(offset, bytes.subarray(0, there));
  return bytes;
}
