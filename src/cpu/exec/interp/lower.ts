/**
 * IR block to interpreter bytecode (u16 units; 32-bit values as two). Fuses sequences that front ends emit often. Runs for
 * every block that executes at all, so: no allocation, no strings, tables indexed by op number.
 */
import { type IrBlock, MAX_INSNS } from '../../ir/block.ts';
import { OPERANDS, STATE, TEMP0 } from '../../ir/layout.ts';
import { OPERAND_WORDS, READS_A, READS_B, READS_D, READS_IMM2, READS_X } from '../../ir/operands.ts';
import { OP_NAMES, OPS, Op, RET, type Shape, type Ty, WORDS } from '../../ir/ops.ts';
import type { FrontEnd } from '../../isa/front-end.ts';
import { hasSite } from './handlers/calls.ts';
import { USUAL_FIELDS } from './handlers/computations.ts';
import { TARGETS } from './handlers/ends.ts';
import { FLAG_OPS } from './handlers/flags.ts';
import type { Handler } from './handlers/handler.ts';

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

/** State addresses of two operands beyond the builder's: scratch for constants, and zero (never written). */
export const SCRATCH_OPERAND = OPERANDS;
export const ZERO_OPERAND = OPERANDS + 1;
const at = (operand: number): number => STATE + 8 * operand;

type Table = Int16Array;

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
  /** Addresses of the links written and the pc distances they lead to, pairs: the block cache may resolve them at once. */
  readonly links = new Int32Array(2 * 8);
  linkCount = 0;
  /** Address of the remembered targets of the block's indirect jump, or 0. */
  targets = 0;

  readonly #u16: Uint16Array;
  readonly #va: Ty;
  readonly #frontEnd: FrontEnd;
  readonly #op: Readonly<Record<string, number>>;
  readonly #rr: Table;
  readonly #ri: Table;
  readonly #index: Table;
  readonly #indexConst: Table;
  readonly #brRr: Table;
  readonly #brRi: Table;
  readonly #cc: Table;
  readonly #ccConst: Table;
  readonly #ccOnly: Table;
  readonly #ccOnlyConst: Table;
  readonly #cmp: Table;
  readonly #cmpConst: Table;
  readonly #test: Table;
  readonly #testConst: Table;
  readonly #fields: readonly Table[];
  readonly #call: Table;
  readonly #uses = new Uint8Array(OPERANDS);
  readonly #fusesCc: Uint8Array;
  #p = 0;
  #block: IrBlock | undefined;
  #page = 0;

  /** `memory` is the shared memory's 16-bit view; `handlers` the interpreter's instruction set. */
  constructor(memory: Uint16Array, frontEnd: FrontEnd, handlers: readonly Handler[]) {
    this.#u16 = memory;
    this.#frontEnd = frontEnd;
    this.#va = frontEnd.va;
    this.#op = Object.fromEntries(handlers.map((h, i) => [h.name, i]));
    const table = (name: (op: string) => string): Table => Int16Array.from(OP_NAMES, (n) => this.#op[name(n)] ?? -1);
    this.#rr = table((n) => n);
    this.#ri = table((n) => `${n}.const`);
    this.#index = table((n) => `${n}.index`);
    this.#indexConst = table((n) => `${n}.index.const`);
    this.#brRr = table((n) => `br.${n}`);
    this.#brRi = table((n) => `br.${n}.const`);
    this.#cc = table((n) => `${n}.cc`);
    this.#ccConst = table((n) => `${n}.cc.const`);
    this.#ccOnly = table((n) => `${n}.cc.only`);
    this.#ccOnlyConst = table((n) => `${n}.cc.only.const`);
    this.#cmp = table((n) => `cmp.${n}`);
    this.#cmpConst = table((n) => `cmp.${n}.const`);
    this.#test = table((n) => `test.${n}`);
    this.#testConst = table((n) => `test.${n}.const`);
    this.#fields = USUAL_FIELDS.map(([pos, len]) => table((n) => `${n}.${pos}.${len}`));
    this.#call = Int16Array.from(frontEnd.helpers, (_, i) => this.#op[`call.${i}`] as number);
    this.#fusesCc = Uint8Array.from(OPS, (_, i) => (FLAG_OPS.includes(i) ? 1 : 0));
  }

  /** Opcode of a head: 'head', 'headGuarded', 'enter', 'dead'. */
  opcode(name: string): number {
    return this.#op[name] as number;
  }

  #w(v: number): void {
    this.#u16[this.#p++] = v;
  }
  #w32(v: number): void {
    this.#u16[this.#p++] = v;
    this.#u16[this.#p++] = v >>> 16;
  }
  #w64(lo: number, hi: number): void {
    this.#w32(lo);
    this.#w32(hi);
  }
  /** Program counter at a distance from the block's. */
  #pc(delta: number): void {
    const b = this.#block as IrBlock;
    const lo = b.pcLo + delta;
    this.#w32(lo);
    if (this.#va === 'i64') this.#w32(b.pcHi + Math.floor(((b.pcLo >>> 0) + delta) / 0x1_0000_0000));
  }
  #inPage(delta: number): boolean {
    return ((this.#page + delta) & ~0xfff) === 0;
  }
  #link(delta: number): void {
    this.links[2 * this.linkCount] = this.#p << 1;
    this.links[2 * this.linkCount + 1] = delta;
    this.linkCount++;
    this.#w32(0);
    this.#pc(delta);
  }
  #site(insn: number): void {
    this.#w(((this.#block as IrBlock).insnOffset[insn] as number) * 64 + insn);
  }

  #countUses(b: IrBlock): void {
    const uses = this.#uses;
    uses.fill(0, TEMP0, b.temps);
    const r = b.ir;
    for (let i = 0, p = 0; i < b.n; i++, p += WORDS) {
      const words = OPERAND_WORDS[r[p] as number] as number;
      if (words & READS_A && (r[p + 2] as number) >= TEMP0) uses[r[p + 2] as number]!++;
      if (words & READS_B && (r[p + 3] as number) >= TEMP0) uses[r[p + 3] as number]!++;
      if (words & READS_D && (r[p + 1] as number) >= TEMP0) uses[r[p + 1] as number]!++;
      if (words & READS_X && (r[p + 6] as number) >= TEMP0) uses[r[p + 6] as number]!++;
      if (words & READS_IMM2 && (r[p + 5] as number) >= TEMP0) uses[r[p + 5] as number]!++;
    }
  }

  /**
   * Write the bytecode of a block at `address` (a multiple of 4).
   */
  lower(b: IrBlock, address: number, to: Placing): void {
    const { number, heat, guarded, page, page2 } = to;
    this.#block = b;
    this.#p = address >> 1;
    this.#page = b.pcLo & 0xfff;
    this.linkCount = 0;
    this.targets = 0;
    if (b.insns > MAX_INSNS) throw new Error('BUG: block too long');
    this.#countUses(b);
    this.#w(this.opcode(guarded ? 'headGuarded' : 'head'));
    this.#w(b.insns);
    this.#w32(heat);
    this.#w64(b.pcLo, b.pcHi);
    this.#w32(number);
    this.#w32(page);
    if (guarded) this.#w64(b.context, page2);
    for (let i = 0; i < b.n; ) i += this.#one(b, i);
    if (this.#p & 1) this.#w(0);
    this.bytes = (this.#p << 1) - address;
  }

  /** Lower op i, with those after it that it is fused with; returns how many ops that were. */
  #one(b: IrBlock, i: number): number {
    const r = b.ir;
    const p = i * WORDS;
    const op = r[p] as number;
    const d = r[p + 1] as number;
    const a = r[p + 2] as number;
    const bb = r[p + 3] as number;
    const imm = r[p + 4] as number;
    const imm2 = r[p + 5] as number;
    const x = r[p + 6] as number;
    const insn = r[p + 7] as number;
    switch (SHAPE_OF[op]) {
      case BIN: {
        if (this.#fusesCc[op] && i + 1 < b.n && r[p + WORDS] === Op.setcc) {
          const fused = this.#withFlags(b, i);
          if (fused > 0) return fused;
        }
        this.#binary(op, d, a, bb, imm, imm2);
        return 1;
      }
      case CMP:
        this.#binary(op, d, a, bb, imm, imm2);
        return 1;
      case UN:
        this.#w(this.#rr[op] as number);
        this.#w(at(d));
        this.#w(at(a));
        return 1;
      case MOVI:
        this.#w(this.#rr[op] as number);
        this.#w(at(d));
        if (WIDE_OF[op]) this.#w64(imm, imm2);
        else this.#w32(imm);
        return 1;
      case BITS:
        this.#bits(op, d, a, imm2);
        return 1;
      case DEP:
        this.#deposit(op, d, a, bb < 0 ? this.#constant(WIDE_OF[op] === 1, imm, imm >> 31) : bb, imm2);
        return 1;
      case SEL:
        this.#w(this.#rr[op] as number);
        this.#w(at(d));
        this.#w(at(a));
        this.#w(at(bb));
        this.#w(at(x));
        return 1;
      case MUL2: {
        const second = bb < 0 ? this.#constant(false, imm, 0) : bb;
        this.#w(this.#rr[op] as number);
        this.#w(at(d));
        this.#w(at(a));
        this.#w(at(second));
        this.#w(at(x));
        return 1;
      }
      case LOAD:
        return this.#load(b, i);
      case STORE:
        return this.#store(b, i);
      case GETF:
        this.#w(this.#rr[op] as number);
        this.#w(at(d));
        this.#w(imm);
        return 1;
      case PUTF: {
        const value = a < 0 ? this.#constant(WIDE_OF[op] === 1, x, x >> 31) : a;
        this.#w(this.#rr[op] as number);
        this.#w(at(value));
        this.#w(imm);
        return 1;
      }
      case SETCC:
        this.#setcc(d, a, bb, imm, x);
        return 1;
      case CALLS:
        this.#helper(imm, d, a, bb, x, imm2, insn);
        return 1;
      case RAISE:
        this.#w(this.#op[a < 0 ? 'raise' : 'raise.if'] as number);
        this.#w(a < 0 ? 0 : at(a));
        this.#w(imm);
        this.#w32(imm2);
        this.#site(insn);
        return 1;
      case GOTO:
        if (this.#inPage(d)) {
          this.#w(this.#rr[op] as number);
          this.#link(d);
        } else this.#far(d);
        return 1;
      case BR:
        this.#w((bb < 0 ? this.#brRi : this.#brRr)[imm2] as number);
        this.#w(at(a));
        if (bb >= 0) this.#w(at(bb));
        else if (WIDE_OF[op]) this.#w64(imm, imm >> 31);
        else this.#w32(imm);
        this.#branchLinks(d, x);
        return 1;
      case JIND:
        this.#w(this.#op[`jind.${imm}`] as number);
        this.#w(at(a));
        if (imm !== RET) {
          this.targets = this.#p << 1;
          for (let k = 0; k < TARGETS; k++) this.#w32(0);
        }
        return 1;
      case GOTOM:
        this.#w(this.#op[imm ? 'gotom.irq' : 'goto.lookup'] as number);
        this.#pc(d);
        return 1;
      case JPC:
        this.#w(this.#op[imm ? 'jpc.irq' : 'jpc'] as number);
        return 1;
      case LEAVE:
        this.#w(this.#rr[op] as number);
        this.#w(imm);
        this.#w32(x);
        this.#pc(d);
        return 1;
      default:
        throw new Error(`BUG: op ${OP_NAMES[op]} has no lowering`);
    }
  }

  /** A constant in the scratch operand; good for the next op only. */
  #constant(wide: boolean, lo: number, hi: number): number {
    this.#w(this.#rr[wide ? Op.movi64 : Op.movi] as number);
    this.#w(at(SCRATCH_OPERAND));
    if (wide) this.#w64(lo, hi);
    else this.#w32(lo);
    return SCRATCH_OPERAND;
  }
  #binary(op: number, d: number, a: number, b: number, imm: number, imm2: number): void {
    this.#w((b < 0 ? this.#ri : this.#rr)[op] as number);
    this.#w(at(d));
    this.#w(at(a));
    if (b >= 0) this.#w(at(b));
    else if (WIDE_OF[op]) this.#w64(imm, imm2);
    else this.#w32(imm);
  }
  #usual(field: number): number {
    for (let k = 0; k < USUAL_FIELDS.length; k++) {
      const [pos, len] = USUAL_FIELDS[k] as readonly [number, number];
      if (field === (pos | (len << 8))) return k;
    }
    return -1;
  }
  #bits(op: number, d: number, a: number, field: number): void {
    const k = this.#usual(field);
    this.#w((k >= 0 ? (this.#fields[k] as Table) : this.#rr)[op] as number);
    this.#w(at(d));
    this.#w(at(a));
    if (k >= 0) return;
    const width = WIDE_OF[op] ? 64 : 32;
    const pos = field & 0xff;
    const len = field >> 8;
    this.#w(width - pos - len);
    this.#w(width - len);
  }
  #deposit(op: number, d: number, a: number, b: number, field: number): void {
    const k = this.#usual(field);
    this.#w((k >= 0 ? (this.#fields[k] as Table) : this.#rr)[op] as number);
    this.#w(at(d));
    this.#w(at(a));
    this.#w(at(b));
    if (k >= 0) return;
    const pos = field & 0xff;
    const mask = ((1n << BigInt(field >> 8)) - 1n) << BigInt(pos);
    this.#w(pos);
    this.#w32(Number(mask & 0xffff_ffffn));
    if (WIDE_OF[op]) this.#w32(Number(mask >> 32n));
  }
  #setcc(d: number, a: number, b: number, kind: number, constant: number): void {
    if (d !== this.#frontEnd.ccSlot) throw new Error('BUG: setcc of other slots than the front end declares');
    this.#w((b < 0 ? this.#ri : this.#rr)[Op.setcc] as number);
    this.#w(kind);
    this.#w(at(a));
    if (b < 0) this.#w32(constant);
    else this.#w(at(b));
  }
  #helper(index: number, d: number, a: number, b: number, x: number, y: number, insn: number): void {
    const info = this.#frontEnd.helpers[index];
    if (!info) throw new Error(`BUG: helper ${index}`);
    this.#w(this.#call[index] as number);
    const n = info.params.length;
    if (n > 0) this.#w(at(a));
    if (n > 1) this.#w(at(b));
    if (n > 2) this.#w(at(x));
    if (n > 3) this.#w(at(y));
    if (info.result) this.#w(at(d < 0 ? SCRATCH_OPERAND : d));
    if (hasSite(info)) this.#site(insn);
  }
  #far(delta: number): void {
    this.#w(this.#op['goto.lookup'] as number);
    this.#pc(delta);
  }
  /** Two links; a target in another page goes through a stub behind the block's last op. */
  #branchLinks(taken: number, fall: number): void {
    const first = this.#p;
    this.#link(taken);
    const second = this.#p;
    this.#link(fall);
    if (!this.#inPage(fall)) this.#stub(second, fall);
    if (!this.#inPage(taken)) this.#stub(first, taken);
  }
  #stub(link: number, delta: number): void {
    for (let k = 0; k < this.linkCount; k++) {
      if (this.links[2 * k] !== link << 1) continue;
      this.linkCount--; // not for the block cache to resolve
      this.links[2 * k] = this.links[2 * this.linkCount] as number;
      this.links[2 * k + 1] = this.links[2 * this.linkCount + 1] as number;
    }
    const address = this.#p << 1;
    this.#u16[link] = address;
    this.#u16[link + 1] = address >>> 16;
    this.#far(delta);
  }

  /** op + setcc [+ br]; 0 if they do not fit together. */
  #withFlags(b: IrBlock, i: number): number {
    const r = b.ir;
    const p = i * WORDS;
    const n = p + WORDS;
    const op = r[p] as number;
    const d = r[p + 1] as number;
    const a = r[p + 2] as number;
    const bb = r[p + 3] as number;
    const imm = r[p + 4] as number;
    const logic = op !== Op.add && op !== Op.sub;
    if (r[n + 1] !== this.#frontEnd.ccSlot || r[n + 2] !== d) return 0;
    const source = r[n + 3] as number;
    if (logic ? source >= 0 || r[n + 6] !== 0 : source !== bb || (bb < 0 && r[n + 6] !== imm)) return 0;
    // The operation must not have overwritten what setcc reads.
    if (!logic && bb === d) return 0;
    const kind = r[n + 4] as number;
    const onlyFlags = d >= TEMP0 && this.#uses[d] === 1;
    const q = n + WORDS;
    if (i + 2 < b.n && r[q] === Op.br && (op === Op.sub || op === Op.and)) {
      const viaResult = r[q + 2] === d && (r[q + 3] as number) < 0 && r[q + 4] === 0;
      const dead = d >= TEMP0 && this.#uses[d] === (viaResult ? 2 : 1);
      const compares = op === Op.sub && r[q + 2] === a && r[q + 3] === bb && (bb >= 0 || r[q + 4] === imm);
      if (dead && (compares || (op === Op.and && viaResult))) {
        const table = op === Op.sub ? (bb < 0 ? this.#cmpConst : this.#cmp) : bb < 0 ? this.#testConst : this.#test;
        this.#w(table[r[q + 5] as number] as number);
        this.#w(kind);
        this.#w(at(a));
        if (bb < 0) this.#w32(imm);
        else this.#w(at(bb));
        this.#branchLinks(r[q + 1] as number, r[q + 6] as number);
        return 3;
      }
    }
    const table = onlyFlags ? (bb < 0 ? this.#ccOnlyConst : this.#ccOnly) : bb < 0 ? this.#ccConst : this.#cc;
    this.#w(table[op] as number);
    this.#w(kind);
    if (!onlyFlags) this.#w(at(d));
    this.#w(at(a));
    if (bb < 0) this.#w32(imm);
    else this.#w(at(bb));
    return 2;
  }

  /** Base and index of an address as T1 has them: index alone becomes base zero + index. */
  #load(b: IrBlock, i: number): number {
    const r = b.ir;
    const p = i * WORDS;
    const op = r[p] as number;
    const d = r[p + 1] as number;
    const a = r[p + 2] as number;
    const index = r[p + 3] as number;
    const insn = r[p + 7] as number;
    const n = p + WORDS;
    // pop: load from [a], a += step, move to the register
    if (
      op === Op.ld32 &&
      this.#va === 'i32' &&
      a >= 0 &&
      index < 0 &&
      r[p + 4] === 0 &&
      i + 2 < b.n &&
      d >= TEMP0 &&
      this.#uses[d] === 1 &&
      r[n] === Op.add &&
      r[n + 1] === a &&
      r[n + 2] === a &&
      (r[n + 3] as number) < 0 &&
      r[n + WORDS] === Op.mov &&
      r[n + WORDS + 2] === d &&
      r[n + WORDS + 1] !== a &&
      r[n + WORDS + 7] === insn
    ) {
      this.#w(this.#op.pop as number);
      this.#w(at(r[n + WORDS + 1] as number));
      this.#w(at(a));
      this.#w32(0);
      this.#site(insn);
      this.#w(r[n + 4] as number);
      return 3;
    }
    this.#w((index >= 0 ? this.#index : this.#rr)[op] as number);
    this.#w(at(d));
    this.#address(a, index, r[p + 5] as number, r[p + 4] as number);
    this.#site(insn);
    return 1;
  }
  #store(b: IrBlock, i: number): number {
    const r = b.ir;
    const p = i * WORDS;
    const op = r[p] as number;
    const d = r[p + 1] as number;
    const a = r[p + 2] as number;
    const index = r[p + 3] as number;
    const imm = r[p + 4] as number;
    const insn = r[p + 7] as number;
    const n = p + WORDS;
    const push =
      op === Op.st32 &&
      this.#va === 'i32' &&
      a >= 0 &&
      index < 0 &&
      i + 1 < b.n &&
      r[n] === Op.add &&
      r[n + 1] === a &&
      r[n + 2] === a &&
      (r[n + 3] as number) < 0 &&
      r[n + 4] === imm &&
      r[n + 7] === insn;
    if (push) this.#w(this.#op[d < 0 ? 'push.const' : 'push'] as number);
    else if (d >= 0) this.#w((index >= 0 ? this.#index : this.#rr)[op] as number);
    else this.#w((index >= 0 ? this.#indexConst : this.#ri)[op] as number);
    this.#w(d < 0 ? 0 : at(d));
    this.#address(a, index, r[p + 5] as number, imm);
    if (d < 0) this.#w32(r[p + 6] as number);
    this.#site(insn);
    return push ? 2 : 1;
  }
  #address(base: number, index: number, scale: number, disp: number): void {
    this.#w(at(base < 0 ? ZERO_OPERAND : base));
    if (index >= 0) {
      this.#w(at(index));
      this.#w(scale);
    }
    this.#w32(disp);
  }
}

/** Bytes of the longest bytecode a block can have: the arena keeps so much free. */
export const MAX_BYTECODE = 65536;
