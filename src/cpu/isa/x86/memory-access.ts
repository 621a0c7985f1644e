/** Memory as instructions address it: segments, ModRM's operand, the stack. Checks only where the mode needs them. */
import { Op } from '../../ir/ops.ts';
import { Decoder } from './decoder.ts';
import { Emitter } from './emitter.ts';
import { SEG_WRITE } from './helpers.ts';
import type { OpcodeTable } from './instruction.ts';
import { CS, ES, FS, GS, S_BASE, S_ESP, SS, V_GP } from './layout.ts';
import {
  M_ALIGN,
  M_CS_BASE,
  M_DS_BASE0,
  M_ES_BASE0,
  M_FLAT,
  M_FS_FLAT,
  M_GS_FLAT,
  M_PE,
  M_SS_BASE0,
  M_SS32,
  M_VM,
} from './mode.ts';

const STORE = [0, Op.st8, Op.st16, 0, Op.st32, 0, 0, 0, Op.st64];

export class MemoryAccess extends Emitter {
  /** The instruction under way. */
  readonly d: Decoder;
  mode = 0;

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
  /** A new instruction has been decoded: nothing is known of its operand yet. */
  beginOperands(): void {
    this.#resolved = false;
    this.espForAddress = this.displacement = -1;
    this.#guardSegment = this.#guardSize = -1;
  }

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
}
