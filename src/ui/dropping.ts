/** What was dropped or chosen, from the moment it falls until it is a machine or was waved away. */
import { jobs } from './jobs.ts';
import { DESCRIPTION, importMachine } from './library/export-machine.ts';
import { importSource } from './library/import-files.ts';
import { library } from './library/library-store.ts';
import type { FileRole, MachineRecord } from './library/records.ts';
import { fittingSpec } from './media/fitting.ts';
import { lookInto, type Source } from './media/sources.ts';
import { startMachine } from './starting.ts';
import { toast, troubleToast } from './toasts.tsx';
import { go } from './use-route.ts';

export interface Offered {
  readonly source: Source;
  /** What it will be used as; the person may know better than its contents tell. */
  readonly role: FileRole | undefined;
}

let offer: readonly Offered[] | undefined;
const listeners = new Set<() => void>();

export const currentOffer = (): readonly Offered[] | undefined => offer;

export function onOfferChange(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function setOffer(next: readonly Offered[] | undefined): void {
  offer = next;
  for (const listener of listeners) listener();
}

/** Looks into the files and asks what to do with them. A machine's export is taken in at once. */
export async function offerFiles(files: readonly File[]): Promise<void> {
  const kinds = await Promise.all(files.map(isMachine));
  for (const [index, file] of files.entries()) {
    if (!kinds[index]) continue;
    const machine = await importMachine(file);
    if (machine) toast(`${machine.name} was imported`);
  }
  const others = files.filter((_, index) => !kinds[index]);
  if (others.length === 0) return;
  const sources = await jobs.run('Looking into the files', () => lookInto(others));
  if (sources) setOffer(sources.map((source) => ({ source, role: source.recognised.role })));
}

/** A tar archive begins with the name of its first entry. */
async function isMachine(file: File): Promise<boolean> {
  return (
    (await file
      .slice(0, DESCRIPTION.length)
      .text()
      .catch(() => '')) === DESCRIPTION
  );
}

/** Stores the files and makes the machine that fits them. */
export async function accept(offered: readonly Offered[], then: 'start' | 'edit'): Promise<void> {
  setOffer(undefined);
  const machine = await makeMachine(offered);
  if (machine === undefined) return;
  if (then === 'start') startMachine(machine);
  else go({ page: 'edit', id: machine.id });
}

async function makeMachine(offered: readonly Offered[]): Promise<MachineRecord | undefined> {
  const used = offered.flatMap(({ source, role }) => (role === undefined ? [] : [{ source, role }]));
  const records = await Promise.all(used.map(({ source, role }) => importSource(source, role)));
  const brought = records.flatMap((record) =>
    record === undefined
      ? []
      : [{ name: record.name, role: record.role, file: { kind: 'disk', id: record.id } as const }],
  );
  if (brought.length < used.length) return undefined; // told of already
  const { spec, left } = fittingSpec(brought);
  if (left.length > 0) {
    troubleToast('Not all of it fits one machine', `${left.join(', ')}: kept on the storage page for another.`);
  }
  return library.addMachine(machineName(used.map(({ source }) => source.name)), spec);
}

/** After the medium, without what its file's name only has for programs. */
function machineName(names: readonly string[]): string {
  const [name = 'Machine'] = names;
  return name.replace(/\.(img|iso|ima|flp|raw|dsk|qcow2?|vmdk|vdi|vhdx?|bin)$/i, '').replaceAll('_', ' ') || 'Machine';
}
