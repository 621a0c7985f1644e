/** What the command line calls the files of a machine: their own names, told apart where two are the same. */
import { type FileRef, filesOf, type MachineSpec, type NamedFile } from './machine-spec.ts';
import type { DiskRecord } from './records.ts';

const keyOf = (file: FileRef): string => (file.kind === 'rom' ? `rom:${file.name}` : `disk:${file.id}`);

/** For argumentsOf(); stored files are looked up by `disk`. */
export function fileNames(
  spec: MachineSpec,
  disk: (id: string) => DiskRecord | undefined,
): (file: FileRef) => NamedFile {
  const known = new Map<string, NamedFile>();
  const taken = new Set<string>();
  for (const file of filesOf(spec)) {
    if (known.has(keyOf(file))) continue;
    const record = file.kind === 'disk' ? disk(file.id) : undefined;
    const wanted = file.kind === 'rom' ? file.name : (record?.name ?? `missing-${file.id.slice(0, 8)}`);
    let name = wanted;
    for (let n = 2; taken.has(name); n++) name = `${n}-${wanted}`;
    taken.add(name);
    known.set(keyOf(file), { name, format: record?.format ?? 'raw' });
  }
  return (file) => known.get(keyOf(file)) ?? { name: keyOf(file), format: 'raw' };
}
