import { useState } from 'react';
import { Icon } from '../icon.tsx';
import { library } from '../library/library-store.ts';
import { type DriveSlot, type DriveSpec, driveSlots } from '../library/machine-spec.ts';
import { FilePicker } from './file-picker.tsx';

interface DriveListProps {
  readonly drives: readonly DriveSpec[];
  onChange(drives: readonly DriveSpec[]): void;
}

const slotTexts: Readonly<Record<DriveSlot, string>> = {
  fda: 'Floppy A',
  fdb: 'Floppy B',
  hda: 'IDE, first cable, master',
  hdb: 'IDE, first cable, slave',
  hdc: 'IDE, second cable, master',
  hdd: 'IDE, second cable, slave',
  vda: 'virtio, first',
  vdb: 'virtio, second',
};

const mediaTexts = { disk: 'Hard disk', cdrom: 'CD', floppy: 'Floppy' } as const;

/** Where a new one of each kind goes, the best place first. */
const places: Readonly<Record<DriveSpec['media'], readonly DriveSlot[]>> = {
  disk: ['hda', 'hdb', 'hdd', 'hdc', 'vda', 'vdb'],
  cdrom: ['hdc', 'hdd', 'hdb', 'hda'],
  floppy: ['fda', 'fdb'],
};

/** Room that an installed system has in it; only what the guest writes takes any here. */
const EMPTY_DISK_GIB = 4;

/** The drives of a machine and what is in them. */
export function DriveList({ drives, onChange }: DriveListProps) {
  const free = (media: DriveSpec['media']): DriveSlot | undefined =>
    places[media].find((slot) => drives.every((drive) => drive.slot !== slot));
  const add = (media: DriveSpec['media']): void => {
    const slot = free(media);
    if (slot !== undefined) onChange([...drives, { slot, media }]);
  };
  const change = (slot: DriveSlot, next: DriveSpec): void =>
    onChange(drives.map((drive) => (drive.slot === slot ? next : drive)));
  return (
    <fieldset className="field drives">
      <legend>Drives</legend>
      {drives.length === 0 && <p className="row-facts">None.</p>}
      {drives.map((drive) => (
        <DriveRow
          key={drive.slot}
          drive={drive}
          taken={drives.map(({ slot }) => slot)}
          onChange={(next) => change(drive.slot, next)}
          onRemove={() => onChange(drives.filter(({ slot }) => slot !== drive.slot))}
        />
      ))}
      <div className="drive-add">
        {(['disk', 'cdrom', 'floppy'] as const).map((media) => (
          <button
            key={media}
            type="button"
            className="button"
            disabled={free(media) === undefined}
            onClick={() => add(media)}
          >
            <Icon name="add" /> {mediaTexts[media]}
          </button>
        ))}
      </div>
    </fieldset>
  );
}

interface DriveRowProps {
  readonly drive: DriveSpec;
  readonly taken: readonly DriveSlot[];
  onChange(drive: DriveSpec): void;
  onRemove(): void;
}

function DriveRow({ drive, taken, onChange, onRemove }: DriveRowProps) {
  const { slot, media, file } = drive;
  const [sizeGiB, setSizeGiB] = useState(EMPTY_DISK_GIB);
  const fitting = driveSlots.filter((other) => places[media].includes(other));
  const withFile = (chosen: DriveSpec['file']): DriveSpec =>
    chosen === undefined ? { slot, media } : { slot, media, file: chosen };
  const addEmpty = async (): Promise<void> => {
    const disk = await library.addDisk({
      name: `disk-${sizeGiB}g.img`,
      role: 'disk',
      format: 'raw',
      sizeBytes: Math.round(sizeGiB * 2 ** 30),
      origin: { kind: 'empty' },
    });
    onChange(withFile({ kind: 'disk', id: disk.id }));
  };
  return (
    <div className="drive">
      <FilePicker
        label={mediaTexts[media]}
        purpose={media}
        file={file}
        none={media === 'disk' ? 'choose…' : 'empty'}
        onChange={(chosen) => onChange(withFile(chosen))}
      />
      <div className="drive-place">
        <select
          aria-label={`Place of the ${mediaTexts[media]}`}
          value={slot}
          onChange={({ target }) =>
            onChange({ ...drive, slot: driveSlots.find((known) => known === target.value) ?? slot })
          }
        >
          {fitting.map((place) => (
            <option key={place} value={place} disabled={place !== slot && taken.includes(place)}>
              {slotTexts[place]}
            </option>
          ))}
        </select>
        {media === 'disk' && file === undefined && (
          <span className="drive-empty">
            <input
              type="number"
              aria-label="Size of the new disk in GiB"
              min={0.001}
              max={2048}
              step="any"
              value={sizeGiB}
              onChange={({ target }) => setSizeGiB(Number(target.value))}
            />{' '}
            GiB
            <button type="button" className="button" disabled={!(sizeGiB > 0)} onClick={() => void addEmpty()}>
              New empty disk
            </button>
          </span>
        )}
        <button type="button" className="button button-quiet" onClick={onRemove}>
          Remove<span className="visually-hidden"> {slotTexts[slot]}</span>
        </button>
      </div>
    </div>
  );
}
