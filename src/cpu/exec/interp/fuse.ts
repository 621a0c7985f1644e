/**
 * Sequences of ops that front ends emit often, and that have one bytecode op together: an operation with its setcc and the branch on
 * it, push, pop. Each function writes the sequence that starts at op i and returns how many ops that were; 0 if it is none.
 */
import type { IrBlock } from '../../ir/block.ts';
import { OPERANDS, TEMP0 } from '../../ir/layout.ts';
import { OPERAND_WORDS, READS_A, READS_B, READS_D, READS_IMM2, READS_X } from '../../ir/operands.ts';
import { Op, WORDS } from '../../ir/ops.ts';
import type { FrontEnd } from '../../isa/front-end.ts';
import type { Opcodes } from './opcodes.ts';
import type { BytecodeWriter } from './writer.ts';

export class Fusion {
  readonly #out: BytecodeWriter;
  readonly #codes: Opcodes;
  readonly #ccSlot: number;
  readonly #hasStack: boolean;
  /** How often each temporary is read. */
  readonly #uses = new Uint8Array(OPERANDS);

  constructor(out: BytecodeWriter, codes: Opcodes, frontEnd: FrontEnd) {
    this.#out = out;
    this.#codes = codes;
    this.#ccSlot = frontEnd.ccSlot;
    this.#hasStack = frontEnd.va === 'i32';
  }

  begin(b: IrBlock): void {
    const uses = this.#uses;
    uses.fill(0, TEMP0, b.temps);
    const r = b.ir;
    for (let i = 0, p = 0; i < b.n; i++, p += WORDS) {
      const words = OPERAND_WORDS[r[p]];
      if (words & READS_A && r[p + 2] >= TEMP0) uses[r[p + 2]]++;
      if (words & READS_B && r[p + 3] >= TEMP0) uses[r[p + 3]]++;
      if (words & READS_D && r[p + 1] >= TEMP0) uses[r[p + 1]]++;
      if (words & READS_X && r[p + 6] >= TEMP0) uses[r[p + 6]]++;
      if (words & READS_IMM2 && r[p + 5] >= TEMP0) uses[r[p + 5]]++;
    }
  }
  /** Is that operand a temporary that is read so many times? */
  #isRead(d: number, times: number): boolean {
    return d >= TEMP0 && this.#uses[d] === times;
  }

  /** Operation and the setcc behind it, with the branch if it follows and depends on the same. */
  withFlags(b: IrBlock, i: number): number {
    const r = b.ir;
    const p = i * WORDS;
    if (i + 1 >= b.n || !this.#setsFlagsOf(b, p)) return 0;
    if (i + 2 < b.n && r[p + 2 * WORDS] === Op.br && this.#compareAndBranch(b, p)) return 3;
    const out = this.#out;
    const d = r[p + 1];
    const second = r[p + 3];
    const onlyFlags = this.#isRead(d, 1);
    const forms = onlyFlags ? this.#codes.ccOnly : this.#codes.cc;
    out.u16((second < 0 ? forms.constant : forms.operand)[r[p]]);
    out.u16(r[p + WORDS + 4]);
    if (!onlyFlags) out.operand(d);
    out.operand(r[p + 2]);
    out.operandOr32(second, r[p + 4]);
    return 2;
  }
  /** Does the setcc behind the op at p take what fused ones do: result and b, or result and zero after logic? */
  #setsFlagsOf(b: IrBlock, p: number): boolean {
    const r = b.ir;
    const n = p + WORDS;
    const op = r[p];
    const d = r[p + 1];
    const second = r[p + 3];
    if (r[n + 1] !== this.#ccSlot || r[n + 2] !== d) return false;
    if (op !== Op.add && op !== Op.sub) return r[n + 3] < 0 && r[n + 6] === 0;
    // The operation must not have overwritten what setcc reads.
    return r[n + 3] === second && (second >= 0 || r[n + 6] === r[p + 4]) && second !== d;
  }
  /** Sub or and at p, its setcc, and a branch on the operands of the sub or the result of the and, which nothing else reads. */
  #compareAndBranch(b: IrBlock, p: number): boolean {
    const r = b.ir;
    const q = p + 2 * WORDS;
    const op = r[p];
    if (op !== Op.sub && op !== Op.and) return false;
    const d = r[p + 1];
    const a = r[p + 2];
    const second = r[p + 3];
    const imm = r[p + 4];
    const viaResult = r[q + 2] === d && r[q + 3] < 0 && r[q + 4] === 0;
    if (!this.#isRead(d, viaResult ? 2 : 1)) return false;
    const compares = op === Op.sub && r[q + 2] === a && r[q + 3] === second && (second >= 0 || r[q + 4] === imm);
    if (!compares && !(op === Op.and && viaResult)) return false;
    const out = this.#out;
    const forms = op === Op.sub ? this.#codes.cmp : this.#codes.test;
    out.u16((second < 0 ? forms.constant : forms.operand)[r[q + 5]]);
    out.u16(r[p + WORDS + 4]);
    out.operand(a);
    out.operandOr32(second, imm);
    out.branchLinks(r[q + 1], r[q + 6]);
    return true;
  }

  /** Store of 32 bits (op i is one) below a pointer, and the pointer moved there. */
  push(b: IrBlock, i: number): number {
    const r = b.ir;
    const p = i * WORDS;
    const n = p + WORDS;
    if (i + 1 >= b.n || !this.#movesPointer(b, p)) return 0;
    if (r[n + 4] !== r[p + 4] || r[n + 7] !== r[p + 7]) return 0;
    this.#out.u16(r[p + 1] < 0 ? this.#codes.pushConst : this.#codes.push);
    this.#out.access(p);
    return 2;
  }
  /** Load of 32 bits (op i is one) at a pointer, the pointer moved, then what was loaded moved to its register. */
  pop(b: IrBlock, i: number): number {
    const r = b.ir;
    const p = i * WORDS;
    const m = p + 2 * WORDS;
    if (i + 2 >= b.n || !this.#movesPointer(b, p)) return 0;
    const d = r[p + 1];
    const pointer = r[p + 2];
    const insn = r[p + 7];
    if (r[p + 4] !== 0 || !this.#isRead(d, 1)) return 0;
    if (r[m] !== Op.mov || r[m + 2] !== d || r[m + 1] === pointer || r[m + 7] !== insn) return 0;
    const out = this.#out;
    out.u16(this.#codes.pop);
    out.operand(r[m + 1]);
    out.operand(pointer);
    out.u32(0);
    out.site(insn);
    out.u16(r[p + WORDS + 4]);
    return 3;
  }
  /** Is the address of the access at p one operand and a displacement, and does the next op add a constant to that operand? */
  #movesPointer(b: IrBlock, p: number): boolean {
    const r = b.ir;
    const n = p + WORDS;
    const pointer = r[p + 2];
    if (!this.#hasStack || pointer < 0 || r[p + 3] >= 0) return false;
    return r[n] === Op.add && r[n + 1] === pointer && r[n + 2] === pointer && r[n + 3] < 0;
  }
}
