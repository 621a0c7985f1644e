/** All instructions of the Pentium II: what the decoder's table is made of. */
import type { Instruction } from '../instruction.ts';
import { arith } from './arith.ts';
import { bcd } from './bcd.ts';
import { bitInstructions } from './bits.ts';
import { control } from './control.ts';
import { flagInstructions } from './flags.ts';
import { fpu } from './fpu.ts';
import { logicInstructions } from './logic.ts';
import { mmx } from './mmx.ts';
import { moves } from './move.ts';
import { muldiv } from './muldiv.ts';
import { shifts } from './shift.ts';
import { stack } from './stack.ts';
import { strings } from './string.ts';
import { system } from './system.ts';

export const INSTRUCTIONS: readonly Instruction[] = [
  ...arith,
  ...logicInstructions,
  ...shifts,
  ...muldiv,
  ...moves,
  ...bitInstructions,
  ...flagInstructions,
  ...bcd,
  ...stack,
  ...control,
  ...strings,
  ...system,
  ...fpu,
  ...mmx,
];
