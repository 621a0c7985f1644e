/** A page for guest-input.spec.ts: the screen's input on an empty screen, what it would tell a guest, and a button to go to. */
import { useState } from 'react';
import { createRoot } from 'react-dom/client';
import type { GuestDevices } from '../src/ui/screen/guest-devices.ts';
import { GuestInput } from '../src/ui/screen/guest-input.tsx';
import { commandOf, keysOf } from '../src/ui/shortcuts.ts';

const got: string[] = [];
/** What the guest got since the last time. */
export const guestGot = { guestGot: (): string[] => got.splice(0) };
Object.assign(globalThis, guestGot);
const devices: GuestDevices = {
  key: (name, down) => void got.push(`${down ? '+' : '-'}${name}`),
  pointer: (event) => void got.push(JSON.stringify(event)),
  type: (codes) => void got.push(`typed ${[...codes].map((code) => code.toString(16)).join(' ')}`),
};

function Page() {
  const [surface, setSurface] = useState<HTMLElement | null>(null);
  const [absolute, setAbsolute] = useState(false);
  return (
    <main>
      <h1>Guest input</h1>
      <button type="button" id="kind" onClick={() => setAbsolute(!absolute)}>
        {absolute ? 'Tablet' : 'Mouse'}
      </button>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: as the real screen */}
      <div ref={setSurface} role="application" aria-label="Screen" tabIndex={0} style={{ width: 640, height: 480 }} />
      <GuestInput surface={surface} devices={devices} absolute={absolute} leaveKeys={keysOf('focus')} />
    </main>
  );
}

window.addEventListener(
  'keydown',
  (event) => {
    if (commandOf(event) !== 'focus') return;
    event.preventDefault();
    event.stopPropagation();
    document.getElementById('kind')?.focus();
  },
  { capture: true },
);
const root = document.getElementById('root');
if (root !== null) createRoot(root).render(<Page />);
