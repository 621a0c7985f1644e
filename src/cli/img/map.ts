/** `map`: where an image's contents are. */

import { type Piece, pieces } from '../../block/extents.ts';
import { parseSize } from '../../block/formats/fields.ts';
import type { ImageNode } from '../../block/formats/image.ts';
import { VmError } from '../../util/errors.ts';
import { type Arguments, oneImage, outputForm, usage } from './arguments.ts';
import type { Output } from './output.ts';
import { hostStore, openImage } from './store.ts';

export const MAP_NAMES = {
  f: true,
  U: false,
  output: true,
  s: true,
  l: true,
  'start-offset': true,
  'max-length': true,
};

export async function map(args: Arguments, out: Output): Promise<number> {
  const name = oneImage(args);
  const form = outputForm(args);
  const start = offsetOf(args.get('start-offset') ?? args.get('s') ?? '0');
  const most = args.get('max-length') ?? args.get('l');
  const image = await openImage(name, { format: args.get('f'), readonly: true });
  try {
    const end = Math.min(image.sizeBytes, most === undefined ? Number.POSITIVE_INFINITY : start + offsetOf(most));
    if (form === 'json') {
      const rows: string[] = [];
      for await (const piece of pieces(image, start, end)) rows.push(jsonOf(piece));
      out.say(`[${rows.join(',\n')}]\n`);
      return 0;
    }
    const names = namesOf(name, image);
    out.say(row('Offset', 'Length', 'Mapped to', 'File'));
    for await (const piece of pieces(image, start, end)) {
      if (piece.zero || !piece.present) continue;
      if (piece.offset === undefined) throw new VmError(`File contains external, encrypted or compressed clusters.`);
      out.say(row(hexText(piece.start), hexText(piece.length), hexText(piece.offset), names[piece.depth] ?? name));
    }
    return 0;
  } finally {
    await image.close();
  }
}

function offsetOf(text: string): number {
  const bytes = parseSize(text);
  if (bytes === undefined) throw usage(`Invalid offset '${text}'`);
  return bytes;
}

/** C's `%#x`. */
const hexText = (value: number): string => (value === 0 ? '0' : `0x${value.toString(16)}`);

function row(...[start, length, to, file]: string[]): string {
  return `${start!.padEnd(16)}${length!.padEnd(16)}${to!.padEnd(16)}${file}\n`;
}

function jsonOf({ start, length, depth, present, zero, offset }: Piece): string {
  const place = offset === undefined ? '' : `, "offset": ${offset}`;
  return (
    `{ "start": ${start}, "length": ${length}, "depth": ${depth}, "present": ${present}, "zero": ${zero}, ` +
    `"data": ${present && !zero}${place}}`
  );
}

/** The files of the chain, by depth. */
function namesOf(name: string, image: ImageNode): string[] {
  const names = [name];
  let node: ImageNode | undefined = image;
  for (let from = name; node?.info?.backing !== undefined; node = node.backing) {
    from = hostStore.resolve(from, node.info.backing.name);
    names.push(from);
  }
  return names;
}
