import { useState } from 'react';
import { ActionMenu } from '../action-menu.tsx';
import { agoText, bytesText } from '../format.ts';
import { Icon } from '../icon.tsx';
import { duplicateMachine, exportMachine } from '../library/export-machine.ts';
import { library } from '../library/library-store.ts';
import { filesOf } from '../library/machine-spec.ts';
import type { MachineRecord } from '../library/records.ts';
import { RenameDialog } from '../rename-dialog.tsx';
import { hashOf } from '../route.ts';
import { startMachine } from '../starting.ts';
import { runStateText } from '../state-text.ts';
import { ThumbnailView } from '../thumbnail.tsx';
import { toast } from '../toasts.tsx';
import { useMachine } from '../use-machine.ts';
import { go } from '../use-route.ts';

/** One machine of the library. */
export function MachineTile({ machine }: { readonly machine: MachineRecord }) {
  const { id, name, spec, lastUsed, created, thumbnail } = machine;
  const { view } = useMachine();
  const [renaming, setRenaming] = useState(false);
  const state = view.phase.kind === 'on' && view.id === id ? view.phase.state : undefined;
  const bytes = filesOf(spec).reduce(
    (sum, file) => sum + (file.kind === 'disk' ? (library.disk(file.id)?.sizeBytes ?? 0) : 0),
    0,
  );
  const remove = (): void => {
    void library.remove(id);
    toast(`${name} was deleted`, { label: 'Undo', run: () => void library.restore(id) });
  };
  return (
    <li className="tile" aria-labelledby={`tile-${id}`}>
      <a className="tile-picture" href={hashOf({ page: 'machine', id })} aria-label={`Open ${name}`} tabIndex={-1}>
        <ThumbnailView thumbnail={thumbnail} />
      </a>
      <div className="tile-text">
        <h3 id={`tile-${id}`}>
          <a href={hashOf({ page: 'machine', id })}>{name}</a>
        </h3>
        <p className="tile-facts">
          {state !== undefined ? (
            <span className="state-badge" data-state={state}>
              {runStateText(state)}
            </span>
          ) : (
            <span>
              {lastUsed === undefined ? `made ${agoText(created, Date.now())}` : agoText(lastUsed, Date.now())}
            </span>
          )}
          <span>{spec.ramMiB} MiB RAM</span>
          {bytes > 0 && <span>{bytesText(bytes)}</span>}
        </p>
      </div>
      <div className="tile-actions">
        <button
          type="button"
          className="button button-primary"
          aria-label={state === undefined ? `Run ${name}` : `Back to ${name}`}
          onClick={() => startMachine(machine)}
        >
          <Icon name="resume" /> {state === undefined ? 'Run' : 'Show'}
        </button>
        <ActionMenu
          label={`More for ${name}`}
          className="tool"
          trigger={<Icon name="more" />}
          actions={[
            { label: 'Edit', icon: 'edit', run: () => go({ page: 'edit', id }) },
            { label: 'Rename', icon: 'keyboard', run: () => setRenaming(true) },
            { label: 'Duplicate', icon: 'copy', run: () => void duplicateMachine(machine) },
            { label: 'Export', icon: 'export', run: () => void exportMachine(machine) },
            undefined,
            { label: 'Delete', icon: 'delete', danger: true, disabled: state !== undefined, run: remove },
          ]}
        />
      </div>
      {renaming && (
        <RenameDialog
          name={name}
          onAnswer={(renamed) => {
            setRenaming(false);
            if (renamed !== undefined) void library.changeMachine(id, { name: renamed });
          }}
        />
      )}
    </li>
  );
}
