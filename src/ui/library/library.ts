/**
 * The machines and files that a person has, as every tab of this browser sees them. What is shown is a function of
 * `view`; each change is written, then told to the other tabs. Knows neither React nor IndexedDB.
 */
import { type FileRef, filesOf, type MachineSpec } from './machine-spec.ts';
import {
  type DiskRecord,
  diskFrom,
  type MachineRecord,
  machineFrom,
  machineOfStartScreen,
  SCHEMA_VERSION,
} from './records.ts';

/** Where the records lie: keys to values, a change of one value at a time being atomic. */
export interface RecordStore {
  entries(): Promise<readonly (readonly [string, unknown])[]>;
  set(key: string, value: unknown): Promise<void>;
  /** The value that `change` makes of the stored one; undefined deletes it. */
  update(key: string, change: (stored: unknown) => unknown): Promise<void>;
}

/** How tabs tell each other that something changed. */
export interface TabChannel {
  send(): void;
  onReceive(listener: () => void): void;
}

export interface LibraryView {
  /** False until the records are read. */
  readonly ready: boolean;
  /** Latest use first. */
  readonly machines: readonly MachineRecord[];
  /** What can be brought back, latest first. */
  readonly trash: readonly MachineRecord[];
  readonly disks: readonly DiskRecord[];
  /** Why nothing is remembered; machines run all the same. */
  readonly problem: string | undefined;
}

export interface LibrarySurroundings {
  readonly store: RecordStore;
  readonly channel: TabChannel;
  now(): number;
  newId(): string;
  /** Linux as version 0 of the page started it. */
  readonly linux: MachineSpec;
  /** What version 0 had stored. */
  startScreenSettings(): Promise<unknown>;
}

/** What is in the trash for longer is gone. */
export const TRASH_MS = 7 * 24 * 3600 * 1000;

const VERSION_KEY = 'version';
const machineKey = (id: string): string => `machine:${id}`;
const diskKey = (id: string): string => `disk:${id}`;

export class Library {
  private readonly surroundings: LibrarySurroundings;
  private readonly listeners = new Set<() => void>();
  private machines = new Map<string, MachineRecord>();
  private disks = new Map<string, DiskRecord>();
  private problem: string | undefined;
  private current: LibraryView = { ready: false, machines: [], trash: [], disks: [], problem: undefined };
  /** Resolves once the records are read. */
  readonly opened: Promise<void>;

  constructor(surroundings: LibrarySurroundings) {
    this.surroundings = surroundings;
    surroundings.channel.onReceive(() => void this.read());
    this.opened = this.open();
  }

  get view(): LibraryView {
    return this.current;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  machine(id: string): MachineRecord | undefined {
    return this.machines.get(id);
  }

  disk(id: string): DiskRecord | undefined {
    return this.disks.get(id);
  }

  /** The machines that refer to a stored file, those in the trash too. */
  usersOf(diskId: string): readonly MachineRecord[] {
    const isIt = (file: FileRef): boolean => file.kind === 'disk' && file.id === diskId;
    return [...this.machines.values()].filter(({ spec }) => filesOf(spec).some(isIt));
  }

  /** Under a name of its own: the copies of a machine are numbered. */
  async addMachine(name: string, spec: MachineSpec, gallery?: string): Promise<MachineRecord> {
    const id = this.surroundings.newId();
    const record: MachineRecord = {
      id,
      name: this.freeName(name),
      spec,
      created: this.surroundings.now(),
      ...(gallery !== undefined && { gallery }),
    };
    await this.keepMachine(record);
    return record;
  }

  /** The machine that a gallery's entry was started as before and that still is as the entry says; else a new one. */
  async machineOfGallery(entry: { readonly id: string; readonly title: string; readonly spec: MachineSpec }) {
    const same = this.view.machines.find(
      ({ gallery, spec }) => gallery === entry.id && JSON.stringify(spec) === JSON.stringify(entry.spec),
    );
    return same ?? (await this.addMachine(entry.title, entry.spec, entry.id));
  }

  async changeMachine(id: string, change: Partial<Omit<MachineRecord, 'id'>>): Promise<void> {
    const before = this.machines.get(id);
    if (before === undefined) return;
    this.machines.set(id, { ...before, ...change });
    this.show();
    await this.write(() =>
      this.surroundings.store.update(machineKey(id), (stored) => {
        const record = machineFrom(stored);
        return record && { ...record, ...change }; // another tab may have deleted it
      }),
    );
  }

  /** Into the trash: `restore` brings it back. */
  async remove(id: string): Promise<void> {
    await this.changeMachine(id, { deleted: this.surroundings.now() });
  }

  async restore(id: string): Promise<void> {
    const record = this.machines.get(id);
    if (record === undefined) return;
    const { deleted: _, ...kept } = record;
    await this.keepMachine(kept);
  }

  /** Out of the trash, for good. */
  async forget(id: string): Promise<void> {
    this.machines.delete(id);
    this.show();
    await this.write(() => this.surroundings.store.update(machineKey(id), () => undefined));
  }

  async addDisk(disk: Omit<DiskRecord, 'id' | 'created'> & { readonly id?: string }): Promise<DiskRecord> {
    const record: DiskRecord = {
      ...disk,
      id: disk.id ?? this.surroundings.newId(),
      created: this.surroundings.now(),
    };
    this.disks.set(record.id, record);
    this.show();
    await this.write(() => this.surroundings.store.set(diskKey(record.id), record));
    return record;
  }

  async changeDisk(id: string, change: Partial<Omit<DiskRecord, 'id'>>): Promise<void> {
    const before = this.disks.get(id);
    if (before === undefined) return;
    this.disks.set(id, { ...before, ...change });
    this.show();
    await this.write(() =>
      this.surroundings.store.update(diskKey(id), (stored) => {
        const record = diskFrom(stored);
        return record && { ...record, ...change };
      }),
    );
  }

  /** Forgets a file; machines that refer to it say so when they are started. */
  async forgetDisk(id: string): Promise<void> {
    this.disks.delete(id);
    this.show();
    await this.write(() => this.surroundings.store.update(diskKey(id), () => undefined));
  }

  private async keepMachine(record: MachineRecord): Promise<void> {
    this.machines.set(record.id, record);
    this.show();
    await this.write(() => this.surroundings.store.set(machineKey(record.id), record));
  }

  private async open(): Promise<void> {
    await this.read();
    const { now } = this.surroundings;
    for (const { id, deleted } of this.machines.values()) {
      if (deleted !== undefined && now() - deleted > TRASH_MS) await this.forget(id);
    }
  }

  /** Everything anew: a few dozen records, which is cheaper than to tell what changed. */
  private async read(): Promise<void> {
    try {
      const entries = await this.surroundings.store.entries();
      const version = entries.find(([key]) => key === VERSION_KEY)?.[1];
      if (typeof version === 'number' && version > SCHEMA_VERSION) {
        throw new Error('another tab runs a newer version of this page; reload this one');
      }
      this.machines = new Map(recordsOf(entries, 'machine:', machineFrom));
      this.disks = new Map(recordsOf(entries, 'disk:', diskFrom));
      if (version === undefined) await this.migrate();
      this.problem = undefined;
    } catch (error) {
      this.problem = problemText(error);
    }
    this.show(true);
  }

  /** From version 0, which knew no library. */
  private async migrate(): Promise<void> {
    const { store, linux, startScreenSettings } = this.surroundings;
    const spec = machineOfStartScreen(await startScreenSettings(), linux);
    await store.set(VERSION_KEY, SCHEMA_VERSION);
    if (spec) await this.addMachine('My Linux', spec);
  }

  private async write(action: () => Promise<void>): Promise<void> {
    try {
      await action();
      this.surroundings.channel.send();
    } catch (error) {
      this.problem = problemText(error);
      this.show();
    }
  }

  private freeName(name: string): string {
    const taken = new Set([...this.machines.values()].map((machine) => machine.name));
    if (!taken.has(name)) return name;
    const [, stem = name] = /^(.*?)(?: \d+)?$/.exec(name) ?? [];
    for (let n = 2; ; n++) if (!taken.has(`${stem} ${n}`)) return `${stem} ${n}`;
  }

  private show(ready = this.current.ready): void {
    const machines = [...this.machines.values()];
    const lastOf = ({ lastUsed, created }: MachineRecord): number => lastUsed ?? created;
    this.current = {
      ready,
      machines: machines.filter(({ deleted }) => deleted === undefined).sort((a, b) => lastOf(b) - lastOf(a)),
      trash: machines
        .filter(({ deleted }) => deleted !== undefined)
        .sort((a, b) => (b.deleted ?? 0) - (a.deleted ?? 0)),
      disks: [...this.disks.values()].sort((a, b) => b.created - a.created),
      problem: this.problem,
    };
    for (const listener of this.listeners) listener();
  }
}

function recordsOf<R extends { readonly id: string }>(
  entries: readonly (readonly [string, unknown])[],
  prefix: string,
  read: (stored: unknown) => R | undefined,
): (readonly [string, R])[] {
  return entries
    .filter(([key]) => key.startsWith(prefix))
    .map(([, stored]) => read(stored))
    .filter((record) => record !== undefined)
    .map((record) => [record.id, record] as const);
}

function problemText(error: unknown): string {
  const why = error instanceof Error ? error.message : String(error);
  if (error instanceof DOMException && error.name === 'QuotaExceededError') {
    return 'This browser has no room left: free some on the storage page.';
  }
  return `Nothing is remembered in this browser: ${why}`;
}
