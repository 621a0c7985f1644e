import { useEffect, useState } from 'react';
import { ActionMenu } from '../action-menu.tsx';
import { ConfirmDialog } from '../confirm-dialog.tsx';
import { agoText, bytesText, percentText } from '../format.ts';
import { Icon } from '../icon.tsx';
import { removeContents, storedSizes } from '../library/disk-contents.ts';
import { exportDisk } from '../library/export-machine.ts';
import { TRASH_MS } from '../library/library.ts';
import { library } from '../library/library-store.ts';
import type { DiskRecord } from '../library/records.ts';
import { RenameDialog } from '../rename-dialog.tsx';
import { toast } from '../toasts.tsx';
import { useDocumentTitle } from '../use-document-title.ts';
import { useLibrary } from '../use-library.ts';

interface Usage {
  readonly usedBytes: number;
  readonly quotaBytes: number;
  readonly persisted: boolean;
  readonly sizes: ReadonlyMap<string, number>;
}

/** What is kept in this browser, what it takes, and how to free it. */
export function StoragePage() {
  useDocumentTitle('Storage');
  const { disks, trash } = useLibrary();
  const [usage, measure] = useUsage(disks);
  return (
    <div className="storage">
      <div className="section-head">
        <h1>Storage</h1>
      </div>
      {usage && <Quota usage={usage} onChange={measure} />}
      <section aria-labelledby="files">
        <div className="section-head">
          <h2 id="files">Disks and files</h2>
        </div>
        {disks.length === 0 ? (
          <p className="lead">None yet: what you drop on this page is kept here.</p>
        ) : (
          <ul className="rows">
            {disks.map((disk) => (
              <DiskRow key={disk.id} disk={disk} storedBytes={usage?.sizes.get(disk.id)} />
            ))}
          </ul>
        )}
      </section>
      {trash.length > 0 && (
        <section aria-labelledby="trash">
          <div className="section-head">
            <h2 id="trash">Trash</h2>
          </div>
          <ul className="rows">
            {trash.map(({ id, name, deleted = 0 }) => (
              <li key={id} className="row">
                <div className="row-text">
                  <p className="row-name">{name}</p>
                  <p className="row-facts">
                    deleted {agoText(deleted, Date.now())}, gone for good on{' '}
                    {new Date(deleted + TRASH_MS).toLocaleDateString('en-GB', { day: 'numeric', month: 'long' })}
                  </p>
                </div>
                <button type="button" className="button" onClick={() => void library.restore(id)}>
                  <Icon name="undo" /> Restore<span className="visually-hidden"> {name}</span>
                </button>
                <button type="button" className="button button-danger" onClick={() => void library.forget(id)}>
                  Delete<span className="visually-hidden"> {name} for good</span>
                </button>
              </li>
            ))}
          </ul>
        </section>
      )}
    </div>
  );
}

/** Measured anew when the files change. */
function useUsage(disks: readonly DiskRecord[]): [Usage | undefined, () => void] {
  const [usage, setUsage] = useState<Usage>();
  const measure = (): void => {
    void Promise.all([navigator.storage?.estimate(), navigator.storage?.persisted(), storedSizes(disks)]).then(
      ([estimate, persisted = false, sizes]) =>
        setUsage({ usedBytes: estimate?.usage ?? 0, quotaBytes: estimate?.quota ?? 0, persisted, sizes }),
    );
  };
  useEffect(measure, [disks]);
  return [usage, measure];
}

function Quota({ usage, onChange }: { readonly usage: Usage; onChange(): void }) {
  const { usedBytes, quotaBytes, persisted } = usage;
  const [refused, setRefused] = useState(false);
  const persist = async (): Promise<void> => {
    setRefused(!(await navigator.storage.persist()));
    onChange();
  };
  return (
    <section className="quota" aria-label="Room">
      <p>
        <strong>{bytesText(usedBytes)}</strong> of {bytesText(quotaBytes)} that this browser allows
        {quotaBytes > 0 && `, ${percentText(usedBytes / quotaBytes)}`}
      </p>
      <meter aria-label="Used" value={usedBytes} max={Math.max(quotaBytes, 1)} high={quotaBytes * 0.9} />
      {persisted ? (
        <p className="row-facts">The browser keeps it, even when the computer’s disk is nearly full.</p>
      ) : (
        <>
          <p className="row-facts">
            When the computer’s disk is nearly full the browser may delete what this page stored, all of it at once. It
            keeps it if you ask.
          </p>
          <button type="button" className="button" onClick={() => void persist()}>
            Ask the browser to keep it
          </button>
          {refused && (
            <p className="row-facts" role="status">
              The browser says no for now. It often agrees once the page is installed, bookmarked or used more.
            </p>
          )}
        </>
      )}
    </section>
  );
}

function DiskRow({ disk, storedBytes }: { readonly disk: DiskRecord; readonly storedBytes: number | undefined }) {
  const { id, name, format, sizeBytes, created } = disk;
  const [dialog, setDialog] = useState<'rename' | 'delete'>();
  const users = library.usersOf(id).map((machine) => machine.name);
  const remove = async (): Promise<void> => {
    await removeContents(disk);
    await library.forgetDisk(id);
    toast(`${name} was deleted`);
  };
  return (
    <li className="row" aria-label={name}>
      <Icon name={disk.role === 'cdrom' || disk.role === 'floppy' ? 'media' : 'disk'} size={20} />
      <div className="row-text">
        <p className="row-name">{name}</p>
        <p className="row-facts">
          {format}, {bytesText(sizeBytes)}
          {storedBytes !== undefined && storedBytes !== sizeBytes && `, takes ${bytesText(storedBytes)}`}, kept{' '}
          {agoText(created, Date.now())}; {users.length === 0 ? 'no machine uses it' : `used by ${users.join(', ')}`}
        </p>
      </div>
      <ActionMenu
        label={`More for ${name}`}
        className="tool"
        trigger={<Icon name="more" />}
        actions={[
          { label: 'Export', icon: 'export', run: () => void exportDisk(disk) },
          { label: 'Rename', icon: 'keyboard', run: () => setDialog('rename') },
          undefined,
          { label: 'Delete', icon: 'delete', danger: true, run: () => setDialog('delete') },
        ]}
      />
      {dialog === 'rename' && (
        <RenameDialog
          name={name}
          onAnswer={(renamed) => {
            setDialog(undefined);
            if (renamed !== undefined) void library.changeDisk(id, { name: renamed });
          }}
        />
      )}
      {dialog === 'delete' && (
        <ConfirmDialog
          title={`Delete ${name}?`}
          text={
            users.length === 0
              ? 'Its contents are gone then.'
              : `Its contents are gone then, and ${users.join(', ')} cannot start without it.`
          }
          action="Delete"
          onAnswer={(confirmed) => {
            setDialog(undefined);
            if (confirmed) void remove();
          }}
        />
      )}
    </li>
  );
}
