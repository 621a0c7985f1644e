/**
 * Translation of one instruction after another into a block: operands, memory with segmentation, the stack, and the
 * ways a block can end. The instructions themselves are in insn/.
 */
import type { IrBlock } from '../../ir/block.ts';
import { C_PC } from '../../ir/layout.ts';
import { CALL, JUMP, Op } from '../../ir/ops.ts';
import type { FetchByte } from '../front-end.ts';
import type { Comparison } from './conditions.ts';
import { CROSSES_PAGE, Decoder, INVALID, TOO_LONG, UNFETCHABLE } from './decoder.ts';
import { Emitter } from './emitter.ts';
import { SEG_WRITE } from './helpers.ts';
import type { OpcodeTable } from './instruction.ts';
import {
  CS,
  ES,
  FS,
  GS,
  S_BASE,
  S_EAX,
  S_ECX,
  S_EDX,
  S_ESP,
  SEG_LIMIT,
  SEG_SIZE,
  SEGS,
  SS,
  V_GP,
  V_UD,
} from './layout.ts';
import {
  M_ALIGN,
  M_CODE_BREAKPOINTS,
  M_CPL,
  M_CS_BASE,
  M_DS_BASE0,
  M_ES_BASE0,
  M_FLAT,
  M_FS_FLAT,
  M_GS_FLAT,
  M_INHIBIT,
  M_PE,
  M_SS_BASE0,
  M_SS32,
  M_TF,
  M_VM,
} from './mode.ts';
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

const STORE = [0, Op.st8, Op.st16, 0, Op.st32, 0, 0, 0, Op.st64];

export class Translator extends Emitter {
  readonly d: Decoder;
  mode = 0;
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

  // The memory operand as loads and stores take it, once `#resolve` has made it.
  #resolved = false;
  #base = -1;
  #index = -1;
  #scale = 0;
  #disp = 0;
  /** Offset in the segment, where checks need it; -1: the constant #disp. */
  #offset = -1;
  #offsetConstant = 0;
  /** Stands for ESP in an address (POP to memory); else -1. */
  espForAddress = -1;
  /**
   * x87 knowledge within a block: the temporary that masks pending exceptions (-1: none yet), whether CS is recorded
   * for the last instruction, and which segment is for its operand.
   */
  readonly x87 = { errorMask: -1, codeSegment: false, dataSegment: -1 };
  /** Added to the offset of the memory operand (bit strings); else -1. */
  displacement = -1;
  // Constants that checks of this instruction have in temporaries: of which segment and which size, and where.
  #guardSegment = -1;
  #guardSegmentTemp = -1;
  #guardSize = -1;
  #guardSizeTemp = -1;

  constructor(table: OpcodeTable) {
    super();
    this.d = new Decoder(table);
  }

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
    this.x87.codeSegment = false;
    this.forgetFlags();
    return this;
  }

  #instruction(status: number): void {
    const { d, mode } = this;
    this.#resolved = false;
    this.espForAddress = this.displacement = -1;
    this.#guardSegment = this.#guardSize = -1;
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

  // Memory.

  /** Base of a segment is zero? CS: then its base is known as a constant. */
  #baseIsZero(segment: number): boolean {
    switch (segment) {
      case ES:
        return (this.mode & M_ES_BASE0) !== 0;
      case CS:
        return (this.mode & M_CS_BASE) === 0;
      case SS:
        return (this.mode & M_SS_BASE0) !== 0;
      case FS:
      case GS:
        return false;
      default:
        return (this.mode & M_DS_BASE0) !== 0;
    }
  }
  /** Are limit and type of a segment to be checked at every access? */
  #checked(segment: number): boolean {
    const flat = segment === FS ? M_FS_FLAT : segment === GS ? M_GS_FLAT : M_FLAT;
    return (this.mode & flat) === 0;
  }

  /** Offset of the memory operand in its segment (LEA's result), in a temporary unless it is a register or constant. */
  #effectiveAddress(): void {
    const d = this.d;
    const base = d.base === S_ESP && this.espForAddress >= 0 ? this.espForAddress : d.base;
    let sum = base;
    let disp = d.disp;
    if (d.index >= 0) {
      const scaled = d.scale === 0 ? d.index : this.bini(Op.shl, d.index, d.scale);
      sum = base < 0 ? scaled : this.bin(Op.add, base, scaled);
    }
    if (this.displacement >= 0) sum = sum < 0 ? this.displacement : this.bin(Op.add, sum, this.displacement);
    if (sum >= 0 && disp !== 0) {
      sum = this.bini(Op.add, sum, disp);
      disp = 0;
    }
    if (d.addressSize === 2) {
      disp &= 0xffff;
      if (sum >= 0) sum = this.bits(sum, 0, 16, false);
    }
    this.#offset = sum;
    this.#offsetConstant = disp;
  }
  /** Offset of the memory operand in its segment. */
  offset(): number {
    this.#effectiveAddress();
    return this.#offset < 0 ? this.movi(this.#offsetConstant) : this.#offset;
  }

  /** Makes the memory operand's linear address: once an instruction. */
  #resolve(): void {
    if (this.#resolved) return;
    this.#resolved = true;
    const d = this.d;
    const segment = d.segment;
    const zero = this.#baseIsZero(segment);
    const simple = d.addressSize === 4 && this.displacement < 0 && !this.#checked(segment);
    if (simple && (zero || d.base < 0 || d.index < 0 || segment === CS)) {
      // All of it fits the address of a load.
      const base = d.base === S_ESP && this.espForAddress >= 0 ? this.espForAddress : d.base;
      this.#base = base;
      this.#index = d.index;
      this.#scale = d.scale;
      this.#disp = d.disp;
      if (zero) return;
      if (segment === CS) this.#disp = (d.disp + this.block.context) | 0;
      else if (base >= 0) {
        this.#base = S_BASE + segment;
        this.#index = base;
        this.#scale = 0;
      } else this.#base = S_BASE + segment;
      return;
    }
    this.#effectiveAddress();
    this.#linear(segment, this.#offset, this.#offsetConstant);
  }
  /** Address = base of a segment + offset (or constant, offset = -1). */
  #linear(segment: number, offset: number, constant: number): void {
    this.#scale = 0;
    this.#index = -1;
    this.#base = offset;
    this.#disp = offset < 0 ? constant : 0;
    if (this.#baseIsZero(segment)) return;
    if (segment === CS) this.#disp = (this.#disp + this.block.context) | 0;
    else {
      this.#base = S_BASE + segment;
      this.#index = offset;
    }
  }
  /** Checks before an access of `size` bytes at `at` bytes from the operand's address. */
  #guard(segment: number, size: number, write: boolean, at: number): void {
    if (this.#checked(segment)) {
      let offset = this.#offset < 0 ? this.movi((this.#offsetConstant + at) | 0) : this.#offset;
      if (at !== 0 && this.#offset >= 0) offset = this.bini(Op.add, offset, at);
      const what = size | (write ? SEG_WRITE : 0);
      if (this.#guardSegment !== segment) this.#guardSegmentTemp = this.movi((this.#guardSegment = segment));
      if (this.#guardSize !== what) this.#guardSizeTemp = this.movi((this.#guardSize = what));
      this.call('seg_check', this.#guardSegmentTemp, offset, this.#guardSizeTemp);
    } else if (write && segment === CS && (this.mode & (M_PE | M_VM)) === M_PE) {
      this.block.raiseIf(this.movi(1), V_GP, 0);
    }
    if (this.mode & M_ALIGN && size > 1) this.call('align_check', this.#va(at), this.movi(size));
  }
  #va(at: number): number {
    const disp = (this.#disp + at) | 0;
    if (this.#base < 0 && this.#index < 0) return this.movi(disp);
    let sum = this.#base;
    if (this.#index >= 0) {
      const scaled = this.#scale === 0 ? this.#index : this.bini(Op.shl, this.#index, this.#scale);
      sum = sum < 0 ? scaled : this.bin(Op.add, sum, scaled);
    }
    return disp === 0 ? sum : this.bini(Op.add, sum, disp);
  }
  /** Linear address of the memory operand, after checks for `size` bytes. */
  address(size: number, write: boolean): number {
    this.#resolve();
    this.#guard(this.d.segment, size, write, 0);
    return this.#va(0);
  }

  /** The memory operand's address is to be made anew. */
  forgetAddress(): void {
    this.#resolved = false;
  }
  /** Linear address of the memory operand, without checks. */
  linear(): number {
    this.#resolve();
    return this.#va(0);
  }
  /** The memory operand is now where a register points to in a segment (string instructions). */
  pointTo(register: number, segment: number): void {
    const { d } = this;
    d.base = register;
    d.index = -1;
    d.scale = d.disp = 0;
    d.segment = segment;
    this.#resolved = false;
  }

  /** Loads from the memory operand (`at` bytes further); `update`: it will be written too. */
  load(op: number, size: number, update: boolean, at = 0): number {
    this.#resolve();
    this.#guard(this.d.segment, size, update, at);
    return this.block.load(op, this.#base, this.#index, this.#scale, (this.#disp + at) | 0);
  }
  /** A load straight into a register (its address may use the same). */
  loadInto(op: number, size: number, slot: number): void {
    this.#resolve();
    this.#guard(this.d.segment, size, false, 0);
    this.wrote(slot);
    this.block.load(op, this.#base, this.#index, this.#scale, this.#disp, slot);
  }
  /** Checks a store that comes later, so that nothing has to be undone. */
  checkStore(size: number, at = 0): void {
    this.#resolve();
    this.#guard(this.d.segment, size, true, at);
  }
  store(size: number, value: number, at = 0): void {
    this.#resolve();
    this.#guard(this.d.segment, size, true, at);
    this.block.store(STORE[size] as number, this.#base, this.#index, this.#scale, (this.#disp + at) | 0, value);
  }
  storeConstant(size: number, value: number): void {
    this.#resolve();
    this.#guard(this.d.segment, size, true, 0);
    this.block.storei(STORE[size] as number, this.#base, this.#index, this.#scale, this.#disp, value);
  }

  // Stack.

  /** Addresses SS:(E)SP + `at`; the next load or store of `stackLoad` and `stackStore` goes there. */
  #stack(at: number, size: number, write: boolean, pointer = S_ESP): void {
    this.#resolved = false;
    if (this.mode & M_SS32 && !this.#checked(SS) && this.#baseIsZero(SS)) {
      this.#base = pointer;
      this.#index = -1;
      this.#scale = 0;
      this.#disp = at;
    } else {
      let sp = at === 0 ? pointer : this.bini(Op.add, pointer, at);
      if (!(this.mode & M_SS32)) sp = this.bits(sp, 0, 16, false);
      this.#offset = sp;
      this.#linear(SS, sp, 0);
    }
    this.#guard(SS, size, write, 0);
  }
  /** Loads from SS:pointer + at. */
  stackLoad(at: number, size: number, pointer = S_ESP): number {
    this.#stack(at, size, false, pointer);
    return this.block.load(size === 4 ? Op.ld32 : Op.ld16u, this.#base, this.#index, this.#scale, this.#disp);
  }
  stackStore(at: number, size: number, value: number): void {
    this.#stack(at, size, true);
    this.block.store(STORE[size] as number, this.#base, this.#index, this.#scale, this.#disp, value);
  }
  /** ESP (or SP) moves by n. */
  moveStack(n: number): void {
    if (this.mode & M_SS32) this.bini(Op.add, S_ESP, n, S_ESP);
    else this.dep(S_ESP, 0, 16, this.bini(Op.add, S_ESP, n), S_ESP);
  }
  /** ESP (or SP) as `moveStack` will leave it. */
  movedStack(n: number): number {
    const sp = this.bini(Op.add, S_ESP, n);
    return this.mode & M_SS32 ? sp : this.dep(S_ESP, 0, 16, sp);
  }
  push(value: number, size = this.d.operandSize): void {
    this.stackStore(-size, size, value);
    this.moveStack(-size);
  }
  pushConstant(value: number): void {
    const size = this.d.operandSize;
    this.#stack(-size, size, true);
    this.block.storei(STORE[size] as number, this.#base, this.#index, this.#scale, this.#disp, value);
    this.moveStack(-size);
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
