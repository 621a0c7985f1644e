/**
 * Translation of one instruction after another into a block: their operands, and the ways a block can end. The
 * instructions themselves are in insn/.
 */
import type { IrBlock } from '../../ir/block.ts';
import { C_PC } from '../../ir/layout.ts';
import { CALL, JUMP, Op } from '../../ir/ops.ts';
import type { FetchByte } from '../front-end.ts';
import type { Comparison } from './conditions.ts';
import { CROSSES_PAGE, INVALID, TOO_LONG, UNFETCHABLE } from './decoder.ts';
import { CS, S_EAX, S_ECX, S_EDX, SEG_LIMIT, SEG_SIZE, SEGS, V_GP, V_UD } from './layout.ts';
import { MemoryAccess } from './memory-access.ts';
import { M_CODE_BREAKPOINTS, M_CPL, M_CS_BASE, M_FLAT, M_INHIBIT, M_TF } from './mode.ts';
import {
  WHERE_EAX,
  WHERE_ECX,
  WHERE_EDX,
  WHERE_IMMEDIATE,
  WHERE_IMMEDIATE2,
  WHERE_MEMORY,
  WHERE_ONE,
  WHERE_OPCODE,
  WHERE_REG,
  WHERE_RM,
  WHERE_RM_SELECTOR,
} from './operand-kinds.ts';
import { Place } from './place.ts';

export class Translator extends MemoryAccess {
  /** Distance of the instruction, and of the one after it, from the block's pc. */
  here = 0;
  next = 0;
  /** The block must end after each instruction, and something is to be done before the next. */
  stepping = false;
  /** Value of EIP that belongs to the block's pc. */
  #eip = 0;
  readonly #a = new Place(this);
  readonly #b = new Place(this);
  readonly #c = new Place(this);
  /** Limit of CS in this block, or -1: not read yet. */
  #csLimit = -1;

  /**
   * x87 knowledge within a block: the temporary with FPU_TRAPPED (-1: none yet), whether CS is recorded
   * for the last instruction, which segment is for its operand, and whether the last one was an MMX instruction: then
   * there is nothing to check, TOP is 0 and no register is empty.
   */
  readonly x87 = { errorMask: -1, codeSegment: false, dataSegment: -1, mmx: false };
  /** See FrontEnd.translate. */
  translate(block: IrBlock, fetch: FetchByte, maxInsns: number): void {
    const { d, mode } = this.#begin(block);
    const most = mode & (M_TF | M_INHIBIT | M_CODE_BREAKPOINTS) ? 1 : maxInsns;
    let offset = 0;
    for (;;) {
      const first = block.insns === 0;
      const status = d.decode((block.pcLo + offset) >>> 0, mode, fetch, first);
      if (status === UNFETCHABLE || status === CROSSES_PAGE || (!first && d.repeat !== 0 && d.form?.repeats)) {
        if (first) return;
        block.goto(offset);
        break;
      }
      block.beginInsn(offset);
      this.here = offset;
      offset += d.length;
      this.next = offset;
      this.#instruction(status);
      if (block.ended) break;
      const atPageEnd = ((block.pcLo + offset) ^ block.pcLo) >>> 12 !== 0;
      if (atPageEnd || block.insns >= most || !block.roomy) {
        this.goto(this.next);
        break;
      }
    }
    block.bytes = offset;
  }

  #begin(block: IrBlock): this {
    this.block = block;
    this.mode = block.mode;
    this.stepping = (block.mode & (M_TF | M_INHIBIT)) !== 0;
    this.#eip = block.mode & M_CS_BASE ? (block.pcLo - block.context) | 0 : block.pcLo;
    this.#csLimit = -1;
    this.x87.errorMask = this.x87.dataSegment = -1;
    this.x87.codeSegment = this.x87.mmx = false;
    this.forgetFlags();
    return this;
  }

  #instruction(status: number): void {
    const { d, mode } = this;
    this.beginOperands();
    if (mode & M_CODE_BREAKPOINTS) this.call('code_breakpoint', this.movi(d.pc));
    if (!(mode & M_FLAT)) this.#checkCodeLimit();
    if (status === TOO_LONG) return this.block.raise(V_GP, 0);
    const form = d.form;
    if (status === INVALID || form === null) return this.undefinedOpcode();
    if (d.lock && !(form.lockable && d.mod !== 3)) return this.undefinedOpcode();
    if (form.privileged && mode & M_CPL) return this.block.raise(V_GP, 0);
    this.#place(this.#a, form.aWhere, form.aSize);
    this.#place(this.#b, form.bWhere, form.bSize);
    this.#place(this.#c, form.cWhere, form.cSize);
    form.execute(this, this.#a, this.#b, this.#c);
  }

  /** #GP(0) if the instruction's last byte lies beyond the limit of CS. */
  #checkCodeLimit(): void {
    if (this.#csLimit < 0) this.#csLimit = this.block.getf(SEGS + CS * SEG_SIZE + SEG_LIMIT);
    this.block.raiseIf(this.bini(Op.ltu, this.#csLimit, this.eipAt(this.next - 1)), V_GP, 0);
  }

  #place(p: Place, where: number, fixed: number): void {
    const { d } = this;
    const size = fixed === 0 ? d.operandSize : fixed;
    switch (where) {
      case WHERE_RM:
        return d.mod === 3 ? p.setRegister(d.rm, size) : p.setMemory(size);
      case WHERE_REG:
        return p.setRegister(d.reg, size);
      case WHERE_IMMEDIATE:
        return p.setConstant(d.imm, size);
      case WHERE_OPCODE:
        return p.setRegister(d.opcode & 7, size);
      case WHERE_MEMORY:
        return p.setMemory(size);
      case WHERE_EAX:
        return p.setRegister(S_EAX, size);
      case WHERE_ONE:
        return p.setConstant(1, size);
      case WHERE_ECX:
        return p.setRegister(S_ECX, size);
      case WHERE_EDX:
        return p.setRegister(S_EDX, size);
      case WHERE_RM_SELECTOR:
        return d.mod === 3 ? p.setRegister(d.rm, size) : p.setMemory(2);
      case WHERE_IMMEDIATE2:
        return p.setConstant(d.imm2, size);
      default:
        return; // WHERE_NONE
    }
  }

  // Ends of blocks.

  /** EIP at a distance from the block's pc. */
  eipAt(delta: number): number {
    return (this.#eip + delta) | 0;
  }
  undefinedOpcode(): void {
    this.block.raise(V_UD, 0);
  }
  /** Where a near jump by `distance` leads, as a distance from the block's pc; EIP wraps as the operand size says. */
  jumpTarget(distance: number): number {
    let eip = (this.eipAt(this.next) + distance) | 0;
    if (this.d.operandSize === 2) eip &= 0xffff;
    return (eip - this.#eip) | 0;
  }
  /**
   * #GP(0) if a near jump leads beyond the limit of CS and `taken` (-1: always) is nonzero. Nothing to check before this
   * instruction's last byte, which has passed.
   */
  checkTarget(delta: number, taken = -1): void {
    if (this.mode & M_FLAT) return;
    const eip = this.eipAt(delta);
    if (eip >>> 0 < this.eipAt(this.next) >>> 0) return;
    const beyond = this.bini(Op.ltu, this.#csLimit, eip);
    this.block.raiseIf(taken < 0 ? beyond : this.bin(Op.and, beyond, taken), V_GP, 0);
  }
  /** Goes on at a distance from the block's pc. */
  goto(delta: number, kind: number = JUMP): void {
    if (this.stepping) this.#goStepping(this.movi((this.block.pcLo + delta) | 0));
    else this.block.goto(delta, kind, kind === CALL ? this.next : 0);
  }
  /** One of two places. */
  branch(c: Comparison, taken: number, fall: number): void {
    if (this.stepping) {
      const { pcLo } = this.block;
      const chosen = this.binOr(c.op, c.a, c.b, c.imm);
      this.#goStepping(this.sel(chosen, this.movi((pcLo + taken) | 0), this.movi((pcLo + fall) | 0)));
    } else this.block.br(c.op, c.a, c.b, c.imm, taken, fall);
  }
  /** Checks a computed EIP against the limit of CS and gives the linear address. */
  indirectTarget(eip: number): number {
    if (!(this.mode & M_FLAT)) this.call('jump_check', eip);
    return this.mode & M_CS_BASE ? this.bini(Op.add, eip, this.block.context) : eip;
  }
  /** Goes on at a computed linear address. */
  gotoIndirect(va: number, kind: number): void {
    if (this.stepping) this.#goStepping(va);
    else this.block.jind(va, kind, kind === CALL ? this.next : 0);
  }
  /** Goes on with the next instruction, in a mode that may differ. */
  gotoNextMode(): void {
    if (this.stepping) this.goto(this.next);
    else this.block.gotom(this.next, true);
  }
  /** Goes on where a helper has set C_PC. `trap`: with TF set, #DB comes first. */
  jump(trap: boolean): void {
    if (this.mode & M_INHIBIT) this.call('end_shadow');
    if (trap && this.mode & M_TF) this.call('single_step');
    this.block.jpc(true);
  }
  /** Leaves to the run loop after this instruction; TF and the shadow are its business (leave.ts). */
  leave(code: number, arg: number): void {
    this.block.leave(code, arg, this.next);
  }
  #goStepping(va: number): void {
    this.block.putf(C_PC, va);
    this.jump(true);
  }
}
