/**
 * Operands in the notation of the manual's opcode maps (SDM volume 2, appendix A.2): a letter for where the operand
 * is, a letter for its size. Each has a number, so that the decoder switches on integers.
 */

const names = [
  '',
  // ModRM's r/m field: register or memory.
  'Eb',
  'Ew',
  'Ev',
  // A segment register's value: 16 bits in memory, operand size in a register.
  'Es',
  // ModRM's r/m field, memory only: address alone, or a far pointer, or so many bytes.
  'M',
  'Mb',
  'Mw',
  'Md',
  'Mq',
  'Mt',
  'Mv',
  'Mp',
  // ModRM's r/m field, register only.
  'Rd',
  'Rw',
  // ModRM's reg field.
  'Gb',
  'Gw',
  'Gv',
  'Sw',
  'Cd',
  'Dd',
  // Low three bits of the opcode.
  'Zb',
  'Zv',
  // Immediates: a byte, a byte sign-extended to the operand size, 16 bits, 16 or 32 bits by operand size; far pointer.
  'Ib',
  'Ibs',
  'Iw',
  'Iz',
  'Ap',
  // Address of a near jump, as its distance.
  'Jb',
  'Jz',
  // Memory at an offset in the instruction.
  'Ob',
  'Ov',
  // Fixed registers.
  'AL',
  'AX',
  'eAX',
  'CL',
  'DX',
  'ES',
  'CS',
  'SS',
  'DS',
  'FS',
  'GS',
  // The constant 1 of shifts (as D0 and D1 have it).
  '1',
  // x87 stack: top, and the one in the low three bits of ModRM.
  'ST0',
  'STi',
] as const;

export type OperandName = (typeof names)[number];
export const OPERAND_NAMES: readonly OperandName[] = names;

type Kinds = { readonly [N in Exclude<OperandName, ''> as N extends '1' ? 'One' : N]: number };
/** Number of an operand kind by name; 0 is none. */
export const K = Object.freeze(
  Object.fromEntries(names.slice(1).map((n, i) => [n === '1' ? 'One' : n, i + 1])),
) as Kinds;

const is = (...kinds: number[]): Uint8Array => {
  const set = new Uint8Array(names.length);
  for (const k of kinds) set[k] = 1;
  return set;
};
/** Needs memory: with a register in r/m the instruction does not exist. */
export const MEMORY_ONLY = is(K.M, K.Mb, K.Mw, K.Md, K.Mq, K.Mt, K.Mv, K.Mp);
/** Needs a register in r/m. (MOV to and from control registers ignore the mod field: not listed.) */
export const REGISTER_ONLY = is(K.Rw);
/** Is the operand in ModRM's r/m field? */
export const IN_RM = is(K.Eb, K.Ew, K.Ev, K.Es, K.M, K.Mb, K.Mw, K.Md, K.Mq, K.Mt, K.Mv, K.Mp, K.Rd, K.Rw);
