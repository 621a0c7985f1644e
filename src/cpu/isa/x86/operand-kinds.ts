/**
 * Operands in the notation of the manual's opcode maps (SDM volume 2, appendix A.2): a letter for where the operand
 * is, a letter for its size. Each has a number, so that the decoder switches on integers.
 */

const names = [
  '',
  // ModRM's r/m field: register or memory.
  'Eb',
  'Ew',
  'Ed',
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
  // MMX registers: ModRM's reg field; its r/m field, or 64 or 32 bits of memory; its r/m field, register only.
  'Pq',
  'Qq',
  'Qd',
  'Nq',
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
export const REGISTER_ONLY = is(K.Rw, K.Nq);

/** Where the translator finds an operand's place: WHERE_NONE if the instruction asks the decoder itself. */
export const WHERE_NONE = 0;
/** r/m: register or memory. */
export const WHERE_RM = 1;
/** r/m of a segment register's move: in memory it has 16 bits. */
export const WHERE_RM_SELECTOR = 2;
export const WHERE_REG = 3;
export const WHERE_OPCODE = 4;
export const WHERE_MEMORY = 5;
export const WHERE_IMMEDIATE = 6;
/** The second immediate (ENTER). */
export const WHERE_IMMEDIATE2 = 7;
export const WHERE_ONE = 8;
export const WHERE_EAX = 9;
export const WHERE_ECX = 10;
export const WHERE_EDX = 11;

/** Place and size in bytes of each kind; size 0: the operand size. */
const facts: { readonly [N in Exclude<OperandName, ''>]?: readonly [where: number, size: number] } = {
  Eb: [WHERE_RM, 1],
  Ew: [WHERE_RM, 2],
  Ed: [WHERE_RM, 4],
  Ev: [WHERE_RM, 0],
  Es: [WHERE_RM_SELECTOR, 0],
  Rd: [WHERE_RM, 4],
  Rw: [WHERE_RM, 2],
  M: [WHERE_MEMORY, 0],
  Mb: [WHERE_MEMORY, 1],
  Mw: [WHERE_MEMORY, 2],
  Md: [WHERE_MEMORY, 4],
  Mq: [WHERE_MEMORY, 8],
  Mt: [WHERE_MEMORY, 10],
  Mv: [WHERE_MEMORY, 0],
  Mp: [WHERE_MEMORY, 0],
  Ob: [WHERE_MEMORY, 1],
  Ov: [WHERE_MEMORY, 0],
  Gb: [WHERE_REG, 1],
  Gw: [WHERE_REG, 2],
  Gv: [WHERE_REG, 0],
  Zb: [WHERE_OPCODE, 1],
  Zv: [WHERE_OPCODE, 0],
  Ib: [WHERE_IMMEDIATE, 1],
  Ibs: [WHERE_IMMEDIATE, 0],
  Iw: [WHERE_IMMEDIATE, 2],
  Iz: [WHERE_IMMEDIATE, 0],
  AL: [WHERE_EAX, 1],
  AX: [WHERE_EAX, 2],
  eAX: [WHERE_EAX, 0],
  CL: [WHERE_ECX, 1],
  DX: [WHERE_EDX, 2],
  '1': [WHERE_ONE, 1],
};
export const WHERE: Uint8Array = Uint8Array.from(names, (n) => (n === '' ? 0 : (facts[n]?.[0] ?? WHERE_NONE)));
export const SIZE: Uint8Array = Uint8Array.from(names, (n) => (n === '' ? 0 : (facts[n]?.[1] ?? 0)));

// What follows opcode and ModRM.
export const IMMEDIATE_NONE = 0;
export const IMMEDIATE_BYTE = 1;
export const IMMEDIATE_SIGNED_BYTE = 2;
export const IMMEDIATE_WORD = 3;
/** 16 or 32 bits, by operand size. */
export const IMMEDIATE_FULL = 4;
/** The same, sign-extended. */
export const IMMEDIATE_DISTANCE = 5;
export const IMMEDIATE_FAR = 6;
export const IMMEDIATE_OFFSET = 7;
/** 16 bits and 8 bits (ENTER). */
export const IMMEDIATE_WORD_BYTE = 8;

const immediates: { readonly [N in Exclude<OperandName, ''>]?: number } = {
  Ib: IMMEDIATE_BYTE,
  Ibs: IMMEDIATE_SIGNED_BYTE,
  Jb: IMMEDIATE_SIGNED_BYTE,
  Iw: IMMEDIATE_WORD,
  Iz: IMMEDIATE_FULL,
  Jz: IMMEDIATE_DISTANCE,
  Ap: IMMEDIATE_FAR,
  Ob: IMMEDIATE_OFFSET,
  Ov: IMMEDIATE_OFFSET,
};
/** The immediate that operands of these kinds need. */
export function immediateOf(kinds: readonly number[]): number {
  const found = kinds
    .map((k) => immediates[names[k] as Exclude<OperandName, ''>] ?? IMMEDIATE_NONE)
    .filter((i) => i !== 0);
  return found.length > 1 ? IMMEDIATE_WORD_BYTE : (found[0] ?? IMMEDIATE_NONE);
}
