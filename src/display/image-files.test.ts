import { crc32, inflateSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { pngOf, ppmOf } from './image-files.ts';

const picture = {
  width: 3,
  height: 2,
  pixels: Uint8ClampedArray.from({ length: 24 }, (_, i) => (i % 4 === 3 ? 255 : i * 10)),
};
const RGB = [0, 10, 20, 40, 50, 60, 80, 90, 100, 120, 130, 140, 160, 170, 180, 200, 210, 220];

test('a PPM file is a header and red, green and blue of each pixel', () => {
  const file = ppmOf(picture);
  expect(new TextDecoder().decode(file.subarray(0, 11))).toBe('P6\n3 2\n255\n');
  expect([...file.subarray(11)]).toEqual(RGB);
});

test('a PNG file has its chunks with right checksums, and the same pixels in rows without a filter', async () => {
  const file = await pngOf(picture);
  const view = new DataView(file.buffer);
  expect([...file.subarray(0, 8)]).toEqual([137, 80, 78, 71, 13, 10, 26, 10]);
  const chunks = new Map<string, Uint8Array>();
  for (let at = 8; at < file.length; ) {
    const length = view.getUint32(at);
    const body = file.subarray(at + 4, at + 8 + length);
    expect(view.getUint32(at + 8 + length)).toBe(crc32(body));
    chunks.set(new TextDecoder().decode(body.subarray(0, 4)), body.subarray(4));
    at += 12 + length;
  }
  expect([...chunks.keys()]).toEqual(['IHDR', 'IDAT', 'IEND']);
  expect([...chunks.get('IHDR')!]).toEqual([0, 0, 0, 3, 0, 0, 0, 2, 8, 2, 0, 0, 0]);
  expect([...inflateSync(chunks.get('IDAT')!)]).toEqual([0, ...RGB.slice(0, 9), 0, ...RGB.slice(9)]);
});
