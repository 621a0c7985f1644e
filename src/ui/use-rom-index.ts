import { useEffect, useState } from 'react';
import { fetchRomIndex, type RomFile } from './guest-files.ts';

/** The default guest's files; `undefined` until that is known, empty where the page is served without them. */
export function useRomIndex(): readonly RomFile[] | undefined {
  const [files, setFiles] = useState<readonly RomFile[]>();
  useEffect(() => {
    fetchRomIndex()
      .then(setFiles)
      .catch(() => setFiles([]));
  }, []);
  return files;
}
