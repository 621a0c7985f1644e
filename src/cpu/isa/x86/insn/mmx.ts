/**
 * MMX (SDM volume 1, chapter 9; volume 3, chapter 12): register mm i is the significand of the x87's physical register
 * i. Logic and moves are IR, arithmetic on lanes is native (native/mmx.ts).
 */
import { Op } from '../../../ir/ops.ts';
import { FPU_REG_META, FPU_REG_SIZE, FPU_REGS } from '../fpu-layout.ts';
import { FEATURE_MMX, type Forms, type Instruction, x86 } from '../instruction.ts';
import { CR0_EM, F_CR0, V_NM, V_UD } from '../layout.ts';
import type { MmxHelper } from '../mmx-helpers.ts';
import { M_X87_TRAP } from '../mode.ts';
import type { Translator } from '../translator.ts';
import { checkPending } from './fpu.ts';

const insn = (name: string, forms: Forms, execute: Instruction['execute']): Instruction =>
  x86({ name, forms, requires: FEATURE_MMX, unprefixed: true, execute });

/** Sign and exponent of a register that an MMX instruction wrote (volume 1, 9.6.2). */
const ONES = 0xffff;

/** #UD with CR0.EM, #NM with CR0.TS (then nothing follows: true), #MF if an x87 exception is pending (volume 3, 12.5). */
function unavailable(t: Translator): boolean {
  if (t.mode & M_X87_TRAP) {
    t.block.raiseIf(t.bini(Op.and, t.block.getf(F_CR0), CR0_EM), V_UD, 0);
    t.block.raise(V_NM, 0);
    return true;
  }
  if (!t.x87.mmx) checkPending(t);
  return false;
}
/** After all that can fault, before registers are written: the x87 state becomes MMX's. */
function begin(t: Translator): void {
  if (!t.x87.mmx) t.call('mmx_begin');
  t.x87.mmx = true;
}

const read = (t: Translator, i: number): number => t.block.getf64(FPU_REGS + FPU_REG_SIZE * i);
function write(t: Translator, i: number, value: number): void {
  const at = FPU_REGS + FPU_REG_SIZE * i;
  t.block.putf64(at, value);
  t.block.putfi(at + FPU_REG_META, ONES);
}
/** The r/m operand, register or memory. */
const source = (t: Translator): number => (t.d.mod === 3 ? read(t, t.d.rm) : t.load(Op.ld64, 8, false));
/** The same where only the low half counts: no more of memory is read. */
const lowSource = (t: Translator): number =>
  t.d.mod === 3 ? read(t, t.d.rm) : t.un(Op.extu, t.load(Op.ld32, 4, false));

/** The new value of a register from its old one and the other operand. */
type Operation = (t: Translator, a: number, b: number) => number;
const helper =
  (name: MmxHelper): Operation =>
  (t, a, b) =>
    t.call(name, a, b);

function compute(t: Translator, i: number, operand: (t: Translator) => number, operation: Operation): void {
  if (unavailable(t)) return;
  const b = operand(t);
  begin(t);
  write(t, i, operation(t, read(t, i), b));
}
const wide = (name: string, opcode: string, operation: Operation): Instruction =>
  insn(name, { [`0F ${opcode} /r`]: 'Pq,Qq' }, (t) => compute(t, t.d.reg, source, operation));
const low = (name: string, opcode: string, operation: Operation): Instruction =>
  insn(name, { [`0F ${opcode} /r`]: 'Pq,Qd' }, (t) => compute(t, t.d.reg, lowSource, operation));

const lanes = (
  [
    ['paddb', 'FC'],
    ['paddw', 'FD'],
    ['paddd', 'FE'],
    ['paddsb', 'EC'],
    ['paddsw', 'ED'],
    ['paddusb', 'DC'],
    ['paddusw', 'DD'],
    ['psubb', 'F8'],
    ['psubw', 'F9'],
    ['psubd', 'FA'],
    ['psubsb', 'E8'],
    ['psubsw', 'E9'],
    ['psubusb', 'D8'],
    ['psubusw', 'D9'],
    ['pmulhw', 'E5'],
    ['pmullw', 'D5'],
    ['pmaddwd', 'F5'],
    ['pcmpeqb', '74'],
    ['pcmpeqw', '75'],
    ['pcmpeqd', '76'],
    ['pcmpgtb', '64'],
    ['pcmpgtw', '65'],
    ['pcmpgtd', '66'],
    ['packsswb', '63'],
    ['packssdw', '6B'],
    ['packuswb', '67'],
    ['punpckhbw', '68'],
    ['punpckhwd', '69'],
  ] as const
).map(([name, opcode]) => wide(name, opcode, helper(name)));

const unpacking = [
  low('punpcklbw', '60', helper('punpcklbw')),
  low('punpcklwd', '61', helper('punpcklwd')),
  low('punpckldq', '62', (t, a, b) => t.block.dep(a, 32, 32, b, t.temp(), true)),
  wide('punpckhdq', '6A', (t, a, b) => t.block.dep(b, 0, 32, t.bini(Op.shr64, a, 32), t.temp(), true)),
];

const logic = [
  wide('pand', 'DB', (t, a, b) => t.bin(Op.and64, a, b)),
  wide('pandn', 'DF', (t, a, b) => t.bin(Op.and64, t.bini(Op.xor64, a, -1), b)),
  wide('por', 'EB', (t, a, b) => t.bin(Op.or64, a, b)),
  wide('pxor', 'EF', (t, a, b) => t.bin(Op.xor64, a, b)),
];

/** Name, opcode with the count in a register or in memory, and with an immediate count. */
const shifts = (
  [
    ['psrlw', 'D1', '71 /2'],
    ['psrld', 'D2', '72 /2'],
    ['psrlq', 'D3', '73 /2'],
    ['psraw', 'E1', '71 /4'],
    ['psrad', 'E2', '72 /4'],
    ['psllw', 'F1', '71 /6'],
    ['pslld', 'F2', '72 /6'],
    ['psllq', 'F3', '73 /6'],
  ] as const
).flatMap(([name, opcode, immediate]) => [
  wide(name, opcode, helper(name)),
  insn(name, { [`0F ${immediate}`]: 'Nq,Ib' }, (t, _, count) =>
    compute(t, t.d.rm, () => t.block.movi64(count.value, 0), helper(name)),
  ),
]);

const moves = [
  insn('movd', { '0F 6E /r': 'Pq,Ed' }, (t, _, src) => {
    if (unavailable(t)) return;
    const value = t.un(Op.extu, src.read());
    begin(t);
    write(t, t.d.reg, value);
  }),
  insn('movd', { '0F 7E /r': 'Ed,Pq' }, (t, dst) => {
    if (unavailable(t)) return;
    dst.write(t.un(Op.wrap, read(t, t.d.reg)));
    begin(t);
  }),
  insn('movq', { '0F 6F /r': 'Pq,Qq' }, (t) => {
    if (unavailable(t)) return;
    const value = source(t);
    begin(t);
    write(t, t.d.reg, value);
  }),
  insn('movq', { '0F 7F /r': 'Qq,Pq' }, (t) => {
    if (unavailable(t)) return;
    const value = read(t, t.d.reg);
    if (t.d.mod !== 3) t.store(8, value);
    begin(t);
    if (t.d.mod === 3) write(t, t.d.rm, value);
  }),
];

const emms = x86({
  name: 'emms',
  forms: { '0F 77': '' },
  requires: FEATURE_MMX,
  execute(t) {
    if (unavailable(t)) return;
    t.call('emms');
    t.x87.mmx = false;
  },
});

export const mmx: readonly Instruction[] = [...lanes, ...unpacking, ...logic, ...shifts, ...moves, emms];
