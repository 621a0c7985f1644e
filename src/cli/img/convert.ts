/** `convert`: an image, or several one behind the other, as a new image. */

import { copyImage } from '../../block/copy.ts';
import type { ImageNode } from '../../block/formats/image.ts';
import { VmError } from '../../util/errors.ts';
import { type Arguments, parsePairs, usage } from './arguments.ts';
import { createImage, reference } from './create.ts';
import type { Output } from './output.ts';
import { openImage } from './store.ts';

export const CONVERT_NAMES = {
  f: true,
  O: true,
  o: true,
  c: false,
  B: true,
  b: true,
  F: true,
  l: true,
  n: false,
  p: false,
  q: false,
  S: true,
  m: true,
  t: true,
  T: true,
  U: false,
  W: false,
};

export async function convert(args: Arguments, out: Output): Promise<number> {
  const sources = args.operands.slice(0, -1);
  const target = args.operands.at(-1);
  if (target === undefined || sources.length === 0) throw usage('Must specify image file name');
  const images: ImageNode[] = [];
  try {
    for (const name of sources) images.push(await openImage(name, { format: args.get('f'), readonly: true }));
    const snapshot = args.get('l');
    if (snapshot !== undefined) await chooseSnapshot(images, snapshot);
    const total = images.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    const format = args.get('O') ?? 'raw';
    const options = parsePairs(args.all('o'));
    const base = args.get('B') ?? args.get('b') ?? options.get('backing_file');
    const baseFormat = args.get('F') ?? options.get('backing_fmt');
    options.delete('backing_file');
    options.delete('backing_fmt');
    if (args.has('c') && base !== undefined && images.length > 1)
      throw new VmError('Having a backing file for the target makes no sense when concatenating multiple input images');
    if (!args.has('n')) {
      const backing = base === undefined ? undefined : reference(base, baseFormat);
      await createImage({ name: target, format, sizeBytes: total, options, backing });
    }
    const made = await openImage(target, { format });
    try {
      if (args.has('c') && made.writeCompressed === undefined) {
        throw new VmError(`Compression not supported for this file format`);
      }
      if (made.sizeBytes < total) throw new VmError('output file is smaller than input file');
      let at = 0;
      for (const image of images) {
        const start = at;
        const progress = (bytes: number): void =>
          out.say(`    (${(((start + bytes) / total) * 100).toFixed(2)}/100%)\r`);
        await copyImage(image, made, {
          at,
          compressed: args.has('c'),
          targetIsZero: !args.has('n') && base === undefined,
          ...(base === undefined ? {} : { depth: 1 }),
          ...(args.has('p') ? { progress } : {}),
        });
        at += image.sizeBytes;
      }
      if (args.has('p')) out.say('    (100.00/100%)\n');
      await made.flush();
    } finally {
      await made.close();
    }
    return 0;
  } finally {
    for (const image of images) await image.close();
  }
}

/** `-l name`, or `snapshot.id=…` and `snapshot.name=…`. */
async function chooseSnapshot(images: readonly ImageNode[], text: string): Promise<void> {
  const name = text.replace(/^snapshot\.(id|name)=/, '');
  for (const image of images) {
    if (image.showSnapshot === undefined)
      throw new VmError(`Failed to load snapshot: the format ${image.driver} has none`);
    await image.showSnapshot(name);
  }
}
