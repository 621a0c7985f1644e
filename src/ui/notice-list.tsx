import type { Notice } from './machine-session.ts';
import { ToolButton } from './tool-button.tsx';

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
          <ToolButton icon="close" label="Dismiss" onPress={() => onDismiss(id)} />
        </div>
      ))}
    </div>
  );
}
