/** Images of the host's file system. */
import { closeSync, openSync, realpathSync, statSync } from 'node:fs';
import type { BlockNode } from '../../block/api.ts';
import type { ImageNode } from '../../block/formats/image.ts';
import { besides, type ImageStore, type OpenOptions, openImage as open } from '../../block/open-image.ts';
import { VmError } from '../../util/errors.ts';
import { openFileNode } from '../file-node.ts';
import { reasonOf } from '../host-files.ts';

const BLOCK = 512;

async function openFile(name: string, { readonly }: { readonly: boolean }): Promise<BlockNode> {
  const node = openFileNode(name, { readonly });
  if (node === undefined) throw new VmError(`Could not open '${name}': No such file or directory`);
  return node;
}

export const hostStore: ImageStore = {
  openFile,
  resolve: besides,
  identity(name) {
    try {
      return realpathSync(name);
    } catch {
      return name;
    }
  },
};

export function openImage(name: string, options: OpenOptions): Promise<ImageNode> {
  return open(hostStore, name, options);
}

/** An empty file, for a new image. */
export async function newFile(name: string): Promise<BlockNode> {
  try {
    closeSync(openSync(name, 'w'));
  } catch (error) {
    throw new VmError(`Could not create '${name}': ${reasonOf(error)}`, { cause: error });
  }
  return openFile(name, { readonly: false });
}

/** What the file takes on the host's disk; holes take nothing. */
export function bytesOnDisk(name: string): number {
  return statSync(name).blocks * BLOCK;
}
