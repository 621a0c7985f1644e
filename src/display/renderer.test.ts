import { describe, expect, test } from 'vitest';
import { publishScanout, readScanout, rgba, SCANOUT, SCANOUT_BYTES, type Scanout, scanoutOf } from './api.ts';
import { blinkPhase, Renderer } from './renderer.ts';

const MEMORY_BYTES = 0x10000;
const palette = Uint32Array.from({ length: 256 }, (_, i) => rgba(i, i, i));

function screenOf(given: Partial<Scanout>) {
  const memory = new Uint8Array(new SharedArrayBuffer(MEMORY_BYTES));
  const words = new Int32Array(new SharedArrayBuffer(SCANOUT_BYTES));
  const scanout = scanoutOf({ memoryBytes: MEMORY_BYTES, palette, ...given });
  publishScanout(words, scanout);
  return { memory, words, scanout, renderer: new Renderer(memory, words) };
}
const grey = (
  frame: { readonly pixels: Uint8ClampedArray; readonly width: number } | undefined,
  x: number,
  y: number,
) => frame?.pixels[(y * frame.width + x) * 4];

describe('the shared description', () => {
  test('comes out as it went in, but not while it is written', () => {
    const { words, scanout } = screenOf({ kind: SCANOUT.INDEXED, width: 16, height: 4, cursorAt: -1 });
    expect(readScanout(words)).toEqual(scanout);
    Atomics.add(words, 0, 1);
    expect(readScanout(words)).toBeUndefined();
  });

  test('nothing is drawn before the first', () => {
    const words = new Int32Array(new SharedArrayBuffer(SCANOUT_BYTES));
    expect(new Renderer(new Uint8Array(16), words).draw()).toBeUndefined();
  });
});

describe('a graphics mode', () => {
  test('that reaches over the end of video memory goes on at its start', () => {
    const { memory, renderer } = screenOf({
      kind: SCANOUT.INDEXED,
      width: 16,
      height: 2,
      stride: 16,
      start: MEMORY_BYTES - 8,
    });
    memory[MEMORY_BYTES - 1] = 7;
    memory[0] = 8;
    memory[8] = 9;
    const frame = renderer.draw();
    expect([grey(frame, 7, 0), grey(frame, 8, 0), grey(frame, 0, 1)]).toEqual([7, 8, 9]);
  });

  test('has rows that repeat drawn with the first of them', () => {
    const { memory, renderer } = screenOf({ kind: SCANOUT.INDEXED, width: 16, height: 6, stride: 16, repeatY: 3 });
    renderer.draw();
    memory[16] = 5;
    const frame = renderer.draw();
    expect(frame).toMatchObject({ top: 3, bottom: 6, isResized: false });
    expect([2, 3, 4, 5].map((y) => grey(frame, 0, y))).toEqual([0, 5, 5, 5]);
  });

  test('says when its size is another', () => {
    const { words, scanout, renderer } = screenOf({ kind: SCANOUT.INDEXED, width: 16, height: 6, stride: 16 });
    expect(renderer.draw()?.isResized).toBe(true);
    publishScanout(words, { ...scanout, height: 4 });
    expect(renderer.draw()).toMatchObject({ isResized: true, height: 4 });
  });
});

describe('a text mode', () => {
  const text = { kind: SCANOUT.TEXT, width: 16, height: 32, stride: 8, fontA: 0x8002, fontB: 0x8002 };

  test('is read by code page 437', () => {
    const { memory, renderer } = screenOf(text);
    for (const [i, code] of [0xc9, 0xcd, 0x00, 0x9c].entries()) memory[i * 4] = code;
    expect(renderer.text()).toBe('╔═\n £\n');
  });

  test('blinks where attribute bit 7 means so; the cursor twice as fast', () => {
    const { memory, words, scanout, renderer } = screenOf({
      ...text,
      blink: 1,
      cursorAt: 4,
      cursorTop: 0,
      cursorBottom: 1,
    });
    memory.fill(0xff, 0x8000); // a font of blocks
    memory[1] = 0x8f;
    memory[5] = 0x0f;
    const shown = (ms: number) => {
      const frame = renderer.draw(blinkPhase(ms));
      return [grey(frame, 0, 8), grey(frame, 8, 0)];
    };
    memory[4] = 0;
    memory.fill(0, 0x8000, 0x8080);
    expect([shown(0), shown(300), shown(500), shown(800)]).toEqual([
      [0, 15],
      [0, 0],
      [0, 15],
      [0, 0],
    ]);
    memory[0] = 1;
    expect([shown(0)[0], shown(500)[0]]).toEqual([15, 0]);
    publishScanout(words, { ...scanout, blink: 0 });
    expect(shown(500)[0]).toBe(15);
  });

  test('draws only the rows of cells that changed', () => {
    const { memory, renderer } = screenOf(text);
    renderer.draw();
    memory[8] = 65;
    expect(renderer.draw()).toMatchObject({ top: 16, bottom: 32 });
    expect(renderer.draw()).toMatchObject({ top: 0, bottom: 0 });
  });
});
