import { FitAddon } from '@xterm/addon-fit';
import { SearchAddon } from '@xterm/addon-search';
import { Terminal as Xterm } from '@xterm/xterm';
import '@xterm/xterm/css/xterm.css';
import { type Ref, useEffect, useEffectEvent, useImperativeHandle, useRef, useState } from 'react';
import { nextFrame, type OutputFeed } from './output-feed.ts';
import { themeOf } from './terminal-theme.ts';
import { isDark, onThemeChange } from './theme.ts';

export interface TerminalHandle {
  focus(): void;
  clearSelection(): void;
  /** What is on view, top to bottom. */
  lines(): readonly string[];
  readonly search: SearchAddon;
}

interface TerminalProps {
  readonly ref: Ref<TerminalHandle>;
  readonly output: OutputFeed;
  onInput(bytes: Uint8Array): void;
}

const SCROLLBACK_LINES = 10_000;

/** The guest's serial console. One for every power-on: its output is bound to it. */
export function Terminal({ ref, output, onInput }: TerminalProps) {
  const place = useRef<HTMLDivElement>(null);
  const [handle, setHandle] = useState<TerminalHandle | null>(null);
  useImperativeHandle<TerminalHandle | null, TerminalHandle | null>(ref, () => handle, [handle]);
  const typed = useEffectEvent(onInput);

  useEffect(() => {
    const stages = showTerminal(place.current!, output, (bytes) => typed(bytes), setHandle);
    return () => {
      stages.abort();
      setHandle(null);
    };
  }, [output]);

  return <div className="console" ref={place} />;
}

/** Makes the terminal in steps, each a task of its own: together they would hold the page up for longer than a few frames. */
function showTerminal(
  element: HTMLElement,
  output: OutputFeed,
  onInput: (bytes: Uint8Array) => void,
  onReady: (handle: TerminalHandle) => void,
): AbortController {
  const ended = new AbortController();
  const { signal } = ended;
  const later = (step: () => void): void => {
    const timer = setTimeout(step);
    signal.addEventListener('abort', () => clearTimeout(timer));
  };
  later(() => {
    const xterm = new Xterm({
      scrollback: SCROLLBACK_LINES,
      fontFamily: getComputedStyle(element).fontFamily,
      lineHeight: 1.15,
      cursorBlink: false,
      minimumContrastRatio: 4.5,
      theme: themeOf(isDark()),
      allowProposedApi: true, // the search addon's highlights
    });
    signal.addEventListener('abort', () => xterm.dispose());
    signal.addEventListener(
      'abort',
      onThemeChange(() => (xterm.options.theme = themeOf(isDark()))),
    );
    later(() => {
      xterm.open(element);
      xterm.textarea?.setAttribute('aria-label', 'Serial console of the guest');
      xterm.attachCustomKeyEventHandler((event) => !copied(event, xterm));
      later(() => {
        connect(xterm, element, onInput, signal);
        // Once it has its size, which it gets with the next frame.
        nextFrame(() => later(() => takeOutput(xterm, output, signal)));
        const search = new SearchAddon();
        xterm.loadAddon(search);
        xterm.focus();
        onReady({
          focus: () => xterm.focus(),
          clearSelection: () => xterm.clearSelection(),
          lines: () => linesOf(xterm),
          search,
        });
      });
    });
  });
  return ended;
}

function linesOf({ buffer: { active }, rows }: Xterm): readonly string[] {
  const from = active.baseY;
  return Array.from({ length: rows }, (_, row) => active.getLine(from + row)?.translateToString(true) ?? '');
}

function takeOutput(xterm: Xterm, output: OutputFeed, signal: AbortSignal): void {
  signal.addEventListener(
    'abort',
    output.attach((bytes, done) => xterm.write(bytes, done)),
  );
}

/** Keys to the guest, and as many rows and columns as there is room for. */
function connect(xterm: Xterm, element: HTMLElement, onInput: (bytes: Uint8Array) => void, signal: AbortSignal): void {
  const encoder = new TextEncoder();
  xterm.onData((text) => onInput(encoder.encode(text)));
  xterm.onBinary((text) => onInput(Uint8Array.from(text, (character) => character.charCodeAt(0) & 0xff)));
  const fit = new FitAddon();
  xterm.loadAddon(fit);
  const resized = new ResizeObserver(() => {
    xterm.options.fontSize = Number.parseFloat(getComputedStyle(element).fontSize); // smaller on a narrow page
    fit.fit();
  });
  resized.observe(element);
  signal.addEventListener('abort', () => resized.disconnect());
}

/** Ctrl+Shift+C and Ctrl+Insert copy; the browser itself pastes on Ctrl+Shift+V and Shift+Insert. */
function copied(event: KeyboardEvent, xterm: Xterm): boolean {
  const copies = event.ctrlKey && ((event.shiftKey && event.code === 'KeyC') || event.key === 'Insert');
  if (event.type !== 'keydown' || !copies) return false;
  event.preventDefault(); // Chromium would open its developer tools
  if (xterm.hasSelection()) void navigator.clipboard.writeText(xterm.getSelection()).catch(() => {});
  return true;
}
