import { Dialog } from './dialog.tsx';

const texts = {
  reset: { title: 'Reset the machine?', action: 'Reset' },
  'power-off': { title: 'Power the machine off?', action: 'Power off' },
  leave: { title: 'Leave this machine?', action: 'Power off and leave' },
} as const;

interface ConfirmDialogProps {
  readonly question: keyof typeof texts;
  onAnswer(confirmed: boolean): void;
}

export function ConfirmDialog({ question, onAnswer }: ConfirmDialogProps) {
  const { title, action } = texts[question];
  return (
    <Dialog title={title} onClose={() => onAnswer(false)}>
      <p>All that the guest holds in memory is lost.</p>
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
