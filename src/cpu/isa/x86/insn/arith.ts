/** Addition, subtraction, comparison; exchange-and-add, compare-and-exchange. */
import { Op } from '../../../ir/ops.ts';
import { CC_ADD, CC_DEC, CC_INC, CC_LOGIC, CC_SUB } from '../cc.ts';
import { carry } from '../conditions.ts';
import { FEATURE_CX8, type Forms, type Instruction, x86 } from '../instruction.ts';
import { S_CC_DST, S_CC_OP, S_CC_SRC, S_EAX, S_EBX, S_ECX, S_EDX } from '../layout.ts';
import type { Place } from '../place.ts';
import type { Translator } from '../translator.ts';

const hex = (n: number): string => n.toString(16).toUpperCase().padStart(2, '0');

/** The ten forms that the eight instructions of the first opcode rows have, by their number. */
export function aluForms(n: number): Forms {
  const at = (i: number): string => hex(n * 8 + i);
  return {
    [`${at(0)} /r`]: 'Eb,Gb',
    [`${at(1)} /r`]: 'Ev,Gv',
    [`${at(2)} /r`]: 'Gb,Eb',
    [`${at(3)} /r`]: 'Gv,Ev',
    [at(4)]: 'AL,Ib',
    [at(5)]: 'eAX,Iz',
    [`80 /${n}`]: 'Eb,Ib',
    [`81 /${n}`]: 'Ev,Iz',
    [`82 /${n}`]: 'Eb,Ib',
    [`83 /${n}`]: 'Ev,Ibs',
  };
}

/** dst = dst op src with the flags of `kind`. A 32-bit register is written directly, as one op. */
function addOrSub(t: Translator, op: number, kind: number, dst: Place, src: Place): void {
  let b = src.readOrConstant();
  const a = dst.readForUpdate();
  const { slot } = dst;
  if (slot >= 0) {
    if (b === slot) b = t.mov(b);
    t.binOr(op, a, b, src.value, slot);
    t.flags(kind, 4, slot, b, src.value);
  } else {
    const r = t.cut(t.binOr(op, a, b, src.value), dst.size);
    dst.write(r);
    t.flags(kind, dst.size, r, b, src.value, kind === CC_SUB ? a : -1);
  }
}

/** ADC and SBB. */
function withCarry(t: Translator, subtract: boolean, dst: Place, src: Place): void {
  const cf = carry(t);
  const op = subtract ? Op.sub : Op.add;
  let b = src.readOrConstant();
  const a = dst.readForUpdate();
  const { slot } = dst;
  if (b >= 0 && b === slot) b = t.mov(b);
  const cin = t.keep(cf);
  const part = t.binOr(op, a, b, src.value);
  const r = slot >= 0 ? t.bin(op, part, cin, slot) : t.cut(t.bin(op, part, cin), dst.size);
  if (slot < 0) dst.write(r);
  t.flagsWithCarry(subtract, dst.size, r, b, src.value, cin);
}

const add = x86({
  name: 'add',
  forms: aluForms(0),
  lockable: true,
  execute: (t, dst, src) => addOrSub(t, Op.add, CC_ADD, dst, src),
});

const adc = x86({
  name: 'adc',
  forms: aluForms(2),
  lockable: true,
  execute: (t, dst, src) => withCarry(t, false, dst, src),
});

const sbb = x86({
  name: 'sbb',
  forms: aluForms(3),
  lockable: true,
  execute: (t, dst, src) => withCarry(t, true, dst, src),
});

const sub = x86({
  name: 'sub',
  forms: aluForms(5),
  lockable: true,
  execute(t, dst, src) {
    if (!dst.sameRegister(src)) return addOrSub(t, Op.sub, CC_SUB, dst, src);
    dst.writeConstant(0);
    t.flags(CC_LOGIC, dst.size, dst.slot >= 0 ? dst.slot : t.movi(0), -1, 0);
  },
});

const cmp = x86({
  name: 'cmp',
  forms: aluForms(7),
  execute(t, dst, src) {
    const b = src.readOrConstant();
    const a = dst.read();
    const r = t.cut(t.binOr(Op.sub, a, b, src.value), dst.size);
    t.flags(CC_SUB, dst.size, r, b, src.value, a);
  },
});

/** INC and DEC: CF stays. */
function step(t: Translator, by: number, kind: number, dst: Place): void {
  const cf = carry(t);
  const a = dst.readForUpdate();
  const { slot } = dst;
  if (slot >= 0) {
    t.bini(Op.add, a, by, slot);
    t.flags(kind, 4, slot, cf, 0);
  } else {
    const r = t.cut(t.bini(Op.add, a, by), dst.size);
    dst.write(r);
    t.flags(kind, dst.size, r, cf, 0);
  }
}

const inc = x86({
  name: 'inc',
  forms: { '40+r': 'Zv', 'FE /0': 'Eb', 'FF /0': 'Ev' },
  lockable: true,
  execute: (t, dst) => step(t, 1, CC_INC, dst),
});

const dec = x86({
  name: 'dec',
  forms: { '48+r': 'Zv', 'FE /1': 'Eb', 'FF /1': 'Ev' },
  lockable: true,
  execute: (t, dst) => step(t, -1, CC_DEC, dst),
});

const neg = x86({
  name: 'neg',
  forms: { 'F6 /3': 'Eb', 'F7 /3': 'Ev' },
  lockable: true,
  execute(t, dst) {
    const a = t.keep(dst.readForUpdate());
    const { slot } = dst;
    const r = slot >= 0 ? t.bini(Op.mul, a, -1, slot) : t.cut(t.bini(Op.mul, a, -1), dst.size);
    if (slot < 0) dst.write(r);
    t.flags(CC_SUB, dst.size, r, a, 0);
  },
});

const xadd = x86({
  name: 'xadd',
  forms: { '0F C0 /r': 'Eb,Gb', '0F C1 /r': 'Ev,Gv' },
  lockable: true,
  execute(t, dst, src) {
    const a = t.keep(dst.readForUpdate());
    const b = src.copy();
    const r = t.cut(t.bin(Op.add, a, b), dst.size);
    if (dst.isMemory) {
      dst.write(r);
      src.write(a);
    } else {
      src.write(a);
      dst.write(r);
    }
    t.flags(CC_ADD, dst.size, r, b, 0);
  },
});

/** The destination is written in either case, as the processor does. */
const cmpxchg = x86({
  name: 'cmpxchg',
  forms: { '0F B0 /r': 'Eb,Gb', '0F B1 /r': 'Ev,Gv' },
  lockable: true,
  execute(t, dst, src) {
    const { size } = dst;
    const old = t.keep(dst.readForUpdate());
    const value = src.read();
    const accumulator = size === 4 ? t.mov(S_EAX) : t.bits(S_EAX, 0, size * 8, false);
    const r = t.cut(t.bin(Op.sub, accumulator, old), size);
    const stored = t.sel(r, old, value);
    if (dst.isMemory) dst.write(stored);
    if (size === 4) t.mov(old, S_EAX);
    else t.dep(S_EAX, 0, size * 8, old, S_EAX);
    if (!dst.isMemory) dst.write(stored);
    t.flags(CC_SUB, size, r, old, 0, accumulator);
  },
});

const cmpxchg8b = x86({
  name: 'cmpxchg8b',
  forms: { '0F C7 /1': 'Mq' },
  requires: FEATURE_CX8,
  lockable: true,
  execute(t) {
    const old = t.load(Op.ld64, 8, true);
    const low = t.un(Op.wrap, old);
    const high = t.un(Op.wrap, t.bini(Op.shr64, old, 32));
    const differs = t.bin(Op.or, t.bin(Op.xor, low, S_EAX), t.bin(Op.xor, high, S_EDX));
    const value = t.bin(Op.or64, t.un(Op.extu, S_EBX), t.bini(Op.shl64, t.un(Op.extu, S_ECX), 32));
    const stored = t.temp();
    t.block.sel(differs, old, value, stored, true);
    t.store(8, stored);
    t.mov(low, S_EAX);
    t.mov(high, S_EDX);
    const equal = t.bini(Op.eq, differs, 0);
    t.setEflags(t.call('cc_with_zf', S_CC_OP, S_CC_DST, S_CC_SRC, equal));
  },
});

export const arith: readonly Instruction[] = [add, adc, sbb, sub, cmp, inc, dec, neg, xadd, cmpxchg, cmpxchg8b];
