import { useEffect } from 'react';

/** Names the tab after what it shows; `active` is false for what is behind it. */
export function useDocumentTitle(title: string | undefined, active = true): void {
  useEffect(() => {
    if (active) document.title = title === undefined ? 'Lockstep' : `${title} · Lockstep`;
  }, [title, active]);
}
