/**
 * A device's state is declared once: name, type and reset value of each field. From the declaration follow the
 * TypeScript type, reset, save, load, the hash and the description; no field can be forgotten in one of them.
 *
 * The saved form is QEMU's: fields in order, big-endian, without tags. Loading is atomic: all fields are decoded and
 * checked before the first one is stored, and objects (arrays, FIFOs, structs) are refilled in place, so that a
 * device's closures may keep references to them.
 */
import { VmError } from '../../util/errors.ts';
import { ByteReader, ByteWriter } from './state-bytes.ts';

export interface Field<T> {
  /** Type as written in the description, e.g. `u8`, `u16[4]`. */
  readonly wire: string;
  /** The field keeps its value over a reset (contents of battery-backed memory, time bases). */
  readonly survivesReset?: boolean;
  fresh(): T;
  encode(out: ByteWriter, value: T): void;
  decode(from: ByteReader): T;
  /** Makes `old` equal to `value`: in place for objects, by returning `value` for scalars. */
  assign(old: T, value: T): T;
  /** Same as `assign(old, fresh())`, but nested fields that survive a reset keep their value. */
  reset?(old: T): T;
}

export type Fields = Readonly<Record<string, Field<unknown>>>;
export type StateOf<F extends Fields> = { -readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never };

export interface VmState<F extends Fields> {
  readonly name: string;
  readonly version: number;
  readonly fields: F;
  /** Allocates a state with reset values. */
  fresh(): StateOf<F>;
  reset(state: StateOf<F>): void;
  save(state: StateOf<F>): Uint8Array;
  /** Refills `state` from what `save` wrote. Throws a VmError and leaves `state` as it was if the bytes are not right. */
  load(state: StateOf<F>, bytes: Uint8Array, version?: number): void;
  /** Decodes and checks a state; what it returns refills `state`. Takes from `reader` what `save` wrote, no more. */
  decode(state: StateOf<F>, reader: ByteReader): () => void;
  /** Fields with their types and sizes in bytes, as they are saved. */
  describe(state: StateOf<F>): { readonly name: string; readonly type: string; readonly size: number }[];
  /** 16 hexadecimal digits; equal states have equal hashes. */
  hash(state: StateOf<F>): string;
}

export function vmstate<F extends Fields>(name: string, version: number, fields: F): VmState<F> {
  const body = struct(fields);
  function save(state: StateOf<F>): Uint8Array {
    const out = new ByteWriter();
    body.encode(out, state);
    return out.finish();
  }
  return {
    name,
    version,
    fields,
    fresh: () => body.fresh(),
    reset(state) {
      body.reset?.(state);
    },
    save,
    load(state, bytes, from = version) {
      if (from !== version) throw new VmError(`device '${name}': state version ${from} is not supported (${version})`);
      const reader = new ByteReader(bytes, `device '${name}'`);
      const decoded = body.decode(reader);
      if (reader.left > 0) throw new VmError(`device '${name}': ${reader.left} bytes too many in its saved state`);
      body.assign(state, decoded);
    },
    decode(state, reader) {
      const decoded = body.decode(reader);
      return () => void body.assign(state, decoded);
    },
    describe: (state) =>
      Object.entries(fields).map(([field, { wire, encode }]) => {
        const out = new ByteWriter();
        encode(out, (state as Record<string, unknown>)[field]);
        return { name: field, type: wire, size: out.size };
      }),
    hash: (state) => hashBytes(save(state)),
  };
}

/** Two lanes of 32-bit FNV-1a with different offset bases. Tells states apart; not cryptographic. */
export function hashBytes(bytes: Uint8Array): string {
  let a = 0x811c9dc5;
  let b = 0x9747b28c;
  for (const byte of bytes) {
    a = Math.imul(a ^ byte, 0x01000193);
    b = Math.imul(b ^ byte, 0x01000193) + (a >>> 15);
  }
  return [a, b].map((lane) => (lane >>> 0).toString(16).padStart(8, '0')).join('');
}

type ScalarWire = 'u8' | 'u16' | 'u32' | 'i32' | 'i64';

const scalar = (wire: ScalarWire, reset: number): Field<number> => ({
  wire,
  fresh: () => reset,
  encode: (out, value) => out[wire](value),
  decode: (from) => from[wire](),
  assign: (_old, value) => value,
});

export const u8 = (reset = 0): Field<number> => scalar('u8', reset);
export const u16 = (reset = 0): Field<number> => scalar('u16', reset);
export const u32 = (reset = 0): Field<number> => scalar('u32', reset);
export const i32 = (reset = 0): Field<number> => scalar('i32', reset);
/** A 64-bit signed integer held as a JS number: times and counters. Loading refuses what a double cannot hold exactly. */
export const i64 = (reset = 0): Field<number> => scalar('i64', reset);

/** A full 64-bit register. */
export const u64 = (reset = 0n): Field<bigint> => ({
  wire: 'u64',
  fresh: () => reset,
  encode: (out, value) => out.u64(value),
  decode: (from) => from.u64(),
  assign: (_old, value) => value,
});

export const bool = (reset = false): Field<boolean> => ({
  wire: 'bool',
  fresh: () => reset,
  encode: (out, value) => out.u8(value ? 1 : 0),
  decode: (from) => from.u8() !== 0,
  assign: (_old, value) => value,
});

/** A number in [0, limit): an index or an enumeration. Loading refuses a value outside, so it may index an array. */
export const below = (limit: number, reset = 0): Field<number> => ({
  wire: 'u8',
  fresh: () => reset,
  encode: (out, value) => out.u8(value),
  decode(from) {
    const value = from.u8();
    return value < limit ? value : from.fail(`${value} is out of range (0 to ${limit - 1})`);
  },
  assign: (_old, value) => value,
});

/** The same number field, but loading refuses a value outside [min, max]: a divisor, a time that is computed with. */
export const ranged = (field: Field<number>, min: number, max: number): Field<number> => ({
  ...field,
  decode(from) {
    const value = field.decode(from);
    return value >= min && value <= max ? value : from.fail(`${value} is out of range (${min} to ${max})`);
  },
});

/** A fixed-size buffer of bytes. */
export const bytes = (length: number, fill = 0): Field<Uint8Array> => ({
  wire: `u8[${length}]`,
  fresh: () => new Uint8Array(length).fill(fill),
  encode: (out, value) => out.bytes(value),
  decode: (from) => from.bytes(length),
  assign(old, value) {
    old.set(value);
    return old;
  },
});

/** `length` fields of one kind. */
export const array = <T>(length: number, item: Field<T>): Field<T[]> => ({
  wire: `${item.wire}[${length}]`,
  fresh: () => Array.from({ length }, () => item.fresh()),
  encode(out, value) {
    for (const v of value) item.encode(out, v);
  },
  decode: (from) => Array.from({ length }, (_, i) => from.within(`[${i}]`, () => item.decode(from))),
  assign(old, value) {
    for (const [i, v] of value.entries()) old[i] = item.assign(old[i] as T, v);
    return old;
  },
  reset(old) {
    for (const [i, v] of old.entries()) old[i] = resetOf(item, v);
    return old;
  },
});

/** Fields within a field: one channel of a timer, one port of a hub. */
export const struct = <F extends Fields>(fields: F): Field<StateOf<F>> => {
  const entries = Object.entries(fields);
  type Cells = Record<string, unknown>;
  return {
    wire: `{${entries.map(([name, f]) => `${name}: ${f.wire}`).join(', ')}}`,
    fresh: () => Object.fromEntries(entries.map(([name, f]) => [name, f.fresh()])) as StateOf<F>,
    encode(out, value) {
      for (const [name, f] of entries) f.encode(out, (value as Cells)[name]);
    },
    decode: (from) =>
      Object.fromEntries(
        entries.map(([name, f]) => [name, from.within(`.${name}`, () => f.decode(from))]),
      ) as StateOf<F>,
    assign(old, value) {
      for (const [name, f] of entries) (old as Cells)[name] = f.assign((old as Cells)[name], (value as Cells)[name]);
      return old;
    },
    reset(old) {
      for (const [name, f] of entries) (old as Cells)[name] = resetOf(f, (old as Cells)[name]);
      return old;
    },
  };
};

function resetOf<T>(field: Field<T>, old: T): T {
  if (field.survivesReset) return old;
  return field.reset ? field.reset(old) : field.assign(old, field.fresh());
}

/** The same field, but a reset leaves it alone. */
export const survivesReset = <T>(field: Field<T>): Field<T> => ({ ...field, survivesReset: true });

/** A bounded queue of bytes. */
export class Fifo {
  readonly depth: number;
  private readonly items: Uint8Array;
  private head = 0;
  private count = 0;

  constructor(depth: number) {
    this.depth = depth;
    this.items = new Uint8Array(depth);
  }

  get length(): number {
    return this.count;
  }
  get empty(): boolean {
    return this.count === 0;
  }
  get full(): boolean {
    return this.count === this.depth;
  }

  /** False, and nothing stored, if the queue is full. */
  push(byte: number): boolean {
    if (this.full) return false;
    this.items[(this.head + this.count++) % this.depth] = byte;
    return true;
  }
  /** The oldest byte, removed; 0 if there is none. */
  shift(): number {
    if (this.empty) return 0;
    const byte = this.items[this.head] ?? 0;
    this.head = (this.head + 1) % this.depth;
    this.count--;
    return byte;
  }
  /** The byte at `index` counted from the oldest; 0 if there is none. */
  peek(index = 0): number {
    return index < this.count ? (this.items[(this.head + index) % this.depth] ?? 0) : 0;
  }
  clear(): void {
    this.items.fill(0);
    this.head = 0;
    this.count = 0;
  }
  /** The queued bytes, oldest first. */
  toArray(): number[] {
    return Array.from({ length: this.count }, (_, i) => this.peek(i));
  }
}

export const fifo = (depth: number): Field<Fifo> => ({
  wire: `fifo[${depth}]`,
  fresh: () => new Fifo(depth),
  encode(out, value) {
    out.u16(value.length);
    for (let i = 0; i < depth; i++) out.u8(value.peek(i));
  },
  decode(from) {
    const count = from.u16();
    if (count > depth) from.fail(`${count} bytes do not fit into a FIFO of ${depth}`);
    const value = new Fifo(depth);
    for (const byte of from.bytes(depth).subarray(0, count)) value.push(byte);
    return value;
  },
  assign(old, value) {
    old.clear();
    for (const byte of value.toArray()) old.push(byte);
    return old;
  },
});

/** When a timer fires. Bind it to the clock with `clock.timer(name, cell, callback)`; only the clock writes to it. */
export interface TimerCell {
  /** Nanoseconds of virtual time since power-on; -1: not pending. */
  deadlineNs: number;
}

/** The deadline of a virtual-clock timer, as QEMU saves it: i64, -1 when it is not pending. */
export const timer = (): Field<TimerCell> => ({
  wire: 'timer',
  fresh: () => ({ deadlineNs: -1 }),
  encode: (out, value) => out.i64(value.deadlineNs),
  decode: (from) => ({ deadlineNs: Math.max(-1, from.i64()) }),
  assign(old, value) {
    old.deadlineNs = value.deadlineNs;
    return old;
  },
});
