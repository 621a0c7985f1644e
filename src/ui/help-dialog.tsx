import { Dialog } from './dialog.tsx';
import { KeyTable } from './key-table.tsx';

export function HelpDialog({ onClose }: { onClose(): void }) {
  return (
    <Dialog title="Keys" onClose={onClose}>
      <KeyTable />
      <p>
        Every other key goes to the guest, Tab too. The machine runs in a worker and goes on in a hidden tab. The
        monitor’s commands are QEMU’s: <kbd>help</kbd> lists them.
      </p>
      <div className="dialog-actions">
        <button type="button" className="button button-primary" onClick={onClose}>
          Close
        </button>
      </div>
    </Dialog>
  );
}
