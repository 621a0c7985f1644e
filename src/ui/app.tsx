import { lazy, Suspense, useEffect, useState, useSyncExternalStore } from 'react';
import { ConfirmDialog } from './confirm-dialog.tsx';
import { DropZone } from './drop-zone.tsx';
import { findMissing } from './isolation.ts';
import { IsolationMissing } from './isolation-missing.tsx';
import { GalleryPage } from './pages/gallery-page.tsx';
import { HelpPage } from './pages/help-page.tsx';
import { HomePage } from './pages/home-page.tsx';
import { MachinePage } from './pages/machine-page.tsx';
import { SettingsPage } from './pages/settings-page.tsx';
import { StoragePage } from './pages/storage-page.tsx';
import type { Route } from './route.ts';
import { RunningMachine } from './running-machine.tsx';
import { Shell } from './shell.tsx';
import { answerWaiting, onWaitingChange, waitingStart } from './starting.ts';
import { Toasts } from './toasts.tsx';
import { useMachine } from './use-machine.ts';
import { useRoute } from './use-route.ts';

/** With the parser of the command line comes all that knows the names of devices: only the form needs it. */
const MachineForm = lazy(() => import('./pages/machine-form.tsx'));

export function App() {
  const { session, view } = useMachine();
  const route = useRoute();
  const [missing, setMissing] = useState<string>();
  const waiting = useSyncExternalStore(onWaitingChange, waitingStart);
  useEffect(() => {
    void findMissing().then(setMissing);
  }, []);
  if (missing !== undefined) return <IsolationMissing reason={missing} />;
  const { kind } = view.phase;
  const isOn = kind === 'on' || kind === 'ended';
  const onView = isOn && route.page === 'machine' && route.id === view.id;
  return (
    <>
      {!onView && (
        <Shell route={route}>
          <Page route={route} />
        </Shell>
      )}
      {isOn && <RunningMachine session={session} view={view} shown={onView} />}
      {waiting && (
        <ConfirmDialog
          title={`Power off ${waiting.running}?`}
          action={`Power off and start ${waiting.next.name}`}
          onAnswer={answerWaiting}
        />
      )}
      <DropZone />
      <Toasts />
    </>
  );
}

function Page({ route }: { readonly route: Route }) {
  switch (route.page) {
    case 'home':
      return <HomePage />;
    case 'gallery':
      return <GalleryPage />;
    case 'storage':
      return <StoragePage />;
    case 'settings':
      return <SettingsPage />;
    case 'help':
      return <HelpPage />;
    case 'machine':
      return <MachinePage key={route.id} id={route.id} />;
    case 'edit':
      return (
        <Suspense>
          <MachineForm key={route.id} id={route.id} />
        </Suspense>
      );
    case 'new':
      return (
        <Suspense>
          <MachineForm key={route.from ?? ''} from={route.from} />
        </Suspense>
      );
  }
}
