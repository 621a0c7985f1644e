/** Contents of stored files, in the origin's private file system: one file an id, written once and never changed. */
import { VmError } from '../../util/errors.ts';

const FOLDER = 'images';

async function folder(): Promise<FileSystemDirectoryHandle> {
  try {
    const root = await navigator.storage.getDirectory();
    return await root.getDirectoryHandle(FOLDER, { create: true });
  } catch (cause) {
    if (isQuota(cause)) throw noRoom('for it', cause);
    throw new VmError('this browser stores no files for this page', {
      hint: 'A private window may not; open the page in a usual one.',
      cause,
    });
  }
}

const isQuota = (error: unknown): boolean => error instanceof DOMException && error.name === 'QuotaExceededError';

function noRoom(what: string, cause: unknown): VmError {
  return new VmError(`this browser has no room ${what}`, {
    hint: 'Free some on the storage page, then try again.',
    cause,
  });
}

/** Stores what `source` gives; its length. A file that was cut off, by `signal` too, leaves nothing behind. */
export async function writeImage(
  id: string,
  source: ReadableStream<Uint8Array<ArrayBuffer>>,
  { signal, onBytes }: { readonly signal: AbortSignal; onBytes(done: number): void },
): Promise<number> {
  const images = await folder();
  const file = await images.getFileHandle(id, { create: true });
  let done = 0;
  const counted = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
    transform(chunk, controller) {
      controller.enqueue(chunk);
      done += chunk.length;
      onBytes(done);
    },
  });
  try {
    await source.pipeThrough(counted).pipeTo(await file.createWritable(), { signal });
    return done;
  } catch (cause) {
    await images.removeEntry(id).catch(() => {});
    throw isQuota(cause) ? noRoom(`for more than ${done} bytes of it`, cause) : cause;
  }
}

export async function openImage(id: string, name: string): Promise<File> {
  try {
    const file = await (await folder()).getFileHandle(id);
    return await file.getFile();
  } catch (cause) {
    throw new VmError(`the contents of '${name}' are not in this browser any more`, {
      hint: 'Browsers may clear them when the disk is full. Import the file again.',
      cause,
    });
  }
}

export async function removeImage(id: string): Promise<void> {
  await (await folder()).removeEntry(id).catch(() => {}); // it never was there
}

/** What every stored file takes, by id. */
export async function imageSizes(): Promise<ReadonlyMap<string, number>> {
  const sizes = new Map<string, number>();
  try {
    for await (const [id, handle] of (await folder()).entries()) {
      if (handle.kind === 'file') sizes.set(id, (await (handle as FileSystemFileHandle).getFile()).size);
    }
  } catch {
    // nothing is stored where nothing can be
  }
  return sizes;
}
