import { useEffect, useId, useState } from 'react';
import type { DriveView } from '../vm/api.ts';
import { Dialog } from './dialog.tsx';
import { bytesText } from './format.ts';
import { sourceOf } from './library/disk-contents.ts';
import { importSource } from './library/import-files.ts';
import { library } from './library/library-store.ts';
import type { DiskRecord } from './library/records.ts';
import type { MachineSession } from './machine-session.ts';
import { lookInto } from './media/sources.ts';
import { type Trouble, troubleOf } from './trouble.ts';
import { TroubleNotice } from './trouble-notice.tsx';
import { useLibrary } from './use-library.ts';

interface MediaDialogProps {
  readonly session: MachineSession;
  onClose(): void;
}

/** What is in the drives of the machine that runs, and other media for them. */
export function MediaDialog({ session, onClose }: MediaDialogProps) {
  const [drives, setDrives] = useState<readonly DriveView[]>();
  const [trouble, setTrouble] = useState<Trouble>();
  useEffect(() => {
    void session.drives().then(setDrives);
  }, [session]);
  const act = async (action: () => Promise<void>): Promise<void> => {
    setTrouble(undefined);
    try {
      await action();
    } catch (error) {
      setTrouble(troubleOf(error));
    }
    setDrives(await session.drives());
  };
  const insert = (device: string, disk: DiskRecord): Promise<void> =>
    act(async () => session.insert(device, disk.name, await sourceOf(disk)));
  const removable = drives?.filter((drive) => drive.removable) ?? [];
  return (
    <Dialog title="Media" onClose={onClose}>
      {drives !== undefined && removable.length === 0 && <p>This machine has no drive for CDs or floppies.</p>}
      {removable.map((drive) => (
        <DriveMedium
          key={drive.device}
          drive={drive}
          onEject={() => void act(() => session.eject(drive.device))}
          onInsert={(disk) => void insert(drive.device, disk)}
        />
      ))}
      {trouble && <TroubleNotice trouble={trouble} />}
      <div className="dialog-actions">
        <button type="button" className="button button-primary" onClick={onClose}>
          Close
        </button>
      </div>
    </Dialog>
  );
}

interface DriveMediumProps {
  readonly drive: DriveView;
  onEject(): void;
  onInsert(disk: DiskRecord): void;
}

function DriveMedium({ drive, onEject, onInsert }: DriveMediumProps) {
  const id = useId();
  const { disks } = useLibrary();
  const { device, medium, locked } = drive;
  const role = device.startsWith('floppy') ? 'floppy' : 'cdrom';
  const bring = async (file: File): Promise<void> => {
    const [source] = await lookInto([file]);
    const stored = source && (await importSource(source, role));
    if (stored) onInsert(stored);
  };
  return (
    <section className="medium" aria-label={device}>
      <h3>{role === 'floppy' ? 'Floppy drive' : 'CD drive'}</h3>
      <p className="row-facts">
        {medium === undefined ? 'empty' : `${medium.file}, ${bytesText(medium.sizeBytes)}`}
        {locked && ', held by the guest'}
      </p>
      <div className="medium-actions">
        <button type="button" className="button" disabled={medium === undefined} onClick={onEject}>
          Eject
        </button>
        <select
          aria-label={`Insert into ${device}`}
          value=""
          onChange={({ target }) => {
            const disk = library.disk(target.value);
            if (disk) onInsert(disk);
          }}
        >
          <option value="">Insert…</option>
          {disks
            .filter((disk) => disk.role === role)
            .map((disk) => (
              <option key={disk.id} value={disk.id}>
                {disk.name}
              </option>
            ))}
        </select>
        <label className="button" htmlFor={id}>
          File…
        </label>
        <input
          id={id}
          type="file"
          className="visually-hidden"
          aria-label={`File for ${device}`}
          onChange={({ target }) => {
            const [file] = target.files ?? [];
            if (file) void bring(file);
            target.value = '';
          }}
        />
      </div>
    </section>
  );
}
