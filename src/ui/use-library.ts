import { useSyncExternalStore } from 'react';
import type { LibraryView } from './library/library.ts';
import { library } from './library/library-store.ts';

export function useLibrary(): LibraryView {
  return useSyncExternalStore(library.subscribe, () => library.view);
}
