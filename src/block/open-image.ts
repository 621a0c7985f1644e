/** From a file to an image: its format is named, or found out. */
import { VmError } from '../util/errors.ts';
import type { BlockNode } from './api.ts';
import { probeFormat } from './probe.ts';
import { createRawNode, PROBE_BYTES } from './raw.ts';

export interface OpenImageOptions {
  /** The file's, for messages. */
  readonly name: string;
  /** QEMU's name of the format; undefined: to be found out. */
  readonly format: string | undefined;
  warn(text: string): void;
}

/** Closes the file if it can't be opened as an image. */
export async function openImage(file: BlockNode, { name, format, warn }: OpenImageOptions): Promise<BlockNode> {
  try {
    const head = new Uint8Array(Math.min(PROBE_BYTES, file.sizeBytes));
    await file.read(0, head);
    const driver = format ?? probeFormat(head);
    if (driver !== 'raw') throw new VmError(`Could not open '${name}': Unknown driver '${driver}'`);
    if (format !== undefined || file.readonly) return createRawNode(file);
    warn(
      `Image format was not specified for '${name}' and probing guessed raw.\n` +
        '         Automatically detecting the format is dangerous for raw images, write operations on block 0 will be ' +
        "restricted.\n         Specify the 'raw' format explicitly to remove the restrictions.",
    );
    return createRawNode(file, { looksOtherwise: (bytes) => probeFormat(bytes) !== 'raw' });
  } catch (error) {
    await file.close();
    throw error;
  }
}
