/** The files of a machine: from the server, or from the person's disk. */
import { VmError } from '../util/errors.ts';
import { fetchRom, type RomFile } from './guest-files.ts';
import type { Launch } from './machine-session.ts';

export type GuestFile = RomFile | File;

export function findRom(roms: readonly RomFile[] | undefined, name: string): RomFile | undefined {
  return roms?.find((rom) => rom.name === name);
}

/** What was fetched stays, so that a machine starts again without a server. */
const fetched = new Map<string, Uint8Array>();

/** Brings the files, by the names that the command line uses. */
export function loadFiles(files: ReadonlyMap<string, GuestFile>): Launch['load'] {
  return async (onProgress, signal) => {
    const load = async ([name, file]: [string, GuestFile]): Promise<[string, Uint8Array]> => {
      if (file instanceof File) return [name, await readOwn(file)];
      const known = fetched.get(file.sha256);
      const bytes = known ?? (await fetchRom(file, onProgress, signal));
      fetched.set(file.sha256, bytes);
      return [name, bytes];
    };
    return Object.fromEntries(await Promise.all([...files].map(load)));
  };
}

async function readOwn(file: File): Promise<Uint8Array> {
  try {
    return new Uint8Array(await file.arrayBuffer());
  } catch (cause) {
    throw new VmError(`could not read '${file.name}'`, {
      hint: 'Choose the file again; folders cannot be read.',
      cause,
    });
  }
}
