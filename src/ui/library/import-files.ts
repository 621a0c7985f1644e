/** Brings what a person dropped or chose into this browser's storage. */
import { jobs } from '../jobs.ts';
import type { Source } from '../media/sources.ts';
import { writeImage } from './image-store.ts';
import { library } from './library-store.ts';
import type { DiskRecord, FileRole } from './records.ts';

/** The record of what was stored; undefined if that failed or was given up. */
export function importSource(source: Source, role: FileRole): Promise<DiskRecord | undefined> {
  const { name, recognised, sizeBytes } = source;
  return jobs.run(`Importing ${name}`, async ({ signal, report }) => {
    const id = crypto.randomUUID();
    const stored = await writeImage(id, await source.stream(), { signal, onBytes: (done) => report(done, sizeBytes) });
    return library.addDisk({
      id,
      name,
      role,
      format: recognised.format,
      sizeBytes: recognised.sizeBytes ?? stored,
      origin: { kind: 'file', name },
    });
  });
}
