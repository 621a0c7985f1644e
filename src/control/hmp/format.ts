/** The /fmt of `x`, `xp` and `p`: a count, a letter for the notation, a letter for the size; both letters stick. */
import { HmpError } from './hmp-error.ts';
import type { TextReader } from './text-reader.ts';

export type Notation = 'x' | 'd' | 'u' | 'o' | 'c' | 'i';

export interface Format {
  readonly count: number;
  readonly notation: Notation;
  /** Bytes of an item. */
  readonly size: 1 | 2 | 4 | 8;
}

const SIZES: Readonly<Record<string, Format['size']>> = { b: 1, h: 2, w: 4, g: 8, L: 8 };

/** Reads `/fmt` if there is one; what it leaves open is as in `last`. */
export function readFormat(text: TextReader, last: Format): Format {
  text.skipSpace();
  if (text.peek !== '/') return { ...last, count: 1 };
  text.advance();
  const digits = text.match(/[0-9]+/y);
  let { notation, size } = last;
  while (!text.atSpaceOrEnd) {
    const letter = text.advance();
    if ('oduxic'.includes(letter)) notation = letter as Notation;
    else if (Object.hasOwn(SIZES, letter)) size = SIZES[letter] ?? size;
    else throw new HmpError(`invalid char in format: '${letter}'`);
  }
  return { count: digits === '' ? 1 : Number(digits), notation, size };
}

/** An unsigned item of memory as `x` prints it, padded so that columns align. */
export function formatItem(value: bigint, { notation, size }: Format): string {
  switch (notation) {
    case 'o':
      return formatOctal(value).padStart(Math.ceil((size * 8) / 3));
    case 'd':
    case 'u': {
      const signed = notation === 'd' && size === 8 ? BigInt.asIntN(64, value) : value;
      return signed.toString().padStart(Math.ceil((size * 8 * 10) / 33));
    }
    case 'c':
      return formatCharacter(Number(value & 0xffn));
    default:
      return `0x${value.toString(16).padStart(size * 2, '0')}`;
  }
}

/** A value as `p` prints it. */
export function formatValue(value: bigint, notation: Notation): string {
  const unsigned = BigInt.asUintN(64, value);
  switch (notation) {
    case 'o':
      return formatOctal(unsigned);
    case 'x':
      return unsigned === 0n ? '0' : `0x${unsigned.toString(16)}`; // C's %#x
    case 'u':
      return unsigned.toString();
    case 'c':
      return formatCharacter(Number(unsigned & 0xffn));
    default:
      return BigInt.asIntN(64, value).toString();
  }
}

const formatOctal = (value: bigint): string => (value === 0n ? '0' : `0${value.toString(8)}`);

const ESCAPES: Readonly<Record<number, string>> = { 10: '\\n', 13: '\\r', 39: "\\'", 92: '\\\\' };

function formatCharacter(code: number): string {
  const printable = code >= 32 && code <= 126 ? String.fromCharCode(code) : `\\x${code.toString(16).padStart(2, '0')}`;
  return `'${ESCAPES[code] ?? printable}'`;
}
