import { describe, expect, test } from 'vitest';
import { AudioMixer } from './mixer.ts';
import { Playback } from './playback.ts';
import { AudioRing } from './ring.ts';
import { wavHeader } from './wav.ts';

describe('the mixer', () => {
  test('passes a voice of its own rate through, a frame late', () => {
    const mixer = new AudioMixer(8000);
    mixer.voice('a').write(Int16Array.of(1, 2, 3, 4, 5, 6), 8000);
    expect([...(mixer.take() ?? [])]).toEqual([0, 0, 1, 2, 3, 4]);
    expect(mixer.take()).toBeUndefined();
  });

  test('brings voices to its rate, in pieces as in one', () => {
    const samples = Int16Array.from({ length: 2000 }, (_, i) => Math.round(10000 * Math.sin(i >> 4)));
    const whole = new AudioMixer(44100);
    whole.voice('a').write(samples, 11025);
    const pieces = new AudioMixer(44100);
    const voice = pieces.voice('a');
    for (let i = 0; i < samples.length; i += 14) voice.write(samples.subarray(i, i + 14), 11025);
    const taken = whole.take();
    expect(taken?.length).toBe(8000);
    expect(pieces.take()).toEqual(taken);
  });

  test('adds voices that speak together and clips the sum; a silent one does not hold the others up', () => {
    const mixer = new AudioMixer(8000);
    const [a, b] = [mixer.voice('a'), mixer.voice('b')];
    a.write(Int16Array.of(20000, -20000, 20000, -20000), 8000);
    b.write(Int16Array.of(20000, -20000, 20000, -20000, 7, 7), 8000);
    expect([...(mixer.take() ?? [])]).toEqual([0, 0, 32767, -32768]);
    const rest = Array.from({ length: 8 }, () => [...(mixer.take() ?? [])]).flat();
    expect(rest).toEqual([20000, -20000]);
  });

  test('keeps no more than two seconds', () => {
    const mixer = new AudioMixer(1000);
    mixer.voice('a').write(new Int16Array(20_000), 1000);
    expect(mixer.take()?.length).toBe(4000);
  });
});

describe('the ring', () => {
  test('hands samples on over shared memory, around its end', () => {
    const writer = new AudioRing();
    const reader = new AudioRing(writer.buffer);
    const [left, right] = [new Float32Array(1000), new Float32Array(1000)];
    for (let round = 1; round < 50; round++) {
      writer.write(Int16Array.from({ length: 2000 }, (_, i) => (i & 1 ? -round : round) * 256));
      expect(reader.read(left, right)).toBe(1000);
      expect([left[999], right[0]]).toEqual([round / 128, -round / 128]);
    }
    expect(reader.read(left, right)).toBe(0);
  });

  test('drops what does not fit, and skips what is late', () => {
    const ring = new AudioRing();
    for (let i = 0; i < 3; i++) ring.write(new Int16Array(20_000));
    expect(ring.waiting).toBe(16384);
    ring.skipTo(100);
    expect(ring.waiting).toBe(100);
  });
});

test('a WAVE header says rate and length', () => {
  const view = new DataView(wavHeader(44100, 8).buffer);
  expect([view.getUint32(4, true), view.getUint32(24, true), view.getUint32(40, true)]).toEqual([44, 44100, 8]);
});

describe('playback', () => {
  test('waits for a little, then plays; follows the machine’s pace; is silent when there is nothing', () => {
    const ring = new AudioRing();
    const playback = new Playback(ring.buffer);
    const [left, right] = [new Float32Array(128), new Float32Array(128)];
    const piece = Int16Array.from({ length: 512 }, (_, i) => (i & 1 ? -8192 : 8192));
    for (let i = 0; i < 5; i++) {
      ring.write(piece);
      playback.fill(left, right);
      expect(left.every((level) => level === 0)).toBe(true);
    }
    for (let i = 0; i < 8; i++) ring.write(piece);
    for (let i = 0; i < 20; i++) playback.fill(left, right);
    expect([left[127], right[127]]).toEqual([0.25, -0.25]);
    for (let i = 0; i < 40; i++) playback.fill(left, right);
    expect(left.every((level) => level === 0)).toBe(true);
    // A machine that is half a percent fast is not late in the end.
    for (let i = 0; i < 4000; i++) {
      ring.write(Int16Array.from({ length: 2 * (i % 3 === 0 ? 129 : 128) }, () => 8192));
      playback.fill(left, right);
    }
    expect(ring.waiting).toBeLessThan(5000);
    expect(left.every((level) => level === 0.25)).toBe(true);
  });
});
