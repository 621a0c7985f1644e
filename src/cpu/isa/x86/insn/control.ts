/** Jumps, calls, returns, loops, software interrupts. */
import { CALL, JUMP, Op, RET } from '../../../ir/ops.ts';
import { CONDITION_NAMES, type Comparison, condition } from '../conditions.ts';
import { INT_1, INT_3, INT_N } from '../helpers.ts';
import { type Instruction, x86 } from '../instruction.ts';
import { S_ECX, S_ESP, V_BP, V_BR, V_DB } from '../layout.ts';
import { M_FLAT } from '../mode.ts';
import type { Place } from '../place.ts';
import type { Translator } from '../translator.ts';

const hex = (n: number): string => n.toString(16).toUpperCase();

/** Branches to the instruction's target if a comparison holds. */
function branch(t: Translator, c: Comparison): void {
  const target = t.jumpTarget(t.d.imm);
  if (!(t.mode & M_FLAT)) {
    const taken = t.binOr(c.op, c.a, c.b, c.imm);
    t.checkTarget(target, taken);
    t.branch({ op: Op.ne, a: taken, b: -1, imm: 0 }, target, t.next);
  } else t.branch(c, target, t.next);
}

const jcc = CONDITION_NAMES.map((cc, code) =>
  x86({
    name: `j${cc}`,
    forms: { [hex(0x70 + code)]: 'Jb', [`0F ${hex(0x80 + code)}`]: 'Jz' },
    execute: (t) => branch(t, condition(t, code)),
  }),
);

/** (E)CX as the address size says. */
function counter(t: Translator): number {
  return t.d.addressSize === 4 ? S_ECX : t.bits(S_ECX, 0, 16, false);
}

/** LOOP, LOOPE, LOOPNE: the last two also want ZF set or clear (`code`: COND_Z, or with the low bit COND_NZ; -1 none). */
function loop(t: Translator, code: number): void {
  const left = t.bini(Op.add, counter(t), -1);
  const narrow = t.d.addressSize === 2;
  const count = narrow ? t.bits(left, 0, 16, false) : left;
  let taken = t.bini(Op.ne, count, 0);
  if (code >= 0) {
    const c = condition(t, code);
    taken = t.bin(Op.and, taken, t.binOr(c.op, c.a, c.b, c.imm));
  }
  const target = t.jumpTarget(t.d.imm);
  t.checkTarget(target, taken);
  if (narrow) t.dep(S_ECX, 0, 16, count, S_ECX);
  else t.mov(count, S_ECX);
  t.branch({ op: Op.ne, a: taken, b: -1, imm: 0 }, target, t.next);
}

const loops = [
  x86({ name: 'loopne', forms: { E0: 'Jb' }, execute: (t) => loop(t, 5) }),
  x86({ name: 'loope', forms: { E1: 'Jb' }, execute: (t) => loop(t, 4) }),
  x86({ name: 'loop', forms: { E2: 'Jb' }, execute: (t) => loop(t, -1) }),
  x86({
    name: 'jecxz',
    forms: { E3: 'Jb' },
    narrowName: 'jcxz',
    execute: (t) => branch(t, { op: Op.eq, a: counter(t), b: -1, imm: 0 }),
  }),
];

const jmp = x86({
  name: 'jmp',
  forms: { E9: 'Jz', EB: 'Jb' },
  att: 'sized',
  execute(t) {
    const target = t.jumpTarget(t.d.imm);
    t.checkTarget(target);
    t.goto(target);
  },
});

const jmpIndirect = x86({
  name: 'jmp',
  forms: { 'FF /4': 'Ev' },
  att: 'indirect',
  execute: (t, target) => t.gotoIndirect(t.indirectTarget(target.read()), JUMP),
});

const call = x86({
  name: 'call',
  forms: { E8: 'Jz' },
  att: 'sized',
  execute(t) {
    const target = t.jumpTarget(t.d.imm);
    t.checkTarget(target);
    t.pushConstant(t.eipAt(t.next));
    t.goto(target, CALL);
  },
});

const callIndirect = x86({
  name: 'call',
  forms: { 'FF /2': 'Ev' },
  att: 'indirect',
  execute(t, target) {
    const eip = target.read();
    const va = t.indirectTarget(eip === S_ESP ? t.mov(eip) : eip);
    t.pushConstant(t.eipAt(t.next));
    t.gotoIndirect(va, CALL);
  },
});

const ret = x86({
  name: 'ret',
  forms: { C2: 'Iw', C3: '' },
  att: 'sized',
  execute(t, release) {
    const size = t.d.operandSize;
    const va = t.indirectTarget(t.stackLoad(0, size));
    t.moveStack(size + (t.d.form?.a ? release.value : 0));
    t.gotoIndirect(va, RET);
  },
});

/** Far jumps and calls: selector and offset from the instruction or from memory. */
function far(t: Translator, helper: 'far_jmp' | 'far_call', memory: boolean): void {
  const { d } = t;
  const size = d.operandSize;
  const offset = memory ? t.load(size === 4 ? Op.ld32 : Op.ld16u, size, false) : t.movi(d.imm);
  const sel = memory ? t.load(Op.ld16u, 2, false, size) : t.movi(d.imm2);
  t.call(helper, sel, offset, t.movi(t.eipAt(t.next)), t.movi(size));
  t.jump(true);
}
const fars = [
  x86({ name: 'ljmp', forms: { EA: 'Ap' }, att: 'sized', execute: (t) => far(t, 'far_jmp', false) }),
  x86({ name: 'ljmp', forms: { 'FF /5': 'Mp' }, att: 'indirect', execute: (t) => far(t, 'far_jmp', true) }),
  x86({ name: 'lcall', forms: { '9A': 'Ap' }, att: 'sized', execute: (t) => far(t, 'far_call', false) }),
  x86({ name: 'lcall', forms: { 'FF /3': 'Mp' }, att: 'indirect', execute: (t) => far(t, 'far_call', true) }),
];

const lret = x86({
  name: 'lret',
  forms: { CA: 'Iw', CB: '' },
  att: 'sized',
  execute(t, release) {
    t.call('far_ret', t.movi(t.d.operandSize), t.movi(t.d.form?.a ? release.value : 0));
    t.jump(true);
  },
});

/** INT n and its short forms. The trap flag is cleared on the way: no #DB after them. */
function interrupt(t: Translator, vector: number, kind: number): void {
  t.call('int_n', t.movi(vector), t.movi(t.eipAt(t.next)), t.movi(kind));
  t.jump(false);
}
const interrupts = [
  x86({ name: 'int3', forms: { CC: '' }, execute: (t) => interrupt(t, V_BP, INT_3) }),
  x86({ name: 'int', forms: { CD: 'Ib' }, execute: (t, vector: Place) => interrupt(t, vector.value, INT_N) }),
  x86({ name: 'int1', forms: { F1: '' }, execute: (t) => interrupt(t, V_DB, INT_1) }),
  x86({
    name: 'into',
    forms: { CE: '' },
    execute(t) {
      t.call('into', t.movi(t.eipAt(t.next)));
      t.jump(false);
    },
  }),
];

const iret = x86({
  name: 'iret',
  forms: { CF: '' },
  att: 'sized',
  execute(t) {
    t.call('iret', t.movi(t.d.operandSize), t.movi(t.eipAt(t.next)));
    t.jump(true);
  },
});

/** BOUND: #BR if the register, signed, is not within the two words in memory. */
const bound = x86({
  name: 'bound',
  forms: { '62 /r': 'Gv,Mv' },
  execute(t, index) {
    const { size } = index;
    const op = size === 4 ? Op.ld32 : Op.ld16s;
    const i = index.readSigned();
    const lower = t.load(op, size, false);
    const upper = t.load(op, size, false, size);
    t.block.raiseIf(t.bin(Op.or, t.bin(Op.lts, i, lower), t.bin(Op.gts, i, upper)), V_BR, 0);
  },
});

export const control: readonly Instruction[] = [
  ...jcc,
  ...loops,
  jmp,
  jmpIndirect,
  call,
  callIndirect,
  ret,
  ...fars,
  lret,
  ...interrupts,
  iret,
  bound,
];
