import { describe, expect, test } from 'vitest';
import { Library, type LibrarySurroundings, type RecordStore, TRASH_MS } from './library.ts';
import { defaultSpec, type MachineSpec } from './machine-spec.ts';

const linux: MachineSpec = { ...defaultSpec, cpu: 'pentium2', append: 'console=ttyS0', display: 'serial' };

function memoryStore(): RecordStore & { readonly values: Map<string, unknown> } {
  const values = new Map<string, unknown>();
  return {
    values,
    entries: async () => structuredClone([...values]),
    set: async (key, value) => void values.set(key, structuredClone(value)),
    async update(key, change) {
      const next = change(structuredClone(values.get(key)));
      if (next === undefined) values.delete(key);
      else values.set(key, structuredClone(next));
    },
  };
}

/** Tabs of one browser: one store, one channel, a clock for all. */
function browser({ settings }: { settings?: unknown } = {}) {
  const store = memoryStore();
  const tabs: (() => void)[] = [];
  const clock = { now: 1_000_000 };
  let ids = 0;
  const openTab = async (change: Partial<LibrarySurroundings> = {}): Promise<Library> => {
    const own = { listener: () => {} };
    tabs.push(() => own.listener());
    const me = tabs.length - 1;
    const library = new Library({
      store,
      channel: {
        send: () => tabs.forEach((receive, tab) => tab !== me && receive()),
        onReceive: (listener) => (own.listener = listener),
      },
      now: () => clock.now++,
      newId: () => `id${ids++}`,
      linux,
      startScreenSettings: async () => settings,
      ...change,
    });
    await library.opened;
    return library;
  };
  return { store, clock, openTab };
}

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));
const names = (library: Library): string[] => library.view.machines.map(({ name }) => name);

describe('the library', () => {
  test('finds tomorrow what was made today, latest use first', async () => {
    const { openTab } = browser();
    const today = await openTab();
    const first = await today.addMachine('DOS', defaultSpec);
    await today.addMachine('Linux', linux);
    await today.changeMachine(first.id, { lastUsed: 2_000_000, name: 'FreeDOS' });
    const disk = await today.addDisk({
      name: 'c.img',
      role: 'disk',
      format: 'raw',
      sizeBytes: 512,
      origin: { kind: 'empty' },
    });
    const tomorrow = await openTab();
    expect(names(tomorrow)).toEqual(['FreeDOS', 'Linux']);
    expect(tomorrow.machine(first.id)).toEqual(today.machine(first.id));
    expect(tomorrow.view.disks).toEqual([disk]);
  });

  test('what one tab changes the others show', async () => {
    const { openTab } = browser();
    const [a, b] = [await openTab(), await openTab()];
    const { id } = await a.addMachine('Linux', linux);
    await settled();
    expect(names(b)).toEqual(['Linux']);
    await b.changeMachine(id, { name: 'Renamed' });
    await settled();
    expect(names(a)).toEqual(['Renamed']);
  });

  test('changes of two tabs to one machine both stay', async () => {
    const { openTab } = browser();
    const [a, b] = [await openTab(), await openTab()];
    const { id } = await a.addMachine('Linux', linux);
    await settled();
    await Promise.all([a.changeMachine(id, { name: 'New name' }), b.changeMachine(id, { lastUsed: 5 })]);
    await settled();
    expect(a.machine(id)).toMatchObject({ name: 'New name', lastUsed: 5 });
  });

  test('a machine that another tab has deleted for good does not come back by a late change', async () => {
    const { openTab } = browser();
    const [a, b] = [await openTab(), await openTab({ channel: { send() {}, onReceive() {} } })];
    const { id } = await a.addMachine('Linux', linux);
    const late = await openTab({ channel: { send() {}, onReceive() {} } });
    await a.forget(id);
    await late.changeMachine(id, { lastUsed: 5 });
    expect(b.machine(id)).toBeUndefined();
    expect(names(await openTab())).toEqual([]);
  });

  test('what is deleted can be brought back for a week, then it is gone', async () => {
    const { openTab, clock, store } = browser();
    const library = await openTab();
    const { id } = await library.addMachine('Linux', linux);
    await library.remove(id);
    expect(names(library)).toEqual([]);
    expect(library.view.trash.map(({ name }) => name)).toEqual(['Linux']);
    await library.restore(id);
    expect(names(library)).toEqual(['Linux']);
    expect(names(await openTab())).toEqual(['Linux']);
    await library.remove(id);
    clock.now += TRASH_MS - 1000;
    expect((await openTab()).view.trash).toHaveLength(1);
    clock.now += 2000;
    expect((await openTab()).view.trash).toHaveLength(0);
    expect([...store.values.keys()]).toEqual(['version']);
  });

  test('copies and namesakes have names of their own', async () => {
    const library = await browser().openTab();
    await library.addMachine('Linux', linux);
    await library.addMachine('Linux', linux);
    await library.addMachine('Linux 2', linux);
    expect(names(library).sort()).toEqual(['Linux', 'Linux 2', 'Linux 3']);
  });

  test('an entry of the gallery is the same machine each time, until it was changed', async () => {
    const library = await browser().openTab();
    const entry = { id: 'linux', title: 'Linux', spec: linux };
    const { id } = await library.machineOfGallery(entry);
    expect((await library.machineOfGallery(entry)).id).toBe(id);
    await library.changeMachine(id, { spec: { ...linux, ramMiB: 64 } });
    expect((await library.machineOfGallery(entry)).id).not.toBe(id);
  });

  test('knows who uses a file, in the trash too', async () => {
    const library = await browser().openTab();
    const { id } = await library.addMachine('Linux', { ...linux, kernel: { kind: 'disk', id: 'k' } });
    await library.remove(id);
    expect(library.usersOf('k').map((machine) => machine.id)).toEqual([id]);
    expect(library.usersOf('other')).toEqual([]);
  });

  test('of records that make no sense it takes what does', async () => {
    const { store, openTab } = browser();
    store.values.set('version', 1);
    store.values.set('machine:a', { id: 'a', spec: { ramMiB: 'much', drives: [{ slot: 'zip' }, null], board: 7 } });
    store.values.set('machine:b', 'nonsense');
    store.values.set('disk:c', { id: 'c' });
    const library = await openTab();
    expect(library.view.machines).toEqual([{ id: 'a', name: 'Machine', created: 0, spec: defaultSpec }]);
    expect(library.view.disks).toEqual([]);
  });

  test('a store of a newer page is left alone and the person told', async () => {
    const { store, openTab } = browser();
    store.values.set('version', 99);
    const library = await openTab();
    expect(library.view).toMatchObject({ ready: true, machines: [], problem: expect.stringContaining('reload') });
  });

  test('without a store machines can be made, and the person is told', async () => {
    const fails = () => Promise.reject(new Error('no IndexedDB'));
    const library = await browser().openTab({ store: { entries: fails, set: fails, update: fails } });
    await library.addMachine('Linux', linux);
    expect(names(library)).toEqual(['Linux']);
    expect(library.view.problem).toContain('no IndexedDB');
  });
});

describe('what the start screen of version 0 remembered', () => {
  test('is a machine of the library, once', async () => {
    const { openTab } = browser({ settings: { card: 'linux-isapc', ramMiB: 256, append: { 'linux-pc': 'x' } } });
    const library = await openTab();
    expect(library.view.machines.map(({ spec }) => spec)).toEqual([{ ...linux, board: 'isapc', ramMiB: 256 }]);
    await library.forget(library.view.machines[0]!.id);
    expect(names(await openTab())).toEqual([]);
  });

  test('is nothing to keep if nothing was changed', async () => {
    for (const settings of [undefined, 'x', { card: 'own', ramMiB: 512 }, { card: 'linux-pc', ramMiB: 128 }]) {
      expect(names(await browser({ settings }).openTab())).toEqual([]);
    }
  });
});
