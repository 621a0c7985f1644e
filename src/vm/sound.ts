/** Takes a machine's sound to where `-audiodev` says. */
import { AudioMixer } from '../audio/mixer.ts';
import { AudioRing } from '../audio/ring.ts';
import type { VmEvent } from './api.ts';
import type { AudioOption } from './options/machine-options.ts';

const RATE = 44_100;

export interface Sound {
  readonly mixer: AudioMixer;
  /** Hands on what the devices played since the last time. */
  flush(): void;
}

/** Undefined: nobody listens. */
export function createSound(option: AudioOption | undefined, onEvent: (event: VmEvent) => void): Sound | undefined {
  if (option === undefined || option.driver === 'none') return undefined;
  const mixer = new AudioMixer(RATE);
  if (option.driver === 'wav') {
    return {
      mixer,
      flush() {
        const samples = mixer.take();
        if (samples !== undefined) onEvent({ kind: 'audio', rate: RATE, samples });
      },
    };
  }
  const ring = new AudioRing();
  onEvent({ kind: 'audio-ring', rate: RATE, ring: ring.buffer });
  return {
    mixer,
    flush() {
      const samples = mixer.take();
      if (samples !== undefined) ring.write(samples);
    },
  };
}
