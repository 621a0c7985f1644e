/** Where devices' sound goes. What a device does never depends on who listens: it gives samples at guest time's pace. */

export interface AudioVoice {
  /** 16-bit stereo, left and right in turn, at `rate` frames a second. */
  write(samples: Int16Array, rate: number): void;
}

export interface AudioOut {
  voice(name: string): AudioVoice;
}

/** Nobody listens. */
export const silence: AudioOut = { voice: () => ({ write() {} }) };
