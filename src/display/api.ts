/**
 * What a screen shows, in words that need no knowledge of the adapter: where the picture lies in video memory and how
 * its bytes become pixels. A display adapter describes its scanout; whoever draws it (a worker of the page, a
 * screenshot) reads the description and the memory, and the guest runs on.
 *
 * The description crosses threads in a small shared buffer under a sequence lock: odd while it is written, and a new
 * even number after each change.
 */

export const SCANOUT = {
  BLANK: 0,
  /** Characters and attributes in planes 0 and 1, the font in plane 2. */
  TEXT: 1,
  /** Four planes, a byte of each in a 32-bit word: 8 pixels. */
  PLANAR: 2,
  /** Planes 0 and 2, then 1 and 3, of such a word as 2 bits a pixel. */
  PACKED2: 3,
  /** A byte a pixel. */
  INDEXED: 4,
  /** Little-endian, red in the high bits. */
  RGB555: 5,
  RGB565: 6,
  RGB888: 7,
  XRGB8888: 8,
} as const;

/** Numbers of the description, in the order of the shared words. */
const FIELDS = [
  'kind',
  /** Of the picture, pixels. */
  'width',
  'height',
  /** Where video memory lies in the machine's memory, and how long it is: a power of two. */
  'memoryOffset',
  'memoryBytes',
  /** Where in video memory the picture starts, and from row to row: bytes, multiples of 4. */
  'start',
  'stride',
  /** How often each pixel of a row, and each row, is shown. */
  'repeatX',
  'repeatY',
  /** After this line the picture goes on at the start of video memory. */
  'lineCompare',
  /** CGA addressing: bits of the byte address that the row number's bits 0 and 1 replace; 0: none. */
  'rowBit0',
  'rowBit1',
  /** Which planes are shown: bits 0 to 3. */
  'planes',
  /** Pixels by which the picture is shifted to the left. */
  'pan',
  /** Text: pixels of a cell; fonts for attribute bit 3 clear and set (offsets of plane 2's byte). */
  'cellWidth',
  'cellHeight',
  'fontA',
  'fontB',
  /** The cell with the cursor (an offset; -1: no cursor), and the lines it covers. */
  'cursorAt',
  'cursorTop',
  'cursorBottom',
  /** 1: attribute bit 7 means blinking. */
  'blink',
  /** 1: the ninth column of codes C0h to DFh repeats the eighth. */
  'lineGraphics',
  /** Lines by which the first row of text is cut. */
  'rowScan',
  /** A pointer over graphics: place, dots on a side (0: none), where its two planes of bits lie, bytes a row, colours. */
  'pointerX',
  'pointerY',
  'pointerSize',
  'pointerAt',
  'pointerPlane',
  'pointerStride',
  'pointerColour0',
  'pointerColour1',
] as const;

export type ScanoutField = (typeof FIELDS)[number];

export const PALETTE_COLOURS = 256;

export interface Scanout extends Readonly<Record<ScanoutField, number>> {
  /** As the words of a canvas have them: red in the low byte, alpha 255. */
  readonly palette: Uint32Array;
}

/** What a display adapter offers to the machine. */
export interface Display {
  /** The picture as the registers have it now. Changes nothing. */
  describe(): Scanout;
}

const SEQUENCE = 0;
const FIRST_FIELD = 1;
const FIRST_COLOUR = FIRST_FIELD + FIELDS.length;
export const SCANOUT_BYTES = 4 * (FIRST_COLOUR + PALETTE_COLOURS);

export const rgba = (red: number, green: number, blue: number): number =>
  (0xff000000 | (blue << 16) | (green << 8) | red) >>> 0;

const NO_COLOURS = new Uint32Array(PALETTE_COLOURS).fill(rgba(0, 0, 0));

/** A picture without content; the fields of `given` differ from it. */
export function scanoutOf(given: Partial<Scanout>): Scanout {
  const zeros = Object.fromEntries(FIELDS.map((name) => [name, 0])) as Record<ScanoutField, number>;
  return {
    ...zeros,
    repeatX: 1,
    repeatY: 1,
    lineCompare: 0xffff,
    planes: 0xf,
    cellWidth: 8,
    cellHeight: 16,
    cursorAt: -1,
    palette: NO_COLOURS,
    ...given,
  };
}

/** Puts a description into the shared words, if it differs from what they hold. True: it did. */
export function publishScanout(words: Int32Array, scanout: Scanout): boolean {
  const isSame =
    FIELDS.every((name, i) => words[FIRST_FIELD + i] === scanout[name]) &&
    scanout.palette.every((colour, i) => words[FIRST_COLOUR + i] === (colour | 0));
  if (isSame) return false;
  const sequence = Atomics.load(words, SEQUENCE);
  Atomics.store(words, SEQUENCE, sequence + 1);
  for (const [i, name] of FIELDS.entries()) words[FIRST_FIELD + i] = scanout[name];
  words.set(scanout.palette, FIRST_COLOUR);
  Atomics.store(words, SEQUENCE, sequence + 2);
  return true;
}

/** Grows with each published change. */
export const scanoutSequence = (words: Int32Array): number => Atomics.load(words, SEQUENCE);

/** The description in the shared words; undefined while it is being written: try again later. */
export function readScanout(words: Int32Array): Scanout | undefined {
  const before = Atomics.load(words, SEQUENCE);
  const fields = Object.fromEntries(FIELDS.map((name, i) => [name, words[FIRST_FIELD + i] ?? 0]));
  const palette = new Uint32Array(words.subarray(FIRST_COLOUR, FIRST_COLOUR + PALETTE_COLOURS));
  const isWhole = before % 2 === 0 && Atomics.load(words, SEQUENCE) === before;
  return isWhole ? ({ ...fields, palette } as Scanout) : undefined;
}
