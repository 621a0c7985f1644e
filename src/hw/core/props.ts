/**
 * Properties that a user sets with `-device type,name=value` and a machine sets in its parts list. Kinds, names and
 * messages are QEMU's.
 */
import { VmError } from '../../util/errors.ts';

export interface Prop<T> {
  /** As `-device type,help` prints it: `uint32`, `bool`, `str`, `link<isa-bus>`. */
  readonly kind: string;
  /** Absent: the property must be set. */
  readonly default?: T;
  readonly description?: string;
  /** Set for references to other objects: the text is an id, to be looked up among objects of this kind. */
  readonly link?: string;
  /** The value that a user's text stands for; throws a VmError that names the property. */
  parse(name: string, text: string): T;
}

export type Props = Readonly<Record<string, Prop<unknown>>>;
export type PropValues<P extends Props> = { readonly [K in keyof P]: P[K] extends Prop<infer T> ? T : never };

/** Finds the object of a kind ('chardev', 'drive', 'netdev' …) that the user named; undefined if there is none. */
export type LinkLookup = (kind: string, id: string) => unknown;

type IntKind = 'uint8' | 'uint16' | 'uint32' | 'int32' | 'uint64';

const LIMITS: Readonly<Record<IntKind, readonly [number, number]>> = {
  uint8: [0, 0xff],
  uint16: [0, 0xffff],
  uint32: [0, 0xffff_ffff],
  int32: [-0x8000_0000, 0x7fff_ffff],
  uint64: [0, Number.MAX_SAFE_INTEGER],
};

function integer(kind: IntKind) {
  return (reset?: number, description?: string): Prop<number> => ({
    kind,
    ...(reset !== undefined && { default: reset }),
    ...(description !== undefined && { description }),
    parse(name, text) {
      const value = parseInteger(text);
      if (value === undefined) throw new VmError(`Parameter '${name}' expects integer`);
      const [min, max] = LIMITS[kind];
      if (value < min || value > max) throw new VmError(`Parameter '${name}' expects ${kind}_t`);
      return value;
    },
  });
}

/** Decimal, 0x hexadecimal or 0 octal, with a sign; undefined for everything else. */
function parseInteger(text: string): number | undefined {
  const match = /^([+-]?)(0x[0-9a-f]+|0[0-7]*|[1-9][0-9]*)$/i.exec(text.trim());
  const digits = match?.[2];
  if (digits === undefined) return undefined;
  const magnitude = /^0[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number(digits);
  return match?.[1] === '-' ? -magnitude : magnitude;
}

export const prop = {
  u8: integer('uint8'),
  u16: integer('uint16'),
  u32: integer('uint32'),
  i32: integer('int32'),
  u64: integer('uint64'),

  bool: (reset: boolean, description?: string): Prop<boolean> => ({
    kind: 'bool',
    default: reset,
    ...(description !== undefined && { description }),
    parse(name, text) {
      if (['on', 'yes', 'true', 'y'].includes(text)) return true;
      if (['off', 'no', 'false', 'n'].includes(text)) return false;
      throw new VmError(`Parameter '${name}' expects 'on' or 'off'`);
    },
  }),

  string: (reset: string, description?: string): Prop<string> => ({
    kind: 'str',
    default: reset,
    ...(description !== undefined && { description }),
    parse: (_name, text) => text,
  }),

  oneOf: <const V extends string>(kind: string, values: readonly V[], reset: NoInfer<V>): Prop<V> => ({
    kind,
    default: reset,
    parse(name, text) {
      const value = values.find((v) => v === text);
      if (value !== undefined) return value;
      throw new VmError(`Parameter '${name}' does not accept value '${text}'`, {
        hint: `one of: ${values.join(', ')}`,
      });
    },
  }),

  /** A reference to a backend or another device that the user names by id. `fallback` is used when it is not set. */
  link: <T>(kind: string, fallback: T, description?: string): Prop<T> => ({
    kind: 'str',
    default: fallback,
    link: kind,
    ...(description !== undefined && { description }),
    parse(name) {
      throw new Error(`BUG: property ${name} is a link to a ${kind}, not a text`);
    },
  }),

  /** A TypeScript value that only machine code sets: hooks, other chips, tables. Not for `-device`. */
  code: <T>(fallback: T): Prop<T> => ({
    kind: 'code',
    default: fallback,
    parse(name) {
      throw new VmError(`Property '${name}' is not writable`);
    },
  }),

  /** Same as `code`, but creation fails (our bug) unless the machine gives a value. */
  required: <T>(): Prop<T> => ({
    kind: 'code',
    parse(name) {
      throw new VmError(`Property '${name}' is not writable`);
    },
  }),
};

/** The values of `-device type,name=text,…`. Names that the type does not have, and bad values, are VmErrors. */
export function parseProps<P extends Props>(
  type: string,
  props: P,
  texts: Readonly<Record<string, string>>,
  lookup: LinkLookup,
): Partial<PropValues<P>> {
  const values: Record<string, unknown> = {};
  for (const [name, text] of Object.entries(texts)) {
    const p = Object.hasOwn(props, name) ? props[name] : undefined;
    if (p === undefined || p.kind === 'code') throw new VmError(`Property '${type}.${name}' not found`);
    if (p.link === undefined) {
      values[name] = p.parse(name, text);
      continue;
    }
    const found = lookup(p.link, text);
    if (found === undefined) throw new VmError(`Property '${type}.${name}' can't find value '${text}'`);
    values[name] = found;
  }
  return values as Partial<PropValues<P>>;
}

/** The text of `-device type,help`. */
export function propsHelp(type: string, props: Props): string {
  const lines = Object.entries(props)
    .filter(([, p]) => p.kind !== 'code')
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, p]) => {
      const notes = [p.description, p.link === undefined && p.default !== undefined && defaultNote(p.default)];
      const text = notes.filter(Boolean).join(' ');
      return text === '' ? `  ${name}=<${p.kind}>` : `  ${`${name}=<${p.kind}>`.padEnd(22)} - ${text}`;
    });
  return lines.length === 0 ? `There are no options for ${type}.` : [`${type} options:`, ...lines].join('\n');
}

function defaultNote(value: unknown): string {
  return ` (default: ${typeof value === 'string' ? `"${value}"` : String(value)})`;
}
