/** What an instruction is: its opcode forms in the manual's notation and what it does; and the table made of them. */
import {
  IMMEDIATE_WORD_BYTE,
  immediateOf,
  K,
  MEMORY_ONLY,
  OPERAND_NAMES,
  type OperandName,
  REGISTER_ONLY,
  SIZE,
  WHERE,
  WHERE_IMMEDIATE2,
  WHERE_RM,
} from './operand-kinds.ts';
import type { Place } from './place.ts';
import type { Translator } from './translator.ts';

/**
 * Opcodes: `04`, `0F AF /r`, `80 /0` (reg field is part of the opcode), `40+r` (eight opcodes), `D9 E0` and `D8 C0+i`
 * (the ModRM byte is part of the opcode; x87 only), `0F 01 /7`. Operands in Intel's order, destination first.
 */
export type Forms = { readonly [opcode: string]: string };

/**
 * plain: never with a size suffix; suffixed: always; sized: if the size is not the default one; widen: sizes of source
 * and destination; indirect: as sized, with a star; string: see `stringText` of disassemble.ts.
 */
export type Syntax = 'plain' | 'suffixed' | 'sized' | 'widen' | 'indirect' | 'string';

/** Features of CPUID leaf 1, EDX, without which some instructions do not exist. */
export const FEATURE_CX8 = 1 << 8;
export const FEATURE_CMOV = 1 << 15;
export const FEATURE_MMX = 1 << 23;
export const FEATURE_FXSR = 1 << 24;

export interface Instruction {
  /** Mnemonic without a size suffix. */
  readonly name: string;
  readonly forms: Forms;
  /** LOCK is allowed if the destination is memory. */
  readonly lockable?: true;
  /** Only at privilege level 0; else #GP(0). */
  readonly privileged?: true;
  /** Exists only with this feature. */
  readonly requires?: number;
  /** After 66H, F2H or F3H the same bytes stand for an instruction of SSE, which is not there: #UD. */
  readonly unprefixed?: true;
  /** A string instruction that REP repeats: starts a block, so that it can jump to itself. */
  readonly repeats?: true;
  /** How the disassembler writes it, where that does not follow from name and operands. */
  readonly att?: Syntax;
  /** The name with 16-bit operands (JCXZ: with 16-bit addresses). */
  readonly narrowName?: string;
  execute(t: Translator, a: Place, b: Place, c: Place): void;
}

/** One opcode form, as the decoder finds it: all of one shape, unlike the rows, for the translator's speed. */
export interface Form {
  readonly insn: Instruction;
  /** Kinds of the operands; 0 is none. */
  readonly a: number;
  readonly b: number;
  readonly c: number;
  /** Where the operands are (WHERE_) and their sizes (0: operand size). */
  readonly aWhere: number;
  readonly bWhere: number;
  readonly cWhere: number;
  readonly aSize: number;
  readonly bSize: number;
  readonly cSize: number;
  /** What follows ModRM: IMMEDIATE_. */
  readonly immediate: number;
  /** r/m is a register whatever the mod field says. */
  readonly ignoresMod: boolean;
  readonly lockable: boolean;
  readonly privileged: boolean;
  readonly unprefixed: boolean;
  readonly repeats: boolean;
  readonly execute: Instruction['execute'];
}

function formOf(insn: Instruction, kinds: readonly number[]): Form {
  const [a = 0, b = 0, c = 0] = kinds;
  const immediate = immediateOf(kinds);
  const where = (k: number): number =>
    immediate === IMMEDIATE_WORD_BYTE && k === K.Ib ? WHERE_IMMEDIATE2 : (WHERE[k] as number);
  return {
    insn,
    a,
    b,
    c,
    aWhere: where(a),
    bWhere: where(b),
    cWhere: where(c),
    aSize: SIZE[a] as number,
    bSize: SIZE[b] as number,
    cSize: SIZE[c] as number,
    immediate,
    ignoresMod: kinds.includes(K.Rd),
    // Only a destination in memory may be locked.
    lockable: insn.lockable === true && (WHERE[a] === WHERE_RM || a === K.Mq),
    privileged: insn.privileged === true,
    unprefixed: insn.unprefixed === true,
    repeats: insn.repeats === true,
    execute: insn.execute,
  };
}

/** What an opcode byte leads to: one form, or by ModRM: `memory` by reg field, `register` by the low six bits. */
export interface Entry {
  form: Form | null;
  memory: (Form | null)[] | null;
  register: (Form | null)[] | null;
}

/** Entries of the one-byte map, then of the two-byte map (0F). */
export type OpcodeTable = readonly Entry[];

const kindOf = (name: string, opcode: string): number => {
  const k = OPERAND_NAMES.indexOf(name as OperandName);
  if (k < 1) throw new Error(`BUG: opcode ${opcode}: no operand kind '${name}'`);
  return k;
};

/** Builds the decoder's table; two forms for the same bytes are a bug. */
export function opcodeTable(instructions: readonly Instruction[]): OpcodeTable {
  const table: Entry[] = Array.from({ length: 512 }, () => ({ form: null, memory: null, register: null }));
  for (const insn of instructions) {
    for (const [opcode, operands] of Object.entries(insn.forms)) place(table, insn, opcode, operands);
  }
  return table;
}

function place(table: Entry[], insn: Instruction, opcode: string, operands: string): void {
  const kinds = operands === '' ? [] : operands.split(',').map((n) => kindOf(n, opcode));
  const form = formOf(insn, kinds);
  const words = opcode.split(' ');
  const map = words[0] === '0F' ? 256 : 0;
  if (map) words.shift();
  const [byte = '', rest = ''] = words;
  const at = map + Number.parseInt(byte, 16);
  const clash = (): never => {
    throw new Error(`BUG: opcode ${opcode} of '${insn.name}' is taken`);
  };
  if (byte.endsWith('+r')) {
    for (let i = 0; i < 8; i++) {
      const e = table[at + i] as Entry;
      if (e.form || e.memory) clash();
      e.form = form;
    }
    return;
  }
  const e = table[at] as Entry;
  if (rest === '') {
    if (e.form || e.memory) clash();
    e.form = form;
    return;
  }
  if (e.form) clash();
  e.memory ??= Array.from({ length: 8 }, () => null);
  e.register ??= Array.from({ length: 64 }, () => null);
  const memory = e.memory;
  const register = e.register;
  const put = (list: (Form | null)[], i: number): void => {
    if (list[i]) clash();
    list[i] = form;
  };
  if (!rest.startsWith('/')) {
    const first = Number.parseInt(rest, 16) & 63;
    const n = rest.endsWith('+i') ? 8 : 1;
    for (let i = 0; i < n; i++) put(register, first + i);
    return;
  }
  const digit = rest === '/r' ? -1 : Number.parseInt(rest.slice(1), 10);
  const onlyMemory = kinds.some((k) => MEMORY_ONLY[k] === 1);
  const onlyRegister = kinds.some((k) => REGISTER_ONLY[k] === 1);
  for (let reg = digit < 0 ? 0 : digit; reg <= (digit < 0 ? 7 : digit); reg++) {
    if (!onlyRegister) put(memory, reg);
    if (!onlyMemory) for (let rm = 0; rm < 8; rm++) put(register, (reg << 3) | rm);
  }
}

/** Instruction rows are written through this, for their type. */
export const x86 = (insn: Instruction): Instruction => insn;
