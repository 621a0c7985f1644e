/** A WAVE file that grows while the machine runs. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { WAV_HEADER_BYTES, wavHeader } from '../audio/wav.ts';
import { VmError } from '../util/errors.ts';

export interface WavFile {
  write(samples: Int16Array, rate: number): void;
  /** Writes how long it got. */
  close(): void;
}

export function openWavFile(path: string): WavFile {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'w');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new VmError(`Failed to open wave file '${path}': ${reason}`, { cause: error });
  }
  let bytes = 0;
  let rate = 44_100;
  writeSync(descriptor, wavHeader(rate, 0));
  return {
    write(samples, at) {
      rate = at;
      const data = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
      for (let done = 0; done < data.length; ) {
        done += writeSync(descriptor, data, done, data.length - done, WAV_HEADER_BYTES + bytes + done);
      }
      bytes += data.length;
    },
    close() {
      writeSync(descriptor, wavHeader(rate, bytes), 0, WAV_HEADER_BYTES, 0);
      closeSync(descriptor);
    },
  };
}
