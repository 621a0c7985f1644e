/** One instruction as text, in AT&T syntax as objdump and QEMU's `-d in_asm` write it. */
import type { FetchByte } from '../front-end.ts';
import { DECODED, type Decoder } from './decoder.ts';
import type { Form } from './instruction.ts';
import { M_CS32 } from './mode.ts';
import { K, MEMORY_ONLY } from './operand-kinds.ts';

const BYTES = ['al', 'cl', 'dl', 'bl', 'ah', 'ch', 'dh', 'bh'];
const WORDS = ['ax', 'cx', 'dx', 'bx', 'sp', 'bp', 'si', 'di'];
const SEGMENTS = ['es', 'cs', 'ss', 'ds', 'fs', 'gs'];
const PAIRS_16 = ['bx,%si', 'bx,%di', 'bp,%si', 'bp,%di', 'si', 'di', 'bp', 'bx'];
const SUFFIX: Readonly<Record<number, string>> = { 1: 'b', 2: 'w', 4: 'l' };

const hex = (v: number): string => `0x${(v >>> 0).toString(16)}`;
const signedHex = (v: number): string => (v < 0 ? `-0x${(-v).toString(16)}` : `0x${v.toString(16)}`);

function register(number: number, size: number): string {
  if (size === 1) return `%${BYTES[number]}`;
  return size === 2 ? `%${WORDS[number]}` : `%e${WORDS[number]}`;
}

/** ModRM's memory operand, or the offset of MOV's short forms. */
function memory(d: Decoder): string {
  const segment = d.override < 0 ? '' : `%${SEGMENTS[d.override]}:`;
  if (!d.hasModrm) return `${segment}${hex(d.disp)}`;
  if (d.addressSize === 2) {
    if (d.mod === 0 && d.rm === 6) return `${segment}${hex(d.disp & 0xffff)}`;
    return `${segment}${d.mod === 0 ? '' : signedHex(d.disp)}(%${PAIRS_16[d.rm]})`;
  }
  // An index field of "none" shows where the base alone would have made a shorter encoding.
  const scaled = d.sib >= 0 && (d.index >= 0 || d.base !== 4 || d.sib >> 6 !== 0);
  const index = scaled ? `,${d.index < 0 ? '%eiz' : register(d.index, 4)},${1 << (d.sib >> 6)}` : '';
  if (d.base < 0) return `${segment}${scaled ? `${signedHex(d.disp)}(${index})` : hex(d.disp)}`;
  return `${segment}${d.mod === 0 ? '' : signedHex(d.disp)}(${register(d.base, 4)}${index})`;
}

/** The sized part of r/m, general registers and memory: 0 if the operand's size does not follow from its kind. */
function sizeOf(d: Decoder, kind: number): number {
  switch (kind) {
    case K.Eb:
    case K.Gb:
    case K.Zb:
    case K.Ib:
    case K.AL:
    case K.CL:
      return 1;
    case K.Ew:
    case K.Gw:
    case K.Rw:
    case K.AX:
    case K.Iw:
      return 2;
    case K.Ed:
    case K.Rd:
      return 4;
    default:
      return d.operandSize;
  }
}

function operand(d: Decoder, kind: number): string {
  const size = sizeOf(d, kind);
  if (MEMORY_ONLY[kind] === 1) return memory(d);
  switch (kind) {
    case K.Eb:
    case K.Ew:
    case K.Ed:
    case K.Ev:
    case K.Es:
    case K.Rd:
    case K.Rw:
      if (d.mod !== 3) return memory(d);
      // MOV to a segment register takes 16 bits of whatever it is given.
      return register(d.rm, d.form?.a === K.Sw ? d.operandSize : size);
    case K.Gb:
    case K.Gw:
    case K.Gv:
      return register(d.reg, size);
    case K.Zb:
    case K.Zv:
      return register(d.opcode & 7, size);
    case K.AL:
    case K.AX:
    case K.eAX:
      return register(0, size);
    case K.CL:
      return '%cl';
    case K.DX:
      return '(%dx)';
    case K.Ob:
    case K.Ov:
      return memory(d);
    case K.Ib:
      return `$${hex(d.form?.a === K.Iw ? d.imm2 : d.imm)}`;
    case K.Iw:
      return `$${hex(d.imm)}`;
    case K.Ibs:
    case K.Iz:
      return `$${hex(size === 2 ? d.imm & 0xffff : d.imm)}`;
    case K.Ap:
      return `$${hex(d.imm2)},$${hex(d.imm)}`;
    case K.Jb:
    case K.Jz: {
      const target = d.pc + d.length + d.imm;
      return hex(d.operandSize === 2 ? target & 0xffff : target);
    }
    case K.Sw:
      return d.reg > 5 ? '%?' : `%${SEGMENTS[d.reg]}`;
    case K.Cd:
      return `%cr${d.reg}`;
    case K.Dd:
      return `%db${d.reg}`;
    case K.ST0:
      return '%st';
    case K.STi:
      return `%st(${d.rm})`;
    case K.Pq:
      return `%mm${d.reg}`;
    case K.Qq:
    case K.Qd:
    case K.Nq:
      return d.mod === 3 ? `%mm${d.rm}` : memory(d);
    case K.One:
      return '';
    default:
      return `%${SEGMENTS[kind - K.ES]}`;
  }
}

/** Is the operand a general register, so that the size is told? */
function isRegister(d: Decoder, kind: number): boolean {
  switch (kind) {
    case K.Gb:
    case K.Gw:
    case K.Gv:
    case K.Zb:
    case K.Zv:
    case K.AL:
    case K.AX:
    case K.eAX:
      return true;
    case K.Eb:
    case K.Ew:
    case K.Ev:
      return d.mod === 3;
    default:
      return false;
  }
}

/** Where a string instruction's operands are. */
const pointer = (d: Decoder, name: string): string => (d.addressSize === 2 ? `(%${name})` : `(%e${name})`);
function stringText(d: Decoder, name: string): string {
  const size = d.opcode & 1 ? d.operandSize : 1;
  const source = `%${SEGMENTS[d.override < 0 ? 3 : d.override]}:${pointer(d, 'si')}`;
  const destination = `%es:${pointer(d, 'di')}`;
  switch (name) {
    case 'movs':
      return `movs${SUFFIX[size]} ${source},${destination}`;
    case 'cmps':
      return `cmps${SUFFIX[size]} ${destination},${source}`;
    case 'stos':
      return `stos ${register(0, size)},${destination}`;
    case 'lods':
      return `lods ${source},${register(0, size)}`;
    case 'scas':
      return `scas ${destination},${register(0, size)}`;
    case 'ins':
      return `ins${SUFFIX[size]} (%dx),${destination}`;
    default:
      return `outs${SUFFIX[size]} ${source},(%dx)`;
  }
}

function mnemonic(d: Decoder, form: Form, defaultSize: number): string {
  const { insn, a, b, c } = form;
  const { name } = insn;
  const sized = SUFFIX[d.operandSize] as string;
  switch (insn.att) {
    case 'plain':
      return name;
    case 'widen':
      return `${name}${SUFFIX[sizeOf(d, b)]}${sized}`;
    case 'suffixed':
      return name + sized;
    case 'sized':
    case 'indirect':
      return d.operandSize === defaultSize || isRegister(d, a) ? name : name + sized;
    default:
  }
  if (insn.narrowName !== undefined) {
    const size = a === K.Jb ? d.addressSize : d.operandSize;
    return size === 2 ? insn.narrowName : name;
  }
  const wantsSize = (a === K.Eb || a === K.Ev) && !isRegister(d, a) && !isRegister(d, b) && !isRegister(d, c);
  return wantsSize ? `${name}${SUFFIX[sizeOf(d, a)]}` : name;
}

/** Repeat and lock prefixes, and a segment override that no operand uses. */
function prefixes(d: Decoder, form: Form): string {
  const { insn } = form;
  let text = d.lock ? 'lock ' : '';
  if (d.repeat === 0xf2) text += 'repnz ';
  else if (d.repeat === 0xf3) text += insn.repeats && insn.name !== 'cmps' && insn.name !== 'scas' ? 'rep ' : 'repz ';
  const addresses = (d.hasModrm && d.mod !== 3) || insn.att === 'string' || insn.name === 'xlat';
  if (d.override >= 0 && !addresses && form.a !== K.Ob && form.a !== K.Ov && form.b !== K.Ob && form.b !== K.Ov) {
    text += `${SEGMENTS[d.override]} `;
  }
  return text;
}

function text(d: Decoder, form: Form, defaultSize: number): string {
  const { insn, a, b, c } = form;
  if (d.opcode === 0x90) {
    if (d.repeat === 0xf3) return 'pause';
    if (d.operandSize !== defaultSize) return `xchg ${register(0, d.operandSize)},${register(0, d.operandSize)}`;
  }
  const before = prefixes(d, form);
  if (insn.att === 'string') return before + stringText(d, insn.name);
  if (insn.name === 'xlat') return `${before}xlat %${SEGMENTS[d.override < 0 ? 3 : d.override]}:${pointer(d, 'bx')}`;
  // AT&T has the destination last, but for ENTER and BOUND.
  const kinds = (a === K.Iw && b === K.Ib) || b === K.Mv ? [a, b] : [c, b, a];
  const operands = kinds.filter((k) => k !== 0 && k !== K.One).map((k) => operand(d, k));
  const star = insn.att === 'indirect' ? '*' : '';
  return `${before}${mnemonic(d, form, defaultSize)}${operands.length ? ` ${star}${operands.join(',')}` : ''}`;
}

/** The instruction at an address, and its length; what stands for none is `(bad)`, one byte long. */
export function disassemble(
  d: Decoder,
  pc: number,
  mode: number,
  fetch: FetchByte,
): { readonly text: string; readonly length: number } {
  const status = d.decode(pc >>> 0, mode, fetch, true);
  if (status !== DECODED || d.form === null) return { text: '(bad)', length: 1 };
  return { text: text(d, d.form, mode & M_CS32 ? 4 : 2), length: d.length };
}
