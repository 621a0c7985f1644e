import { describe, expect, test } from 'vitest';
import { edidOf } from './edid.ts';

describe('the EDID block (E-EDID 1.4)', () => {
  const edid = edidOf({ width: 1280, height: 800 }, { width: 2560, height: 1600 });

  test('has the header and a checksum of 0', () => {
    expect([...edid.subarray(0, 8)]).toEqual([0, 255, 255, 255, 255, 255, 255, 0]);
    expect(edid.reduce((sum, byte) => sum + byte, 0) % 256).toBe(0);
  });

  test('its first detailed timing is the preferred mode', () => {
    const timing = edid.subarray(54, 72);
    expect((timing[2] ?? 0) | (((timing[4] ?? 0) >> 4) << 8)).toBe(1280);
    expect((timing[5] ?? 0) | (((timing[7] ?? 0) >> 4) << 8)).toBe(800);
  });

  test('offers standard timings only as far as the adapter goes', () => {
    const widths = (block: Uint8Array) =>
      [38, 40, 42, 44, 46, 48, 50, 52].flatMap((at) => (block[at] === 1 ? [] : [((block[at] ?? 0) + 31) * 8]));
    expect(widths(edid)).toEqual([1920, 1280, 1440, 1680, 1600, 1280]);
    expect(widths(edidOf({ width: 640, height: 480 }, { width: 1280, height: 1024 }))).toEqual([1280, 1280]);
  });
});
