import { useState } from 'react';
import type { SharedScreen } from '../../vm/api.ts';
import { keysOf } from '../shortcuts.ts';
import type { GuestDevices } from './guest-devices.ts';
import { GuestInput } from './guest-input.tsx';
import { Screen } from './screen.tsx';

interface GuestScreenProps {
  readonly source: SharedScreen;
  readonly devices: GuestDevices;
  /** The guest's pointer takes places on the screen. */
  readonly absolute: boolean;
}

/** The guest's screen with keyboard, mouse and touch. */
export function GuestScreen({ source, devices, absolute }: GuestScreenProps) {
  const [surface, setSurface] = useState<HTMLElement | null>(null);
  return (
    <>
      <Screen source={source} scaling="fit" smooth surface={setSurface} />
      <GuestInput surface={surface} devices={devices} absolute={absolute} leaveKeys={keysOf('focus')} />
    </>
  );
}
