/** A machine as one file, with all that it needs of this browser: a tar archive of a description and the disks. */
import { createTarDecoder, createTarPacker } from 'modern-tar';
import { VmError } from '../../util/errors.ts';
import { jobs } from '../jobs.ts';
import { copyContents, readContents } from './disk-contents.ts';
import { download } from './download.ts';
import { writeImage } from './image-store.ts';
import { library } from './library-store.ts';
import { type FileRef, filesOf, type MachineSpec } from './machine-spec.ts';
import { type DiskRecord, diskFrom, isObject, type MachineRecord, specFrom } from './records.ts';

/** The first entry of the archive: what tells it from any other. */
export const DESCRIPTION = 'lockstep-machine.json';
const FORMAT_VERSION = 1;

export function exportMachine({ name, spec }: MachineRecord): Promise<void> {
  return jobs.run(`Exporting ${name}`, async ({ signal, report }) => {
    const disks = storedOf(spec);
    const contents = await Promise.all(disks.map(readContents));
    const text = JSON.stringify({ version: FORMAT_VERSION, name, spec, disks }, null, 2);
    const description = new TextEncoder().encode(text);
    const { readable, controller } = createTarPacker();
    const pack = async (): Promise<void> => {
      const add = (entry: string, size: number, body: ReadableStream<Uint8Array>): Promise<void> =>
        body.pipeTo(controller.add({ name: entry, size }), { signal });
      await add(DESCRIPTION, description.length, new Blob([description]).stream());
      for (const [index, { sizeBytes, stream }] of contents.entries()) {
        await add(`disks/${disks[index]!.id}`, sizeBytes, stream);
      }
      controller.finalize();
    };
    const total = contents.reduce((sum, { sizeBytes }) => sum + sizeBytes, description.length);
    const packed = pack().catch((error: unknown) => {
      controller.error(error);
      throw error;
    });
    const saved = download(`${fileName(name)}.lockstep.tar`, readable as ReadableStream<Uint8Array<ArrayBuffer>>, {
      signal,
      onBytes: (done) => report(Math.min(done, total), total),
    });
    await Promise.all([packed, saved]);
  });
}

/** A copy with disks of its own; media that no guest writes to are shared. */
export function duplicateMachine(machine: MachineRecord): Promise<MachineRecord | undefined> {
  return jobs.run(`Copying ${machine.name}`, async ({ signal, report }) => {
    const ids = new Map<string, string>();
    for (const disk of storedOf(machine.spec)) {
      if (disk.role !== 'disk' && disk.role !== 'floppy') continue;
      const id = crypto.randomUUID();
      const sizeBytes = await copyContents(disk, id, { signal, onBytes: report });
      // A disk of the database alone: as one that was made empty and written since. `sizeBytes` is that of the file.
      await library.addDisk({ ...disk, id, sizeBytes, origin: { kind: 'empty' } });
      ids.set(disk.id, id);
    }
    return library.addMachine(machine.name, withIds(machine.spec, ids));
  });
}

/** One stored file, as guests left it. */
export function exportDisk(disk: DiskRecord): Promise<void> {
  return jobs.run(`Exporting ${disk.name}`, async ({ signal, report }) => {
    const { sizeBytes, stream } = await readContents(disk);
    await download(disk.name, stream, { signal, onBytes: (done) => report(done, sizeBytes) });
  });
}

/** The machine of an archive, with new identities throughout: it may be here already. */
export function importMachine(archive: File): Promise<MachineRecord | undefined> {
  return jobs.run(`Importing ${archive.name}`, async ({ signal, report }) => {
    const ids = new Map<string, string>();
    const stored: DiskRecord[] = [];
    let described: Description | undefined;
    let done = 0;
    const reader = archive.stream().pipeThrough(createTarDecoder()).getReader();
    for (;;) {
      const { done: ended, value: entry } = await reader.read();
      if (ended) break;
      const body = entry.body as ReadableStream<Uint8Array<ArrayBuffer>>;
      if (entry.header.name === DESCRIPTION) {
        described = descriptionFrom(await new Response(body).text(), archive.name);
        continue;
      }
      const disk = described?.disks.find(({ id }) => entry.header.name === `disks/${id}`);
      if (disk === undefined) {
        await body.cancel();
        continue;
      }
      const id = crypto.randomUUID();
      const before = done;
      done += await writeImage(id, body, { signal, onBytes: (bytes) => report(before + bytes, archive.size) });
      ids.set(disk.id, id);
      stored.push({ ...disk, id, origin: { kind: 'file', name: disk.name } });
    }
    if (described === undefined) throw new VmError(`${archive.name} holds no machine`);
    for (const disk of stored) await library.addDisk(disk);
    return library.addMachine(described.name, withIds(described.spec, ids));
  });
}

interface Description {
  readonly name: string;
  readonly spec: MachineSpec;
  readonly disks: readonly DiskRecord[];
}

function descriptionFrom(text: string, archive: string): Description {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new VmError(`${archive}: its description is damaged`, { cause });
  }
  if (!isObject(parsed) || !isObject(parsed['spec'])) throw new VmError(`${archive} holds no machine`);
  const { version, name, spec, disks } = parsed;
  if (version !== FORMAT_VERSION) {
    throw new VmError(`${archive}: version ${String(version)} of its description is not known`, {
      hint: 'A newer version of this page wrote it; reload this one.',
    });
  }
  return {
    name: typeof name === 'string' && name !== '' ? name : archive,
    spec: specFrom(spec as Readonly<Record<string, unknown>>),
    disks: Array.isArray(disks) ? disks.map(diskFrom).filter((disk) => disk !== undefined) : [],
  };
}

function storedOf(spec: MachineSpec): readonly DiskRecord[] {
  const ids = new Set(filesOf(spec).flatMap((file) => (file.kind === 'disk' ? [file.id] : [])));
  return [...ids].map((id) => library.disk(id)).filter((disk) => disk !== undefined);
}

function withIds(spec: MachineSpec, ids: ReadonlyMap<string, string>): MachineSpec {
  const renamed = (file: FileRef): FileRef =>
    file.kind === 'disk' ? { kind: 'disk', id: ids.get(file.id) ?? file.id } : file;
  return {
    ...spec,
    ...(spec.kernel && { kernel: renamed(spec.kernel) }),
    ...(spec.initrd && { initrd: renamed(spec.initrd) }),
    ...(spec.bios && { bios: renamed(spec.bios) }),
    drives: spec.drives.map((drive) => (drive.file ? { ...drive, file: renamed(drive.file) } : drive)),
  };
}

/** Fit to be a file's name anywhere. */
const fileName = (name: string): string => name.replace(/[^\w .()-]+/g, '_').trim() || 'machine';
