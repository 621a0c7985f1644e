import { Dialog } from './dialog.tsx';
import { shortcuts } from './shortcuts.ts';

/** Keys that the terminal knows, beside the page's own. */
const terminalKeys = [
  { keys: 'Ctrl+Shift+C', what: 'Copy what is selected' },
  { keys: 'Ctrl+Shift+V', what: 'Paste' },
  { keys: 'Shift+PageUp, PageDown', what: 'Scroll back' },
] as const;

export function HelpDialog({ onClose }: { onClose(): void }) {
  return (
    <Dialog title="Keys" onClose={onClose}>
      <table className="keys">
        <thead className="visually-hidden">
          <tr>
            <th scope="col">Keys</th>
            <th scope="col">What they do</th>
          </tr>
        </thead>
        <tbody>
          {[...shortcuts, ...terminalKeys].map(({ keys, what }) => (
            <tr key={keys}>
              <td>
                <kbd>{keys}</kbd>
              </td>
              <td>{what}</td>
            </tr>
          ))}
        </tbody>
      </table>
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
