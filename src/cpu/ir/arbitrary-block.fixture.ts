/** Random valid blocks for property tests. A block is made from a tape of numbers, so that it shrinks well. */
import fc from 'fast-check';
import { IrBlock } from './block.ts';
import { CPU_FIELDS, TEMP0 } from './layout.ts';
import { CALL, OPS, Op, RET, type Ty, WORDS } from './ops.ts';
import type { IrTarget } from './target.ts';

/** Guest memory that most random loads and stores hit: pages of 4 KiB from here. */
export const MEMORY_BASE = 0x2000;
export const MEMORY_SIZE = 0x2000;

const INTERESTING = [0, 1, -1, 2, 4, 7, 8, 31, 32, 33, 63, 64, 255, 0x7fff, 0x8000, 0xffff, -0x8000_0000, 0x7fff_ffff];

type Target = IrTarget & { readonly ccSlot: number };
const ENDS = [Op.goto, Op.br, Op.br64, Op.jind, Op.gotom, Op.jpc, Op.leave, Op.raise];
const BODY = OPS.flatMap((o, i) => (['goto', 'br', 'jind', 'gotom', 'jpc', 'leave'].includes(o.shape) ? [] : [i]));

class Maker {
  readonly #target: Target;
  readonly #tape: readonly number[];
  #at = 0;
  readonly #b = new IrBlock();
  /** Operands of each type that may be read now. */
  readonly #live: Record<Ty, number[]> = { i32: [], i64: [] };
  /** Slots have been written in this instruction: nothing may fault any more. */
  #committed = false;

  constructor(target: Target, tape: readonly number[]) {
    this.#target = target;
    this.#tape = tape;
    target.slots.forEach((s, i) => {
      this.#live[s.ty].push(i);
    });
  }
  #pick(n: number): number {
    return (this.#tape[this.#at++] ?? 0) % n;
  }
  #constant(): number {
    const i = this.#pick(INTERESTING.length * 2);
    return INTERESTING[i] ?? (this.#tape[this.#at++] ?? 0) | 0;
  }
  #operand(ty: Ty): number {
    const live = this.#live[ty];
    if (live.length === 0) {
      const t = ty === 'i32' ? this.#b.movi(this.#constant()) : this.#b.movi64(this.#constant(), this.#constant());
      live.push(t);
    }
    // Late temporaries are likelier, so that chains arise.
    const late = this.#pick(3) === 0 ? Math.min(4, live.length) : live.length;
    return live[live.length - 1 - this.#pick(late)] as number;
  }
  /** Where a result goes: a new temporary, an old one, or a slot (which commits the instruction). */
  #result(ty: Ty, allowSlot = true): number {
    const what = this.#pick(4);
    const old = this.#live[ty].filter((o) => (what === 1 ? o >= TEMP0 : o < TEMP0));
    if (what === 0 || what === 2 || old.length === 0 || (what === 3 && !allowSlot)) return this.#b.temp();
    const d = old[this.#pick(old.length)] as number;
    if (d < TEMP0) this.#committed = true;
    return d;
  }
  #define(ty: Ty, d: number): void {
    if (!this.#live[ty].includes(d)) this.#live[ty].push(d);
  }
  #field(bits: number): number {
    const position = this.#pick(bits);
    return position | ((1 + this.#pick(bits - position)) << 8);
  }
  /** An address operand that hits mapped memory, most times. */
  #address(): number {
    const any = this.#operand(this.#target.va);
    if (this.#pick(4) === 0) return any;
    const t = this.#b.bini(this.#target.va === 'i32' ? Op.and : Op.and64, any, 0xfff);
    this.#define(this.#target.va, t);
    return t;
  }
  #body(op: number): void {
    const b = this.#b;
    const info = OPS[op]!;
    const ty = info.ty;
    switch (info.shape) {
      case 'bin':
      case 'cmp': {
        const a = this.#operand(ty);
        const constant = this.#pick(2) === 0;
        const other = constant ? 0 : this.#operand(ty);
        const imm = this.#constant();
        const wide = this.#pick(2) === 0 ? imm >> 31 : this.#constant();
        const out: Ty = info.shape === 'cmp' ? 'i32' : ty;
        const d = this.#result(out);
        if (constant) b.emit(op, d, a, -1, imm, ty === 'i32' ? imm >> 31 : wide, 0);
        else b.bin(op, a, other, d);
        this.#define(out, d);
        break;
      }
      case 'un': {
        const a = this.#operand(info.from ?? ty);
        this.#define(ty, b.un(op, a, this.#result(ty)));
        break;
      }
      case 'movi': {
        const lo = this.#constant();
        const d = this.#result(ty);
        this.#define(ty, ty === 'i32' ? b.movi(lo, d) : b.movi64(lo, this.#constant(), d));
        break;
      }
      case 'bits': {
        const field = this.#field(ty === 'i32' ? 32 : 64);
        const a = this.#operand(ty);
        const d = this.#result(ty);
        b.emit(op, d, a, -1, 0, field, 0);
        this.#define(ty, d);
        break;
      }
      case 'dep': {
        const field = this.#field(ty === 'i32' ? 32 : 64);
        const a = this.#operand(ty);
        const other = this.#pick(2) === 0 ? -1 : this.#operand(ty);
        const d = this.#result(ty);
        b.emit(op, d, a, other, other < 0 ? this.#constant() : 0, field, 0);
        this.#define(ty, d);
        break;
      }
      case 'sel': {
        const cond = this.#operand('i32');
        const yes = this.#operand(ty);
        const no = this.#operand(ty);
        this.#define(ty, b.sel(cond, yes, no, this.#result(ty), ty === 'i64'));
        break;
      }
      case 'mul2': {
        const a = this.#operand(ty);
        const other = this.#pick(2) === 0 ? -1 : this.#operand(ty);
        const lo = this.#result(ty);
        const hi = b.temp();
        b.emit(op, lo, a, other, other < 0 ? this.#constant() : 0, 0, hi);
        this.#define(ty, lo);
        this.#define(ty, hi);
        break;
      }
      case 'load':
      case 'store': {
        if (this.#committed) return;
        const base = this.#pick(4) === 0 ? -1 : this.#address();
        const index = this.#pick(3) === 0 ? this.#address() : -1;
        const scale = index < 0 ? 0 : this.#pick(4);
        const disp = MEMORY_BASE + this.#pick(0x100) - (base < 0 ? 0 : 8);
        if (info.shape === 'load') this.#define(ty, b.load(op, base, index, scale, disp, this.#result(ty)));
        else if (this.#pick(3) === 0) b.storei(op, base, index, scale, disp, this.#constant());
        else b.store(op, base, index, scale, disp, this.#operand(ty));
        break;
      }
      case 'getf': {
        const d = this.#result(ty);
        b.emit(op, d, -1, -1, CPU_FIELDS + 8 * this.#pick(8), 0, 0);
        this.#define(ty, d);
        break;
      }
      case 'putf': {
        const field = CPU_FIELDS + 8 * this.#pick(8);
        if (this.#pick(2) === 0) b.emit(op, -1, -1, -1, field, 0, this.#constant());
        else b.emit(op, -1, this.#operand(ty), -1, field, 0, 0);
        this.#committed = true;
        break;
      }
      case 'setcc':
        if (this.#target.ccSlot < 0) return;
        if (this.#pick(2) === 0)
          b.setcc(this.#target.ccSlot, this.#pick(8), this.#operand('i32'), this.#operand('i32'));
        else b.setcci(this.#target.ccSlot, this.#pick(8), this.#operand('i32'), this.#constant());
        this.#committed = true;
        break;
      case 'call': {
        if (this.#target.helpers.length === 0) return;
        const number = this.#pick(this.#target.helpers.length);
        const helper = this.#target.helpers[number]!;
        if (helper.faults && this.#committed) return;
        const args = helper.params.map((p) => this.#operand(p));
        const d = helper.result === null ? -1 : this.#result(helper.result);
        b.call(number, d, args[0], args[1], args[2], args[3]);
        if (helper.result !== null) this.#define(helper.result, d);
        if (!helper.pure && !helper.faults) this.#committed = true;
        break;
      }
      case 'raise':
        if (!this.#committed) b.raiseIf(this.#operand('i32'), this.#pick(32), this.#pick(3));
        break;
      default:
        throw new Error(`BUG: no way to make op ${op}`);
    }
  }
  #end(): void {
    const b = this.#b;
    const op = ENDS[this.#pick(this.#committed ? ENDS.length - 1 : ENDS.length)];
    const here = this.#pick(0x100);
    const there = this.#pick(0x100) - 0x80;
    if (op === Op.goto) b.goto(there, this.#pick(2) === 0 ? 0 : CALL, 0);
    else if (op === Op.br || op === Op.br64) {
      const ty = op === Op.br ? 'i32' : 'i64';
      const cmp = (op === Op.br ? Op.eq : Op.eq64) + this.#pick(10);
      const a = this.#operand(ty);
      if (this.#pick(2) === 0) b.br(cmp, a, -1, this.#constant(), there, here);
      else b.br(cmp, a, this.#operand(ty), 0, there, here);
    } else if (op === Op.jind) {
      const kind = this.#pick(3);
      b.jind(this.#operand(this.#target.va), kind === RET ? RET : kind, kind === CALL ? here : 0);
    } else if (op === Op.gotom) b.gotom(there, this.#pick(2) === 0);
    else if (op === Op.jpc) b.jpc(this.#pick(2) === 0);
    else if (op === Op.leave) b.leave(this.#pick(16), this.#constant(), here);
    else b.raise(this.#pick(32), this.#pick(3));
  }
  make(pcLo: number, pcHi: number): IrBlock {
    const b = this.#b;
    b.reset(pcLo, this.#target.va === 'i32' ? 0 : pcHi, this.#pick(16), 0);
    do {
      b.beginInsn(b.bytes);
      b.bytes += 1 + this.#pick(4);
      this.#committed = false;
      for (let n = this.#pick(8); n > 0; n--) this.#body(BODY[this.#pick(BODY.length)] as number);
    } while (this.#at < this.#tape.length && b.insns < 12 && b.roomy);
    this.#end();
    return b;
  }
}

/** Random valid blocks of a target, of up to 12 instructions. */
export function arbitraryBlock(target: Target, maxTape = 300): fc.Arbitrary<IrBlock> {
  const word = fc.integer({ min: 0, max: 0xffff_ffff });
  return fc
    .tuple(fc.array(word, { minLength: 4, maxLength: maxTape, size: 'max' }), word, word)
    .map(([tape, pcLo, pcHi]) => new Maker(target, tape).make(pcLo | 0, pcHi | 0));
}

/** All of a block that matters, for comparison. */
export function contents(block: IrBlock): unknown {
  const { n, insns, bytes, pcLo, pcHi, mode, context } = block;
  return {
    ops: Array.from({ length: n }, (_, i) => Array.from(block.ir.subarray(i * WORDS, (i + 1) * WORDS))),
    offsets: Array.from(block.insnOffset.subarray(0, insns)),
    n,
    bytes,
    pcLo,
    pcHi,
    mode,
    context,
  };
}
