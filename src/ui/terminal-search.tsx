import { type KeyboardEvent, useEffect, useState } from 'react';
import type { TerminalHandle } from './terminal.tsx';
import { ToolButton } from './tool-button.tsx';
import { useFocusWhenShown } from './use-focus-when-shown.ts';

/** Colours of what was found, on either theme: the terminal sees to the contrast of the text. */
const decorations = {
  matchBackground: '#d8b13d',
  matchOverviewRuler: '#c9971f',
  activeMatchBackground: '#f0d67a',
  activeMatchColorOverviewRuler: '#ffcc4d',
};

interface TerminalSearchProps {
  readonly terminal: TerminalHandle;
  onClose(): void;
}

/** Finds text in the terminal and its scrollback, the latest first: Enter goes up to older matches, Shift+Enter down. */
export function TerminalSearch({ terminal: { search, clearSelection }, onClose }: TerminalSearchProps) {
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
    clearSelection(); // a search starts there
    if (next === '') search.clearDecorations();
    else search.findPrevious(next, { decorations });
  };
  const step = (direction: 'older' | 'newer'): void => {
    if (text === '') return;
    if (direction === 'older') search.findPrevious(text, { decorations });
    else search.findNext(text, { decorations });
  };
  const pressed = (event: KeyboardEvent): void => {
    if (event.key === 'Escape') onClose();
    else if (event.key === 'Enter') step(event.shiftKey ? 'newer' : 'older');
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
      <ToolButton icon="up" label="Older match" onPress={() => step('older')} />
      <ToolButton icon="down" label="Newer match" onPress={() => step('newer')} />
      <ToolButton icon="close" label="Close the search" onPress={onClose} />
    </search>
  );
}
