import { useState } from 'react';
import { Dialog } from './dialog.tsx';
import { useFocusWhenShown } from './use-focus-when-shown.ts';

interface RenameDialogProps {
  readonly name: string;
  /** With undefined if all stays as it is. */
  onAnswer(name: string | undefined): void;
}

export function RenameDialog({ name, onAnswer }: RenameDialogProps) {
  const [text, setText] = useState(name);
  const input = useFocusWhenShown<HTMLInputElement>();
  return (
    <Dialog title={`Rename ${name}`} onClose={() => onAnswer(undefined)}>
      <form
        className="dialog-form"
        onSubmit={(event) => {
          event.preventDefault();
          onAnswer(text.trim() === '' ? undefined : text.trim());
        }}
      >
        <label htmlFor="new-name">Name</label>
        <input
          id="new-name"
          type="text"
          value={text}
          ref={input}
          maxLength={80}
          onChange={({ target }) => setText(target.value)}
        />
        <div className="dialog-actions">
          <button type="button" className="button" onClick={() => onAnswer(undefined)}>
            Cancel
          </button>
          <button type="submit" className="button button-primary">
            Rename
          </button>
        </div>
      </form>
    </Dialog>
  );
}
