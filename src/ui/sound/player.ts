/** Plays a machine's sound on the person's loudspeaker. */
import worklet from '../../../workers/audio.worklet.ts?worker&url';

/** What a machine gives: an AudioRing, and its rate. */
export interface SoundSource {
  readonly ring: SharedArrayBuffer;
  readonly rate: number;
}

export interface Player {
  /** 0 to 1. */
  setVolume(volume: number): void;
  close(): void;
}

export function play({ ring, rate }: SoundSource, volume: number): Player {
  const context = new AudioContext({ sampleRate: rate, latencyHint: 'interactive' });
  const gain = new GainNode(context, { gain: volume });
  gain.connect(context.destination);
  // Browsers keep a page silent until the person has done something on it.
  const allowed = new AbortController();
  for (const kind of ['pointerdown', 'keydown'] as const) {
    window.addEventListener(kind, () => void context.resume(), { signal: allowed.signal, capture: true });
  }
  context.addEventListener('statechange', () => {
    if (context.state === 'running') allowed.abort();
  });
  void context.audioWorklet.addModule(worklet).then(() => {
    if (context.state === 'closed') return;
    const node = new AudioWorkletNode(context, 'machine-sound', { numberOfInputs: 0, outputChannelCount: [2] });
    node.port.postMessage(ring);
    node.connect(gain);
  });
  return {
    setVolume: (to) => void gain.gain.setTargetAtTime(to, context.currentTime, 0.01),
    close() {
      allowed.abort();
      void context.close();
    },
  };
}
