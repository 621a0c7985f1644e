/** Text modes: drawn cell by cell, and read as text. */
import type { Scanout } from './api.ts';
import { CODE_PAGE_437 } from './code-page-437.ts';

/** A word of video memory a cell, a line of a glyph, a character of 32 lines. */
const CELL_BYTES = 4;
const GLYPH_BYTES = 32 * 4;
const FONT_WORDS = 256 * 32;
const BLINK_ATTRIBUTE = 0x80;
const FONT_B_ATTRIBUTE = 0x08;

/** Which things that blink are to be seen. */
export interface BlinkPhase {
  readonly cursor: boolean;
  readonly text: boolean;
}

const columnsOf = ({ width, cellWidth }: Scanout): number => width / cellWidth;
const rowsOf = ({ height, cellHeight }: Scanout): number => height / cellHeight;

/** Offset in video memory at which each row of cells starts; one row more than the screen has, for smooth scrolling. */
function rowOffsets(scanout: Scanout): number[] {
  const { start, stride, cellHeight, rowScan, lineCompare } = scanout;
  const offsets: number[] = [];
  let offset = start;
  for (let row = 0; row <= rowsOf(scanout); row++) {
    offsets.push(offset);
    offset += stride;
    const line = row * cellHeight - rowScan;
    if (line < lineCompare && line + cellHeight >= lineCompare) offset = 0;
  }
  return offsets;
}

export class TextPainter {
  private readonly video: Uint8Array;
  private readonly words: Int32Array;
  private readonly scanout: Scanout;
  private readonly offsets: readonly number[];
  /** What each cell shows: character, attribute, and 10000h for a cursor, 20000h for text that has blinked away. */
  private readonly shadow: Int32Array;
  private readonly fonts: Int32Array;

  constructor(video: Uint8Array, words: Int32Array, scanout: Scanout) {
    this.video = video;
    this.words = words;
    this.scanout = scanout;
    this.offsets = rowOffsets(scanout);
    this.shadow = new Int32Array((columnsOf(scanout) + 1) * (rowsOf(scanout) + 1)).fill(-1);
    this.fonts = new Int32Array(2 * FONT_WORDS);
  }

  /** Brings `to` up to date; calls `changed` with each row of pixels that was drawn. */
  paint(to: Uint32Array, phase: BlinkPhase, changed: (row: number) => void): void {
    const { video, shadow, scanout } = this;
    const { cellWidth, cellHeight, cursorAt, blink, pan, rowScan, height } = scanout;
    if (this.fontsDiffer()) shadow.fill(-1);
    const mask = video.length - 1;
    const columns = columnsOf(scanout) + (pan > 0 ? 1 : 0);
    const rows = rowsOf(scanout) + (rowScan > 0 ? 1 : 0);
    for (let row = 0, cell = 0; row < rows; row++) {
      const top = row * cellHeight - rowScan;
      let isDrawn = false;
      for (let column = 0; column < columns; column++, cell++) {
        const at = ((this.offsets[row] as number) + column * CELL_BYTES) & mask;
        const character = video[at] as number;
        const attribute = video[at + 1] as number;
        const hasCursor = phase.cursor && at === cursorAt;
        const isGone = blink === 1 && !phase.text && (attribute & BLINK_ATTRIBUTE) !== 0;
        const look = character | (attribute << 8) | (hasCursor ? 0x10000 : 0) | (isGone ? 0x20000 : 0);
        if (look === shadow[cell]) continue;
        shadow[cell] = look;
        isDrawn = true;
        this.drawCell(to, column * cellWidth - pan, top, character, attribute, hasCursor, isGone);
      }
      if (!isDrawn) continue;
      for (let y = Math.max(0, top); y < Math.min(height, top + cellHeight); y++) changed(y);
    }
  }

  private drawCell(
    to: Uint32Array,
    left: number,
    top: number,
    character: number,
    attribute: number,
    hasCursor: boolean,
    isGone: boolean,
  ): void {
    const { width, height, cellWidth, cellHeight, palette, blink, fontA, fontB, cursorTop, cursorBottom } =
      this.scanout;
    const front = palette[attribute & 15] as number;
    const back = palette[(attribute >> 4) & (blink ? 7 : 15)] as number;
    const ink = isGone ? back : front;
    const glyph = (attribute & FONT_B_ATTRIBUTE ? fontB : fontA) + character * GLYPH_BYTES;
    const repeatsEighth = this.scanout.lineGraphics === 1 && character >= 0xc0 && character <= 0xdf;
    const first = Math.max(0, -left);
    const end = Math.min(cellWidth, width - left);
    for (let y = Math.max(0, -top); y < cellHeight && top + y < height; y++) {
      const isCursor = hasCursor && y >= cursorTop && y <= cursorBottom;
      const bits = this.video[(glyph + y * 4) & (this.video.length - 1)] as number;
      const line = isCursor ? 0x1ff : (bits << 1) | (repeatsEighth ? bits & 1 : 0);
      const row = (top + y) * width + left;
      for (let x = first; x < end; x++) {
        const dot = cellWidth === 16 ? x >> 1 : x;
        to[row + x] = (line >> (8 - dot)) & 1 ? (isCursor ? front : ink) : back;
      }
    }
  }

  private fontsDiffer(): boolean {
    const { fontA, fontB } = this.scanout;
    const mask = this.words.length - 1;
    let differs = false;
    for (const [n, offset] of [fontA, fontB].entries()) {
      if (n === 1 && fontB === fontA) break;
      const from = offset >> 2;
      for (let i = 0; i < FONT_WORDS; i++) {
        const word = this.words[(from + i) & mask] as number;
        if (word === this.fonts[n * FONT_WORDS + i]) continue;
        this.fonts[n * FONT_WORDS + i] = word;
        differs = true;
      }
    }
    return differs;
  }
}

/** The characters on the screen, lines ended, without the spaces at the ends of lines. */
export function readText(video: Uint8Array, scanout: Scanout): string {
  const mask = video.length - 1;
  const lines = rowOffsets(scanout)
    .slice(0, rowsOf(scanout))
    .map((offset) =>
      Array.from({ length: columnsOf(scanout) }, (_, column) => {
        const character = video[(offset + column * CELL_BYTES) & mask] as number;
        return CODE_PAGE_437[character] as string;
      })
        .join('')
        .trimEnd(),
    );
  return lines.map((line) => `${line}\n`).join('');
}
