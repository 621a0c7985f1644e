import { type ReactNode, type Ref, useEffect, useEffectEvent, useImperativeHandle, useRef, useState } from 'react';
import '../styles/guest-input.css';
import type { GuestDevices } from './guest-devices.ts';
import { type Listening, listen } from './listen.ts';
import { ScreenKeys } from './screen-keys.tsx';

export interface GuestInputHandle {
  focus(): void;
}

interface GuestInputProps {
  readonly ref?: Ref<GuestInputHandle>;
  readonly devices: GuestDevices;
  /** The guest's pointer takes places on the screen; otherwise the mouse is locked to it. */
  readonly absolute: boolean;
  /** As the page's shortcut says it: how one leaves the screen with the keyboard. */
  readonly leaveKeys: string;
  /** The screen: what fills this element is what the pointer's place refers to. */
  readonly children: ReactNode;
}

/** Gives keyboard, mouse and touch to the guest while its screen has the focus. */
export function GuestInput({ ref, devices, absolute, leaveKeys, children }: GuestInputProps) {
  const screen = useRef<HTMLDivElement>(null);
  const [listening, setListening] = useState<Listening>();
  const [locked, setLocked] = useState(false);
  const [focused, setFocused] = useState(false);
  useImperativeHandle(ref, () => ({ focus: () => screen.current?.focus() }), []);
  const isAbsolute = useEffectEvent(() => absolute);

  useEffect(() => {
    const started = listen({
      element: screen.current!,
      devices,
      isAbsolute: () => isAbsolute(),
      onLocked: setLocked,
    });
    setListening(started);
    return () => started.stop();
  }, [devices]);

  return (
    <div className="guest-input">
      <div
        className="guest-screen"
        ref={screen}
        role="application"
        aria-label={`Screen of the machine. Keys go to it; ${leaveKeys} leaves it.`}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: all keys go to the guest, as in a terminal
        tabIndex={0}
        onFocus={() => setFocused(true)}
        onBlur={() => setFocused(false)}
      >
        {children}
      </div>
      <p className="guest-hint" aria-live="polite">
        {hint(focused, locked, absolute, leaveKeys)}
      </p>
      {listening && <ScreenKeys keys={listening.keys} devices={devices} />}
    </div>
  );
}

function hint(focused: boolean, locked: boolean, absolute: boolean, leaveKeys: string): string {
  if (locked) return 'The machine has the mouse. Esc or Ctrl+Alt+G gives it back.';
  if (!focused) return absolute ? 'Click the screen to type.' : 'Click the screen to type and to use the mouse.';
  const leave = `${leaveKeys} leaves the screen.`;
  return absolute ? `Keys go to the machine. ${leave}` : `Keys go to the machine; click to give it the mouse. ${leave}`;
}
