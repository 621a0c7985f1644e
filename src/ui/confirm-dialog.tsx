import { Dialog } from './dialog.tsx';

interface ConfirmDialogProps {
  readonly title: string;
  /** What is lost by it. */
  readonly text?: string;
  /** Label of the button that does it. */
  readonly action: string;
  onAnswer(confirmed: boolean): void;
}

export function ConfirmDialog({ title, text, action, onAnswer }: ConfirmDialogProps) {
  return (
    <Dialog title={title} onClose={() => onAnswer(false)}>
      <p>{text ?? 'All that the guest holds in memory is lost.'}</p>
      <div className="dialog-actions">
        <button type="button" className="button" onClick={() => onAnswer(false)}>
          Cancel
        </button>
        <button type="button" className="button button-danger" onClick={() => onAnswer(true)}>
          {action}
        </button>
      </div>
    </Dialog>
  );
}
