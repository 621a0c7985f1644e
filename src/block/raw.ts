/** The format without a format: the image is its file. */
import { BlockFailure, type BlockNode } from './api.ts';

/** What formats are recognised by lies in here. */
export const PROBE_BYTES = 512;

export interface RawOptions {
  /**
   * Given where nobody said that the image is raw: true if these first bytes would be taken for another format. Such
   * writes are refused, or a guest could have its host open any file the next time.
   */
  readonly looksOtherwise?: (head: Uint8Array) => boolean;
}

export function createRawNode(file: BlockNode, { looksOtherwise }: RawOptions = {}): BlockNode {
  async function guard(offset: number, from: Uint8Array): Promise<void> {
    if (looksOtherwise === undefined || offset >= PROBE_BYTES) return;
    const head = new Uint8Array(Math.min(PROBE_BYTES, file.sizeBytes));
    await file.read(0, head);
    head.set(from.subarray(0, head.length - offset), offset);
    if (looksOtherwise(head)) {
      throw new BlockFailure('EIO', 'the first block may not get the signature of an image format: name format=raw');
    }
  }
  return {
    driver: 'raw',
    get sizeBytes() {
      return file.sizeBytes;
    },
    get readonly() {
      return file.readonly;
    },
    read: (offset, into) => file.read(offset, into),
    async write(offset, from) {
      await guard(offset, from);
      await file.write(offset, from);
    },
    writeZeroes: (offset, length) => file.writeZeroes(offset, length),
    discard: (offset, length) => file.discard(offset, length),
    flush: () => file.flush(),
    extentAt: (offset) => file.extentAt(offset),
    resize: (sizeBytes) => file.resize(sizeBytes),
    close: () => file.close(),
  };
}
