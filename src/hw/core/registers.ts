/** An 8-bit chip's register file as a table: one row a register, spelled as in its manual. */
import { BYTE_WIDE, type IoRegion, ioRegion } from './region.ts';

type NumberKeys<S> = { [K in keyof S]: S[K] extends number ? K : never }[keyof S];

export interface Register<S> {
  readonly at: number;
  readonly name: string;
  /** The row counts only while `bank()` gives this number. */
  readonly bank?: number;
  /** The state field that a read gives and a write sets, where `read` and `write` don't say otherwise. */
  readonly field?: NumberKeys<S>;
  /** Bits that a write can set. */
  readonly mask?: number;
  readonly read?: () => number;
  readonly write?: (value: number) => void;
}

export interface RegisterFile {
  readonly name: string;
  readonly size: number;
  /** Which of several registers at one offset is visible. */
  readonly bank?: () => number;
  /** Called after each access: drive the outputs. */
  readonly after?: () => void;
  /** What reads give where no register is. */
  readonly absent?: number;
}

/** Builds the region. Offsets without a row read as `absent` (0) and ignore writes. */
export function registers<S extends object>(state: S, file: RegisterFile, rows: readonly Register<S>[]): IoRegion {
  const cells = state as Record<PropertyKey, number>;
  const { bank, after, absent = 0 } = file;
  const byOffset = Array.from({ length: file.size }, (_, at) => rows.filter((row) => row.at === at));
  const find = (offset: number): Register<S> | undefined => {
    const here = byOffset[offset];
    return here?.find((row) => row.bank === undefined || row.bank === bank?.());
  };
  return ioRegion(
    file.name,
    file.size,
    {
      read(offset) {
        const row = find(offset);
        const value = row?.read ? row.read() : row?.field === undefined ? absent : (cells[row.field] ?? 0);
        after?.();
        return value;
      },
      write(offset, value) {
        const row = find(offset);
        if (row?.write) row.write(value);
        else if (row?.field !== undefined) cells[row.field] = value & (row.mask ?? 0xff);
        after?.();
      },
    },
    BYTE_WIDE,
  );
}

/** Names for bits 0, 1, 2 … of a register. */
export const bits = <const N extends readonly string[]>(...names: N): { readonly [K in N[number]]: number } =>
  Object.fromEntries(names.map((name, i) => [name, 1 << i])) as { readonly [K in N[number]]: number };
