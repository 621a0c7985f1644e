import { useEffect, useEffectEvent, useState } from 'react';
import type { SharedScreen } from '../../vm/api.ts';
import { keysOf } from '../shortcuts.ts';
import type { GuestDevices } from './guest-devices.ts';
import { GuestInput } from './guest-input.tsx';
import type { PainterClient } from './painter-client.ts';
import type { Scaling } from './scaling.ts';
import { Screen } from './screen.tsx';

interface GuestScreenProps {
  readonly source: SharedScreen;
  readonly devices: GuestDevices;
  /** The guest's pointer takes places on the screen. */
  readonly absolute: boolean;
  readonly scaling: Scaling;
  readonly smooth: boolean;
  /** The element that takes the focus; null when it is gone. */
  onSurface(surface: HTMLElement | null): void;
  /** What draws the screen, to ask for screenshots; undefined when it is gone. */
  onPainter(painter: PainterClient | undefined): void;
}

/** The guest's screen with keyboard, mouse and touch. */
export function GuestScreen({ source, devices, absolute, scaling, smooth, onSurface, onPainter }: GuestScreenProps) {
  const [surface, setSurface] = useState<HTMLElement | null>(null);
  const told = useEffectEvent(onSurface);
  useEffect(() => {
    told(surface);
    return () => told(null);
  }, [surface]);
  return (
    <>
      <Screen source={source} scaling={scaling} smooth={smooth} surface={setSurface} onPainter={onPainter} />
      <GuestInput surface={surface} devices={devices} absolute={absolute} leaveKeys={keysOf('focus')} />
    </>
  );
}
