import { useEffect, useRef } from 'react';
import type { Trouble } from './trouble.ts';

/** What went wrong, and what to do about it. */
export function TroubleNotice({ trouble: { message, hint } }: { readonly trouble: Trouble }) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    void place.current?.scrollIntoView({ block: 'nearest' }); // a promise in newer browsers, which is no effect's end
  }, []);
  return (
    <div className="trouble" role="alert" ref={place}>
      <p className="trouble-message">{message}</p>
      {hint !== undefined && <p className="trouble-hint">{hint}</p>}
    </div>
  );
}
