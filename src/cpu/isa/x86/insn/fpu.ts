/**
 * x87 instructions: memory is read and written by the IR, arithmetic is native (native/fpu). Escape opcodes D8 to DF
 * (SDM volume 2, appendix A.5), WAIT, FXSAVE and FXRSTOR.
 */
import { Op } from '../../../ir/ops.ts';
import { conditionValue } from '../conditions.ts';
import type { FpuHelper } from '../fpu-helpers.ts';
import {
  FPU_CONTROL,
  FPU_CS,
  FPU_DE,
  FPU_DP,
  FPU_DS,
  FPU_IE,
  FPU_IP,
  FPU_OE,
  FPU_OPCODE,
  FPU_STAGED,
  FPU_STATUS,
  FPU_STORE_DP,
  FPU_TRAPPED,
  FPU_UE,
} from '../fpu-layout.ts';
import { FEATURE_CMOV, FEATURE_FXSR, type Instruction, x86 } from '../instruction.ts';
import { CS, S_EAX, V_MF, V_NM, V_STORE_STOPPED } from '../layout.ts';
import { M_WAIT_TRAP, M_X87_TRAP } from '../mode.ts';
import type { Translator } from '../translator.ts';
import { selector } from './move.ts';

type Execute = (t: Translator) => void;

/** #NM while the task switched or there is no x87; true: it always happens in this mode. */
function unavailable(t: Translator): boolean {
  if (!(t.mode & M_X87_TRAP)) return false;
  t.block.raise(V_NM, 0);
  return true;
}
/** If an unmasked exception is pending: #MF, or FERR# with CR0.NE clear (deliver_exception knows which). */
export function checkPending(t: Translator): void {
  const { x87 } = t;
  if (x87.errorMask < 0) x87.errorMask = t.block.getf(FPU_TRAPPED);
  t.block.raiseIf(t.bin(Op.and, t.block.getf(FPU_STATUS), x87.errorMask), V_MF, 0);
}
/** The 11 bits by which FOP names an instruction. */
const opcodeOf = ({ d }: Translator): number => ((d.opcode & 7) << 8) | (d.mod << 6) | (d.reg << 3) | d.rm;
function recordOffset(t: Translator, field: number): void {
  const { block, d } = t;
  if (d.base < 0 && d.index < 0) block.putfi(field, d.addressSize === 2 ? d.disp & 0xffff : d.disp);
  else block.putf(field, t.offset());
}
/** What FSTENV tells of the last instruction that was not a control instruction. */
function recordPointers(t: Translator, memory: boolean): void {
  const { block, d, x87 } = t;
  block.putfi(FPU_IP, t.eipAt(t.here));
  block.putfi(FPU_OPCODE, opcodeOf(t));
  if (!x87.codeSegment) {
    block.putf(FPU_CS, selector(t, CS));
    x87.codeSegment = true;
  }
  if (!memory) return;
  recordOffset(t, FPU_DP);
  if (x87.dataSegment !== d.segment) {
    block.putf(FPU_DS, selector(t, d.segment));
    x87.dataSegment = d.segment;
  }
}

/** An instruction that computes: it waits for pending exceptions and leaves its address behind. */
const waiting =
  (memory: boolean, execute: Execute): Execute =>
  (t) => {
    if (unavailable(t)) return;
    checkPending(t);
    execute(t);
    recordPointers(t, memory);
    t.x87.mmx = false;
  };
const register = (name: string, opcode: string, operands: string, execute: Execute): Instruction =>
  x86({ name, forms: { [opcode]: operands }, execute: waiting(false, execute) });
const memory = (name: string, opcode: string, operand: string, execute: Execute): Instruction =>
  x86({ name, forms: { [opcode]: operand }, execute: waiting(true, execute) });
/** A control instruction: no pointers; `waits` for pending exceptions or not. */
const controlled = (name: string, opcode: string, operand: string, waits: boolean, execute: Execute): Instruction =>
  x86({
    name,
    forms: { [opcode]: operand },

    execute(t) {
      if (unavailable(t)) return;
      if (waits) checkPending(t);
      execute(t);
      t.x87.errorMask = -1; // IGNNE# may be gone
      t.x87.codeSegment = t.x87.mmx = false;
      t.x87.dataSegment = -1;
    },
  });
const nothing = (): void => {};
/** The same, on processors with a feature. */
const needing = (requires: number, insn: Instruction): Instruction => ({ ...insn, requires });

/** The stack register in the low three bits of ModRM. */
const index = (t: Translator): number => t.movi(t.d.rm);
const plain =
  (helper: FpuHelper): Execute =>
  (t) =>
    void t.call(helper);
const indexed =
  (helper: FpuHelper, pops = 0): Execute =>
  (t) => {
    t.call(helper, index(t));
    for (let i = 0; i < pops; i++) t.call('pop');
  };

// Operands in memory, as the helpers take them.
const real32 = (t: Translator): number => t.load(Op.ld32, 4, false);
const real64 = (t: Translator): number => t.load(Op.ld64, 8, false);
const int16 = (t: Translator): number => t.load(Op.ld16s, 2, false);
const int32 = (t: Translator): number => t.load(Op.ld32, 4, false);

/** The eight operations of D8, DC, DA and DE: name, reg field; registers at C0 + 8 * reg. */
const OPERATIONS = ['add', 'mul', 'com', 'comp', 'sub', 'subr', 'div', 'divr'] as const;
/** In these forms the manual's FSUB and FSUBR, FDIV and FDIVR change places. */
const REVERSED = ['add', 'mul', 'com', 'comp', 'subr', 'sub', 'divr', 'div'] as const;

const arithmetic = OPERATIONS.flatMap((op, n) => {
  const compares = op === 'com' || op === 'comp';
  const pops = op === 'comp' ? 1 : 0;
  const base = compares ? 'fcom' : `f${op}`;
  const first = (0xc0 + n * 8).toString(16).toUpperCase();
  const from =
    (suffix: string, load: (t: Translator) => number): Execute =>
    (t) => {
      t.call(`${base}_${suffix}` as FpuHelper, load(t));
      if (pops) t.call('pop');
    };
  const list = [
    memory(`f${op}s`, `D8 /${n}`, 'Md', from('m32', real32)),
    memory(`f${op}l`, `DC /${n}`, 'Mq', from('m64', real64)),
    memory(`fi${op}l`, `DA /${n}`, 'Md', from('int', int32)),
    memory(`fi${op}s`, `DE /${n}`, 'Mw', from('int', int16)),
  ];
  if (compares) {
    list.push(register(`f${op}`, `D8 ${first}+i`, 'STi', indexed('fcom_sti', pops)));
    // Aliases of the 8087's encoding.
    list.push(register(`f${op}2`, `DC ${first}+i`, 'STi', indexed('fcom_sti', pops)));
    return list;
  }
  const reversed = `f${REVERSED[n]}_sti_st0` as FpuHelper;
  list.push(
    register(`f${op}`, `D8 ${first}+i`, 'ST0,STi', indexed(`f${op}_st0_sti` as FpuHelper)),
    register(`f${op}`, `DC ${first}+i`, 'STi,ST0', indexed(reversed)),
    register(`f${op}p`, `DE ${first}+i`, 'STi,ST0', indexed(reversed, 1)),
  );
  return list;
});

const comparisons = [
  register('fcomp5', 'DE D0+i', 'STi', indexed('fcom_sti', 1)),
  register('fcompp', 'DE D9', '', indexed('fcom_sti', 2)),
  register('fucompp', 'DA E9', '', indexed('fucom_sti', 2)),
  register('fucom', 'DD E0+i', 'STi', indexed('fucom_sti')),
  register('fucomp', 'DD E8+i', 'STi', indexed('fucom_sti', 1)),
  register('ftst', 'D9 E4', '', plain('ftst')),
  register('fxam', 'D9 E5', '', plain('fxam')),
  ...(
    [
      ['fucomi', 'DB E8+i', 'fucomi', false],
      ['fcomi', 'DB F0+i', 'fcomi', false],
      ['fucomip', 'DF E8+i', 'fucomi', true],
      ['fcomip', 'DF F0+i', 'fcomi', true],
    ] as const
  ).map(([name, opcode, helper, pops]) =>
    needing(
      FEATURE_CMOV,
      register(name, opcode, 'ST0,STi', (t) => {
        const flags = t.call(helper, index(t));
        if (pops) t.call('pop');
        t.setEflags(flags);
      }),
    ),
  ),
];

/** FCMOVcc: opcode, condition code. */
const conditional = (
  [
    ['fcmovb', 'DA C0+i', 2],
    ['fcmove', 'DA C8+i', 4],
    ['fcmovbe', 'DA D0+i', 6],
    ['fcmovu', 'DA D8+i', 10],
    ['fcmovnb', 'DB C0+i', 3],
    ['fcmovne', 'DB C8+i', 5],
    ['fcmovnbe', 'DB D0+i', 7],
    ['fcmovnu', 'DB D8+i', 11],
  ] as const
).map(([name, opcode, code]) =>
  needing(
    FEATURE_CMOV,
    register(name, opcode, 'ST0,STi', (t) => void t.call('fcmov', index(t), conditionValue(t, code))),
  ),
);

const loads = [
  memory('flds', 'D9 /0', 'Md', (t) => void t.call('fld_f32', real32(t))),
  memory('fldl', 'DD /0', 'Mq', (t) => void t.call('fld_f64', real64(t))),
  memory('filds', 'DF /0', 'Mw', (t) => void t.call('fild', t.un(Op.exts, int16(t)))),
  memory('fildl', 'DB /0', 'Md', (t) => void t.call('fild', t.un(Op.exts, int32(t)))),
  memory('fildll', 'DF /5', 'Mq', (t) => void t.call('fild', real64(t))),
  memory('fldt', 'DB /5', 'Mt', (t) => void t.call('fld80', real64(t), t.load(Op.ld16u, 2, false, 8))),
  memory('fbld', 'DF /4', 'Mt', (t) => void t.call('fbld', real64(t), t.load(Op.ld16u, 2, false, 8))),
  register('fld', 'D9 C0+i', 'STi', indexed('fld_st')),
  ...['fld1', 'fldl2t', 'fldl2e', 'fldpi', 'fldlg2', 'fldln2', 'fldz'].map((name, k) =>
    register(name, `D9 ${(0xe8 + k).toString(16).toUpperCase()}`, '', (t) => void t.call('fld_const', t.movi(k))),
  ),
];

/** What, unmasked, keeps a store from writing (SDM volume 1, 8.5): as `fst_blocked`. */
const STOPPING = FPU_IE | FPU_DE | FPU_OE | FPU_UE;

/** Leaves a store whose conversion raised an unmasked exception to deliver_exception. */
function unlessStopped(t: Translator): void {
  const { block, d } = t;
  recordOffset(t, FPU_STORE_DP);
  const raised = t.bini(Op.and, block.getf(FPU_STAGED), STOPPING);
  const unmasked = t.bini(Op.xor, block.getf(FPU_CONTROL), STOPPING);
  block.raiseIf(t.bin(Op.and, raised, unmasked), V_STORE_STOPPED, d.length | (opcodeOf(t) << 4) | (d.segment << 16));
}

/** A store: the value is converted, written, and only then do flags change and the stack pop. */
const stored =
  (helper: FpuHelper, size: number, pops: number): Execute =>
  (t) => {
    const value = t.call(helper);
    unlessStopped(t);
    t.store(size, value);
    t.call('fst_commit', t.movi(pops));
  };
/** Ten bytes, in two parts. */
const stored80 =
  (helper: FpuHelper): Execute =>
  (t) => {
    t.checkStore(10);
    const value = t.call(helper);
    unlessStopped(t);
    t.store(8, value);
    t.store(2, t.call('fst80_high'), 8);
    t.call('fst_commit', t.movi(1));
  };
const stores = [
  memory('fsts', 'D9 /2', 'Md', stored('fst_f32', 4, 0)),
  memory('fstps', 'D9 /3', 'Md', stored('fst_f32', 4, 1)),
  memory('fstl', 'DD /2', 'Mq', stored('fst_f64', 8, 0)),
  memory('fstpl', 'DD /3', 'Mq', stored('fst_f64', 8, 1)),
  memory('fists', 'DF /2', 'Mw', stored('fist16', 2, 0)),
  memory('fistps', 'DF /3', 'Mw', stored('fist16', 2, 1)),
  memory('fistl', 'DB /2', 'Md', stored('fist32', 4, 0)),
  memory('fistpl', 'DB /3', 'Md', stored('fist32', 4, 1)),
  memory('fistpll', 'DF /7', 'Mq', stored('fist64', 8, 1)),
  memory('fstpt', 'DB /7', 'Mt', stored80('fst80')),
  memory('fbstp', 'DF /6', 'Mt', stored80('fbst')),
  register('fst', 'DD D0+i', 'STi', indexed('fst_st')),
  register('fstp', 'DD D8+i', 'STi', indexed('fst_st', 1)),
  register('fstp1', 'D9 D8+i', 'STi', indexed('fst_st', 1)),
  register('fstp8', 'DF D0+i', 'STi', indexed('fst_st', 1)),
  register('fstp9', 'DF D8+i', 'STi', indexed('fst_st', 1)),
];

const stackInstructions = [
  register('fxch', 'D9 C8+i', 'STi', indexed('fxch')),
  register('fxch4', 'DD C8+i', 'STi', indexed('fxch')),
  register('fxch7', 'DF C8+i', 'STi', indexed('fxch')),
  register('ffree', 'DD C0+i', 'STi', indexed('ffree')),
  register('ffreep', 'DF C0+i', 'STi', indexed('ffree', 1)),
  register('fnop', 'D9 D0', '', nothing),
  register('fdecstp', 'D9 F6', '', plain('fdecstp')),
  register('fincstp', 'D9 F7', '', plain('fincstp')),
];

const functions = (
  [
    ['fchs', 'E0'],
    ['fabs', 'E1'],
    ['f2xm1', 'F0'],
    ['fyl2x', 'F1'],
    ['fptan', 'F2'],
    ['fpatan', 'F3'],
    ['fxtract', 'F4'],
    ['fprem1', 'F5'],
    ['fprem', 'F8'],
    ['fyl2xp1', 'F9'],
    ['fsqrt', 'FA'],
    ['fsincos', 'FB'],
    ['frndint', 'FC'],
    ['fscale', 'FD'],
    ['fsin', 'FE'],
    ['fcos', 'FF'],
  ] as const
).map(([name, byte]) => register(name, `D9 ${byte}`, '', plain(name)));

/** Bytes of the environment, and of the environment with registers, by operand size. */
const environment = (t: Translator): number => (t.d.operandSize === 4 ? 28 : 14);
const wholeState = (t: Translator): number => environment(t) + 80;
const image = (
  helper: 'fnstenv' | 'fldenv' | 'fnsave' | 'frstor',
  size: (t: Translator) => number,
  write: boolean,
): Execute => {
  return (t) => void t.call(helper, t.address(size(t), write), t.movi(t.d.operandSize));
};

const controls = [
  controlled('fldenv', 'D9 /4', 'M', true, image('fldenv', environment, false)),
  controlled('fldcw', 'D9 /5', 'Mw', true, (t) => void t.call('fldcw', t.load(Op.ld16u, 2, false))),
  controlled('fnstenv', 'D9 /6', 'M', false, image('fnstenv', environment, true)),
  controlled('fnstcw', 'D9 /7', 'Mw', false, (t) => t.store(2, t.call('fnstcw'))),
  controlled('frstor', 'DD /4', 'M', true, image('frstor', wholeState, false)),
  controlled('fnsave', 'DD /6', 'M', false, image('fnsave', wholeState, true)),
  controlled('fnstsw', 'DD /7', 'Mw', false, (t) => t.store(2, t.call('fnstsw'))),
  x86({
    name: 'fnstsw',
    forms: { 'DF E0': 'AX' },
    execute(t) {
      if (!unavailable(t)) t.dep(S_EAX, 0, 16, t.call('fnstsw'), S_EAX);
    },
  }),
  controlled('fneni(8087 only)', 'DB E0', '', false, nothing),
  controlled('fndisi(8087 only)', 'DB E1', '', false, nothing),
  controlled('fnclex', 'DB E2', '', false, plain('fnclex')),
  controlled('fninit', 'DB E3', '', false, plain('fninit')),
  controlled('fnsetpm(287 only)', 'DB E4', '', false, nothing),
  needing(
    FEATURE_FXSR,
    controlled('fxsave', '0F AE /0', 'M', false, (t) => void t.call('fxsave', t.address(512, true))),
  ),
  needing(
    FEATURE_FXSR,
    controlled('fxrstor', '0F AE /1', 'M', false, (t) => void t.call('fxrstor', t.address(512, false))),
  ),
  x86({
    name: 'fwait',
    forms: { '9B': '' },
    execute(t) {
      if (t.mode & M_WAIT_TRAP) t.block.raise(V_NM, 0);
      else checkPending(t);
    },
  }),
];

export const fpu: readonly Instruction[] = [
  ...arithmetic,
  ...comparisons,
  ...conditional,
  ...loads,
  ...stores,
  ...stackInstructions,
  ...functions,
  ...controls,
];
