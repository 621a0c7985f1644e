/** Starting machines from wherever the page offers it: one runs at a time, and the person is asked before it gives way. */
import type { GalleryEntry } from './gallery/entries.ts';
import { launchOf } from './launch.ts';
import { library } from './library/library-store.ts';
import type { MachineRecord } from './library/records.ts';
import { session } from './use-machine.ts';
import { go } from './use-route.ts';

/** What is to be started once the machine that runs may be powered off. */
export interface Waiting {
  readonly running: string;
  readonly next: MachineRecord;
}

let waiting: Waiting | undefined;
const listeners = new Set<() => void>();

export const waitingStart = (): Waiting | undefined => waiting;

export function onWaitingChange(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function wait(next: Waiting | undefined): void {
  waiting = next;
  for (const listener of listeners) listener();
}

/** Shows the machine and powers it on, unless it runs already. */
export function startMachine(machine: MachineRecord): void {
  const { phase, id, title } = session.view;
  if (phase.kind === 'on' && id !== machine.id) {
    wait({ running: title, next: machine });
    return;
  }
  go({ page: 'machine', id: machine.id });
  if (phase.kind === 'on') return;
  void session.start(launchOf(machine));
  void library.changeMachine(machine.id, { lastUsed: Date.now() });
}

export async function startEntry(entry: GalleryEntry): Promise<void> {
  startMachine(await library.machineOfGallery(entry));
}

/** The person's answer to whether the one that runs may be powered off. */
export function answerWaiting(confirmed: boolean): void {
  const next = waiting?.next;
  wait(undefined);
  if (!confirmed || next === undefined) return;
  session.leave();
  startMachine(next);
}
