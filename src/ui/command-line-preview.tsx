import { useState } from 'react';

/** The same machine as a command for a terminal. */
export function CommandLinePreview({ text }: { readonly text: string }) {
  const [copied, setCopied] = useState<string>();
  const options = text.split(/ (?=-)/);
  const copy = (): void => {
    navigator.clipboard.writeText(text).then(
      () => setCopied(text),
      () => {}, // not allowed: the text can be selected
    );
  };
  return (
    <div className="sheet-row command-line">
      <div className="sheet-label">
        <h2>The same in a terminal</h2>
        <button type="button" className="button button-quiet" onClick={copy}>
          {copied === text ? 'Copied' : 'Copy'}
        </button>
      </div>
      <code>
        {options.map((option) => (
          <span key={option} className="command-line-option">{`${option} `}</span>
        ))}
      </code>
    </div>
  );
}
