import { useRef } from 'react';
import { bytesText, timeLeftText } from './format.ts';
import type { Progress } from './guest-files.ts';

interface LoadingPanelProps {
  readonly downloads: readonly Progress[];
  onCancel(): void;
}

/** Fetching the machine's files, with bytes; then building the machine. */
export function LoadingPanel({ downloads, onCancel }: LoadingPanelProps) {
  const complete = downloads.every(({ received, total }) => received === total);
  const started = useRef(performance.now());
  const received = downloads.reduce((sum, download) => sum + download.received, 0);
  const total = downloads.reduce((sum, download) => sum + download.total, 0);
  const passed = (performance.now() - started.current) / 1000;
  return (
    <section className="loading" aria-label="Progress">
      <p role="status">{complete ? 'Building the machine…' : 'Fetching the guest…'}</p>
      {!complete && passed > 1 && received > 0 && <p>{timeLeftText(((total - received) / received) * passed)}</p>}
      {downloads.map(({ name, received: got, total: all }) => (
        <div key={name} className="download">
          <span className="download-name">{name}</span>
          <progress aria-label={name} value={got} max={all} />
          <span className="download-bytes">
            {bytesText(got)} of {bytesText(all)}
          </span>
        </div>
      ))}
      <button type="button" className="button" onClick={onCancel}>
        Cancel
      </button>
    </section>
  );
}
