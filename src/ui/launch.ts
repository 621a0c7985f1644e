/** From a machine of the library to one that can be started: its command line, and how its files are brought. */
import { VmError } from '../util/errors.ts';
import type { ImageSource } from '../vm/api.ts';
import { fetchRom, type RomFile } from './guest-files.ts';
import { sourceOf } from './library/disk-contents.ts';
import { fileNames } from './library/file-names.ts';
import { openImage } from './library/image-store.ts';
import { library } from './library/library-store.ts';
import { argumentsOf, type FileRef, type MachineSpec } from './library/machine-spec.ts';
import type { DiskRecord, MachineRecord } from './library/records.ts';
import type { Launch } from './machine-session.ts';
import { findRom, readRomIndex, romIndex } from './rom-index.ts';

/** What was fetched stays, so that a machine starts again without a server. */
const fetched = new Map<string, Uint8Array>();

/** The arguments of a machine, with the names of its files. */
export function argumentsFor(spec: MachineSpec): readonly string[] {
  return argumentsOf(
    spec,
    fileNames(spec, (id) => library.disk(id)),
  );
}

export function launchOf({ id, name, spec }: MachineRecord): Launch {
  return {
    id,
    title: name,
    args: argumentsFor(spec),
    async load(onProgress, signal) {
      const names = fileNames(spec, (disk) => library.disk(disk));
      const rom = async (romName: string): Promise<Uint8Array> => {
        const file = findRom(romIndex().files, romName) ?? findRom(await readRomIndex(), romName);
        if (file === undefined) throw missing(romName);
        return loadRom(file, onProgress, signal);
      };
      const load = async (file: FileRef): Promise<readonly [string, Uint8Array]> => [
        names(file).name,
        file.kind === 'rom' ? await rom(file.name) : await loadStored(file.id),
      ];
      const place = async (file: FileRef): Promise<readonly [string, ImageSource]> => [
        names(file).name,
        file.kind === 'rom' ? { kind: 'bytes', bytes: await rom(file.name) } : await sourceOf(recordOf(file.id)),
      ];
      const { firmwareFor } = await import('./pages/check-arguments.ts');
      const firmware = firmwareFor(argumentsFor(spec)).map(async (romName) => [romName, await rom(romName)] as const);
      const drives = spec.drives.flatMap(({ file }) => (file === undefined ? [] : [file]));
      const whole = [spec.bios, spec.kernel, spec.initrd].filter((file) => file !== undefined);
      const [files, images] = await Promise.all([
        Promise.all([...whole.map(load), ...firmware]),
        Promise.all(drives.map(place)),
      ]);
      return { files: Object.fromEntries(files), images: Object.fromEntries(images) };
    },
  };
}

async function loadRom(file: RomFile, ...how: Parameters<Launch['load']>): Promise<Uint8Array> {
  const bytes = fetched.get(file.sha256) ?? (await fetchRom(file, ...how));
  fetched.set(file.sha256, bytes);
  return bytes;
}

async function loadStored(id: string): Promise<Uint8Array> {
  const file = await openImage(id, recordOf(id).name);
  return new Uint8Array(await file.arrayBuffer());
}

function recordOf(id: string): DiskRecord {
  const record = library.disk(id);
  if (record !== undefined) return record;
  throw new VmError('a file of this machine was deleted', { hint: 'Edit the machine and choose another.' });
}

function missing(name: string): VmError {
  return new VmError(`${name} is not on this server`, {
    hint: "Where the page is served, 'npm run roms' fetches it; after the first start that still goes on for a while.",
  });
}
