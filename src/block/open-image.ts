/** From a name to an image, with the images it stands on. */
import { VmError } from '../util/errors.ts';
import type { BlockNode } from './api.ts';
import { FORMATS } from './formats/formats.ts';
import type { ImageNode, OpenImageOptions } from './formats/image.ts';
import { probeFormat } from './probe.ts';
import { createRawNode, PROBE_BYTES } from './raw.ts';

/** Where images and those they stand on are found by name. */
export interface ImageStore {
  /** Throws a VmError if there is no such file or it can't be opened. */
  openFile(name: string, access: { readonly readonly: boolean }): Promise<BlockNode>;
  /** What a name in image `from` means to `openFile`. */
  resolve(from: string, name: string): string;
  /** The same for two names of one file. */
  identity(name: string): string;
}

export interface OpenOptions {
  /** QEMU's name of the format; absent: found out from the first bytes. */
  readonly format?: string | undefined;
  readonly readonly?: boolean;
  /** False: what the image stands on stays closed and reads as zeros. */
  readonly withBacking?: boolean;
  readonly forCheck?: boolean;
  /** Hears that nobody said what the image is and that it was taken for raw. */
  readonly warn?: ((text: string) => void) | undefined;
}

/** Longer chains are more likely a mistake than a wish. */
const MAX_DEPTH = 200;

export async function openImage(store: ImageStore, name: string, options: OpenOptions = {}): Promise<ImageNode> {
  return openLink(store, name, options, []);
}

async function openLink(
  store: ImageStore,
  name: string,
  options: OpenOptions,
  above: readonly string[],
): Promise<ImageNode> {
  const identity = store.identity(name);
  if (above.includes(identity)) {
    throw new VmError(
      `image '${name}' stands on itself: ${[...above, identity].map((link) => `'${link}'`).join(' on ')}`,
    );
  }
  if (above.length >= MAX_DEPTH) throw new VmError(`image '${name}': more than ${MAX_DEPTH} images stand on it`);
  const { readonly = false, forCheck = false, withBacking = true, warn } = options;
  const file = await store.openFile(name, { readonly });
  try {
    const format = options.format ?? (await formatOf(file));
    if (format === 'raw') return openRaw(file, { name, isGuess: options.format === undefined, warn });
    return await openAs(file, format, {
      name,
      readonly,
      forCheck,
      withBacking,
      openOther: (other, as) => openLink(store, store.resolve(name, other), as, [...above, identity]),
      openPart: (part, as) => store.openFile(store.resolve(name, part), as),
    });
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function openAs(
  file: BlockNode,
  format: string,
  options: OpenImageOptions & { withBacking: boolean },
): Promise<ImageNode> {
  const driver = FORMATS[format];
  if (driver === undefined) throw new VmError(`Could not open '${options.name}': Unknown driver '${format}'`);
  const { withBacking, openOther, ...others } = options;
  return driver.open(file, withBacking && openOther !== undefined ? { ...others, openOther } : others);
}

/** A guest that writes the signature of another format to a guess could have its host open any file the next time. */
function openRaw(
  file: BlockNode,
  { name, isGuess, warn }: { name: string; isGuess: boolean; warn: ((text: string) => void) | undefined },
): BlockNode {
  if (!isGuess || file.readonly) return createRawNode(file);
  warn?.(
    `Image format was not specified for '${name}' and probing guessed raw.\n` +
      '         Automatically detecting the format is dangerous for raw images, write operations on block 0 will be ' +
      "restricted.\n         Specify the 'raw' format explicitly to remove the restrictions.",
  );
  return createRawNode(file, { looksOtherwise: (bytes) => probeFormat(bytes) !== 'raw' });
}

/** What a relative name in image `from` means, where names are paths. */
export function besides(from: string, name: string): string {
  return name.startsWith('/') ? name : from.slice(0, from.lastIndexOf('/') + 1) + name;
}

/** What an opened file holds, by its bytes. */
export async function formatOf(file: BlockNode): Promise<string> {
  const head = new Uint8Array(Math.min(PROBE_BYTES, file.sizeBytes));
  await file.read(0, head);
  const tail = new Uint8Array(Math.min(PROBE_BYTES, file.sizeBytes));
  await file.read(file.sizeBytes - tail.length, tail);
  return probeFormat(head, tail);
}
