/** How large the file of a qcow2 image gets. */
import { roundUp } from '../fields.ts';

export interface Measured {
  /** With the data that are there. */
  readonly required: number;
  /** With every cluster allocated. */
  readonly full: number;
}

export function measureQcow2(image: {
  sizeBytes: number;
  dataBytes: number;
  clusterSize: number;
  refcountBits: number;
}): Measured {
  const { sizeBytes, dataBytes, clusterSize, refcountBits } = image;
  const disk = roundUp(sizeBytes, clusterSize);
  const perTable = clusterSize / 8;
  const l2Entries = roundUp(disk / clusterSize, perTable);
  const l1Entries = roundUp(l2Entries / perTable, perTable);
  const tables = clusterSize + (l2Entries + l1Entries) * 8;
  const full = disk + tables + refcountBytes((disk + tables) / clusterSize, clusterSize, refcountBits);
  return { required: full - disk + dataBytes, full };
}

/** Refcount blocks and table, which count themselves. */
function refcountBytes(clusters: number, clusterSize: number, refcountBits: number): number {
  const perBlock = (clusterSize * 8) / refcountBits;
  let [table, blocks, total] = [0, 0, -1];
  while (total !== table + blocks) {
    total = table + blocks;
    blocks = Math.ceil((clusters + total) / perBlock);
    table = Math.ceil(blocks / (clusterSize / 8));
  }
  return total * clusterSize;
}
