/** Builds ACPI Machine Language: the few terms that static tables need. Encodings: ACPI 6.4 chapter 20. */

/** An encoded term or data object. */
export type Aml = readonly number[];

const OP = {
  ZERO: 0x00,
  ONE: 0x01,
  NAME: 0x08,
  BYTE: 0x0a,
  WORD: 0x0b,
  DWORD: 0x0c,
  STRING: 0x0d,
  SCOPE: 0x10,
  BUFFER: 0x11,
  PACKAGE: 0x12,
  DUAL_NAME: 0x2e,
  MULTI_NAME: 0x2f,
  EXTENDED: 0x5b,
  DEVICE: 0x82, // after EXTENDED
} as const;

/** `\_SB.PCI0`, `_HID`, `^COM1`. Segments of fewer than four characters are padded with `_`. */
export function namePath(path: string): Aml {
  const [, prefix = '', rest = ''] = /^(\\|\^*)(.*)$/.exec(path) ?? [];
  const segments = rest === '' ? [] : rest.split('.');
  if (segments.some((segment) => !/^[A-Z_][A-Z0-9_]{0,3}$/.test(segment))) throw new Error(`BUG: AML name ${path}`);
  const count = segments.length;
  const lead = count === 0 ? [0] : count === 1 ? [] : count === 2 ? [OP.DUAL_NAME] : [OP.MULTI_NAME, count];
  return [...ascii(prefix), ...lead, ...segments.flatMap((segment) => ascii(segment.padEnd(4, '_')))];
}

export function integer(value: number): Aml {
  if (value === 0) return [OP.ZERO];
  if (value === 1) return [OP.ONE];
  if (value <= 0xff) return [OP.BYTE, value];
  if (value <= 0xffff) return [OP.WORD, ...le(value, 2)];
  return [OP.DWORD, ...le(value, 4)];
}

export const string = (text: string): Aml => [OP.STRING, ...ascii(text), 0];

export const name = (path: string, value: Aml): Aml => [OP.NAME, ...namePath(path), ...value];

export const packageOf = (...elements: readonly Aml[]): Aml => [
  OP.PACKAGE,
  ...sized([elements.length, ...elements.flat()]),
];

export const buffer = (bytes: readonly number[]): Aml => [OP.BUFFER, ...sized([...integer(bytes.length), ...bytes])];

export const scope = (path: string, ...terms: readonly Aml[]): Aml => [
  OP.SCOPE,
  ...sized([...namePath(path), ...terms.flat()]),
];

export const device = (path: string, ...terms: readonly Aml[]): Aml => [
  OP.EXTENDED,
  OP.DEVICE,
  ...sized([...namePath(path), ...terms.flat()]),
];

/** A compressed EISA identifier, `PNP0A03`: three letters of five bits and four hexadecimal digits, big-endian. */
export function eisaId(id: string): Aml {
  const match = /^([A-Z]{3})([0-9A-F]{4})$/.exec(id);
  if (match === null) throw new Error(`BUG: EISA id ${id}`);
  const letters = ascii(match[1] ?? '').reduce((bits, letter) => (bits << 5) | (letter - 0x40), 0);
  const digits = Number.parseInt(match[2] ?? '', 16);
  return [OP.DWORD, letters >> 8, letters & 0xff, digits >> 8, digits & 0xff];
}

/** Content behind its PkgLength (§20.2.4), which counts itself. */
function sized(content: readonly number[]): readonly number[] {
  const length = content.length;
  if (length + 1 < 0x40) return [length + 1, ...content];
  const extra = length + 2 < 0x1000 ? 1 : length + 3 < 0x10_0000 ? 2 : 3;
  const total = length + 1 + extra;
  return [(extra << 6) | (total & 0xf), ...le(total >> 4, extra), ...content];
}

export const le = (value: number, size: number): number[] =>
  Array.from({ length: size }, (_, i) => Math.floor(value / 2 ** (8 * i)) & 0xff);

export const ascii = (text: string): number[] => Array.from(text, (char) => char.charCodeAt(0));
