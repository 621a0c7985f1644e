import { CommandLinePreview } from '../command-line-preview.tsx';
import { agoText } from '../format.ts';
import { Icon } from '../icon.tsx';
import { argumentsFor } from '../launch.ts';
import { library } from '../library/library-store.ts';
import { shellText } from '../library/machine-spec.ts';
import { LoadingPanel } from '../loading-panel.tsx';
import { hashOf } from '../route.ts';
import { startMachine } from '../starting.ts';
import { ThumbnailView } from '../thumbnail.tsx';
import { TroubleNotice } from '../trouble-notice.tsx';
import { useDocumentTitle } from '../use-document-title.ts';
import { useLibrary } from '../use-library.ts';
import { useMachine } from '../use-machine.ts';

/** A machine that is off: about to start, or why it did not. */
export function MachinePage({ id }: { readonly id: string }) {
  const { ready, machines } = useLibrary();
  const { session, view } = useMachine();
  const machine = machines.find((candidate) => candidate.id === id);
  useDocumentTitle(machine?.name);
  if (machine === undefined) {
    if (!ready) return null;
    const deleted = library.machine(id);
    return (
      <div className="claim">
        <h1>{deleted === undefined ? 'No such machine' : `${deleted.name} is in the trash`}</h1>
        <p>
          {deleted === undefined ? (
            'It is not in this browser. Machines stay in the browser that made them; an export brings them to another.'
          ) : (
            <button type="button" className="button" onClick={() => void library.restore(id)}>
              Restore it
            </button>
          )}
        </p>
        <p>
          <a href="#/">To the machines</a>
        </p>
      </div>
    );
  }
  const mine = view.id === id;
  const loading = mine && view.phase.kind === 'loading' ? view.phase : undefined;
  return (
    <div className="off">
      <div className="section-head">
        <h1>{machine.name}</h1>
        <a className="button" href={hashOf({ page: 'edit', id })}>
          <Icon name="edit" /> Edit
        </a>
      </div>
      {mine && view.trouble && <TroubleNotice trouble={view.trouble} />}
      {loading ? (
        <LoadingPanel downloads={loading.downloads} onCancel={() => session.leave()} />
      ) : (
        <button type="button" className="off-start" onClick={() => startMachine(machine)} aria-label="Start">
          <ThumbnailView thumbnail={machine.thumbnail} />
          <span className="button button-primary">
            <Icon name="resume" /> Start
          </span>
        </button>
      )}
      <p className="lead">
        {machine.lastUsed === undefined ? 'Not used yet.' : `Last used ${agoText(machine.lastUsed, Date.now())}.`}
      </p>
      <CommandLinePreview text={shellText(argumentsFor(machine.spec))} />
    </div>
  );
}
