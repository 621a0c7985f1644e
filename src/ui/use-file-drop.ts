import { useEffect, useEffectEvent, useState } from 'react';

/** Takes files dropped anywhere on the page; true while some are dragged over it. */
export function useFileDrop(onFiles: (files: readonly File[]) => void): boolean {
  const [dragging, setDragging] = useState(false);
  const dropped = useEffectEvent(onFiles);
  useEffect(() => {
    // Moving from one element to the next enters before it leaves.
    let depth = 0;
    const hasFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') ?? false;
    const end = (): void => {
      depth = 0;
      setDragging(false);
    };
    const listeners = new AbortController();
    const on = <K extends keyof WindowEventMap>(type: K, handle: (event: WindowEventMap[K]) => void): void =>
      window.addEventListener(type, handle, { signal: listeners.signal });
    on('dragenter', (event) => {
      if (!hasFiles(event)) return;
      depth++;
      setDragging(true);
    });
    on('dragleave', (event) => {
      if (hasFiles(event) && --depth <= 0) end();
    });
    on('dragover', (event) => {
      if (hasFiles(event)) event.preventDefault();
    });
    on('drop', (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      end();
      dropped([...(event.dataTransfer?.files ?? [])]);
    });
    return () => listeners.abort();
  }, []);
  return dragging;
}
