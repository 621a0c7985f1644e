/** `create`: a new image. */
import { parseSize } from '../../block/formats/fields.ts';
import { optionsOf, writableFormat } from '../../block/formats/formats.ts';
import type { BackingReference } from '../../block/formats/image.ts';
import { VmError } from '../../util/errors.ts';
import { type Arguments, parsePairs, usage } from './arguments.ts';
import type { Output } from './output.ts';
import { hostStore, newFile, openImage } from './store.ts';

export const CREATE_NAMES = { f: true, o: true, b: true, F: true, u: false, q: false, object: true };
const DEFAULT_FORMAT = 'raw';

export interface NewImage {
  readonly name: string;
  readonly format: string;
  readonly sizeBytes: number | undefined;
  readonly options: ReadonlyMap<string, string>;
  readonly backing?: BackingReference | undefined;
  /** The backing image is not opened. */
  readonly unsafe?: boolean;
}

export async function create(args: Arguments, out: Output): Promise<number> {
  const [name, size] = args.operands;
  const format = args.get('f') ?? DEFAULT_FORMAT;
  const options = parsePairs(args.all('o'));
  if (options.has('help') || options.has('?')) return help(format, out);
  if (name === undefined) throw usage('Expecting image file name');
  if (args.operands.length > 2) throw usage(`Unexpected argument: ${args.operands[2]}`);
  const backing = args.get('b') ?? options.get('backing_file');
  const backingFormat = args.get('F') ?? options.get('backing_fmt');
  options.delete('backing_file');
  options.delete('backing_fmt');
  const image: NewImage = {
    name,
    format,
    sizeBytes: size === undefined ? undefined : sizeOf(size),
    options,
    unsafe: args.has('u'),
    backing: backing === undefined ? undefined : reference(backing, backingFormat),
  };
  const text = await createImage(image);
  if (!args.has('q')) out.say(`${text}\n`);
  return 0;
}

export function reference(name: string, format: string | undefined): BackingReference {
  return format === undefined ? { name } : { name, format };
}

export function sizeOf(text: string): number {
  const bytes = parseSize(text);
  if (bytes !== undefined) return bytes;
  throw new VmError('Invalid image size specified. You may use k, M, G, T, P or E suffixes for', {
    hint: 'lockstep-img: kilobytes, megabytes, gigabytes, terabytes, petabytes and exabytes.',
  });
}

function help(name: string, out: Output): number {
  const { createOptions = [] } = writableFormat(name);
  out.say('Supported options:\n');
  for (const option of createOptions) {
    const value = option.value === undefined ? '' : ` (default: ${option.value})`;
    const name = `  ${option.name}=<str>`.padEnd(25);
    out.say(`${name}- ${option.help}${value}\n`);
  }
  return 0;
}

/** Creates the image and says what it is. */
export async function createImage(image: NewImage): Promise<string> {
  const { name, backing } = image;
  try {
    const format = writableFormat(image.format);
    const options = optionsOf(format, image.options);
    if (backing !== undefined && !format.hasBacking) {
      throw new VmError(`Backing file not supported for file format '${image.format}'`);
    }
    let { sizeBytes } = image;
    if (backing !== undefined && !image.unsafe) {
      if (backing.format === undefined) throw new VmError('Backing file specified without backing format');
      const base = await openImage(hostStore.resolve(name, backing.name), { format: backing.format, readonly: true });
      sizeBytes ??= base.sizeBytes;
      await base.close();
    }
    if (sizeBytes === undefined) throw new VmError('Image creation needs a size parameter');
    sizeBytes = Math.ceil(sizeBytes / 512) * 512;
    const file = await newFile(name);
    try {
      await format.create(file, { name, sizeBytes, backing, options });
    } finally {
      await file.close();
    }
    const words = [
      `fmt=${image.format}`,
      ...[...options].map(([key, value]) => `${key}=${value}`),
      `size=${sizeBytes}`,
    ];
    if (backing !== undefined) words.push(`backing_file=${backing.name}`, `backing_fmt=${backing.format}`);
    return `Formatting '${name}', ${words.join(' ')}`;
  } catch (error) {
    if (!(error instanceof VmError) || error.message.includes(name)) throw error;
    throw new VmError(`${name}: ${error.message}`, { hint: error.hint, cause: error });
  }
}
