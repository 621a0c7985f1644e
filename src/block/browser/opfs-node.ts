/** A file of the origin's private file system as a disk image. Only workers may use it. */
import { VmError } from '../../util/errors.ts';
import { BlockFailure, type BlockNode } from '../api.ts';
import { createBlobNode } from './blob-node.ts';
import { lockDisk } from './disk-lock.ts';
import { guarded } from './failures.ts';

const ZEROS = new Uint8Array(1 << 20);

export interface OpfsOptions {
  readonly readonly: boolean;
  /** Makes a file of this size if there is none. */
  readonly createBytes?: number;
}

/** Browsers that can open a file for several readers take this. */
type SyncHandles = FileSystemFileHandle & {
  createSyncAccessHandle(options?: {
    mode: 'readwrite' | 'read-only' | 'readwrite-unsafe';
  }): Promise<FileSystemSyncAccessHandle>;
};

/** Undefined if there is no such file. */
export async function openOpfsNode(path: string, options: OpfsOptions): Promise<BlockNode | undefined> {
  const release = await lockDisk('opfs', path, options.readonly ? 'shared' : 'exclusive');
  try {
    const file = await fileAt(path, options.createBytes !== undefined);
    if (file === undefined) {
      release();
      return undefined;
    }
    if (options.readonly) return await readers(file as SyncHandles, path, release);
    const handle = await file.createSyncAccessHandle();
    if (options.createBytes !== undefined && handle.getSize() === 0) handle.truncate(options.createBytes);
    return nodeOf(handle, path, false, release);
  } catch (error) {
    release();
    if (!(error instanceof DOMException)) throw error;
    if (error.name === 'NoModificationAllowedError') {
      throw new VmError(`disk '${path}' is in use in another tab`, { cause: error });
    }
    throw new VmError(`Could not open '${path}': ${error.message}`, { cause: error });
  }
}

async function fileAt(path: string, create: boolean): Promise<FileSystemFileHandle | undefined> {
  const folders = path.split('/').filter((part) => part !== '');
  const name = folders.pop();
  if (name === undefined) throw new VmError(`Could not open '${path}': not a file's name`);
  try {
    let folder = await navigator.storage.getDirectory();
    for (const part of folders) folder = await folder.getDirectoryHandle(part, { create });
    return await folder.getFileHandle(name, { create });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'NotFoundError') return undefined;
    throw error;
  }
}

/** Where a file can't be opened for several readers, it is read as a picked one. */
async function readers(file: SyncHandles, path: string, release: () => void): Promise<BlockNode> {
  try {
    return nodeOf(await file.createSyncAccessHandle({ mode: 'read-only' }), path, true, release);
  } catch {
    const node = createBlobNode(await file.getFile(), path);
    return { ...node, close: () => node.close().finally(release) };
  }
}

function nodeOf(handle: FileSystemSyncAccessHandle, path: string, readonly: boolean, release: () => void): BlockNode {
  let size = handle.getSize();
  const checked = (offset: number, length: number): void => {
    if (offset < 0 || length < 0 || offset + length > size) {
      throw new BlockFailure('EIO', `'${path}': request at ${offset} for ${length} bytes exceeds its ${size} bytes`);
    }
  };
  const writeAll = (offset: number, from: Uint8Array): void => {
    const written = handle.write(from as Uint8Array<ArrayBuffer>, { at: offset });
    if (written < from.length)
      throw new BlockFailure('ENOSPC', `'${path}': this browser has no room left for this page`);
  };
  const attempt = <T>(body: () => T): Promise<T> => guarded(`'${path}'`, body);
  const writable = (): void => {
    if (readonly) throw new BlockFailure('EROFS', `'${path}' is read-only`);
  };
  return {
    driver: 'opfs',
    readonly,
    get sizeBytes() {
      return size;
    },
    read: (offset, into) =>
      attempt(() => {
        checked(offset, into.length);
        const count = handle.read(into as Uint8Array<ArrayBuffer>, { at: offset });
        into.fill(0, count);
      }),
    write: (offset, from) =>
      attempt(() => {
        writable();
        checked(offset, from.length);
        writeAll(offset, from);
      }),
    writeZeroes: (offset, length) =>
      attempt(() => {
        writable();
        checked(offset, length);
        for (let done = 0; done < length; done += ZEROS.length) {
          writeAll(offset + done, ZEROS.subarray(0, Math.min(ZEROS.length, length - done)));
        }
      }),
    async discard() {},
    flush: () => attempt(() => handle.flush()),
    async extentAt(offset) {
      checked(offset, 1);
      return { length: size - offset, zero: false, allocated: true };
    },
    resize: (sizeBytes) =>
      attempt(() => {
        writable();
        handle.truncate(sizeBytes);
        size = sizeBytes;
      }),
    close: () =>
      attempt(() => {
        handle.close();
        release();
      }),
  };
}
