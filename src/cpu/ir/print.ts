/**
 * IR as text, one op a line; `parse.ts` reads it back. Program counters are absolute, constants decimal when small,
 * `---- address` begins a guest instruction, `;` a comment.
 */
import type { IrBlock } from './block.ts';
import { CALL, OP_NAMES, OPS, RET, type Ty, WORDS } from './ops.ts';
import { type IrTarget, operandName } from './target.ts';

export const hex = (value: number | bigint, digits = 1): string => `0x${value.toString(16).padStart(digits, '0')}`;

/** A constant of a type: decimal when it is small, else its bits in hexadecimal. */
export function constantText(ty: Ty, lo: number, hi: number): string {
  if (hi === lo >> 31 && lo > -4096 && lo < 4096) return String(lo);
  return ty === 'i32' ? hex(lo >>> 0) : hex((BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0));
}

/** The address `delta` bytes from a block's pc, wrapped to the target's width. */
export function addressText(target: IrTarget, pcLo: number, pcHi: number, delta: number): string {
  if (target.va === 'i32') return hex((pcLo + delta) >>> 0, 8);
  const pc = (BigInt(pcHi >>> 0) << 32n) | BigInt(pcLo >>> 0);
  return hex(BigInt.asUintN(64, pc + BigInt(delta)), 16);
}

function memoryText(target: IrTarget, base: number, index: number, scale: number, disp: number): string {
  const parts: string[] = [];
  if (base >= 0) parts.push(operandName(target, base));
  if (index >= 0) parts.push(`${operandName(target, index)} << ${scale}`);
  if (parts.length === 0) return `[${target.va === 'i32' ? hex(disp >>> 0) : constantText('i64', disp, disp >> 31)}]`;
  const sum = parts.join(' + ');
  return disp === 0 ? `[${sum}]` : `[${sum} ${disp < 0 ? '-' : '+'} ${hex(Math.abs(disp))}]`;
}

/** One op of a block as text. */
export function printOp(target: IrTarget, block: IrBlock, index: number): string {
  const word = (i: number): number => block.ir[index * WORDS + i] as number;
  const op = word(0);
  const d = word(1);
  const a = word(2);
  const b = word(3);
  const imm = word(4);
  const imm2 = word(5);
  const x = word(6);
  const info = OPS[op];
  const name = OP_NAMES[op];
  if (!info || !name) return `; BUG: op number ${op}`;
  const v = (operand: number): string => operandName(target, operand);
  const c = (value: number, ty: Ty = info.ty): string => constantText(ty, value, value >> 31);
  const at = (delta: number): string => addressText(target, block.pcLo, block.pcHi, delta);
  const bOr = (constant: string): string => (b < 0 ? constant : v(b));
  const field = `${imm2 & 0xff}, ${imm2 >> 8}`;
  const memory = (): string => memoryText(target, a, b, imm2, imm);
  const jump = imm === CALL ? ` call ${at(x)}` : imm === RET ? ' ret' : '';
  switch (info.shape) {
    case 'bin':
    case 'cmp':
      return `${v(d)} = ${name} ${v(a)}, ${bOr(constantText(info.ty, imm, info.ty === 'i32' ? imm >> 31 : imm2))}`;
    case 'un':
      return `${v(d)} = ${name} ${v(a)}`;
    case 'movi':
      return `${v(d)} = ${name} ${constantText(info.ty, imm, info.ty === 'i32' ? imm >> 31 : imm2)}`;
    case 'bits':
      return `${v(d)} = ${name} ${v(a)}, ${field}`;
    case 'dep':
      return `${v(d)} = ${name} ${v(a)}, ${field}, ${bOr(c(imm))}`;
    case 'sel':
      return `${v(d)} = ${name} ${v(a)}, ${v(b)}, ${v(x)}`;
    case 'mul2':
      return `${v(d)}, ${v(x)} = ${name} ${v(a)}, ${bOr(c(imm))}`;
    case 'load':
      return `${v(d)} = ${name} ${memory()}`;
    case 'store':
      return `${name} ${memory()}, ${d < 0 ? c(x) : v(d)}`;
    case 'getf':
      return `${v(d)} = ${name} @${hex(imm)}`;
    case 'putf':
      return `${name} @${hex(imm)}, ${a < 0 ? c(x) : v(a)}`;
    case 'setcc':
      return `${name} ${v(d)}, ${c(imm)}, ${v(a)}, ${bOr(c(x))}`;
    case 'call': {
      const helper = target.helpers[imm];
      const args = [a, b, x, imm2].slice(0, helper?.params.length ?? 4).filter((o) => o >= 0);
      return `${d < 0 ? '' : `${v(d)} = `}${name} ${helper?.name ?? imm}(${args.map(v).join(', ')})`;
    }
    case 'raise':
      return `${name} ${c(imm)}, ${c(imm2)}${a < 0 ? '' : ` if ${v(a)}`}`;
    case 'goto':
      return `${name} ${at(d)}${jump}`;
    case 'br':
      return `${name} ${OP_NAMES[imm2]} ${v(a)}, ${bOr(c(imm))} -> ${at(d)} else ${at(x)}`;
    case 'jind':
      return `${name} ${v(a)}${jump}`;
    case 'gotom':
      return `${name} ${at(d)}${imm === 1 ? ' check' : ''}`;
    case 'jpc':
      return `${name}${imm === 1 ? ' check' : ''}`;
    case 'leave':
      return `${name} ${at(d)}, ${c(imm)}, ${c(x)}`;
  }
}

/**
 * A block as text. `annotate` gives a line for a guest instruction (its disassembly, say), which is printed as a
 * comment.
 */
export function printBlock(target: IrTarget, block: IrBlock, annotate?: (insn: number) => string): string {
  const lines = [
    `block ${addressText(target, block.pcLo, block.pcHi, 0)} mode ${hex(block.mode >>> 0)} context ${hex(block.context >>> 0)} bytes ${block.bytes}`,
  ];
  let next = 0;
  for (let insn = 0; insn < block.insns; insn++) {
    const address = addressText(target, block.pcLo, block.pcHi, block.insnOffset[insn] as number);
    lines.push(`---- ${address}${annotate ? ` ; ${annotate(insn)}` : ''}`);
    for (; next < block.n && block.ir[next * WORDS + 7] === insn; next++) {
      lines.push(`  ${printOp(target, block, next)}`);
    }
  }
  return `${lines.join('\n')}\n`;
}
