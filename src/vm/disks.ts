/** What a page does with disks that no machine has open: overlays, and those in the browser's database. */
import { deleteIndexedDbDisk, listIndexedDbDisks } from '../block/browser/indexeddb-store.ts';
import { deleteOpfsDisk, listOpfsDisks } from '../block/browser/opfs-store.ts';

export interface StoredDisk {
  readonly place: 'opfs' | 'indexeddb';
  readonly name: string;
  /** What it takes; undefined: the browser does not say. */
  readonly bytes: number | undefined;
}

export async function listDisks(): Promise<StoredDisk[]> {
  const [files, databases] = await Promise.all([listOpfsDisks(), listIndexedDbDisks()]);
  return [
    ...files.map((disk) => ({ place: 'opfs', ...disk }) as const),
    ...databases.map((name) => ({ place: 'indexeddb', name, bytes: undefined }) as const),
  ];
}

/** Deletes a disk, wherever it is. */
export async function deleteDisk(name: string): Promise<void> {
  await deleteOpfsDisk(name);
  await deleteIndexedDbDisk(name);
}
