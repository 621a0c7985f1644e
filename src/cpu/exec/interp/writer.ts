/** Writes the bytecode of a block: u16 units (32-bit values as two), operands by state address, program counters, links. */
import type { IrBlock } from '../../ir/block.ts';
import { OPERANDS, STATE } from '../../ir/layout.ts';
import type { Ty } from '../../ir/ops.ts';
import type { Opcodes } from './opcodes.ts';

/** State addresses of two operands beyond the builder's: scratch for constants, and zero (never written). */
export const SCRATCH_OPERAND = OPERANDS;
export const ZERO_OPERAND = OPERANDS + 1;

/** Its fields are `private`, not `#`: reached by a name of the class's scope, every unit cost more, and lowering some 5 % in all. */
export class BytecodeWriter {
  private readonly memory: Uint16Array;
  private readonly codes: Opcodes;
  private readonly wide: boolean;
  /** Next unit to write. */
  private p = 0;
  private block: IrBlock | undefined;
  /** Of the block's first byte in its page. */
  private offset = 0;

  /** `memory` is the shared memory's 16-bit view. */
  constructor(memory: Uint16Array, codes: Opcodes, va: Ty) {
    this.memory = memory;
    this.codes = codes;
    this.wide = va === 'i64';
  }

  begin(b: IrBlock, address: number): void {
    this.block = b;
    this.p = address >> 1;
    this.offset = b.pcLo & 0xfff;
  }
  /** Address of what is written next. */
  get address(): number {
    return this.p << 1;
  }

  u16(v: number): void {
    this.memory[this.p++] = v;
  }
  u32(v: number): void {
    this.memory[this.p++] = v;
    this.memory[this.p++] = v >>> 16;
  }
  u64(lo: number, hi: number): void {
    this.u32(lo);
    this.u32(hi);
  }
  operand(n: number): void {
    this.memory[this.p++] = STATE + 8 * n;
  }
  /** Operand n or, if there is none, the constant in its place. */
  operandOr32(n: number, constant: number): void {
    if (n >= 0) this.operand(n);
    else this.u32(constant);
  }
  operandOr64(n: number, lo: number, hi: number): void {
    if (n >= 0) this.operand(n);
    else this.u64(lo, hi);
  }
  /** What a load or store (the op at `p` of the IR) has behind its opcode. Without a base it has base zero. */
  access(p: number): void {
    const b = this.block as IrBlock;
    const r = b.ir;
    const value = r[p + 1];
    const base = r[p + 2];
    const index = r[p + 3];
    if (value >= 0) this.operand(value);
    else this.u16(0);
    this.operand(base < 0 ? ZERO_OPERAND : base);
    if (index >= 0) {
      this.operand(index);
      this.u16(r[p + 5]);
    }
    this.u32(r[p + 4]);
    if (value < 0) this.u32(r[p + 6]);
    this.site(r[p + 7]);
  }
  /** Which instruction of the block an op belongs to, for faults and the clock. */
  site(insn: number): void {
    this.u16((this.block as IrBlock).insnOffset[insn] * 64 + insn);
  }

  /** Program counter at a distance from the block's. */
  pc(delta: number): void {
    const b = this.block as IrBlock;
    this.u32(b.pcLo + delta);
    if (this.wide) this.u32(b.pcHi + Math.floor(((b.pcLo >>> 0) + delta) / 0x1_0000_0000));
  }
  /** Is that distance in the page of the block's first byte? Only then may a link lead there. */
  inPage(delta: number): boolean {
    return ((this.offset + delta) & ~0xfff) === 0;
  }
  /** Not yet resolved. */
  link(delta: number): void {
    this.u32(0);
    this.pc(delta);
  }
  /** The op that goes there by lookup. */
  far(delta: number): void {
    this.u16(this.codes.gotoLookup);
    this.pc(delta);
  }
  /** Two links; a target in another page goes through a stub behind the block's last op. */
  branchLinks(taken: number, fall: number): void {
    const first = this.p;
    this.link(taken);
    const second = this.p;
    this.link(fall);
    if (!this.inPage(fall)) this.stub(second, fall);
    if (!this.inPage(taken)) this.stub(first, taken);
  }
  private stub(link: number, delta: number): void {
    const { address } = this;
    this.memory[link] = address;
    this.memory[link + 1] = address >>> 16;
    this.far(delta);
  }
}
