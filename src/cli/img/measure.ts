/** `measure`: how large a file a new image would be. */

import { pieces } from '../../block/extents.ts';
import { parseSize } from '../../block/formats/fields.ts';
import { writableFormat } from '../../block/formats/formats.ts';
import { measureQcow2 } from '../../block/formats/qcow2/measure.ts';
import { VmError } from '../../util/errors.ts';
import { type Arguments, outputForm, parsePairs, usage } from './arguments.ts';
import { sizeOf } from './create.ts';
import { type Output, sayJson } from './output.ts';
import { openImage } from './store.ts';

export const MEASURE_NAMES = { f: true, O: true, o: true, l: true, U: false, output: true, size: true };

export async function measure(args: Arguments, out: Output): Promise<number> {
  const form = outputForm(args);
  const [name] = args.operands;
  const size = args.get('size');
  if (name !== undefined && size !== undefined) throw usage('--size N cannot be used together with a filename');
  if (name === undefined && size === undefined) throw usage('Either --size N or one filename must be specified');
  const format = args.get('O') ?? 'raw';
  writableFormat(format);
  const options = parsePairs(args.all('o'));
  const clusterSize = parseSize(options.get('cluster_size') ?? '65536') ?? 65536;
  const refcountBits = Number(options.get('refcount_bits') ?? 16);
  const { sizeBytes, dataBytes } =
    name === undefined
      ? { sizeBytes: sizeOf(size!), dataBytes: 0 }
      : await contents(name, { format: args.get('f'), unit: clusterSize });
  if (format !== 'raw' && format !== 'qcow2') {
    throw new VmError(`Block driver '${format}' does not support size measurement`);
  }
  const { required, full } =
    format === 'raw'
      ? { required: sizeBytes, full: sizeBytes }
      : measureQcow2({ sizeBytes, dataBytes, clusterSize, refcountBits });
  if (form === 'json') sayJson(out, { required, 'fully-allocated': full });
  else out.say(`required size: ${required}\nfully allocated size: ${full}\n`);
  return 0;
}

/** An image's size, and how many bytes of whole clusters would hold data. */
async function contents(
  name: string,
  { format, unit }: { format: string | undefined; unit: number },
): Promise<{ sizeBytes: number; dataBytes: number }> {
  const image = await openImage(name, { format, readonly: true });
  try {
    let dataBytes = 0;
    let end = 0;
    for await (const { start, length, zero } of pieces(image)) {
      if (zero) continue;
      const first = Math.max(end, start - (start % unit));
      end = Math.max(end, Math.ceil((start + length) / unit) * unit);
      dataBytes += end - first;
    }
    return { sizeBytes: image.sizeBytes, dataBytes };
  } finally {
    await image.close();
  }
}
