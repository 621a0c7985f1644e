/** Base integer instructions: Unprivileged ISA 20240411, chapters 2 (RV32I) and 4 (RV64I). */
import { Op } from '../../src/cpu/ir/ops.ts';
import { LEAVE_EBREAK, LEAVE_ECALL, type Rv64Emitter } from './emitter.ts';
import { type Insn, insn } from './encoding.ts';

const i = insn<Rv64Emitter>();
type Row = Insn<Rv64Emitter>;

const branch = (funct3: string, cmp: number): Row =>
  i(`imm[12|10:5] rs2:5 rs1:5 ${funct3} imm[4:1|11] 1100011`, 'rs1, rs2, @imm', (b, { rs1, rs2, imm }) => {
    b.branch(cmp, rs1, rs2, imm);
  });
const load = (funct3: string, op: number, extend: number): Row =>
  i(`imm[11:0] rs1:5 ${funct3} rd:5 0000011`, 'rd, imm(rs1)', (b, { rd, rs1, imm }) => {
    b.load(op, extend, rd, rs1, imm);
  });
const store = (funct3: string, op: number): Row =>
  i(`imm[11:5] rs2:5 rs1:5 ${funct3} imm[4:0] 0100011`, 'rs2, imm(rs1)', (b, { rs2, rs1, imm }) => {
    b.store(op, rs2, rs1, imm);
  });
const opImm = (funct3: string, op: number): Row =>
  i(`imm[11:0] rs1:5 ${funct3} rd:5 0010011`, 'rd, rs1, imm', (b, { rd, rs1, imm }) => {
    b.bini(op, rd, b.x(rs1), imm);
  });
const shiftImm = (top: string, funct3: string, op: number): Row =>
  i(`${top} shamt:6 rs1:5 ${funct3} rd:5 0010011`, 'rd, rs1, shamt', (b, { rd, rs1, shamt }) => {
    b.bini(op, rd, b.x(rs1), shamt);
  });
const shiftImmW = (top: string, funct3: string, op: number): Row =>
  i(`${top} shamt:5 rs1:5 ${funct3} rd:5 0011011`, 'rd, rs1, shamt', (b, { rd, rs1, shamt }) => {
    b.wordi(op, rd, b.x(rs1), shamt);
  });
const opReg = (funct7: string, funct3: string, op: number): Row =>
  i(`${funct7} rs2:5 rs1:5 ${funct3} rd:5 0110011`, 'rd, rs1, rs2', (b, { rd, rs1, rs2 }) => {
    b.bin(op, rd, b.x(rs1), b.x(rs2));
  });
const opRegW = (funct7: string, funct3: string, op: number): Row =>
  i(`${funct7} rs2:5 rs1:5 ${funct3} rd:5 0111011`, 'rd, rs1, rs2', (b, { rd, rs1, rs2 }) => {
    b.word(op, rd, b.x(rs1), b.x(rs2));
  });

export const rv64i: Readonly<Record<string, Row>> = {
  lui: i('upper:20 rd:5 0110111', 'rd, upper', (b, { rd, upper }) => {
    b.setX(rd, b.block.movi64(upper << 12, (upper << 12) >> 31));
  }),
  auipc: i('upper:20 rd:5 0010111', 'rd, upper', (b, { rd, upper }) => {
    b.address(rd, upper << 12);
  }),
  jal: i('imm[20|10:1|11|19:12] rd:5 1101111', 'rd, @imm', (b, { rd, imm }) => {
    b.jal(rd, imm);
  }),
  jalr: i('imm[11:0] rs1:5 000 rd:5 1100111', 'rd, imm(rs1)', (b, { rd, rs1, imm }) => {
    b.jalr(rd, rs1, imm);
  }),
  beq: branch('000', Op.eq64),
  bne: branch('001', Op.ne64),
  blt: branch('100', Op.lts64),
  bge: branch('101', Op.ges64),
  bltu: branch('110', Op.ltu64),
  bgeu: branch('111', Op.geu64),
  lb: load('000', Op.ld8s, Op.exts),
  lh: load('001', Op.ld16s, Op.exts),
  lw: load('010', Op.ld32, Op.exts),
  ld: load('011', Op.ld64, Op.mov64),
  lbu: load('100', Op.ld8u, Op.extu),
  lhu: load('101', Op.ld16u, Op.extu),
  lwu: load('110', Op.ld32, Op.extu),
  sb: store('000', Op.st8),
  sh: store('001', Op.st16),
  sw: store('010', Op.st32),
  sd: store('011', Op.st64),
  addi: opImm('000', Op.add64),
  slti: i('imm[11:0] rs1:5 010 rd:5 0010011', 'rd, rs1, imm', (b, { rd, rs1, imm }) => {
    b.comparei(Op.lts64, rd, b.x(rs1), imm);
  }),
  sltiu: i('imm[11:0] rs1:5 011 rd:5 0010011', 'rd, rs1, imm', (b, { rd, rs1, imm }) => {
    b.comparei(Op.ltu64, rd, b.x(rs1), imm);
  }),
  xori: opImm('100', Op.xor64),
  ori: opImm('110', Op.or64),
  andi: opImm('111', Op.and64),
  slli: shiftImm('000000', '001', Op.shl64),
  srli: shiftImm('000000', '101', Op.shr64),
  srai: shiftImm('010000', '101', Op.sar64),
  add: opReg('0000000', '000', Op.add64),
  sub: opReg('0100000', '000', Op.sub64),
  sll: opReg('0000000', '001', Op.shl64),
  slt: i('0000000 rs2:5 rs1:5 010 rd:5 0110011', 'rd, rs1, rs2', (b, { rd, rs1, rs2 }) => {
    b.compare(Op.lts64, rd, b.x(rs1), b.x(rs2));
  }),
  sltu: i('0000000 rs2:5 rs1:5 011 rd:5 0110011', 'rd, rs1, rs2', (b, { rd, rs1, rs2 }) => {
    b.compare(Op.ltu64, rd, b.x(rs1), b.x(rs2));
  }),
  xor: opReg('0000000', '100', Op.xor64),
  srl: opReg('0000000', '101', Op.shr64),
  sra: opReg('0100000', '101', Op.sar64),
  or: opReg('0000000', '110', Op.or64),
  and: opReg('0000000', '111', Op.and64),
  addiw: i('imm[11:0] rs1:5 000 rd:5 0011011', 'rd, rs1, imm', (b, { rd, rs1, imm }) => {
    b.wordi(Op.add, rd, b.x(rs1), imm);
  }),
  slliw: shiftImmW('0000000', '001', Op.shl),
  srliw: shiftImmW('0000000', '101', Op.shr),
  sraiw: shiftImmW('0100000', '101', Op.sar),
  addw: opRegW('0000000', '000', Op.add),
  subw: opRegW('0100000', '000', Op.sub),
  sllw: opRegW('0000000', '001', Op.shl),
  srlw: opRegW('0000000', '101', Op.shr),
  sraw: opRegW('0100000', '101', Op.sar),
  // One vCPU, in order: nothing to wait for.
  fence: i('fm:4 pred:4 succ:4 rs1:5 000 rd:5 0001111', 'pred, succ', () => {}),
  ecall: i('000000000000 00000 000 00000 1110011', '', (b) => {
    b.leave(LEAVE_ECALL);
  }),
  ebreak: i('000000000001 00000 000 00000 1110011', '', (b) => {
    b.leave(LEAVE_EBREAK);
  }),
};
