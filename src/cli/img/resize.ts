/** `resize`: another size for an image. */
import { parseSize } from '../../block/formats/fields.ts';
import { VmError } from '../../util/errors.ts';
import { type Arguments, usage } from './arguments.ts';
import type { Output } from './output.ts';
import { openImage } from './store.ts';

export const RESIZE_NAMES = { f: true, q: false, shrink: false, preallocation: true };

export async function resize(args: Arguments, out: Output): Promise<number> {
  const [name, text] = args.operands;
  if (name === undefined || text === undefined || args.operands.length !== 2) {
    throw usage('Expecting image file name and size');
  }
  const preallocation = args.get('preallocation') ?? 'off';
  if (preallocation !== 'off') throw new VmError(`preallocation '${preallocation}' is not supported by resize (off)`);
  const sign = text[0] === '+' ? 1 : text[0] === '-' ? -1 : 0;
  const bytes = parseSize(sign === 0 ? text : text.slice(1));
  if (bytes === undefined) throw new VmError(`Invalid size '${text}'`);
  const image = await openImage(name, { format: args.get('f') });
  try {
    const size = Math.ceil((sign === 0 ? bytes : image.sizeBytes + sign * bytes) / 512) * 512;
    if (size <= 0) throw new VmError('New image size must be positive');
    if (size < image.sizeBytes && !args.has('shrink')) {
      out.complain(
        "lockstep-img: warning: Shrinking an image will delete all data beyond the shrunken image's end. Before performing " +
          'such an operation, make sure there is no important data there.\n',
      );
      throw new VmError('Use the --shrink option to perform a shrink operation.');
    }
    await image.resize(size);
    await image.flush();
  } finally {
    await image.close();
  }
  if (!args.has('q')) out.say('Image resized.\n');
  return 0;
}
