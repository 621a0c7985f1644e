/** Multiplication and division. */
import { Op } from '../../../ir/ops.ts';
import { CC_MUL } from '../cc.ts';
import { type Instruction, x86 } from '../instruction.ts';
import { S_EAX, S_EDX } from '../layout.ts';
import type { Place } from '../place.ts';
import type { Translator } from '../translator.ts';

/** Low and high half of a 32-bit product, in temporaries. */
function product(t: Translator, signed: boolean, a: number, b: number): readonly [low: number, high: number] {
  const low = t.temp();
  const high = t.temp();
  t.block.emit(signed ? Op.muls2 : Op.mulu2, low, a, b, 0, 0, high);
  return [low, high];
}

/** MUL and one-operand IMUL: AX, DX:AX or EDX:EAX is the product of the accumulator and the operand. */
function wide(t: Translator, signed: boolean, src: Place): void {
  const { size, bits } = src;
  if (size === 4) {
    const [low, high] = product(t, signed, S_EAX, src.read());
    t.mov(low, S_EAX);
    t.mov(high, S_EDX);
    t.flags(CC_MUL, 4, low, signed ? t.bin(Op.sub, high, t.bini(Op.sar, low, 31)) : high, 0);
    return;
  }
  const b = signed ? src.readSigned() : src.read();
  const p = t.bin(Op.mul, t.bits(S_EAX, 0, bits, signed), b);
  const low = t.cut(p, size);
  // Nonzero if the product is more than its low half.
  const more = signed ? t.bin(Op.sub, p, t.extend(p, size)) : t.bini(Op.shr, p, bits);
  t.dep(S_EAX, 0, 16, p, S_EAX);
  if (size === 2) t.dep(S_EDX, 0, 16, t.bini(Op.shr, p, 16), S_EDX);
  t.flags(CC_MUL, size, low, more, 0);
}

/** Two- and three-operand IMUL. */
function truncated(t: Translator, dst: Place, a: Place, b: Place): void {
  if (dst.size === 4) {
    const [low, high] = product(t, true, a.read(), b.read());
    t.mov(low, dst.reg);
    t.flags(CC_MUL, 4, low, t.bin(Op.sub, high, t.bini(Op.sar, low, 31)), 0);
    return;
  }
  const p = t.bin(Op.mul, a.readSigned(), b.readSigned());
  const low = t.cut(p, 2);
  dst.write(p);
  t.flags(CC_MUL, 2, low, t.bin(Op.sub, p, t.extend(p, 2)), 0);
}

const mul = x86({
  name: 'mul',
  forms: { 'F6 /4': 'Eb', 'F7 /4': 'Ev' },
  execute: (t, src) => wide(t, false, src),
});

const imul = x86({
  name: 'imul',
  forms: { 'F6 /5': 'Eb', 'F7 /5': 'Ev', '0F AF /r': 'Gv,Ev', '69 /r': 'Gv,Ev,Iz', '6B /r': 'Gv,Ev,Ibs' },
  execute(t, dst, a, b) {
    const { form } = t.d;
    if (form?.b === 0) wide(t, true, dst);
    else if (form?.c === 0) truncated(t, dst, dst, a);
    else truncated(t, dst, a, b);
  },
});

const DIV = ['', 'div8', 'div16', '', 'div32'] as const;
const IDIV = ['', 'idiv8', 'idiv16', '', 'idiv32'] as const;

const div = x86({
  name: 'div',
  forms: { 'F6 /6': 'Eb', 'F7 /6': 'Ev' },
  execute(t, src) {
    t.call(DIV[src.size as 1 | 2 | 4], src.read());
  },
});

const idiv = x86({
  name: 'idiv',
  forms: { 'F6 /7': 'Eb', 'F7 /7': 'Ev' },
  execute(t, src) {
    t.call(IDIV[src.size as 1 | 2 | 4], src.readSigned());
  },
});

export const muldiv: readonly Instruction[] = [mul, imul, div, idiv];
