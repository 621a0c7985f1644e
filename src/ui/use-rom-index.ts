import { useEffect, useSyncExternalStore } from 'react';
import type { RomFile } from './guest-files.ts';
import { onRomIndexChange, readRomIndex, romIndex } from './rom-index.ts';

/** The server's files; `undefined` until that is known, empty where the page is served without them. */
export function useRomIndex(): readonly RomFile[] | undefined {
  const { files } = useSyncExternalStore(onRomIndexChange, romIndex);
  useEffect(() => void readRomIndex(), []);
  return files;
}
