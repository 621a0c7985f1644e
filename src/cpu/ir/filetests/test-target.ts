/** Two targets that exist for tests of the IR and its engines only: 32-bit and 64-bit virtual addresses. */
import { C_FAULT, C_FAULT_CODE, C_FAULT_ERR, FAULT_EXC, STATE } from '../layout.ts';
import type { Ty } from '../ops.ts';
import type { IrHelper, IrTarget } from '../target.ts';

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

/** The helpers of both test targets, at work on the state in `memory`; by name. */
export function createTestHelpers(memory: ArrayBufferLike): Readonly<Record<string, TestHelper>> {
  const words = new Int32Array(memory);
  const slotWord = (i: number): number => (STATE >> 2) + 2 * i;
  const word = (i: number): number => words[slotWord(i)] as number;
  return {
    mix32: (a, b, x, y) => (Number(a) + 3 * Number(b) + 5 * Number(x) + 7 * Number(y)) | 0,
    mix64: (a, b) => BigInt.asIntN(64, BigInt(a) + BigInt(Number(b) >>> 0)),
    carry: () => (word(CC_SLOT + 1) >>> 0 < word(CC_SLOT + 2) >>> 0 ? 1 : 0),
    tick: () => {
      words[TICK_FIELD >> 2] = (words[TICK_FIELD >> 2] as number) + 1;
    },
    swap: () => {
      const r0 = word(0);
      words[slotWord(0)] = word(1);
      words[slotWord(1)] = r0;
    },
    check: (a) => {
      if ((Number(a) & 1) === 0) return (Number(a) + 1) | 0;
      words[C_FAULT >> 2] = FAULT_EXC;
      words[C_FAULT_CODE >> 2] = CHECK_EXCEPTION;
      words[C_FAULT_ERR >> 2] = Number(a);
      return 0;
    },
  };
}
/** i32 as numbers, i64 as BigInts, as in a call between wasm and JavaScript. */
export type TestHelper = (...args: readonly (number | bigint)[]) => unknown;
