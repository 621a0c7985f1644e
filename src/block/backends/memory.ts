/** An image in memory: bytes that the page holds, and disks of tests. */
import { BlockFailure, type BlockNode } from '../api.ts';

/** Larger images do not belong into memory. */
const MAX_BYTES = 2 ** 31;

/** Reads and writes go to `bytes` itself, until a resize puts a copy in its place. */
export function createMemoryNode(bytes: Uint8Array, { readonly = false } = {}): BlockNode {
  let image = bytes;
  const checked = (offset: number, length: number): void => {
    if (offset < 0 || length < 0 || offset + length > image.length) {
      throw new BlockFailure(
        'EIO',
        `request at ${offset} for ${length} bytes exceeds the image's ${image.length} bytes`,
      );
    }
  };
  const writable = (): void => {
    if (readonly) throw new BlockFailure('EROFS', 'the image is read-only');
  };
  const writeZeroes = async (offset: number, length: number): Promise<void> => {
    writable();
    checked(offset, length);
    image.fill(0, offset, offset + length);
  };
  return {
    driver: 'memory',
    readonly,
    get sizeBytes() {
      return image.length;
    },
    async read(offset, into) {
      checked(offset, into.length);
      into.set(image.subarray(offset, offset + into.length));
    },
    async write(offset, from) {
      writable();
      checked(offset, from.length);
      image.set(from, offset);
    },
    writeZeroes,
    discard: writeZeroes,
    async flush() {},
    async extentAt(offset) {
      checked(offset, 1);
      return { length: image.length - offset, zero: false, allocated: true };
    },
    async resize(sizeBytes) {
      writable();
      if (sizeBytes > MAX_BYTES) throw new BlockFailure('ENOSPC', `${sizeBytes} bytes do not fit into memory`);
      const resized = new Uint8Array(sizeBytes);
      resized.set(image.subarray(0, sizeBytes));
      image = resized;
    },
    async close() {
      image = new Uint8Array();
    },
  };
}
