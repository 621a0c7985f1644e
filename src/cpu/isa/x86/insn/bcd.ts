/** Decimal adjustment. */
import { type Instruction, x86 } from '../instruction.ts';

const adjust = (name: 'daa' | 'das' | 'aaa' | 'aas', opcode: string): Instruction =>
  x86({ name, forms: { [opcode]: '' }, execute: (t) => void t.call(name) });

const aam = x86({ name: 'aam', forms: { D4: 'Ib' }, execute: (t, base) => void t.call('aam', t.movi(base.value)) });
const aad = x86({ name: 'aad', forms: { D5: 'Ib' }, execute: (t, base) => void t.call('aad', t.movi(base.value)) });

export const bcd: readonly Instruction[] = [
  adjust('daa', '27'),
  adjust('das', '2F'),
  adjust('aaa', '37'),
  adjust('aas', '3F'),
  aam,
  aad,
];
