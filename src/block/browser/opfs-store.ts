/** Disks kept in clusters in the origin's private file system: a folder each. Only workers may write to them. */
import { VmError } from '../../util/errors.ts';
import type { ClusterGeometry, ClusterStore } from '../cluster-node.ts';
import { guarded } from './failures.ts';
import { type FileStoreOptions, openFileStore, readFileStore, type SyncFile } from './file-store.ts';

const FOLDER = 'lockstep-disks';
const FILES = ['data', 'log0', 'log1'] as const;

interface OpenStore {
  readonly store: ClusterStore;
  readonly geometry: ClusterGeometry;
  readonly states: Uint8Array;
}

/** Opens a disk; undefined if there is none and none is to be created. */
export async function openOpfsStore(
  name: string,
  options: Omit<FileStoreOptions, 'name'>,
): Promise<OpenStore | undefined> {
  const folder = await folderOf(name, options.create !== undefined);
  if (folder === undefined) return undefined;
  if (!('createSyncAccessHandle' in FileSystemFileHandle.prototype)) return readFolder(folder, name, options);
  const open: SyncFile[] = [];
  try {
    for (const file of FILES) {
      const handle = await folder.getFileHandle(file, { create: true });
      open.push((await handle.createSyncAccessHandle()) as SyncFile);
    }
    const [data, log0, log1] = open as [SyncFile, SyncFile, SyncFile];
    const opened = openFileStore({ data, logs: [log0, log1] }, { ...options, name });
    if (opened === undefined) {
      for (const file of open) file.close();
      return undefined;
    }
    const { store } = opened;
    const what = `disk '${name}'`;
    return {
      ...opened,
      store: {
        load: (clusters) => guarded(what, () => store.load(clusters)),
        commit: (commit, durable) => guarded(what, () => store.commit(commit, durable)),
        close: () => store.close(),
      },
    };
  } catch (error) {
    for (const file of open) file.close();
    if (!(error instanceof DOMException)) throw error;
    throw new VmError(`Could not open disk '${name}': ${error.message}`, { cause: error });
  }
}

/** As the page's own thread has to. */
async function readFolder(
  folder: FileSystemDirectoryHandle,
  name: string,
  options: Omit<FileStoreOptions, 'name'>,
): Promise<OpenStore | undefined> {
  const fileOf = async (file: string): Promise<File> => (await folder.getFileHandle(file, { create: true })).getFile();
  const data = await fileOf('data');
  const logs = await Promise.all(
    ['log0', 'log1'].map(async (log) => new Uint8Array(await (await fileOf(log)).arrayBuffer())),
  );
  const readData = (offset: number, length: number): Promise<Uint8Array> =>
    guarded(`disk '${name}'`, async () => new Uint8Array(await data.slice(offset, offset + length).arrayBuffer()));
  return readFileStore(logs, readData, { ...options, name });
}

async function folderOf(name: string, create: boolean): Promise<FileSystemDirectoryHandle | undefined> {
  try {
    const all = await (await navigator.storage.getDirectory()).getDirectoryHandle(FOLDER, { create });
    return await all.getDirectoryHandle(encodeURIComponent(name), { create });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'NotFoundError') return undefined;
    throw error;
  }
}

type Entries = FileSystemDirectoryHandle & { entries(): AsyncIterable<[string, FileSystemHandle]> };

/** Names of all disks, and what they take. */
export async function listOpfsDisks(): Promise<{ readonly name: string; readonly bytes: number }[]> {
  const disks: { name: string; bytes: number }[] = [];
  const root = await navigator.storage.getDirectory();
  const all = await root.getDirectoryHandle(FOLDER, { create: true });
  for await (const [name, folder] of (all as Entries).entries()) {
    if (folder.kind !== 'directory') continue;
    let bytes = 0;
    for await (const [, file] of (folder as Entries).entries()) {
      bytes += (await (file as FileSystemFileHandle).getFile()).size;
    }
    disks.push({ name: decodeURIComponent(name), bytes });
  }
  return disks;
}

/** Deletes a disk, if there is one. */
export async function deleteOpfsDisk(name: string): Promise<void> {
  const root = await navigator.storage.getDirectory();
  const all = await root.getDirectoryHandle(FOLDER, { create: true });
  try {
    await all.removeEntry(encodeURIComponent(name), { recursive: true });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'NotFoundError') return;
    throw new VmError(`Could not delete disk '${name}': a machine has it open`, { cause: error });
  }
}
