/** Builds ACPI Machine Language: the terms that our tables need. Encodings: ACPI 6.4 chapter 20. */

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
  METHOD: 0x14,
  DUAL_NAME: 0x2e,
  MULTI_NAME: 0x2f,
  EXTENDED: 0x5b,
  LOCAL0: 0x60,
  ARG0: 0x68,
  STORE: 0x70,
  AND: 0x7b,
  OR: 0x7d,
  SHIFT_RIGHT: 0x7a,
  CREATE_DWORD_FIELD: 0x8a,
  LOGICAL_OR: 0x91,
  LOGICAL_NOT: 0x92,
  LOGICAL_EQUAL: 0x93,
  LOGICAL_GREATER: 0x94,
  IF: 0xa0,
  ELSE: 0xa1,
  RETURN: 0xa4,
} as const;

/** Second bytes, after EXTENDED. */
const EXTENDED_OP = { REGION: 0x80, FIELD: 0x81, DEVICE: 0x82, PROCESSOR: 0x83 } as const;

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
  EXTENDED_OP.DEVICE,
  ...sized([...namePath(path), ...terms.flat()]),
];

/** A processor without a block of control registers. */
export const processor = (path: string, id: number): Aml => [
  OP.EXTENDED,
  EXTENDED_OP.PROCESSOR,
  ...sized([...namePath(path), id, ...le(0, 4), 0]),
];

export const method = (path: string, args: number, ...terms: readonly Aml[]): Aml => [
  OP.METHOD,
  ...sized([...namePath(path), args, ...terms.flat()]),
];
/** A method that names objects of its own, so that only one caller at a time may be in it. */
export const serializedMethod = (path: string, args: number, ...terms: readonly Aml[]): Aml =>
  method(path, args | 0x08, ...terms);

export const arg = (n: number): Aml => [OP.ARG0 + n];
export const local = (n: number): Aml => [OP.LOCAL0 + n];
export const returns = (value: Aml): Aml => [OP.RETURN, ...value];
export const store = (value: Aml, target: Aml): Aml => [OP.STORE, ...value, ...target];
/** `target = a & b`; without a target the value alone. */
export const and = (a: Aml, b: Aml, target: Aml = [OP.ZERO]): Aml => [OP.AND, ...a, ...b, ...target];
export const or = (a: Aml, b: Aml, target: Aml = [OP.ZERO]): Aml => [OP.OR, ...a, ...b, ...target];
export const shiftRight = (a: Aml, bits: Aml, target: Aml = [OP.ZERO]): Aml => [
  OP.SHIFT_RIGHT,
  ...a,
  ...bits,
  ...target,
];
export const isEqual = (a: Aml, b: Aml): Aml => [OP.LOGICAL_EQUAL, ...a, ...b];
export const isNotEqual = (a: Aml, b: Aml): Aml => [OP.LOGICAL_NOT, ...isEqual(a, b)];
export const isGreater = (a: Aml, b: Aml): Aml => [OP.LOGICAL_GREATER, ...a, ...b];
export const either = (a: Aml, b: Aml): Aml => [OP.LOGICAL_OR, ...a, ...b];
export const when = (condition: Aml, ...terms: readonly Aml[]): Aml => [
  OP.IF,
  ...sized([...condition, ...terms.flat()]),
];
export const otherwise = (...terms: readonly Aml[]): Aml => [OP.ELSE, ...sized(terms.flat())];
/** Makes `path` a name for the 32 bits at a byte offset of a buffer. */
export const createDwordField = (buffer: Aml, offset: number, path: string): Aml => [
  OP.CREATE_DWORD_FIELD,
  ...buffer,
  ...integer(offset),
  ...namePath(path),
];

export const SPACE = { memory: 0, io: 1, pciConfig: 2 } as const;
export const region = (path: string, space: number, offset: number, length: number): Aml => [
  OP.EXTENDED,
  EXTENDED_OP.REGION,
  ...namePath(path),
  space,
  ...integer(offset),
  ...integer(length),
];

/** How a field is accessed: width, and whether the global lock is held. */
export const ACCESS = { byte: 1, dword: 3, lock: 0x10 } as const;
/** Names bits of a region, in order; an entry without a name skips bits. */
export const field = (
  ofRegion: string,
  access: number,
  parts: readonly { readonly name?: string; readonly bits: number }[],
): Aml => [
  OP.EXTENDED,
  EXTENDED_OP.FIELD,
  ...sized([
    ...namePath(ofRegion),
    access,
    ...parts.flatMap(({ name, bits }) => [...(name === undefined ? [0] : namePath(name)), ...fieldLength(bits)]),
  ]),
];

/** A compressed EISA identifier, `PNP0A03`: three letters of five bits and four hexadecimal digits, big-endian. */
export function eisaId(id: string): Aml {
  const match = /^([A-Z]{3})([0-9A-F]{4})$/.exec(id);
  if (match === null) throw new Error(`BUG: EISA id ${id}`);
  const letters = ascii(match[1] ?? '').reduce((bits, letter) => (bits << 5) | (letter - 0x40), 0);
  const digits = Number.parseInt(match[2] ?? '', 16);
  return [OP.DWORD, letters >> 8, letters & 0xff, digits >> 8, digits & 0xff];
}

/** A UUID as the bytes of a buffer: the first three groups are little-endian (§19.6.142). */
export function uuid(text: string): Aml {
  const order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
  const digits = text.replaceAll('-', '');
  return buffer(order.map((i) => Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16)));
}

/** A length that does not count itself, as fields have it. */
function fieldLength(bits: number): readonly number[] {
  return bits < 0x40 ? [bits] : [0x40 | (bits & 0xf), bits >> 4];
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
