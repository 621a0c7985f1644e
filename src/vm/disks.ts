/** What a page does with disks that no machine has in use: those in the browser's database. */
export {
  deleteIndexedDbDisk as deleteDisk,
  listIndexedDbDisks as listDisks,
} from '../block/browser/indexeddb-store.ts';
