import { describe, expect, test } from 'vitest';
import { shownSize } from './scaling.ts';

const text = { width: 720, height: 400 };

describe('the size of the picture', () => {
  test('fit: as large as its place allows, the shape kept', () => {
    expect(shownSize(text, { width: 1440, height: 1000 }, 'fit', 1)).toEqual({ width: 1440, height: 800 });
    expect(shownSize(text, { width: 360, height: 1000 }, 'fit', 1)).toEqual({ width: 360, height: 200 });
  });

  test('integer: each pixel is a whole number of device pixels, at least one', () => {
    expect(shownSize(text, { width: 1600, height: 1000 }, 'integer', 1)).toEqual({ width: 1440, height: 800 });
    expect(shownSize(text, { width: 1600, height: 640 }, 'integer', 2)).toEqual({ width: 1080, height: 600 });
    expect(shownSize(text, { width: 300, height: 300 }, 'integer', 1)).toEqual(text);
  });

  test('none: a device pixel for each pixel', () => {
    expect(shownSize(text, { width: 300, height: 300 }, 'none', 2)).toEqual({ width: 360, height: 200 });
  });
});
