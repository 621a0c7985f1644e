/** What the semantics of RV64I rows build IR with. */
import type { IrBlock } from '../../src/cpu/ir/block.ts';
import { CALL, JUMP, Op, RET } from '../../src/cpu/ir/ops.ts';

/** Exception causes (Privileged ISA, table "mcause"), raised with the instruction as error code. */
export const ILLEGAL_INSTRUCTION = 2;
/** Codes of `leave`. */
export const LEAVE_ECALL = 1;
export const LEAVE_EBREAK = 2;

/** x1 and x5 are link registers: jumps through them are calls and returns (Unprivileged ISA 2.5.1). */
const isLink = (r: number): boolean => r === 1 || r === 5;

export class Rv64Emitter {
  readonly block: IrBlock;
  /** Distance of the instruction from the block's pc. */
  offset = 0;

  constructor(block: IrBlock) {
    this.block = block;
  }
  /** Register r: x0 is the constant 0. */
  x(r: number): number {
    return r === 0 ? this.block.movi64(0, 0) : r;
  }
  setX(r: number, value: number): void {
    if (r !== 0) this.block.un(Op.mov64, value, r);
  }
  /** rd = a op b */
  bin(op: number, rd: number, a: number, b: number): void {
    this.setX(rd, this.block.bin(op, a, b));
  }
  bini(op: number, rd: number, a: number, imm: number): void {
    this.setX(rd, this.block.bini(op, a, imm));
  }
  /** rd = 1 if a cmp b, else 0 */
  compare(cmp: number, rd: number, a: number, b: number): void {
    this.setX(rd, this.block.un(Op.extu, this.block.bin(cmp, a, b)));
  }
  comparei(cmp: number, rd: number, a: number, imm: number): void {
    this.setX(rd, this.block.un(Op.extu, this.block.bini(cmp, a, imm)));
  }
  /** rd = the low halves of a and b combined in 32 bits, sign-extended (the W forms). */
  word(op: number, rd: number, a: number, b: number): void {
    const { block } = this;
    this.setX(rd, block.un(Op.exts, block.bin(op, block.un(Op.wrap, a), block.un(Op.wrap, b))));
  }
  wordi(op: number, rd: number, a: number, imm: number): void {
    const { block } = this;
    this.setX(rd, block.un(Op.exts, block.bini(op, block.un(Op.wrap, a), imm)));
  }
  /** rd = memory[rs1 + imm]; `extend` takes what `load` gives to 64 bits. */
  load(load: number, extend: number, rd: number, rs1: number, imm: number): void {
    const { block } = this;
    const value = block.load(load, this.x(rs1), -1, 0, imm);
    this.setX(rd, extend === Op.mov64 ? value : block.un(extend, value));
  }
  store(op: number, rs2: number, rs1: number, imm: number): void {
    const { block } = this;
    const value = op === Op.st64 ? this.x(rs2) : block.un(Op.wrap, this.x(rs2));
    block.store(op, this.x(rs1), -1, 0, imm, value);
  }
  /** rd = the address `distance` bytes from this instruction. */
  address(rd: number, distance: number): void {
    const { block } = this;
    const sum = (block.pcLo >>> 0) + this.offset + distance;
    if (rd !== 0) block.movi64(sum | 0, (block.pcHi + Math.floor(sum / 2 ** 32)) | 0, rd);
  }
  branch(cmp: number, rs1: number, rs2: number, imm: number): void {
    this.block.br(cmp, this.x(rs1), this.x(rs2), 0, this.offset + imm, this.offset + 4);
  }
  jal(rd: number, imm: number): void {
    this.address(rd, 4);
    if (isLink(rd)) this.block.goto(this.offset + imm, CALL, this.offset + 4);
    else this.block.goto(this.offset + imm);
  }
  jalr(rd: number, rs1: number, imm: number): void {
    const { block } = this;
    // The target is computed before rd is written: they may be one register.
    const target = block.bini(Op.and64, block.bini(Op.add64, this.x(rs1), imm), -2);
    this.address(rd, 4);
    if (isLink(rd)) block.jind(target, CALL, this.offset + 4);
    else block.jind(target, rd === 0 && isLink(rs1) ? RET : JUMP);
  }
  leave(code: number): void {
    this.block.leave(code, 0, this.offset + 4);
  }
}
