import { bytesText } from './format.ts';
import type { Progress } from './guest-files.ts';

interface LoadingPanelProps {
  readonly downloads: readonly Progress[];
  onCancel(): void;
}

/** Fetching the machine's files, with bytes; then building the machine. */
export function LoadingPanel({ downloads, onCancel }: LoadingPanelProps) {
  const complete = downloads.every(({ received, total }) => received === total);
  return (
    <section className="loading" aria-label="Progress">
      <p role="status">{complete ? 'Building the machine…' : 'Fetching the guest…'}</p>
      {downloads.map(({ name, received, total }) => (
        <div key={name} className="download">
          <span className="download-name">{name}</span>
          <progress aria-label={name} value={received} max={total} />
          <span className="download-bytes">
            {bytesText(received)} of {bytesText(total)}
          </span>
        </div>
      ))}
      <button type="button" className="button" onClick={onCancel}>
        Cancel
      </button>
    </section>
  );
}
