import { useEffect, useEffectEvent, useId, useState } from 'react';
import '../styles/guest-input.css';
import type { GuestDevices } from './guest-devices.ts';
import { type Holding, type Listening, listen } from './listen.ts';
import { ScreenKeys } from './screen-keys.tsx';

interface GuestInputProps {
  /** The element that shows the guest's picture, and takes the focus; null until it is there. */
  readonly surface: HTMLElement | null;
  readonly devices: GuestDevices;
  /** The guest's pointer takes places on the screen; otherwise the mouse is locked to it. */
  readonly absolute: boolean;
  /** As the page's shortcut says it: how one leaves the screen with the keyboard. */
  readonly leaveKeys: string;
}

/** Gives keyboard, mouse and touch to the guest while its screen has the focus. Shows how to get them back, and keys. */
export function GuestInput({ surface, devices, absolute, leaveKeys }: GuestInputProps) {
  const [listening, setListening] = useState<Listening>();
  const [holding, setHolding] = useState<Holding>({ focused: false, locked: false });
  const isAbsolute = useEffectEvent(() => absolute);
  const hintId = useId();

  useEffect(() => {
    if (surface === null) return;
    surface.setAttribute('aria-describedby', hintId);
    const started = listen({ element: surface, devices, isAbsolute: () => isAbsolute(), onHolding: setHolding });
    setListening(started);
    return () => started.stop();
  }, [surface, devices, hintId]);

  return (
    <div className="guest-input">
      <p className="guest-hint" id={hintId} aria-live="polite">
        {hint(holding, absolute, leaveKeys)}
      </p>
      {listening && <ScreenKeys keys={listening.keys} devices={devices} />}
    </div>
  );
}

function hint({ focused, locked }: Holding, absolute: boolean, leaveKeys: string): string {
  if (locked) return 'The machine has the mouse. Esc or Ctrl+Alt+G gives it back.';
  if (!focused) return absolute ? 'Click the screen to type.' : 'Click the screen to type and to use the mouse.';
  const leave = `${leaveKeys} leaves the screen.`;
  return absolute ? `Keys go to the machine. ${leave}` : `Keys go to the machine; click to give it the mouse. ${leave}`;
}
