/** Two targets that exist for tests of the IR and its engines only: 32-bit and 64-bit virtual addresses. */
import type { Ty } from './ops.ts';
import type { IrHelper, IrTarget } from './target.ts';

const slot = (name: string, ty: Ty) => ({ name, ty });
const rows = <T>(n: number, row: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => row(i));

/** First of the three condition-code slots of the test targets. */
export const CC_SLOT = 8;
/** The field `tick` counts in, and the exception `check` raises. */
export const TICK_FIELD = 0x1100;
export const CHECK_EXCEPTION = 6;

const helper = (name: string, params: Ty[], result: Ty | null, more: Partial<IrHelper> = {}): IrHelper => ({
  name,
  params,
  result,
  pure: false,
  faults: false,
  reads: [],
  writes: [],
  ...more,
});

const target = (va: Ty): IrTarget & { readonly ccSlot: number; readonly name: string } => ({
  name: va === 'i32' ? 'test32' : 'test64',
  va,
  slots: [
    ...rows(8, (i) => slot(`r${i}`, 'i32')),
    slot('cc_op', 'i32'),
    slot('cc_dst', 'i32'),
    slot('cc_src', 'i32'),
    ...rows(8, (i) => slot(`q${i}`, 'i64')),
  ],
  ccSlot: CC_SLOT,
  helpers: HELPERS,
});

/**
 * mix32   a + 3 b + 5 x + 7 y
 * mix64   a + extu(b)
 * carry   cc_dst < cc_src, unsigned: reads slots, writes nothing
 * tick    adds 1 to a CPU field: neither arguments nor result
 * swap    exchanges slots r0 and r1 in memory
 * check   raises exception CHECK_EXCEPTION with error code a when a is odd; else returns a + 1
 */
const HELPERS: readonly IrHelper[] = [
  helper('mix32', ['i32', 'i32', 'i32', 'i32'], 'i32', { pure: true }),
  helper('mix64', ['i64', 'i32'], 'i64', { pure: true }),
  helper('carry', [], 'i32', { pure: true, reads: [CC_SLOT + 1, CC_SLOT + 2] }),
  helper('tick', [], null),
  helper('swap', [], null, { reads: [0, 1], writes: [0, 1] }),
  helper('check', ['i32'], 'i32', { faults: true }),
];

export const TEST32 = target('i32');
export const TEST64 = target('i64');
