/** Where an operand is: a register, memory, or a constant. Three of them are reused for all instructions. */
import { Op } from '../../ir/ops.ts';
import type { MemoryAccess } from './memory-access.ts';

export const REGISTER = 0;
export const MEMORY = 1;
export const CONSTANT = 2;

const LOAD_U = [0, Op.ld8u, Op.ld16u, 0, Op.ld32];
const LOAD_S = [0, Op.ld8s, Op.ld16s, 0, Op.ld32];

export class Place {
  readonly #t: MemoryAccess;
  kind = CONSTANT;
  /** Bytes: 1, 2 or 4 (other sizes only where memory is addressed, not accessed as a whole). */
  size = 4;
  /** Register number as the instruction encodes it (4 to 7 are AH to BH for bytes). */
  reg = 0;
  /** The constant, cut to the size and zero-extended (32 bits: as a signed number). */
  value = 0;
  #read = -1;

  constructor(t: MemoryAccess) {
    this.#t = t;
  }
  setRegister(reg: number, size: number): void {
    this.kind = REGISTER;
    this.reg = reg;
    this.size = size;
    this.#read = -1;
  }
  setMemory(size: number): void {
    this.kind = MEMORY;
    this.size = size;
    this.#read = -1;
  }
  setConstant(value: number, size: number): void {
    this.kind = CONSTANT;
    this.size = size;
    this.value = size === 4 ? value | 0 : size === 2 ? value & 0xffff : value & 0xff;
    this.#read = -1;
  }
  get isMemory(): boolean {
    return this.kind === MEMORY;
  }
  /** The slot of a whole 32-bit register, which ops may write directly; else -1. */
  get slot(): number {
    return this.kind === REGISTER && this.size === 4 ? this.reg : -1;
  }
  /** Bits of the operand. */
  get bits(): number {
    return this.size * 8;
  }
  /** The same register or the same constant? */
  sameRegister(other: Place): boolean {
    return this.kind === REGISTER && other.kind === REGISTER && this.reg === other.reg && this.size === other.size;
  }

  /** Operand with the value, zero-extended; read once an instruction. A 32-bit register is its slot: not a copy. */
  read(): number {
    if (this.#read >= 0) return this.#read;
    return (this.#read = this.#load(false));
  }
  /** An operand whose low bits are the value: enough for what stores it. */
  readLoose(): number {
    if (this.kind === REGISTER && (this.size === 2 || (this.size === 1 && this.reg < 4))) return this.reg;
    return this.read();
  }
  /** `read`, or -1 for a constant: ops then take `value`. */
  readOrConstant(): number {
    return this.kind === CONSTANT ? -1 : this.read();
  }
  /** The value sign-extended. */
  readSigned(): number {
    const t = this.#t;
    if (this.kind === MEMORY) return t.load(LOAD_S[this.size] as number, this.size, false);
    if (this.kind === CONSTANT)
      return t.movi(this.size === 4 ? this.value : (this.value << (32 - this.bits)) >> (32 - this.bits));
    if (this.size === 4) return this.reg;
    if (this.size === 1 && this.reg > 3) return t.bits(this.reg - 4, 8, 8, true);
    return t.bits(this.reg, 0, this.bits, true);
  }
  /** `read` of what `write` will replace: memory is checked for both at once. */
  readForUpdate(): number {
    if (this.kind !== MEMORY) return this.read();
    return (this.#read = this.#load(true));
  }
  /** The value in a temporary of its own, which later writes do not change. */
  copy(): number {
    const v = this.read();
    return this.slot >= 0 ? this.#t.mov(v) : v;
  }
  #load(update: boolean): number {
    const t = this.#t;
    if (this.kind === MEMORY) return t.load(LOAD_U[this.size] as number, this.size, update);
    if (this.kind === CONSTANT) return t.movi(this.value);
    if (this.size === 4) return this.reg;
    if (this.size === 1 && this.reg > 3) return t.bits(this.reg - 4, 8, 8, false);
    return t.bits(this.reg, 0, this.bits, false);
  }

  /** Stores the low bits of an operand. */
  write(v: number): void {
    const t = this.#t;
    if (this.kind === MEMORY) t.store(this.size, v);
    else if (this.size === 4) {
      if (v !== this.reg) t.mov(v, this.reg);
    } else if (this.size === 1 && this.reg > 3) t.dep(this.reg - 4, 8, 8, v, this.reg - 4);
    else t.dep(this.reg, 0, this.bits, v, this.reg);
  }
  /** Stores a constant. */
  writeConstant(value: number): void {
    const t = this.#t;
    if (this.kind === MEMORY) t.storeConstant(this.size, value);
    else if (this.size === 4) t.movi(value, this.reg);
    else if (this.size === 1 && this.reg > 3) t.depConstant(this.reg - 4, 8, 8, value);
    else t.depConstant(this.reg, 0, this.bits, value);
  }
}
