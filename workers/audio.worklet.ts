/** The audio thread: plays a machine's ring. The message of the port is the ring's memory. */
import { Playback } from '../src/audio/playback.ts';

/** What of AudioWorkletGlobalScope is used; TypeScript has no library for it. */
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, processor: typeof AudioWorkletProcessor): void;

registerProcessor(
  'machine-sound',
  class extends AudioWorkletProcessor {
    private playback: Playback | undefined;

    constructor() {
      super();
      this.port.onmessage = ({ data }: MessageEvent<SharedArrayBuffer>) => {
        this.playback = new Playback(data);
      };
    }

    process(_inputs: unknown, [output]: Float32Array[][]): boolean {
      const [left, right] = output ?? [];
      if (left !== undefined && right !== undefined) this.playback?.fill(left, right);
      return true;
    }
  },
);
