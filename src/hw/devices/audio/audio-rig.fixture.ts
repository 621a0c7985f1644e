/** What devices play, for tests. */
import type { AudioOut } from '../../../audio/api.ts';

export function listener() {
  const heard: { voice: string; rate: number; samples: number[] }[] = [];
  const out: AudioOut = {
    voice: (voice) => ({ write: (samples, rate) => void heard.push({ voice, rate, samples: [...samples] }) }),
  };
  return {
    out,
    heard,
    /** All samples of the left side. */
    left: () => heard.flatMap(({ samples }) => samples.filter((_, i) => i % 2 === 0)),
    right: () => heard.flatMap(({ samples }) => samples.filter((_, i) => i % 2 === 1)),
  };
}
