/** Types of commands' arguments and results: checked when they come from outside, and described to clients. */
import { VmError } from '../util/errors.ts';

export interface Schema<T> {
  /** Description for introspection, in terms of QAPI. */
  readonly qapi: unknown;
  /** The checked value; throws a VmError that names `path`. */
  parse(value: unknown, path: string): T;
}

function refuse(path: string, expected: string): never {
  throw new VmError(`Invalid parameter type for '${path}', expected: ${expected}`);
}

export const bool: Schema<boolean> = {
  qapi: 'bool',
  parse: (value, path) => (typeof value === 'boolean' ? value : refuse(path, 'boolean')),
};

export const str: Schema<string> = {
  qapi: 'str',
  parse: (value, path) => (typeof value === 'string' ? value : refuse(path, 'string')),
};

export const int: Schema<number> = {
  qapi: 'int',
  parse: (value, path) => (Number.isSafeInteger(value) ? (value as number) : refuse(path, 'integer')),
};

export const enumOf = <const V extends readonly string[]>(...values: V): Schema<V[number]> => ({
  qapi: { enum: values },
  parse(value, path) {
    if (typeof value !== 'string') return refuse(path, 'string');
    if (!values.includes(value)) throw new VmError(`Parameter '${path}' does not accept value '${value}'`);
    return value;
  },
});

export const optional = <T>(schema: Schema<T>): Schema<T | undefined> => ({
  qapi: { optional: schema.qapi },
  parse: (value, path) => (value === undefined ? undefined : schema.parse(value, path)),
});

export const arrayOf = <T>(item: Schema<T>): Schema<readonly T[]> => ({
  qapi: [item.qapi],
  parse: (value, path) =>
    Array.isArray(value) ? value.map((each, i) => item.parse(each, `${path}[${i}]`)) : refuse(path, 'array'),
});

type Members = Readonly<Record<string, Schema<unknown>>>;
type StructOf<M extends Members> = { readonly [K in keyof M]: M[K] extends Schema<infer T> ? T : never };

export const struct = <M extends Members>(members: M): Schema<StructOf<M>> => ({
  qapi: Object.fromEntries(Object.entries(members).map(([name, member]) => [name, member.qapi])),
  parse(value, path) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return refuse(path, 'object');
    const step = (name: string): string => (path === '' ? name : `${path}.${name}`);
    for (const name of Object.keys(value)) {
      if (!Object.hasOwn(members, name)) throw new VmError(`Parameter '${step(name)}' is unexpected`);
    }
    const given = value as Readonly<Record<string, unknown>>;
    const entries = Object.entries(members).map(([name, member]) => {
      const part = Object.hasOwn(given, name) ? given[name] : undefined;
      const isOptional = typeof member.qapi === 'object' && member.qapi !== null && 'optional' in member.qapi;
      if (part === undefined && !isOptional) throw new VmError(`Parameter '${step(name)}' is missing`);
      return [name, member.parse(part, step(name))];
    });
    return Object.fromEntries(entries) as StructOf<M>;
  },
});
