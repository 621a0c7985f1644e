/** RIFF WAVE, PCM. Document: Multimedia Programming Interface and Data Specifications 1.0, 1991. */

export const WAV_HEADER_BYTES = 44;

/** The header of a file with so many bytes of samples: 16 bits, stereo. */
export function wavHeader(rate: number, dataBytes: number): Uint8Array {
  const bytes = new Uint8Array(WAV_HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  const text = (at: number, four: string): void => bytes.set(new TextEncoder().encode(four), at);
  text(0, 'RIFF');
  view.setUint32(4, WAV_HEADER_BYTES - 8 + dataBytes, true);
  text(8, 'WAVEfmt ');
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 2, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, rate * 4, true);
  view.setUint16(32, 4, true);
  view.setUint16(34, 16, true);
  text(36, 'data');
  view.setUint32(40, dataBytes, true);
  return bytes;
}
