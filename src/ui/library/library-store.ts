/** The library's records in IndexedDB, and the line between the tabs. */
import { createStore, entries, get, set, update } from 'idb-keyval';
import { galleryEntries } from '../gallery/entries.ts';
import { Library, type RecordStore, type TabChannel } from './library.ts';

/** Where version 0 of the page kept the choices on its start screen, in idb-keyval's own data base. */
const START_SCREEN_KEY = 'lockstep.settings';
const CHANNEL = 'lockstep.library';

function createRecordStore(): RecordStore {
  const store = createStore('lockstep-library', 'records');
  return {
    entries: () => entries<string, unknown>(store),
    set: (key, value) => set(key, value, store),
    update: (key, change) => update(key, change, store),
  };
}

function createTabChannel(): TabChannel {
  const channel = new BroadcastChannel(CHANNEL);
  return {
    send: () => channel.postMessage('changed'),
    onReceive(listener) {
      channel.onmessage = listener;
    },
  };
}

export const library = new Library({
  store: createRecordStore(),
  channel: createTabChannel(),
  now: () => Date.now(),
  newId: () => crypto.randomUUID(),
  linux: galleryEntries[0].spec,
  startScreenSettings: () => get(START_SCREEN_KEY),
});
