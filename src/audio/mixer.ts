/**
 * Mixes the voices of a machine to one stream. Each is brought to the stream's rate by linear interpolation. Voices that
 * speak together are lined up; one that falls silent does not hold the others up.
 */
import type { AudioOut, AudioVoice } from './api.ts';

/** Calls of `take` after which a voice without samples counts as silent. */
const PATIENCE = 4;
/** What a voice may have waiting, seconds: older samples are dropped. */
const MAX_BACKLOG = 2;

interface Track {
  /** Samples at the stream's rate, left and right in turn. */
  waiting: number[];
  /** Where the next frame of the stream lies, in frames of the voice behind its last one. */
  phase: number;
  last: readonly [number, number];
  quiet: number;
}

export class AudioMixer implements AudioOut {
  readonly rate: number;
  private readonly tracks: Track[] = [];

  constructor(rate: number) {
    this.rate = rate;
  }

  voice(_name: string): AudioVoice {
    const track: Track = { waiting: [], phase: 0, last: [0, 0], quiet: PATIENCE };
    this.tracks.push(track);
    return {
      write: (samples, rate) => {
        if (rate > 0) this.resample(track, samples, rate);
      },
    };
  }

  /** What all voices that speak have ready; undefined: nothing. */
  take(): Int16Array | undefined {
    for (const track of this.tracks) track.quiet = track.waiting.length > 0 ? 0 : track.quiet + 1;
    const speaking = this.tracks.filter(({ quiet }) => quiet < PATIENCE);
    const length = Math.min(...speaking.map(({ waiting }) => waiting.length));
    if (length === 0 || !Number.isFinite(length)) return undefined;
    const mixed = new Int16Array(length);
    const parts = speaking.map(({ waiting }) => waiting.splice(0, length));
    for (let i = 0; i < length; i++) {
      const sum = parts.reduce((total, part) => total + (part[i] ?? 0), 0);
      mixed[i] = Math.max(-0x8000, Math.min(0x7fff, Math.round(sum)));
    }
    return mixed;
  }

  private resample(track: Track, samples: Int16Array, rate: number): void {
    const step = rate / this.rate;
    let [left, right] = track.last;
    for (let i = 0; i + 1 < samples.length; i += 2) {
      const nextLeft = samples[i] ?? 0;
      const nextRight = samples[i + 1] ?? 0;
      for (; track.phase < 1; track.phase += step) {
        track.waiting.push(left + (nextLeft - left) * track.phase, right + (nextRight - right) * track.phase);
      }
      track.phase -= 1;
      left = nextLeft;
      right = nextRight;
    }
    track.last = [left, right];
    const excess = track.waiting.length - 2 * this.rate * MAX_BACKLOG;
    if (excess > 0) track.waiting.splice(0, excess);
  }
}
