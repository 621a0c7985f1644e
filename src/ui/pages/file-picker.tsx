import { useId } from 'react';
import { bytesText } from '../format.ts';
import { jobs } from '../jobs.ts';
import { importSource } from '../library/import-files.ts';
import type { FileRef } from '../library/machine-spec.ts';
import type { FileRole } from '../library/records.ts';
import { lookInto } from '../media/sources.ts';
import { useLibrary } from '../use-library.ts';
import { useRomIndex } from '../use-rom-index.ts';

interface FilePickerProps {
  readonly label: string;
  readonly purpose: FileRole;
  readonly file: FileRef | undefined;
  /** What stands for no file. */
  readonly none?: string;
  onChange(file: FileRef | undefined): void;
}

/** Of the server's files those that are of use as such. */
const romsFor: Readonly<Record<FileRole, RegExp>> = {
  kernel: /^vmlinuz|\.(lkrn|exec|elf)$|^memtest.*\.bin$/,
  initrd: /^init|\.cpio\.gz$/,
  bios: /^bios/,
  floppy: /floppy/,
  cdrom: /\.iso$/,
  disk: /^$/,
};

/** One file of a machine: one of the server's, one that is stored here, or one that the person chooses now. */
export function FilePicker({ label, purpose, file, none = 'none', onChange }: FilePickerProps) {
  const id = useId();
  const { disks } = useLibrary();
  const roms = (useRomIndex() ?? []).filter(({ name }) => romsFor[purpose].test(name));
  const stored = disks.filter((disk) => disk.role === purpose || (file?.kind === 'disk' && file.id === disk.id));
  const known = (ref: FileRef): boolean =>
    ref.kind === 'rom' ? roms.some(({ name }) => name === ref.name) : stored.some((disk) => disk.id === ref.id);
  const choose = async (chosen: File): Promise<void> => {
    const sources = await jobs.run(`Looking into ${chosen.name}`, () => lookInto([chosen]));
    const record = sources?.[0] && (await importSource(sources[0], purpose));
    if (record) onChange({ kind: 'disk', id: record.id });
  };
  return (
    <div className="picker">
      <label htmlFor={`${id}-select`}>{label}</label>
      <div className="picker-row">
        <select
          id={`${id}-select`}
          value={file === undefined ? '' : optionOf(file)}
          onChange={({ target }) => onChange(refOf(target.value))}
        >
          <option value="">{none}</option>
          {file !== undefined && !known(file) && <option value={optionOf(file)}>{textOf(file)}</option>}
          {roms.length > 0 && (
            <optgroup label="Of this server">
              {roms.map(({ name, version }) => (
                <option key={name} value={optionOf({ kind: 'rom', name })}>
                  {name} ({version})
                </option>
              ))}
            </optgroup>
          )}
          {stored.length > 0 && (
            <optgroup label="In this browser">
              {stored.map((disk) => (
                <option key={disk.id} value={optionOf({ kind: 'disk', id: disk.id })}>
                  {disk.name} ({bytesText(disk.sizeBytes)})
                </option>
              ))}
            </optgroup>
          )}
        </select>
        <label className="button" htmlFor={`${id}-file`}>
          File…
        </label>
        <input
          id={`${id}-file`}
          type="file"
          className="visually-hidden"
          aria-label={`File for ${label}`}
          onChange={({ target }) => {
            const [chosen] = target.files ?? [];
            if (chosen) void choose(chosen);
            target.value = ''; // so that the same file can be chosen again after it changed
          }}
        />
      </div>
    </div>
  );
}

const optionOf = (file: FileRef): string => (file.kind === 'rom' ? `rom:${file.name}` : `disk:${file.id}`);

function refOf(value: string): FileRef | undefined {
  const rest = value.slice(value.indexOf(':') + 1);
  if (value.startsWith('rom:')) return { kind: 'rom', name: rest };
  return value.startsWith('disk:') ? { kind: 'disk', id: rest } : undefined;
}

const textOf = (file: FileRef): string =>
  file.kind === 'rom' ? `${file.name} (not on this server)` : 'a deleted file';
