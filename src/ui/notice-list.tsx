import { Icon } from './icon.tsx';
import type { Notice } from './machine-session.ts';

interface NoticeListProps {
  readonly notices: readonly Notice[];
  onDismiss(id: number): void;
}

/** What the machine has to say to the person: faults of the guest, things that failed. */
export function NoticeList({ notices, onDismiss }: NoticeListProps) {
  return (
    <div className="notices" aria-live="polite">
      {notices.map(({ id, level, text }) => (
        <div key={id} className="notice" data-level={level}>
          <p>{text}</p>
          <button type="button" className="tool" aria-label="Dismiss" onClick={() => onDismiss(id)}>
            <Icon name="close" />
          </button>
        </div>
      ))}
    </div>
  );
}
