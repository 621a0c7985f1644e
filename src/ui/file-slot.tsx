import { useId } from 'react';
import { bytesText } from './format.ts';

interface FileSlotProps {
  readonly label: string;
  readonly file: File | undefined;
  /** With a file chosen, or with undefined when it was taken away. */
  onFile(file: File | undefined): void;
  readonly removable?: boolean;
}

/** A place for one file of the person's own. */
export function FileSlot({ label, file, onFile, removable = false }: FileSlotProps) {
  const id = useId();
  return (
    <div className="file-slot">
      <label htmlFor={id} className="button">
        {label}…
      </label>
      <input
        id={id}
        type="file"
        className="visually-hidden"
        onChange={({ target }) => {
          const [chosen] = target.files ?? [];
          if (chosen) onFile(chosen);
          target.value = ''; // so that the same file can be chosen again after it changed
        }}
      />
      <output htmlFor={id}>{file ? `${file.name}, ${bytesText(file.size)}` : 'none'}</output>
      {removable && file && (
        <button
          type="button"
          className="button button-quiet"
          aria-label={`Remove ${label}`}
          onClick={() => onFile(undefined)}
        >
          Remove
        </button>
      )}
    </div>
  );
}
