import type { Trouble } from './trouble.ts';

/** What went wrong, and what to do about it. */
export function TroubleNotice({ trouble: { message, hint } }: { readonly trouble: Trouble }) {
  return (
    <div className="trouble" role="alert">
      <p className="trouble-message">{message}</p>
      {hint !== undefined && <p>{hint}</p>}
    </div>
  );
}
