/** String instructions. Repeated ones are helpers that do a chunk and say whether elements remain. */
import { Op } from '../../../ir/ops.ts';
import { CC_SUB } from '../cc.ts';
import { STR_ADDR32, STR_REP, STR_REPNE } from '../helpers.ts';
import { type Instruction, x86 } from '../instruction.ts';
import { DS, ES, S_DF, S_EAX, S_EDI, S_ESI } from '../layout.ts';
import {
  LEAVE_INS,
  LEAVE_OUTS,
  STRING_ADDR32,
  STRING_LENGTH_SHIFT,
  STRING_REP,
  STRING_SEGMENT_SHIFT,
} from '../leave.ts';
import type { Translator } from '../translator.ts';
import { checkPort } from './system.ts';

const LOAD = [0, Op.ld8u, Op.ld16u, 0, Op.ld32];

/** Bytes of an element: the low bit of the opcode tells bytes from words. */
const elementSize = (t: Translator): number => (t.d.opcode & 1 ? t.d.operandSize : 1);
const source = (t: Translator): number => (t.d.override < 0 ? DS : t.d.override);

/** (E)SI or (E)DI moves on by one element. */
function advance(t: Translator, register: number, size: number): void {
  const step = size === 1 ? S_DF : t.bini(Op.shl, S_DF, size >> 1);
  if (t.d.addressSize === 4) t.bin(Op.add, register, step, register);
  else t.dep(register, 0, 16, t.bin(Op.add, register, step), register);
}
/** The accumulator's part of an element's size becomes a value. */
function setAccumulator(t: Translator, size: number, value: number): void {
  if (size === 4) t.mov(value, S_EAX);
  else t.dep(S_EAX, 0, size * 8, value, S_EAX);
}
const accumulator = (t: Translator, size: number): number => (size === 4 ? S_EAX : t.bits(S_EAX, 0, size * 8, false));

/** A helper's chunk, again from this instruction while elements remain. */
function repeat(t: Translator, name: 'movs' | 'stos' | 'lods' | 'scas' | 'cmps', withSource: boolean): void {
  const { d } = t;
  const rep = d.repeat === 0xf2 ? STR_REPNE : STR_REP;
  const spec = t.movi(elementSize(t) | (d.addressSize === 4 ? STR_ADDR32 : 0) | rep);
  const more = t.call(name, spec, withSource ? t.movi(source(t)) : -1);
  t.branch({ op: Op.ne, a: more, b: -1, imm: 0 }, t.here, t.next);
}

const movs = x86({
  name: 'movs',
  forms: { A4: '', A5: '' },
  att: 'string',
  repeats: true,
  execute(t) {
    if (t.d.repeat !== 0) return repeat(t, 'movs', true);
    const size = elementSize(t);
    t.pointTo(S_ESI, source(t));
    const value = t.load(LOAD[size] as number, size, false);
    t.pointTo(S_EDI, ES);
    t.store(size, value);
    advance(t, S_ESI, size);
    advance(t, S_EDI, size);
  },
});

const cmps = x86({
  name: 'cmps',
  forms: { A6: '', A7: '' },
  att: 'string',
  repeats: true,
  execute(t) {
    if (t.d.repeat !== 0) return repeat(t, 'cmps', true);
    const size = elementSize(t);
    t.pointTo(S_ESI, source(t));
    const a = t.load(LOAD[size] as number, size, false);
    t.pointTo(S_EDI, ES);
    const b = t.load(LOAD[size] as number, size, false);
    advance(t, S_ESI, size);
    advance(t, S_EDI, size);
    t.flags(CC_SUB, size, t.cut(t.bin(Op.sub, a, b), size), b, 0, a);
  },
});

const stos = x86({
  name: 'stos',
  forms: { AA: '', AB: '' },
  att: 'string',
  repeats: true,
  execute(t) {
    if (t.d.repeat !== 0) return repeat(t, 'stos', false);
    const size = elementSize(t);
    t.pointTo(S_EDI, ES);
    t.store(size, S_EAX);
    advance(t, S_EDI, size);
  },
});

const lods = x86({
  name: 'lods',
  forms: { AC: '', AD: '' },
  att: 'string',
  repeats: true,
  execute(t) {
    if (t.d.repeat !== 0) return repeat(t, 'lods', true);
    const size = elementSize(t);
    t.pointTo(S_ESI, source(t));
    setAccumulator(t, size, t.load(LOAD[size] as number, size, false));
    advance(t, S_ESI, size);
  },
});

const scas = x86({
  name: 'scas',
  forms: { AE: '', AF: '' },
  att: 'string',
  repeats: true,
  execute(t) {
    if (t.d.repeat !== 0) return repeat(t, 'scas', false);
    const size = elementSize(t);
    t.pointTo(S_EDI, ES);
    const b = t.load(LOAD[size] as number, size, false);
    const a = accumulator(t, size);
    advance(t, S_EDI, size);
    t.flags(CC_SUB, size, t.cut(t.bin(Op.sub, a, b), size), b, 0, a);
  },
});

/** INS and OUTS: the run loop does them, from ports to memory and back. */
function portString(t: Translator, code: number): void {
  const { d } = t;
  const size = Math.min(elementSize(t), 4);
  checkPort(t, t.bits(2, 0, 16, false), size);
  const flags = (d.addressSize === 4 ? STRING_ADDR32 : 0) | (d.repeat !== 0 ? STRING_REP : 0);
  t.leave(code, size | flags | (source(t) << STRING_SEGMENT_SHIFT) | (d.length << STRING_LENGTH_SHIFT));
}
const ins = x86({
  name: 'ins',
  forms: { '6C': '', '6D': '' },
  att: 'string',
  repeats: true,
  execute: (t) => portString(t, LEAVE_INS),
});
const outs = x86({
  name: 'outs',
  forms: { '6E': '', '6F': '' },
  att: 'string',
  repeats: true,
  execute: (t) => portString(t, LEAVE_OUTS),
});

export const strings: readonly Instruction[] = [movs, cmps, stos, lods, scas, ins, outs];
