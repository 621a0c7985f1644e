/**
 * The CL-GD5446's BitBLT engine. Document: CL-GD5446 Technical Reference Manual, 1996, "BitBLT Engine".
 * A blit is done at once, or, if the processor gives its source, row by row as that comes.
 * Not modelled: video memory to the processor, as in QEMU.
 */
import type { DeviceMemory } from '../../core/device.ts';
import { hex, type LogHook } from '../../core/log.ts';
import { BLT_BUFFER_BYTES, BLT_EXT, BLT_MODE, BLT_STATUS, type CirrusState, GRX } from './cirrus-state.ts';

type Rop = (source: number, destination: number) => number;

/** Raster operations by GR32. */
const ROPS: ReadonlyMap<number, Rop> = new Map<number, Rop>([
  [0x00, () => 0],
  [0x05, (s, d) => s & d],
  [0x06, (_s, d) => d],
  [0x09, (s, d) => s & ~d],
  [0x0b, (_s, d) => ~d],
  [0x0d, (s) => s],
  [0x0e, () => 0xff],
  [0x50, (s, d) => ~s & d],
  [0x59, (s, d) => s ^ d],
  [0x6d, (s, d) => s | d],
  [0x90, (s, d) => ~(s & d)],
  [0x95, (s, d) => ~(s ^ d)],
  [0xad, (s, d) => s | ~d],
  [0xd0, (s) => ~s],
  [0xd6, (s, d) => ~s | d],
  [0xda, (s, d) => ~(s | d)],
]);
const COPY = 0x0d;
const NOTHING: Rop = (_source, destination) => destination;

/** The rows and columns of a pattern. */
const PATTERN = 8;

/** The registers of a blit, read at its start and with each row. */
function blitOf(s: CirrusState) {
  const gr = (index: number): number => s.gr[index] ?? 0;
  const word = (index: number): number => gr(index) | (gr(index + 1) << 8);
  const mode = gr(GRX.BLT_MODE);
  const pixelBytes = ((mode >> 4) & 3) + 1;
  const width = word(GRX.BLT_WIDTH) + 1;
  const skip = gr(GRX.BLT_SKIP);
  return {
    mode,
    extensions: gr(GRX.BLT_EXTENSIONS),
    pixelBytes,
    /** Bytes, and whole pixels. */
    width,
    pixels: Math.floor(width / pixelBytes),
    height: word(GRX.BLT_HEIGHT) + 1,
    dstPitch: word(GRX.BLT_DST_PITCH),
    srcPitch: word(GRX.BLT_SRC_PITCH),
    dst: word(GRX.BLT_DST) | (gr(GRX.BLT_DST + 2) << 16),
    src: word(GRX.BLT_SRC) | (gr(GRX.BLT_SRC + 2) << 16),
    /** Pixels at the left that are left alone where bits or patterns are drawn. */
    skip: pixelBytes === 3 ? Math.floor((skip & 0x1f) / 3) : skip & 7,
    foreground: [s.foreground, gr(0x11), gr(0x13), gr(0x15)],
    background: [s.background, gr(0x10), gr(0x12), gr(0x14)],
    key: [gr(GRX.BLT_KEY), gr(GRX.BLT_KEY + 1)],
    ropCode: gr(GRX.BLT_ROP),
  };
}
type Blit = ReturnType<typeof blitOf>;

const isSolid = ({ mode, extensions }: Blit): boolean =>
  (extensions & BLT_EXT.SOLID) !== 0 &&
  (mode & (BLT_MODE.TO_SYSTEM | BLT_MODE.TRANSPARENT | BLT_MODE.PATTERN | BLT_MODE.EXPAND)) ===
    (BLT_MODE.PATTERN | BLT_MODE.EXPAND);

const patternRowBytes = ({ pixelBytes }: Blit): number => PATTERN * (pixelBytes === 3 ? 4 : pixelBytes);

/** Bytes that the processor gives at a time: a row, or a whole pattern. */
function sourceBytes(blit: Blit): number {
  const { mode, extensions, pixels, width } = blit;
  if (mode & BLT_MODE.PATTERN) return mode & BLT_MODE.EXPAND ? PATTERN : PATTERN * patternRowBytes(blit);
  if (mode & BLT_MODE.EXPAND) return extensions & BLT_EXT.DWORDS ? ((pixels + 31) >> 5) << 2 : (pixels + 7) >> 3;
  return (width + 3) & ~3;
}

export interface CirrusBlitter {
  /** GR31 was written. */
  control(value: number): void;
  /** GR2A was written: the destination is complete. */
  destinationSet(): void;
  /** A byte from the processor for the blit that waits for it. False: none does. */
  feed(byte: number): boolean;
}

export function createCirrusBlitter(
  s: CirrusState,
  { bytes: video, written }: DeviceMemory,
  { log, activityChanged }: { readonly log: LogHook; activityChanged(): void },
): CirrusBlitter {
  const mask = video.length - 1;
  const setStatus = (clear: number, set: number): void => {
    s.gr[GRX.BLT_STATUS] = ((s.gr[GRX.BLT_STATUS] ?? 0) & ~clear) | set;
  };

  function finish(): void {
    setStatus(BLT_STATUS.START | BLT_STATUS.BUSY | BLT_STATUS.FIFO_USED, 0);
    setActive(false);
  }
  function setActive(active: boolean): void {
    s.bltCount = 0;
    s.bltRow = 0;
    if (s.bltActive === active) return;
    s.bltActive = active;
    activityChanged();
  }

  function start(): void {
    const blit = blitOf(s);
    setStatus(0, BLT_STATUS.BUSY);
    if (blit.mode & BLT_MODE.TO_SYSTEM && !isSolid(blit)) {
      log('unimp', `cirrus: blit mode ${hex(blit.mode, 2)}: to system memory`);
      finish();
    } else if (blit.mode & BLT_MODE.FROM_SYSTEM && !isSolid(blit)) {
      setStatus(0, BLT_STATUS.FIFO_USED);
      setActive(true);
    } else {
      drawAll(blit);
      finish();
    }
  }

  function drawAll(blit: Blit): void {
    const { mode, src, srcPitch, pixels, height } = blit;
    const rowBytes = mode & BLT_MODE.EXPAND ? (pixels + 7) >> 3 : mode & BLT_MODE.BACKWARDS ? -srcPitch : srcPitch;
    for (let y = 0; y < height; y++) drawRow(blit, y, video, mode & BLT_MODE.PATTERN ? src : src + y * rowBytes);
  }

  /** Row `y`, from what lies at `at` of `source`. */
  function drawRow(blit: Blit, y: number, source: Uint8Array, at: number): void {
    const { mode, dst, dstPitch, width } = blit;
    const isBackwards = (mode & BLT_MODE.BACKWARDS) !== 0 && (mode & (BLT_MODE.PATTERN | BLT_MODE.EXPAND)) === 0;
    const start = dst + (mode & BLT_MODE.BACKWARDS ? -1 : 1) * y * dstPitch;
    if (isSolid(blit)) drawPixels(blit, start, () => blit.foreground);
    else if (mode & BLT_MODE.PATTERN) drawPattern(blit, start, y, source, at);
    else if (mode & BLT_MODE.EXPAND) drawBits(blit, start, (i) => source[(at + (i >> 3)) & (source.length - 1)] ?? 0);
    else copyBytes(blit, start, source, at, isBackwards ? -1 : 1);
    report(isBackwards ? start - width + 1 : start, width);
  }

  function report(start: number, length: number): void {
    const first = start & mask;
    if (first + length <= video.length) written(first, length);
    else written(0, video.length);
  }

  function drawPattern(blit: Blit, start: number, y: number, source: Uint8Array, at: number): void {
    const { mode, src, pixelBytes } = blit;
    const row = (y + (src & 7)) & 7;
    const limit = source.length - 1;
    if (mode & BLT_MODE.EXPAND) {
      const bits = source[((at & ~7) + row) & limit] ?? 0;
      drawBits(blit, start, () => bits);
      return;
    }
    const rowBytes = patternRowBytes(blit);
    const base = (source === video ? at & ~(PATTERN * rowBytes - 1) : at) + row * rowBytes;
    const pixel = [0, 0, 0, 0];
    drawPixels(blit, start, (i) => {
      for (let n = 0; n < pixelBytes; n++) pixel[n] = source[(base + (i & 7) * pixelBytes + n) & limit] ?? 0;
      return pixel;
    });
  }

  /** Ones in the foreground colour, zeros in the background's or not at all. */
  function drawBits(blit: Blit, start: number, byteOf: (pixel: number) => number): void {
    const { mode, extensions, foreground, background } = blit;
    const isTransparent = (mode & BLT_MODE.TRANSPARENT) !== 0;
    const isInverted = isTransparent && (extensions & BLT_EXT.INVERT) !== 0;
    const [ink, paper] = isTransparent ? [isInverted ? background : foreground, undefined] : [foreground, background];
    let octet = -1;
    let bits = 0;
    drawPixels(blit, start, (i) => {
      // Eight bits are fetched at once: the source may lie in what is drawn.
      if (i >> 3 !== octet) bits = byteOf(i);
      octet = i >> 3;
      const bit = (bits >> (7 - (i & 7))) & 1;
      return bit === (isInverted ? 0 : 1) ? ink : paper;
    });
  }

  function drawPixels(blit: Blit, start: number, colourOf: (pixel: number) => readonly number[] | undefined): void {
    const { pixelBytes, pixels, skip, ropCode } = blit;
    const rop = ROPS.get(ropCode) ?? NOTHING;
    for (let i = isSolid(blit) ? 0 : skip; i < pixels; i++) {
      const colour = colourOf(i);
      if (colour === undefined) continue;
      for (let n = 0; n < pixelBytes; n++) {
        const at = (start + i * pixelBytes + n) & mask;
        video[at] = rop(colour[n] ?? 0, video[at] ?? 0);
      }
    }
  }

  function copyBytes(blit: Blit, start: number, source: Uint8Array, at: number, step: 1 | -1): void {
    const { mode, width, pixelBytes, key, ropCode } = blit;
    const limit = source.length - 1;
    const [from, to] = [at & limit, start & mask];
    if (mode & BLT_MODE.TRANSPARENT && pixelBytes <= 2) {
      copyUnlessKey(blit, start, source, at, step, key.slice(0, pixelBytes));
      return;
    }
    // Byte by byte forwards, what was written is read again; copyWithin would not do so.
    const isPlain = ropCode === COPY && step === 1 && from + width <= source.length && to + width <= video.length;
    if (isPlain && (source !== video || to <= from || to >= from + width)) {
      if (source === video) video.copyWithin(to, from, from + width);
      else video.set(source.subarray(from, from + width), to);
      return;
    }
    const rop = ROPS.get(ropCode) ?? NOTHING;
    for (let i = 0, offset = 0; i < width; i++, offset += step) {
      const place = (start + offset) & mask;
      video[place] = rop(source[(at + offset) & limit] ?? 0, video[place] ?? 0);
    }
  }

  /** Results that equal the colour key are not written. */
  function copyUnlessKey(
    { width, ropCode, pixelBytes }: Blit,
    start: number,
    source: Uint8Array,
    at: number,
    step: 1 | -1,
    key: readonly number[],
  ): void {
    const rop = ROPS.get(ropCode) ?? NOTHING;
    const limit = source.length - 1;
    for (let i = 0; i + pixelBytes <= width; i += pixelBytes) {
      const first = step === 1 ? i : -i - (pixelBytes - 1);
      const result = key.map((_, n) => {
        const place = (start + first + n) & mask;
        return rop(source[(at + first + n) & limit] ?? 0, video[place] ?? 0) & 0xff;
      });
      if (result.every((byte, n) => byte === key[n])) continue;
      for (const [n, byte] of result.entries()) video[(start + first + n) & mask] = byte;
    }
  }

  return {
    control(value) {
      const old = s.gr[GRX.BLT_STATUS] ?? 0;
      s.gr[GRX.BLT_STATUS] = value;
      if (old & BLT_STATUS.RESET && !(value & BLT_STATUS.RESET)) finish();
      else if (!(old & BLT_STATUS.START) && value & BLT_STATUS.START) start();
    },
    destinationSet() {
      if ((s.gr[GRX.BLT_STATUS] ?? 0) & BLT_STATUS.AUTOSTART) start();
    },
    feed(byte) {
      if (!s.bltActive) return false;
      const blit = blitOf(s);
      s.bltBuffer[s.bltCount] = byte;
      if (s.bltCount + 1 < Math.min(sourceBytes(blit), BLT_BUFFER_BYTES)) {
        s.bltCount++;
        return true;
      }
      s.bltCount = 0;
      if (blit.mode & BLT_MODE.PATTERN) {
        for (let y = 0; y < blit.height; y++) drawRow(blit, y, s.bltBuffer, 0);
        finish();
      } else {
        drawRow(blit, s.bltRow, s.bltBuffer, 0);
        s.bltRow++;
        if (s.bltRow >= blit.height) finish();
      }
      return true;
    },
  };
}
