/** The files of /roms/ as the page knows them: read once, and again when somebody misses one (they may still be fetched). */
import { fetchRomIndex, type RomFile } from './guest-files.ts';

export interface RomIndexView {
  /** `undefined` until that is known, empty where the page is served without any. */
  readonly files: readonly RomFile[] | undefined;
}

let view: RomIndexView = { files: undefined };
let reading: Promise<readonly RomFile[]> | undefined;
const listeners = new Set<() => void>();

export const romIndex = (): RomIndexView => view;

export function onRomIndexChange(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The newest list there is. */
export function readRomIndex(): Promise<readonly RomFile[]> {
  reading ??= fetchRomIndex()
    .catch(() => view.files ?? [])
    .then((files) => {
      reading = undefined;
      view = { files };
      for (const listener of listeners) listener();
      return files;
    });
  return reading;
}

export const findRom = (roms: readonly RomFile[] | undefined, name: string): RomFile | undefined =>
  roms?.find((rom) => rom.name === name);
