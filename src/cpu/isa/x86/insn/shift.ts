/** Shifts and rotates. The count is taken modulo 32; a count of zero leaves the flags alone (SDM volume 2, SAL). */
import { Op } from '../../../ir/ops.ts';
import { CC_ADD, CC_DEC, CC_INC, CC_LOGIC, CC_MUL, CC_ROT, CC_SHL, CC_SHR, CC_SUB } from '../cc.ts';
import { type Forms, type Instruction, x86 } from '../instruction.ts';
import { AF, CF, OF, S_CC_DST, S_CC_SRC, S_ECX } from '../layout.ts';
import { type Place, REGISTER } from '../place.ts';
import type { Translator } from '../translator.ts';

const shiftForms = (n: number): Forms => ({
  [`C0 /${n}`]: 'Eb,Ib',
  [`C1 /${n}`]: 'Ev,Ib',
  [`D0 /${n}`]: 'Eb,1',
  [`D1 /${n}`]: 'Ev,1',
  [`D2 /${n}`]: 'Eb,CL',
  [`D3 /${n}`]: 'Ev,CL',
});

/** The destination is read and written back, nothing else: a count of zero. */
function touch(dst: Place): void {
  if (dst.isMemory) dst.write(dst.readForUpdate());
}

/** SHL, SHR, SAR: the flags follow from the result and the value shifted by one less. */
function shift(t: Translator, op: number, dst: Place, count: Place): void {
  const { size, slot } = dst;
  const kind = op === Op.shl ? CC_SHL : CC_SHR;
  const variable = count.kind === REGISTER;
  const n = variable ? -1 : count.value & 31;
  if (n === 0) return touch(dst);
  const counter = variable ? t.bini(Op.and, S_ECX, 31) : -1;
  let a = dst.readForUpdate();
  if (op === Op.sar) a = t.extend(a, size);
  let src: number;
  if (variable) src = t.bin(op, a, t.bini(Op.sub, counter, 1));
  else if (n > 1) src = t.bini(op, a, n - 1);
  else src = t.keep(a);
  let r: number;
  if (slot >= 0) r = t.binOr(op, a, counter, n, slot);
  else {
    r = t.binOr(op, a, counter, n);
    if (op !== Op.shr) r = t.cut(r, size);
    dst.write(r);
  }
  if (variable) t.flagsIf(counter, kind, size, r, src);
  else t.flags(kind, size, r, src, 0);
}

const shl = x86({
  name: 'shl',
  forms: { ...shiftForms(4), ...shiftForms(6) },
  execute: (t, dst, count) => shift(t, Op.shl, dst, count),
});
const shr = x86({ name: 'shr', forms: shiftForms(5), execute: (t, dst, count) => shift(t, Op.shr, dst, count) });
const sar = x86({ name: 'sar', forms: shiftForms(7), execute: (t, dst, count) => shift(t, Op.sar, dst, count) });

/** AF of flags that follow from CC_DST and CC_SRC in a way known here, in its place; -1 if SF, ZF and PF do not follow from CC_DST. */
function adjustFlag(t: Translator): number {
  const carries = (a: number): number => t.bini(Op.and, t.bin(Op.xor, t.bin(Op.xor, a, S_CC_SRC), S_CC_DST), AF);
  const digitIs = (digit: number): number => t.bini(Op.shl, t.bini(Op.eq, t.bini(Op.and, S_CC_DST, 0xf), digit), 4);
  switch (t.ccKind) {
    case CC_ADD:
      return carries(t.bin(Op.sub, S_CC_DST, S_CC_SRC));
    case CC_SUB:
      return carries(t.bin(Op.add, S_CC_DST, S_CC_SRC));
    case CC_INC:
      return digitIs(0);
    case CC_DEC:
      return digitIs(0xf);
    case CC_LOGIC:
    case CC_SHL:
    case CC_SHR:
    case CC_MUL:
      return t.movi(0);
    case CC_ROT:
      return t.bini(Op.and, S_CC_SRC, AF);
    default:
      return -1;
  }
}

/** ROL and ROR: CF is the bit that went round, OF as for a count of one whatever the count; the other flags stay. */
function rotate(t: Translator, op: number, dst: Place, count: Place): void {
  const { size, slot, bits } = dst;
  const variable = count.kind === REGISTER;
  const n = variable ? -1 : count.value & 31;
  if (n === 0) return touch(dst);
  const counter = variable ? t.bini(Op.and, S_ECX, 31) : -1;
  const adjust = adjustFlag(t);
  const before = adjust < 0 ? t.eflags() : adjust;
  const a = dst.readForUpdate();
  // Narrow values are repeated to fill 32 bits: rotating those comes to the same.
  const wide = size === 4 ? a : t.bini(Op.mul, a, size === 1 ? 0x01010101 : 0x00010001);
  let r: number;
  if (slot >= 0) r = t.binOr(op, wide, counter, n, slot);
  else {
    r = t.cut(t.binOr(op, wide, counter, n), size);
    dst.write(r);
  }
  const left = op === Op.rotl;
  const high = t.bits(r, bits - 1, 1, false);
  const cf = left ? t.bini(Op.and, r, 1) : high;
  const of = t.bin(Op.xor, high, left ? cf : t.bits(r, bits - 2, 1, false));
  const changed = t.bin(Op.or, cf, t.bini(Op.shl, of, 11));
  if (adjust >= 0) {
    const after = t.bin(Op.or, changed, adjust);
    if (variable) t.flagsIf(counter, CC_ROT, t.ccSize, S_CC_DST, after);
    else t.flags(CC_ROT, t.ccSize, S_CC_DST, after, 0);
    return;
  }
  const after = t.bin(Op.or, changed, t.bini(Op.and, before, ~(CF | OF)));
  t.setEflags(variable ? t.sel(counter, after, before) : after);
}

const rol = x86({ name: 'rol', forms: shiftForms(0), execute: (t, dst, count) => rotate(t, Op.rotl, dst, count) });
const ror = x86({ name: 'ror', forms: shiftForms(1), execute: (t, dst, count) => rotate(t, Op.rotr, dst, count) });

function rotateThroughCarry(t: Translator, helper: 'rcl' | 'rcr', dst: Place, count: Place): void {
  const before = t.eflags();
  const counter = count.kind === REGISTER ? S_ECX : t.movi(count.value);
  const both = t.call(helper, dst.readForUpdate(), counter, t.movi(dst.size), before);
  dst.write(t.un(Op.wrap, both));
  t.setEflags(t.un(Op.wrap, t.bini(Op.shr64, both, 32)));
}

const rcl = x86({ name: 'rcl', forms: shiftForms(2), execute: (t, dst, n) => rotateThroughCarry(t, 'rcl', dst, n) });
const rcr = x86({ name: 'rcr', forms: shiftForms(3), execute: (t, dst, n) => rotateThroughCarry(t, 'rcr', dst, n) });

/**
 * SHLD, SHRD on one 64-bit value: destination and source, 16-bit ones followed by the destination again, which is what
 * Intel's processors do for counts above 16.
 */
function doubleShift(t: Translator, left: boolean, dst: Place, src: Place, count: Place): void {
  const { size } = dst;
  const variable = count.kind === REGISTER;
  const n = variable ? -1 : count.value & 31;
  if (n === 0) return touch(dst);
  const counter = variable ? t.bini(Op.and, S_ECX, 31) : -1;
  const a = t.un(Op.extu, dst.readForUpdate());
  const b = t.un(Op.extu, src.read());
  let value: number;
  if (size === 4) value = left ? join(t, a, b, 32) : join(t, b, a, 32);
  else value = join(t, a, join(t, b, a, 16), 32);
  const shifted = (by: number, constant: number): number => {
    if (!left) return t.un(Op.wrap, t.binOr(Op.shr64, value, by, constant));
    return t.un(Op.wrap, t.bini(Op.shr64, t.binOr(Op.shl64, value, by, constant), 32));
  };
  const wide = variable ? t.un(Op.extu, counter) : -1;
  const lessOne = variable ? t.bini(Op.sub64, wide, 1) : -1;
  // OF after counts above 1 is undefined: as QEMU has it, nothing was shifted into the last but one value of SHRD.
  const own = size === 4 ? a : join(t, b, a, 16);
  const before = left ? shifted(lessOne, n - 1) : t.un(Op.wrap, t.binOr(Op.shr64, own, lessOne, n - 1));
  const r = t.cut(shifted(wide, n), size);
  dst.write(r);
  const kind = left ? CC_SHL : CC_SHR;
  if (variable) t.flagsIf(counter, kind, size, r, before);
  else t.flags(kind, size, r, before, 0);
}

/** high << bits | low, all i64. */
function join(t: Translator, high: number, low: number, bits: number): number {
  return t.bin(Op.or64, t.bini(Op.shl64, high, bits), low);
}

const shld = x86({
  name: 'shld',
  forms: { '0F A4 /r': 'Ev,Gv,Ib', '0F A5 /r': 'Ev,Gv,CL' },
  execute: (t, dst, src, count) => doubleShift(t, true, dst, src, count),
});
const shrd = x86({
  name: 'shrd',
  forms: { '0F AC /r': 'Ev,Gv,Ib', '0F AD /r': 'Ev,Gv,CL' },
  execute: (t, dst, src, count) => doubleShift(t, false, dst, src, count),
});

export const shifts: readonly Instruction[] = [shl, shr, sar, rol, ror, rcl, rcr, shld, shrd];
