/** AND, OR, XOR, NOT, TEST. */
import { Op } from '../../../ir/ops.ts';
import { CC_LOGIC } from '../cc.ts';
import { type Instruction, x86 } from '../instruction.ts';
import type { Place } from '../place.ts';
import type { Translator } from '../translator.ts';
import { aluForms } from './arith.ts';

function logic(t: Translator, op: number, dst: Place, src: Place): void {
  const b = src.readOrConstant();
  const a = dst.readForUpdate();
  const { slot } = dst;
  if (slot >= 0) t.binOr(op, a, b, src.value, slot);
  const r = slot >= 0 ? slot : t.binOr(op, a, b, src.value);
  if (slot < 0) dst.write(r);
  t.flags(CC_LOGIC, dst.size, r, -1, 0);
}

const or = x86({
  name: 'or',
  forms: aluForms(1),
  lockable: true,
  execute: (t, dst, src) => logic(t, Op.or, dst, src),
});

const and = x86({
  name: 'and',
  forms: aluForms(4),
  lockable: true,
  execute: (t, dst, src) => logic(t, Op.and, dst, src),
});

const xor = x86({
  name: 'xor',
  forms: aluForms(6),
  lockable: true,
  execute(t, dst, src) {
    if (!dst.sameRegister(src)) return logic(t, Op.xor, dst, src);
    dst.writeConstant(0);
    t.flags(CC_LOGIC, dst.size, dst.slot >= 0 ? dst.slot : t.movi(0), -1, 0);
  },
});

const test = x86({
  name: 'test',
  forms: {
    '84 /r': 'Eb,Gb',
    '85 /r': 'Ev,Gv',
    A8: 'AL,Ib',
    A9: 'eAX,Iz',
    'F6 /0': 'Eb,Ib',
    'F6 /1': 'Eb,Ib',
    'F7 /0': 'Ev,Iz',
    'F7 /1': 'Ev,Iz',
  },
  execute(t, dst, src) {
    const b = src.readOrConstant();
    const r = t.binOr(Op.and, dst.read(), b, src.value);
    t.flags(CC_LOGIC, dst.size, r, -1, 0);
  },
});

const not = x86({
  name: 'not',
  forms: { 'F6 /2': 'Eb', 'F7 /2': 'Ev' },
  lockable: true,
  execute(t, dst) {
    const a = dst.readForUpdate();
    if (dst.slot >= 0) t.bini(Op.xor, a, -1, dst.slot);
    else dst.write(t.bini(Op.xor, a, -1));
  },
});

export const logicInstructions: readonly Instruction[] = [or, and, xor, test, not];
