/** Where the contents of a stored file are: what was imported, never changed, and what guests wrote over it. */
import { VmError } from '../../util/errors.ts';
import type { ImageSource } from '../../vm/api.ts';
import { deleteDisk, listDisks, type StoredDisk } from '../../vm/disks.ts';
import { openSource } from '../../vm/image-sources.ts';
import { imageSizes, openImage, removeImage } from './image-store.ts';
import type { DiskRecord } from './records.ts';

type Bytes = Uint8Array<ArrayBuffer>;

/** For the machine that has the file in a drive. */
export async function sourceOf(disk: DiskRecord): Promise<ImageSource> {
  const { id, role, origin, sizeBytes } = disk;
  if (origin.kind === 'empty') return { kind: 'indexeddb', name: id, createBytes: sizeBytes };
  const base: ImageSource =
    origin.kind === 'url' ? { kind: 'url', url: origin.url } : { kind: 'file', file: await openImage(id, disk.name) };
  return role === 'cdrom' ? base : { kind: 'overlay', base, name: id, place: 'opfs' };
}

const PIECE_BYTES = 1 << 20;

/** The file as guests left it, in its own format, and its length. Refused while a machine has it. */
export async function readContents(disk: DiskRecord): Promise<{ sizeBytes: number; stream: ReadableStream<Bytes> }> {
  const node = await openSource(await sourceOf(disk), disk.name, true);
  if (node === undefined) throw new VmError(`'${disk.name}' is not in this browser any more`);
  let offset = 0;
  const stream = new ReadableStream<Bytes>({
    async pull(controller) {
      const piece = new Uint8Array(Math.min(PIECE_BYTES, node.sizeBytes - offset));
      if (piece.length > 0) {
        await node.read(offset, piece);
        offset += piece.length;
        controller.enqueue(piece);
      }
      if (offset < node.sizeBytes) return;
      controller.close();
      await node.close();
    },
    cancel: () => node.close(),
  });
  return { sizeBytes: node.sizeBytes, stream };
}

/** Copies the file as guests left it into a disk of its own; what reads as zeros is left out. Refused while a machine has it. */
export async function copyContents(
  disk: DiskRecord,
  newId: string,
  { signal, onBytes }: { readonly signal: AbortSignal; onBytes(done: number, total: number): void },
): Promise<number> {
  const from = await openSource(await sourceOf(disk), disk.name, true);
  if (from === undefined) throw new VmError(`'${disk.name}' is not in this browser any more`);
  const { sizeBytes } = from;
  const to = await openSource({ kind: 'indexeddb', name: newId, createBytes: sizeBytes }, disk.name, false);
  if (to === undefined) throw new Error('BUG: a disk that was to be made is not there');
  try {
    for (let at = 0; at < sizeBytes; ) {
      signal.throwIfAborted();
      const { length, zero } = await from.extentAt(at);
      const piece = new Uint8Array(zero ? 0 : Math.min(length, PIECE_BYTES));
      if (!zero) {
        await from.read(at, piece);
        await to.write(at, piece);
      }
      at += zero ? length : piece.length;
      onBytes(at, sizeBytes);
    }
    await to.flush();
  } catch (error) {
    await to.close();
    await deleteDisk(newId);
    throw error;
  } finally {
    await from.close();
  }
  await to.close();
  return sizeBytes;
}

export async function removeContents({ id }: DiskRecord): Promise<void> {
  await removeImage(id);
  await deleteDisk(id);
}

/** What each file takes in this browser, with what guests wrote; of one that a machine has, without that. */
export async function storedSizes(disks: readonly DiskRecord[]): Promise<ReadonlyMap<string, number>> {
  const [images, written] = await Promise.all([imageSizes(), listDisks().catch((): StoredDisk[] => [])]);
  const sizeOf = async (disk: DiskRecord): Promise<readonly [string, number]> => {
    const stored = written.find(({ name }) => name === disk.id);
    const over = stored === undefined ? 0 : (stored.bytes ?? (await writtenBytes(disk).catch(() => 0)));
    return [disk.id, (images.get(disk.id) ?? 0) + over];
  };
  return new Map(await Promise.all(disks.map(sizeOf)));
}

async function writtenBytes(disk: DiskRecord): Promise<number> {
  const node = await openSource(await sourceOf(disk), disk.name, true);
  if (node === undefined) return 0;
  let written = 0;
  for (let at = 0; at < node.sizeBytes; ) {
    const { length, allocated } = await node.extentAt(at);
    if (allocated) written += length;
    at += length;
  }
  await node.close();
  return written;
}
