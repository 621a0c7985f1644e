import { useSyncExternalStore } from 'react';
import { createVmClient } from '../vm/client.ts';
import { MachineSession, type SessionView } from './machine-session.ts';
import { nextFrame } from './output-feed.ts';
import { saveFile } from './save-file.ts';

function createMachineWorker(): Worker {
  return new Worker(new URL('../../workers/machine.worker.ts', import.meta.url), { type: 'module', name: 'machine' });
}

/** The page's one machine. */
export const session = new MachineSession({
  createVm: () => createVmClient(createMachineWorker),
  screenReady: (output) => output.attached,
  saveFile: (name, bytes) => saveFile(name, new Blob([new Uint8Array(bytes)])),
  schedule: nextFrame,
});

/** The page's one machine, and what there is to show of it. */
export function useMachine(): { readonly session: MachineSession; readonly view: SessionView } {
  const view = useSyncExternalStore(session.subscribe, () => session.view);
  return { session, view };
}
