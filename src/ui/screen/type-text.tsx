import { useId, useState } from 'react';
import { typingOf } from '../../input/typing.ts';
import { useFocusWhenShown } from '../use-focus-when-shown.ts';

interface TypeTextProps {
  onType(codes: Uint8Array): void;
  onClose(): void;
}

/** Types a text, pasted or written here, into the guest. Its keyboard is taken to be a US one. */
export function TypeText({ onType, onClose }: TypeTextProps) {
  const [text, setText] = useState('');
  const [missing, setMissing] = useState<readonly string[]>([]);
  const field = useFocusWhenShown<HTMLTextAreaElement>();
  const id = useId();
  const type = (): void => {
    const { codes, untypable } = typingOf(text);
    onType(codes);
    setMissing(untypable);
    if (untypable.length === 0) onClose();
  };
  return (
    <form
      className="type-text"
      onSubmit={(event) => {
        event.preventDefault();
        type();
      }}
      onKeyDown={(event) => {
        if (event.key === 'Escape') onClose();
      }}
    >
      <label htmlFor={id}>Text to type on the machine’s keyboard (US layout)</label>
      <textarea id={id} ref={field} rows={3} value={text} onChange={(event) => setText(event.target.value)} />
      <div className="type-text-actions">
        <button type="submit" className="button button-primary" disabled={text === ''}>
          Type
        </button>
        <button type="button" className="button" onClick={onClose}>
          Close
        </button>
      </div>
      <p role="status">{missing.length > 0 && `Left out, as this keyboard does not have them: ${missing.join(' ')}`}</p>
    </form>
  );
}
