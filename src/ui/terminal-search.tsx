import { type KeyboardEvent, useEffect, useState } from 'react';
import { Icon } from './icon.tsx';
import type { TerminalHandle } from './terminal.tsx';
import { useFocusWhenShown } from './use-focus-when-shown.ts';

/** Colours of what was found, on either theme. */
const decorations = {
  matchBackground: '#7a5a12',
  matchOverviewRuler: '#c9971f',
  activeMatchBackground: '#c9971f',
  activeMatchColorOverviewRuler: '#ffcc4d',
};

interface TerminalSearchProps {
  readonly terminal: TerminalHandle;
  onClose(): void;
}

/** Finds text in the terminal and its scrollback: Enter for the next, Shift+Enter for the one before. */
export function TerminalSearch({ terminal: { search }, onClose }: TerminalSearchProps) {
  const input = useFocusWhenShown<HTMLInputElement>();
  const [text, setText] = useState('');
  const [found, setFound] = useState({ resultIndex: -1, resultCount: 0 });
  useEffect(() => {
    const listener = search.onDidChangeResults(setFound);
    return () => {
      listener.dispose();
      search.clearDecorations();
    };
  }, [search]);

  const find = (next: string): void => {
    setText(next);
    if (next === '') search.clearDecorations();
    else search.findNext(next, { decorations, incremental: true });
  };
  const step = (backwards: boolean): void => {
    if (text === '') return;
    if (backwards) search.findPrevious(text, { decorations });
    else search.findNext(text, { decorations });
  };
  const pressed = (event: KeyboardEvent): void => {
    if (event.key === 'Escape') onClose();
    else if (event.key === 'Enter') step(event.shiftKey);
    else return;
    event.preventDefault();
  };
  const tally = found.resultCount === 0 ? 'none' : `${found.resultIndex + 1} of ${found.resultCount}`;
  return (
    <search className="search">
      <input
        type="search"
        aria-label="Search the terminal"
        placeholder="Search"
        value={text}
        ref={input}
        spellCheck={false}
        onChange={({ target }) => find(target.value)}
        onKeyDown={pressed}
      />
      <output aria-live="polite">{text === '' ? '' : tally}</output>
      <button type="button" className="tool" aria-label="Previous match" onClick={() => step(true)}>
        <Icon name="up" />
      </button>
      <button type="button" className="tool" aria-label="Next match" onClick={() => step(false)}>
        <Icon name="down" />
      </button>
      <button type="button" className="tool" aria-label="Close the search" onClick={onClose}>
        <Icon name="close" />
      </button>
    </search>
  );
}
