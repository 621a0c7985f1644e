/** A page for sound.spec.ts: a ring that nobody fills but the test, played as a machine's sound is. */
import { createRoot } from 'react-dom/client';
import { AudioRing } from '../src/audio/ring.ts';
import { SoundControl } from '../src/ui/sound/sound-control.tsx';

const ring = new AudioRing();
/** For the test: adds frames of a tone; how many wait to be played. */
export const sound = {
  addFrames: (count: number): void =>
    ring.write(Int16Array.from({ length: 2 * count }, (_, i) => (i & 64 ? 8000 : -8000))),
  waiting: (): number => ring.waiting,
};
Object.assign(globalThis, { sound });
const source = { ring: ring.buffer, rate: 44_100 };
const root = document.getElementById('root');
if (root !== null) createRoot(root).render(<SoundControl source={source} />);
