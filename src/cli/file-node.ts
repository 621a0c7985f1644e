/** A file of the host as a disk image. */
import { closeSync, fstatSync, fsync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { BlockFailure, type BlockNode } from '../block/api.ts';
import { VmError } from '../util/errors.ts';
import { reasonOf } from './host-files.ts';

const ZEROS = new Uint8Array(1 << 20);

/** Undefined if there is no such file; a VmError if it can't be opened. */
export function openFileNode(path: string, { readonly }: { readonly readonly: boolean }): BlockNode | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(path, readonly ? 'r' : 'r+');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw new VmError(`Could not open '${path}': ${reasonOf(error)}`, { cause: error });
  }
  const stat = fstatSync(descriptor);
  if (!stat.isFile()) {
    closeSync(descriptor);
    throw new VmError(`Could not open '${path}': ${stat.isDirectory() ? 'Is a directory' : 'not a regular file'}`);
  }
  let { size } = stat;

  const checked = (offset: number, length: number): void => {
    if (offset < 0 || length < 0 || offset + length > size) {
      throw new BlockFailure('EIO', `'${path}': request at ${offset} for ${length} bytes exceeds its ${size} bytes`);
    }
  };
  // Reads and writes mostly end in the host's cache: waiting for a thread to do them would take longer.
  const attempt = <T>(what: string, body: () => T): T => {
    try {
      return body();
    } catch (error) {
      throw failureOf(path, what, error);
    }
  };
  const writeAll = (offset: number, from: Uint8Array): void => {
    for (let done = 0; done < from.length; )
      done += writeSync(descriptor, from, done, from.length - done, offset + done);
  };
  const writeZeroes = async (offset: number, length: number): Promise<void> => {
    checked(offset, length);
    attempt('write', () => {
      for (let done = 0; done < length; done += ZEROS.length) {
        writeAll(offset + done, ZEROS.subarray(0, Math.min(ZEROS.length, length - done)));
      }
    });
  };
  return {
    driver: 'file',
    readonly,
    get sizeBytes() {
      return size;
    },
    async read(offset, into) {
      checked(offset, into.length);
      attempt('read', () => {
        for (let done = 0; done < into.length; ) {
          const count = readSync(descriptor, into, done, into.length - done, offset + done);
          // Somebody cut the file: what is gone reads as zeros, as with QEMU.
          if (count === 0) into.fill(0, done);
          done = count === 0 ? into.length : done + count;
        }
      });
    },
    async write(offset, from) {
      checked(offset, from.length);
      attempt('write', () => writeAll(offset, from));
    },
    writeZeroes,
    async discard() {},
    flush: () =>
      new Promise((resolve, reject) => {
        fsync(descriptor, (error) => (error === null ? resolve() : reject(failureOf(path, 'flush', error))));
      }),
    async extentAt(offset) {
      checked(offset, 1);
      return { length: size - offset, zero: false, allocated: true };
    },
    async resize(sizeBytes) {
      attempt('resize', () => ftruncateSync(descriptor, sizeBytes));
      size = sizeBytes;
    },
    async close() {
      attempt('close', () => closeSync(descriptor));
    },
  };
}

function failureOf(path: string, what: string, error: unknown): BlockFailure {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const known =
    code === 'ENOSPC' || code === 'EROFS' || code === 'EINVAL' ? code : code === 'EDQUOT' ? 'ENOSPC' : 'EIO';
  return new BlockFailure(known, `'${path}': ${what} failed: ${reasonOf(error)}`);
}
