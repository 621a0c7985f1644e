/**
 * IR block to interpreter bytecode. Runs for every block that executes at all, so: no allocation, no strings, tables indexed by
 * op number. Sequences that have one bytecode op together are in `fuse.ts`.
 */
import { type IrBlock, MAX_INSNS } from '../../ir/block.ts';
import { OP_NAMES, OPS, Op, RET, type Shape, WORDS } from '../../ir/ops.ts';
import type { FrontEnd } from '../../isa/front-end.ts';
import { Fusion } from './fuse.ts';
import { hasSite } from './handlers/calls.ts';
import { USUAL_FIELDS } from './handlers/computations.ts';
import { TARGETS } from './handlers/ends.ts';
import type { Handler } from './handlers/handler.ts';
import { Opcodes } from './opcodes.ts';
import { BytecodeWriter, SCRATCH_OPERAND } from './writer.ts';

/** Shapes as small integers. */
const SHAPES = [...new Set(OPS.map((o) => o.shape))];
const shape = (s: Shape): number => SHAPES.indexOf(s);
const SHAPE_OF = Uint8Array.from(OPS, (o) => shape(o.shape));
const WIDE_OF = Uint8Array.from(OPS, (o) => (o.ty === 'i64' ? 1 : 0));
const BIN = shape('bin');
const CMP = shape('cmp');
const UN = shape('un');
const MOVI = shape('movi');
const BITS = shape('bits');
const DEP = shape('dep');
const SEL = shape('sel');
const MUL2 = shape('mul2');
const LOAD = shape('load');
const STORE = shape('store');
const GETF = shape('getf');
const PUTF = shape('putf');
const SETCC = shape('setcc');
const CALLS = shape('call');
const RAISE = shape('raise');
const GOTO = shape('goto');
const BR = shape('br');
const JIND = shape('jind');
const GOTOM = shape('gotom');
const JPC = shape('jpc');
const LEAVE = shape('leave');

/** What the head of a block's bytecode says besides what the block itself does. */
export interface Placing {
  readonly number: number;
  /** Executions until EXIT_HOT. */
  readonly heat: number;
  /** Its context and second page are checked at every entry. */
  readonly guarded: boolean;
  /** Page of this memory with its first byte; with the end of its last instruction, if that straddles, else 0. */
  readonly page: number;
  readonly page2: number;
}

/** Turns blocks into bytecode. One lowering at a time; results stand in its public fields until the next. */
export class Lowering {
  /** Bytes written. */
  bytes = 0;
  /** Address of the remembered targets of the block's indirect jump, or 0. */
  targets = 0;

  readonly #frontEnd: FrontEnd;
  readonly #codes: Opcodes;
  readonly #out: BytecodeWriter;
  readonly #fusion: Fusion;

  /** `memory` is the shared memory's 16-bit view; `handlers` the interpreter's instruction set. */
  constructor(memory: Uint16Array, frontEnd: FrontEnd, handlers: readonly Handler[]) {
    this.#frontEnd = frontEnd;
    this.#codes = new Opcodes(frontEnd, handlers);
    this.#out = new BytecodeWriter(memory, this.#codes, frontEnd.va);
    this.#fusion = new Fusion(this.#out, this.#codes, frontEnd);
  }

  /** Opcode of a head: 'head', 'headGuarded', 'enter', 'dead'. */
  opcode(name: string): number {
    return this.#codes.named(name);
  }

  /**
   * Write the bytecode of a block at `address` (a multiple of 4).
   */
  lower(b: IrBlock, address: number, to: Placing): void {
    if (b.insns > MAX_INSNS) throw new Error('BUG: block too long');
    const out = this.#out;
    this.targets = 0;
    out.begin(b, address);
    this.#fusion.begin(b);
    out.u16(to.guarded ? this.#codes.headGuarded : this.#codes.head);
    out.u16(b.insns);
    out.u32(to.heat);
    out.u64(b.pcLo, b.pcHi);
    out.u32(to.number);
    out.u32(to.page);
    if (to.guarded) out.u64(b.context, to.page2);
    for (let i = 0; i < b.n; ) i += this.#one(b, i);
    if (out.address & 2) out.u16(0);
    this.bytes = out.address - address;
  }

  /** Lower op i, with those after it that it is fused with; returns how many ops that were. */
  #one(block: IrBlock, i: number): number {
    const out = this.#out;
    const codes = this.#codes;
    const { plain } = codes;
    const r = block.ir;
    const p = i * WORDS;
    const op = r[p];
    const d = r[p + 1];
    const a = r[p + 2];
    const b = r[p + 3];
    const imm = r[p + 4];
    const imm2 = r[p + 5];
    const x = r[p + 6];
    const insn = r[p + 7];
    const wide = WIDE_OF[op] === 1;
    switch (SHAPE_OF[op]) {
      case BIN: {
        const fused = codes.fusesCc[op] && r[p + WORDS] === Op.setcc ? this.#fusion.withFlags(block, i) : 0;
        if (fused > 0) return fused;
        this.#binary(op, d, a, b, imm, imm2);
        return 1;
      }
      case CMP:
        this.#binary(op, d, a, b, imm, imm2);
        return 1;
      case UN:
        out.u16(plain.operand[op]);
        out.operand(d);
        out.operand(a);
        return 1;
      case MOVI:
        this.#movi(wide, d, imm, imm2);
        return 1;
      case BITS:
        this.#bits(op, d, a, imm2);
        return 1;
      case DEP:
        this.#deposit(op, d, a, b < 0 ? this.#constant(wide, imm, imm >> 31) : b, imm2);
        return 1;
      case SEL:
        this.#four(op, d, a, b, x);
        return 1;
      case MUL2:
        this.#four(op, d, a, b < 0 ? this.#constant(false, imm, 0) : b, x);
        return 1;
      case LOAD:
      case STORE: {
        const fused = op === Op.ld32 ? this.#fusion.pop(block, i) : op === Op.st32 ? this.#fusion.push(block, i) : 0;
        if (fused > 0) return fused;
        const forms = b >= 0 ? codes.index : plain;
        out.u16((d < 0 ? forms.constant : forms.operand)[op]);
        out.access(p);
        return 1;
      }
      case GETF:
        out.u16(plain.operand[op]);
        out.operand(d);
        out.u16(imm);
        return 1;
      case PUTF: {
        const value = a < 0 ? this.#constant(wide, x, x >> 31) : a;
        out.u16(plain.operand[op]);
        out.operand(value);
        out.u16(imm);
        return 1;
      }
      case SETCC:
        if (d !== this.#frontEnd.ccSlot) throw new Error('BUG: setcc of other slots than the front end declares');
        out.u16((b < 0 ? plain.constant : plain.operand)[op]);
        out.u16(imm);
        out.operand(a);
        out.operandOr32(b, x);
        return 1;
      case CALLS:
        this.#helper(imm, d, a, b, x, imm2, insn);
        return 1;
      case RAISE:
        out.u16(a < 0 ? codes.raise : codes.raiseIf);
        if (a < 0) out.u16(0);
        else out.operand(a);
        out.u16(imm);
        out.u32(imm2);
        out.site(insn);
        return 1;
      case GOTO:
        if (out.inPage(d)) {
          out.u16(plain.operand[op]);
          out.link(d);
        } else out.far(d);
        return 1;
      case BR:
        out.u16((b < 0 ? codes.br.constant : codes.br.operand)[imm2]);
        out.operand(a);
        if (wide) out.operandOr64(b, imm, imm >> 31);
        else out.operandOr32(b, imm);
        out.branchLinks(d, x);
        return 1;
      case JIND:
        out.u16(codes.jind[imm]);
        out.operand(a);
        if (imm !== RET) {
          this.targets = out.address;
          for (let k = 0; k < TARGETS; k++) out.u32(0);
        }
        return 1;
      case GOTOM:
        out.u16(imm ? codes.gotomIrq : codes.gotoLookup);
        out.pc(d);
        return 1;
      case JPC:
        out.u16(imm ? codes.jpcIrq : codes.jpc);
        return 1;
      case LEAVE:
        out.u16(plain.operand[op]);
        out.u16(imm);
        out.u32(x);
        out.pc(d);
        return 1;
      default:
        throw new Error(`BUG: op ${OP_NAMES[op]} has no lowering`);
    }
  }

  #binary(op: number, d: number, a: number, b: number, imm: number, imm2: number): void {
    const out = this.#out;
    const { plain } = this.#codes;
    out.u16((b < 0 ? plain.constant : plain.operand)[op]);
    out.operand(d);
    out.operand(a);
    if (WIDE_OF[op]) out.operandOr64(b, imm, imm2);
    else out.operandOr32(b, imm);
  }
  #movi(wide: boolean, d: number, lo: number, hi: number): void {
    const out = this.#out;
    out.u16(this.#codes.plain.operand[wide ? Op.movi64 : Op.movi]);
    out.operand(d);
    if (wide) out.u64(lo, hi);
    else out.u32(lo);
  }
  /** A constant in the scratch operand; good for the next op only. */
  #constant(wide: boolean, lo: number, hi: number): number {
    this.#movi(wide, SCRATCH_OPERAND, lo, hi);
    return SCRATCH_OPERAND;
  }
  #four(op: number, d: number, a: number, b: number, x: number): void {
    const out = this.#out;
    out.u16(this.#codes.plain.operand[op]);
    out.operand(d);
    out.operand(a);
    out.operand(b);
    out.operand(x);
  }
  /** Number of a field among the usual ones, or -1. */
  #usual(field: number): number {
    for (let k = 0; k < USUAL_FIELDS.length; k++) {
      const usual = USUAL_FIELDS[k];
      if (field === (usual[0] | (usual[1] << 8))) return k;
    }
    return -1;
  }
  #bits(op: number, d: number, a: number, field: number): void {
    const out = this.#out;
    const k = this.#usual(field);
    out.u16((k >= 0 ? this.#codes.fields[k] : this.#codes.plain.operand)[op]);
    out.operand(d);
    out.operand(a);
    if (k >= 0) return;
    const width = WIDE_OF[op] ? 64 : 32;
    const pos = field & 0xff;
    const len = field >> 8;
    out.u16(width - pos - len);
    out.u16(width - len);
  }
  #deposit(op: number, d: number, a: number, b: number, field: number): void {
    const out = this.#out;
    const k = this.#usual(field);
    out.u16((k >= 0 ? this.#codes.fields[k] : this.#codes.plain.operand)[op]);
    out.operand(d);
    out.operand(a);
    out.operand(b);
    if (k >= 0) return;
    const pos = field & 0xff;
    const mask = ((1n << BigInt(field >> 8)) - 1n) << BigInt(pos);
    out.u16(pos);
    out.u32(Number(mask & 0xffff_ffffn));
    if (WIDE_OF[op]) out.u32(Number(mask >> 32n));
  }
  #helper(index: number, d: number, a: number, b: number, x: number, y: number, insn: number): void {
    const out = this.#out;
    const info = this.#frontEnd.helpers[index];
    if (!info) throw new Error(`BUG: helper ${index}`);
    out.u16(this.#codes.call[index]);
    const n = info.params.length;
    if (n > 0) out.operand(a);
    if (n > 1) out.operand(b);
    if (n > 2) out.operand(x);
    if (n > 3) out.operand(y);
    if (info.result) out.operand(d < 0 ? SCRATCH_OPERAND : d);
    if (hasSite(info)) out.site(insn);
  }
}

/** Bytes of the longest bytecode a block can have: the arena keeps so much free. */
export const MAX_BYTECODE = 65536;
