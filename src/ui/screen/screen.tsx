import { type Ref, useEffect, useEffectEvent, useRef, useState } from 'react';
import '../styles/screen.css';
import type { SharedScreen } from '../../vm/api.ts';
import { saveFile } from '../save-file.ts';
import { ToolButton } from '../tool-button.tsx';
import { createPainterClient, type PainterClient } from './painter-client.ts';
import { type Scaling, type Size, shownSize } from './scaling.ts';

interface ScreenProps {
  /** One for every power-on. */
  readonly source: SharedScreen;
  readonly scaling: Scaling;
  /** Smooth edges where the picture is not shown by whole pixels. */
  readonly smooth: boolean;
  /** The element that takes the focus, and with it keys and pointer for the guest. Its box is the guest's picture. */
  readonly surface?: Ref<HTMLDivElement>;
  /** What draws it, to ask for screenshots; undefined when it is gone. */
  onPainter?(painter: PainterClient | undefined): void;
}

/** The guest's screen, drawn by a worker. */
export function Screen({ source, scaling, smooth, surface, onPainter }: ScreenProps) {
  const place = useRef<HTMLDivElement>(null);
  const canvasPlace = useRef<HTMLDivElement>(null);
  const [painter, setPainter] = useState<PainterClient>();
  const [picture, setPicture] = useState<Size>();
  const [room, setRoom] = useState<Size>();
  const [text, setText] = useState<string>();
  const told = useEffectEvent((client: PainterClient | undefined) => onPainter?.(client));

  useEffect(() => {
    // A canvas can be handed to a worker once only.
    const canvas = document.createElement('canvas');
    canvasPlace.current!.append(canvas);
    const client = createPainterClient(canvas, source, {
      resized: (width, height) => setPicture({ width, height }),
      wrote: setText,
    });
    setPainter(client);
    told(client);
    return () => {
      told(undefined);
      client.dispose();
      canvas.remove();
      setPainter(undefined);
    };
  }, [source]);

  useEffect(() => {
    const resized = new ResizeObserver(([entry]) => {
      if (entry !== undefined) setRoom({ width: entry.contentRect.width, height: entry.contentRect.height });
    });
    resized.observe(place.current!);
    return () => resized.disconnect();
  }, []);

  const isPlaced = picture !== undefined && room !== undefined && room.width > 0;
  const shown = isPlaced ? shownSize(picture, room, scaling, devicePixelRatio) : undefined;
  return (
    <section className="screen" aria-label="Screen">
      <div className="screen-place" ref={place}>
        <div
          className="screen-surface"
          ref={surface}
          role="application"
          aria-label="Screen of the guest"
          // biome-ignore lint/a11y/noNoninteractiveTabindex: keys go to the guest while it has the focus
          tabIndex={0}
          data-picture={picture && `${picture.width}x${picture.height}`}
          data-smooth={smooth}
          style={shown}
        >
          <div className="screen-canvas" ref={canvasPlace} aria-hidden="true" />
        </div>
      </div>
      <ScreenText text={text} />
      <div className="screen-tools" role="toolbar" aria-label="Screen">
        <ToolButton icon="camera" label="Save a screenshot" onPress={() => void saveScreenshot(painter)} />
        <ToolButton icon="copy" label="Copy the text" disabled={text === undefined} onPress={() => copy(text)} />
      </div>
    </section>
  );
}

/** What a text mode shows, for screen readers: lines that change are read out. */
function ScreenText({ text }: { readonly text: string | undefined }) {
  const lines = text?.trimEnd().split('\n') ?? [];
  return (
    <div className="visually-hidden screen-text" aria-live="polite">
      {lines.map((line, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a line is known by its place
        <div key={i}>{line}</div>
      ))}
    </div>
  );
}

async function saveScreenshot(painter: PainterClient | undefined): Promise<void> {
  if (painter !== undefined) saveFile('screenshot.png', await painter.screenshot());
}

function copy(text: string | undefined): void {
  void navigator.clipboard.writeText(text ?? '').catch(() => {});
}
