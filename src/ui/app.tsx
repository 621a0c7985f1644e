import { useEffect, useState } from 'react';
import { findMissing } from './isolation.ts';
import { IsolationMissing } from './isolation-missing.tsx';
import { RunningMachine } from './running-machine.tsx';
import { StartScreen } from './start-screen.tsx';
import { useMachine } from './use-machine.ts';

export function App() {
  const { session, view } = useMachine();
  const [missing, setMissing] = useState<string>();
  useEffect(() => {
    void findMissing().then(setMissing);
  }, []);
  if (missing !== undefined) return <IsolationMissing reason={missing} />;
  const { kind } = view.phase;
  if (kind === 'on' || kind === 'ended') return <RunningMachine session={session} view={view} />;
  return <StartScreen session={session} view={view} />;
}
