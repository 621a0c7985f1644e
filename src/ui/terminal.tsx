import { FitAddon } from '@xterm/addon-fit';
import { SearchAddon } from '@xterm/addon-search';
import { Terminal as Xterm } from '@xterm/xterm';
import '@xterm/xterm/css/xterm.css';
import { type Ref, useEffect, useEffectEvent, useImperativeHandle, useRef, useState } from 'react';
import type { OutputFeed } from './output-feed.ts';
import { themeOf } from './terminal-theme.ts';

export interface TerminalHandle {
  focus(): void;
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
    const element = place.current!;
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    const xterm = new Xterm({
      scrollback: SCROLLBACK_LINES,
      fontFamily: getComputedStyle(element).fontFamily,
      fontSize: Number.parseFloat(getComputedStyle(element).fontSize),
      lineHeight: 1.15,
      cursorBlink: false,
      minimumContrastRatio: 4.5,
      theme: themeOf(scheme.matches),
      allowProposedApi: true, // the search addon's highlights
    });
    const fit = new FitAddon();
    const search = new SearchAddon();
    xterm.loadAddon(fit);
    xterm.loadAddon(search);
    xterm.open(element);
    xterm.textarea?.setAttribute('aria-label', 'Serial console of the guest');
    xterm.attachCustomKeyEventHandler((event) => !copied(event, xterm));

    const encoder = new TextEncoder();
    xterm.onData((text) => typed(encoder.encode(text)));
    xterm.onBinary((text) => typed(Uint8Array.from(text, (character) => character.charCodeAt(0) & 0xff)));
    const detach = output.attach((bytes, done) => xterm.write(bytes, done));

    const resized = new ResizeObserver(() => fit.fit());
    resized.observe(element);
    const recolour = (): void => {
      xterm.options.theme = themeOf(scheme.matches);
    };
    scheme.addEventListener('change', recolour);
    xterm.focus();
    setHandle({ focus: () => xterm.focus(), search });
    return () => {
      scheme.removeEventListener('change', recolour);
      resized.disconnect();
      detach();
      xterm.dispose();
      setHandle(null);
    };
  }, [output]);

  return <div className="terminal" ref={place} />;
}

/** Ctrl+Shift+C and Ctrl+Insert copy; the browser itself pastes on Ctrl+Shift+V and Shift+Insert. */
function copied(event: KeyboardEvent, xterm: Xterm): boolean {
  const copies = event.ctrlKey && ((event.shiftKey && event.code === 'KeyC') || event.key === 'Insert');
  if (event.type !== 'keydown' || !copies) return false;
  event.preventDefault(); // Chromium would open its developer tools
  if (xterm.hasSelection()) void navigator.clipboard.writeText(xterm.getSelection()).catch(() => {});
  return true;
}
