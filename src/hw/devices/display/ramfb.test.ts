import { describe, expect, test } from 'vitest';
import { publishScanout, SCANOUT, SCANOUT_BYTES } from '../../../display/api.ts';
import { Renderer } from '../../../display/renderer.ts';
import { ramRegion } from '../../core/region.ts';
import { createBench } from '../../core/test-bench.ts';
import { ramfb } from './ramfb.ts';

const RAM_BYTES = 0x50000; // not a power of two

function ramfbRig() {
  const ram = new Uint8Array(new SharedArrayBuffer(RAM_BYTES));
  const rom = { region: ramRegion('rom', 4096, 0), bytes: new Uint8Array(4096), written() {} };
  const bench = createBench(ramfb, {
    memory: { rom },
    ramAt: (gpa: number, length: number) => (gpa + length <= RAM_BYTES ? gpa : undefined),
  });
  const file = bench.parts.firmwareFiles['etc/ramfb']!;
  return {
    bench,
    ram,
    announce(address: number, fourcc: string, width: number, height: number, stride: number): void {
      const config = new DataView(new ArrayBuffer(28));
      config.setBigUint64(0, BigInt(address));
      for (let i = 0; i < 4; i++) config.setUint8(11 - i, fourcc.charCodeAt(i));
      config.setUint32(16, width);
      config.setUint32(20, height);
      config.setUint32(24, stride);
      file.write?.(0, new Uint8Array(config.buffer));
    },
  };
}

describe('ramfb', () => {
  test('shows the RAM that firmware names, as far as it goes', () => {
    const { bench, ram, announce } = ramfbRig();
    announce(0x40000, 'XR24', 160, 100, 640);
    const words = new Int32Array(new SharedArrayBuffer(SCANOUT_BYTES));
    publishScanout(words, bench.parts.display.describe());
    ram.set([0x56, 0x34, 0x12], 0x40000 + 99 * 640 + 4 * 159);
    const frame = new Renderer(ram, words).draw();
    expect(frame).toMatchObject({ width: 160, height: 100 });
    expect([...(frame?.pixels.slice(-4) ?? [])]).toEqual([0x12, 0x34, 0x56, 0xff]);
    const again = bench.reloaded();
    expect(again.parts.display.describe()).toEqual(bench.parts.display.describe());
  });

  test.each([
    ['a format it does not know', 0, 'NV12', 160, 100, 640],
    ['no pixels', 0, 'XR24', 0, 100, 640],
    ['rows that overlap', 0, 'XR24', 160, 100, 636],
    ['too many pixels', 0, 'XR24', 0xffffffff, 100, 0],
    ['memory that is not there', 0x50000, 'XR24', 160, 100, 640],
  ])('%s: logged, and nothing is shown', (_why, ...config) => {
    const { bench, announce } = ramfbRig();
    announce(...config);
    expect(bench.parts.display.describe().kind).toBe(SCANOUT.BLANK);
    expect(bench.log).toHaveLength(1);
  });
});
