/** Decodes one instruction: prefixes, opcode, ModRM, immediates. Translator and disassembler share it. */
import type { FetchByte } from '../front-end.ts';
import type { Form, OpcodeTable } from './instruction.ts';
import { CS, DS, ES, FS, GS, SS } from './layout.ts';
import { M_CS32 } from './mode.ts';
import {
  IMMEDIATE_BYTE,
  IMMEDIATE_DISTANCE,
  IMMEDIATE_FAR,
  IMMEDIATE_FULL,
  IMMEDIATE_NONE,
  IMMEDIATE_SIGNED_BYTE,
  IMMEDIATE_WORD,
  IMMEDIATE_WORD_BYTE,
} from './operand-kinds.ts';

/** An instruction may have at most this many bytes; more raise #GP(0) (SDM volume 2, 2.3.11). */
export const MAX_LENGTH = 15;

export const DECODED = 0;
/** The bytes stand for no instruction. */
export const INVALID = 1;
/** A byte could not be fetched. */
export const UNFETCHABLE = 2;
export const TOO_LONG = 3;
/** Goes on in the next page, which the caller did not want. */
export const CROSSES_PAGE = 4;

const BASE_16 = [3, 3, 5, 5, 6, 7, 5, 3];
const INDEX_16 = [6, 7, 6, 7, -1, -1, -1, -1];

export class Decoder {
  readonly #table: OpcodeTable;
  #fetch: FetchByte = () => -1;
  #crossing = true;
  #status = DECODED;

  /** Linear address of the instruction, and bytes taken so far. */
  pc = 0;
  length = 0;
  form: Form | null = null;
  /** Opcode byte, and 256 for the two-byte map. */
  opcode = 0;
  /** Operand and address size in bytes: 2 or 4. */
  operandSize = 4;
  addressSize = 4;
  /** 0, F2H or F3H: the last repeat prefix. */
  repeat = 0;
  lock = false;
  /** Segment override prefix, or -1. */
  override = -1;
  hasModrm = false;
  mod = 0;
  reg = 0;
  rm = 0;
  /** Memory operand: registers or -1, shift, displacement, segment (override considered). */
  base = -1;
  index = -1;
  scale = 0;
  /** The SIB byte, or -1: for the disassembler. */
  sib = -1;
  disp = 0;
  segment = DS;
  /** Immediate (or jump distance, or offset), and the selector of a far pointer or the second immediate of ENTER. */
  imm = 0;
  imm2 = 0;

  constructor(table: OpcodeTable) {
    this.#table = table;
  }

  /** Decodes at a linear address. `crossing`: may go on in the next page. */
  decode(pc: number, mode: number, fetch: FetchByte, crossing: boolean): number {
    this.#fetch = fetch;
    this.#crossing = crossing;
    this.#status = DECODED;
    this.pc = pc;
    this.length = 0;
    this.form = null;
    this.repeat = 0;
    this.lock = false;
    this.override = -1;
    this.hasModrm = false;
    this.imm = this.imm2 = 0;
    const size = mode & M_CS32 ? 4 : 2;
    this.operandSize = this.addressSize = size;
    let op = this.#prefixes(size);
    if (op === 0x0f) {
      op = this.#byte() | 0x100;
    }
    if (this.#status !== DECODED) return this.#status;
    this.opcode = op;
    const entry = this.#table[op];
    if (entry === undefined) return INVALID;
    let form = entry.form;
    if (entry.memory !== null) {
      const modrm = this.#byte();
      this.hasModrm = true;
      this.mod = modrm >> 6;
      this.reg = (modrm >> 3) & 7;
      this.rm = modrm & 7;
      form = (this.mod === 3 ? entry.register?.[modrm & 63] : entry.memory[this.reg]) ?? null;
      if (form === null) return this.#status === DECODED ? INVALID : this.#status;
      if (form.ignoresMod) this.mod = 3;
      if (this.mod !== 3) this.#address();
    }
    if (form === null) return INVALID;
    this.form = form;
    if (form.immediate !== IMMEDIATE_NONE) this.#immediate(form.immediate);
    if (this.#status !== DECODED) return this.#status;
    return form.unprefixed && (this.repeat !== 0 || this.operandSize !== size) ? INVALID : DECODED;
  }

  #prefixes(size: number): number {
    for (;;) {
      const op = this.#byte();
      switch (op) {
        case 0x66:
          this.operandSize = size ^ 6;
          break;
        case 0x67:
          this.addressSize = size ^ 6;
          break;
        case 0x26:
          this.override = ES;
          break;
        case 0x2e:
          this.override = CS;
          break;
        case 0x36:
          this.override = SS;
          break;
        case 0x3e:
          this.override = DS;
          break;
        case 0x64:
          this.override = FS;
          break;
        case 0x65:
          this.override = GS;
          break;
        case 0xf0:
          this.lock = true;
          break;
        case 0xf2:
        case 0xf3:
          this.repeat = op;
          break;
        default:
          return op;
      }
      if (this.#status !== DECODED) return 0;
    }
  }

  /** The memory operand of ModRM (SDM volume 2, tables 2-1 to 2-3). */
  #address(): void {
    let segment = DS;
    this.index = -1;
    this.scale = 0;
    this.sib = -1;
    this.disp = 0;
    if (this.addressSize === 2) {
      this.base = BASE_16[this.rm] as number;
      this.index = INDEX_16[this.rm] as number;
      if (this.mod === 0 && this.rm === 6) {
        this.base = -1;
        this.disp = this.#word();
      } else {
        if (this.base === 5) segment = SS;
        // Single registers SI and DI stand in BASE_16 too.
        if (this.mod === 1) this.disp = (this.#byte() << 24) >> 24;
        else if (this.mod === 2) this.disp = (this.#word() << 16) >> 16;
      }
    } else {
      let base = this.rm;
      if (base === 4) {
        const sib = this.#byte();
        this.sib = sib;
        base = sib & 7;
        this.index = (sib >> 3) & 7;
        if (this.index === 4) this.index = -1;
        else this.scale = sib >> 6;
      }
      if (this.mod === 0 && base === 5) {
        this.base = -1;
        this.disp = this.#dword();
      } else {
        this.base = base;
        if (base === 4 || base === 5) segment = SS;
        if (this.mod === 1) this.disp = (this.#byte() << 24) >> 24;
        else if (this.mod === 2) this.disp = this.#dword();
      }
    }
    this.segment = this.override < 0 ? segment : this.override;
  }

  #immediate(layout: number): void {
    switch (layout) {
      case IMMEDIATE_BYTE:
        this.imm = this.#byte();
        break;
      case IMMEDIATE_SIGNED_BYTE:
        this.imm = (this.#byte() << 24) >> 24;
        break;
      case IMMEDIATE_WORD:
        this.imm = this.#word();
        break;
      case IMMEDIATE_FULL:
        this.imm = this.operandSize === 4 ? this.#dword() : this.#word();
        break;
      case IMMEDIATE_DISTANCE:
        this.imm = this.operandSize === 4 ? this.#dword() : (this.#word() << 16) >> 16;
        break;
      case IMMEDIATE_FAR:
        this.imm = this.operandSize === 4 ? this.#dword() : this.#word();
        this.imm2 = this.#word();
        break;
      case IMMEDIATE_WORD_BYTE:
        this.imm = this.#word();
        this.imm2 = this.#byte();
        break;
      default: // IMMEDIATE_OFFSET: a memory operand without ModRM
        this.mod = 0;
        this.base = this.index = -1;
        this.scale = 0;
        this.disp = this.addressSize === 4 ? this.#dword() : this.#word();
        this.segment = this.override < 0 ? DS : this.override;
    }
  }

  #byte(): number {
    if (this.#status !== DECODED) return 0;
    if (this.length === MAX_LENGTH) {
      this.#status = TOO_LONG;
      return 0;
    }
    const at = (this.pc + this.length) >>> 0;
    if (!this.#crossing && (at & 0xfff) === 0 && this.length > 0) {
      this.#status = CROSSES_PAGE;
      return 0;
    }
    const b = this.#fetch(at, 0);
    if (b < 0) {
      this.#status = UNFETCHABLE;
      return 0;
    }
    this.length++;
    return b;
  }
  #word(): number {
    const lo = this.#byte();
    return lo | (this.#byte() << 8);
  }
  #dword(): number {
    const lo = this.#word();
    return lo | (this.#word() << 16);
  }
}
