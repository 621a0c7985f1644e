import { shortcuts } from './shortcuts.ts';

/** Keys that the terminal knows, beside the page's own. */
const terminalKeys = [
  { keys: 'Ctrl+Shift+C', what: 'Copy what is selected' },
  { keys: 'Ctrl+Shift+V', what: 'Paste' },
  { keys: 'Shift+PageUp, PageDown', what: 'Scroll back' },
] as const;

export function KeyTable() {
  return (
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
  );
}
