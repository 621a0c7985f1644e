/** What an instruction is: its opcode forms in the manual's notation and what it does; and the table made of them. */
import { K, MEMORY_ONLY, OPERAND_NAMES, type OperandName, REGISTER_ONLY } from './operand-kinds.ts';
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
  /** A string instruction that REP repeats: starts a block, so that it can jump to itself. */
  readonly repeats?: true;
  /** How the disassembler writes it, where that does not follow from name and operands. */
  readonly att?: Syntax;
  /** The name with 16-bit operands (JCXZ: with 16-bit addresses). */
  readonly narrowName?: string;
  execute(t: Translator, a: Place, b: Place, c: Place): void;
}

/** One opcode form, as the decoder finds it. */
export interface Form {
  readonly insn: Instruction;
  readonly a: number;
  readonly b: number;
  readonly c: number;
  /** The form's opcode as written in the row: for messages and tests. */
  readonly opcode: string;
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
  const [a = 0, b = 0, c = 0] = kinds;
  const form: Form = { insn, a, b, c, opcode };
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

/** Is the operand's size one byte, two bytes, or by operand size (0)? */
export function fixedSizeOf(kind: number): number {
  switch (kind) {
    case K.Eb:
    case K.Gb:
    case K.Zb:
    case K.Ib:
    case K.Ob:
    case K.AL:
    case K.CL:
    case K.Mb:
    case K.One:
      return 1;
    case K.Ew:
    case K.Gw:
    case K.Sw:
    case K.Iw:
    case K.DX:
    case K.Mw:
    case K.Rw:
    case K.AX:
      return 2;
    case K.Rd:
    case K.Cd:
    case K.Dd:
    case K.Md:
      return 4;
    case K.Mq:
      return 8;
    case K.Mt:
      return 10;
    default:
      return 0;
  }
}
