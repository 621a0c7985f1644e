/**
 * What a frame of the screen costs, in processor time by mode: all of it drawn, and none of it changed.
 *
 * usage: node bench/micro/display.ts
 */
import { publishScanout, SCANOUT, SCANOUT_BYTES, type Scanout, scanoutOf } from '../../src/display/api.ts';
import { Renderer } from '../../src/display/renderer.ts';

const MEMORY_BYTES = 16 * 2 ** 20;
const FRAMES = 200;

const grey = (i: number): number => (0xff000000 | (i * 0x010101)) >>> 0;
const palette = Uint32Array.from({ length: 256 }, (_, i) => grey(i));
const linear = (kind: number, bytes: number, width = 1024, height = 768): Scanout =>
  scanoutOf({ kind, width, height, stride: width * bytes, memoryBytes: MEMORY_BYTES, palette });

const modes: Readonly<Record<string, Scanout>> = {
  '80x25 text': scanoutOf({
    kind: SCANOUT.TEXT,
    width: 720,
    height: 400,
    stride: 320,
    cellWidth: 9,
    memoryBytes: MEMORY_BYTES,
    fontA: 2,
    fontB: 2,
    palette,
  }),
  '640x480x4': scanoutOf({
    kind: SCANOUT.PLANAR,
    width: 640,
    height: 480,
    stride: 320,
    memoryBytes: MEMORY_BYTES,
    palette,
  }),
  '1024x768x8': linear(SCANOUT.INDEXED, 1),
  '1024x768x16': linear(SCANOUT.RGB565, 2),
  '1024x768x24': linear(SCANOUT.RGB888, 3),
  '1024x768x32': linear(SCANOUT.XRGB8888, 4),
  '2560x1600x32': linear(SCANOUT.XRGB8888, 4, 2560, 1600),
};

function msPerFrame(draw: (frame: number) => void): number {
  for (let i = 0; i < FRAMES / 4; i++) draw(i);
  const start = process.cpuUsage();
  for (let i = 0; i < FRAMES; i++) draw(i);
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000 / FRAMES;
}

for (const [name, scanout] of Object.entries(modes)) {
  const memory = new Uint8Array(new SharedArrayBuffer(MEMORY_BYTES));
  const words = new Int32Array(new SharedArrayBuffer(SCANOUT_BYTES));
  publishScanout(words, scanout);
  const renderer = new Renderer(memory, words);
  const picture = memory.subarray(0, scanout.stride * scanout.height);
  const changed = msPerFrame((frame) => {
    picture.fill(frame + 1);
    renderer.draw();
  });
  const filling = msPerFrame((frame) => void picture.fill(frame + 1));
  const idle = msPerFrame(() => void renderer.draw());
  const figures = [changed - filling, idle].map((ms) => `${ms.toFixed(3)} ms`.padStart(10));
  console.log(`${name.padEnd(14)} all drawn ${figures[0]}   nothing changed ${figures[1]}`);
}
