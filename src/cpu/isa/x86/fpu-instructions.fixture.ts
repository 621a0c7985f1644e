/** x87 instructions for the oracle: each in assembly, and as calls of our exports. */
import type { Fpu, Instruction } from './fpu-oracle.fixture.ts';

type Run = (fpu: Fpu, memory: DataView) => void;

const f32 = (m: DataView): number => m.getInt32(0, true);
const f64 = (m: DataView): bigint => m.getBigInt64(0, true);
const i16 = (m: DataView): number => m.getInt16(0, true);
const i32 = f32;
const i64 = f64;

const of = (asm: string, run: Run): Instruction => ({
  asm,
  run: (fpu, memory) => {
    run(fpu, memory);
    return undefined;
  },
});
const register = (asm: string, name: string, ...args: number[]): Instruction =>
  of(asm, (fpu) => fpu.call(name, ...args));
const popping = (asm: string, name: string, ...args: number[]): Instruction =>
  of(asm, (fpu) => {
    fpu.call(name, ...args);
    fpu.call('pop');
  });

/** The six operations in all their operand forms. */
export const ARITHMETIC: readonly Instruction[] = ['add', 'sub', 'subr', 'mul', 'div', 'divr'].flatMap((op) => {
  // GNU as keeps a historical exchange: in AT&T syntax `fsub %st, %st(1)` assembles what the manual calls FSUBR.
  const exchanged = op.endsWith('r') ? op.slice(0, 3) : op === 'sub' || op === 'div' ? `${op}r` : op;
  return [
    register(`f${op} %st(1), %st`, `f${op}_st0_sti`, 1),
    register(`f${exchanged} %st, %st(1)`, `f${op}_sti_st0`, 1),
    popping(`f${exchanged}p %st, %st(1)`, `f${op}_sti_st0`, 1),
    register(`f${op} %st(0), %st`, `f${op}_st0_sti`, 0),
    of(`f${op}s (%2)`, (fpu, m) => fpu.call(`f${op}_m32`, f32(m))),
    of(`f${op}l (%2)`, (fpu, m) => fpu.call(`f${op}_m64`, f64(m))),
    of(`fi${op}s (%2)`, (fpu, m) => fpu.call(`f${op}_int`, i16(m))),
    of(`fi${op}l (%2)`, (fpu, m) => fpu.call(`f${op}_int`, i32(m))),
  ];
});

export const SQUARE_ROOT: readonly Instruction[] = [register('fsqrt', 'fsqrt')];

/** A store as the front end makes it: convert, write memory, commit. */
const stored = (asm: string, pops: number, write: Run): Instruction =>
  of(asm, (fpu, m) => {
    const unwritten = new Uint8Array(m.buffer, m.byteOffset, m.byteLength).slice();
    write(fpu, m);
    if (fpu.call('fst_blocked')) new Uint8Array(m.buffer, m.byteOffset, m.byteLength).set(unwritten);
    fpu.call('fst_commit', pops);
  });

const setF32: Run = (fpu, m) => m.setInt32(0, Number(fpu.call('fst_f32')), true);
const setF64: Run = (fpu, m) => m.setBigInt64(0, BigInt(fpu.call('fst_f64') ?? 0), true);
const setI16: Run = (fpu, m) => m.setInt16(0, Number(fpu.call('fist16')), true);
const setI32: Run = (fpu, m) => m.setInt32(0, Number(fpu.call('fist32')), true);
const setI64: Run = (fpu, m) => m.setBigInt64(0, BigInt(fpu.call('fist64') ?? 0), true);
const set80 =
  (name: string): Run =>
  (fpu, m) => {
    m.setBigInt64(0, BigInt(fpu.call(name) ?? 0), true);
    m.setUint16(8, Number(fpu.call('fst80_high')), true);
  };

export const LOADS: readonly Instruction[] = [
  of('flds (%2)', (fpu, m) => fpu.call('fld_f32', f32(m))),
  of('fldl (%2)', (fpu, m) => fpu.call('fld_f64', f64(m))),
  of('fldt (%2)', (fpu, m) => fpu.call('fld80', i64(m), m.getUint16(8, true))),
  of('filds (%2)', (fpu, m) => fpu.call('fild', BigInt(i16(m)))),
  of('fildl (%2)', (fpu, m) => fpu.call('fild', BigInt(i32(m)))),
  of('fildq (%2)', (fpu, m) => fpu.call('fild', i64(m))),
  register('fld %st(0)', 'fld_st', 0),
  register('fld %st(2)', 'fld_st', 2),
  register('fld %st(7)', 'fld_st', 7),
  ...['fld1', 'fldl2t', 'fldl2e', 'fldpi', 'fldlg2', 'fldln2', 'fldz'].map((asm, k) => register(asm, 'fld_const', k)),
];

export const STORES: readonly Instruction[] = [
  stored('fsts (%2)', 0, setF32),
  stored('fstps (%2)', 1, setF32),
  stored('fstl (%2)', 0, setF64),
  stored('fstpl (%2)', 1, setF64),
  stored('fists (%2)', 0, setI16),
  stored('fistps (%2)', 1, setI16),
  stored('fistl (%2)', 0, setI32),
  stored('fistpl (%2)', 1, setI32),
  stored('fistpq (%2)', 1, setI64),
  stored('fstpt (%2)', 1, set80('fst80')),
];

export const DECIMAL: readonly Instruction[] = [
  of('fbld (%2)', (fpu, m) => fpu.call('fbld', i64(m), m.getUint16(8, true))),
  stored('fbstp (%2)', 1, set80('fbst')),
];

export const MOVES: readonly Instruction[] = [
  register('fst %st(0)', 'fst_st', 0),
  register('fst %st(2)', 'fst_st', 2),
  register('fst %st(5)', 'fst_st', 5),
  popping('fstp %st(0)', 'fst_st', 0),
  popping('fstp %st(1)', 'fst_st', 1),
  popping('fstp %st(6)', 'fst_st', 6),
  register('fxch %st(0)', 'fxch', 0),
  register('fxch %st(1)', 'fxch', 1),
  register('fxch %st(4)', 'fxch', 4),
  register('ffree %st(1)', 'ffree', 1),
  // The oracle runs with CF set.
  register('fcmovb %st(1), %st', 'fcmov', 1, 1),
  register('fcmovnb %st(1), %st', 'fcmov', 1, 0),
  register('fincstp', 'fincstp'),
  register('fdecstp', 'fdecstp'),
  register('fchs', 'fchs'),
  register('fabs', 'fabs'),
  register('fnop', 'pending'),
];

const toEflags = (asm: string, name: string, pops: boolean): Instruction => ({
  asm,
  run: (fpu) => {
    const flags = Number(fpu.call(name, 1));
    if (pops) fpu.call('pop');
    return flags;
  },
});

export const COMPARES: readonly Instruction[] = [
  ...['fcom', 'fucom'].flatMap((op) => [
    register(`${op} %st(1)`, `${op}_sti`, 1),
    popping(`${op}p %st(1)`, `${op}_sti`, 1),
    of(`${op}pp`, (fpu) => {
      fpu.call(`${op}_sti`, 1);
      fpu.call('pop');
      fpu.call('pop');
    }),
    toEflags(`${op}i %st(1), %st`, `${op}i`, false),
    toEflags(`${op}ip %st(1), %st`, `${op}i`, true),
  ]),
  of('fcoms (%2)', (fpu, m) => fpu.call('fcom_m32', f32(m))),
  of('fcoml (%2)', (fpu, m) => fpu.call('fcom_m64', f64(m))),
  of('ficoms (%2)', (fpu, m) => fpu.call('fcom_int', i16(m))),
  of('ficoml (%2)', (fpu, m) => fpu.call('fcom_int', i32(m))),
  register('ftst', 'ftst'),
  register('fxam', 'fxam'),
];

export const EXACT: readonly Instruction[] = ['frndint', 'fscale', 'fxtract', 'fprem', 'fprem1'].map((op) =>
  register(op, op),
);

/** What QEMU computes to 80 bits. */
export const LOGARITHMS: readonly Instruction[] = [
  register('f2xm1', 'f2xm1'),
  register('fyl2x', 'fyl2x'),
  register('fyl2xp1', 'fyl2xp1'),
  register('fpatan', 'fpatan'),
];

/** What QEMU computes with the host's double-precision functions. */
export const TRIGONOMETRY: readonly Instruction[] = ['fsin', 'fcos', 'fsincos', 'fptan'].map((op) => register(op, op));
