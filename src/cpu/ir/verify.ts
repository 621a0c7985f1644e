/** Is a block well formed? Front ends and passes are checked with this in tests and in debug builds. */
import type { IrBlock } from './block.ts';
import { OPERANDS, TEMP0 } from './layout.ts';
import { CALL, isEnd, OP_NAMES, OPS, Op, type OpInfo, RET, type Ty, WORDS } from './ops.ts';
import { printBlock, printOp } from './print.ts';
import { type IrTarget, operandName } from './target.ts';

class Verifier {
  readonly #target: IrTarget;
  readonly #block: IrBlock;
  readonly #temps: (Ty | undefined)[] = [];
  readonly problems: string[] = [];
  /** The op looked at. */
  #at = 0;
  /** Instruction whose slots have been written, and by which op. */
  #committedInsn = -1;
  #committedBy = -1;

  constructor(target: IrTarget, block: IrBlock) {
    this.#target = target;
    this.#block = block;
  }
  #fail(why: string): void {
    this.problems.push(`op ${this.#at} (${printOp(this.#target, this.#block, this.#at)}): ${why}`);
  }
  #want(condition: boolean, why: string): void {
    if (!condition) this.#fail(why);
  }
  #type(operand: number): Ty | undefined {
    return operand >= TEMP0 ? this.#temps[operand] : this.#target.slots[operand]?.ty;
  }
  #read(operand: number, ty: Ty, what: string): void {
    const have = this.#type(operand);
    if (operand < 0) this.#fail(`operand ${what} is missing`);
    else if (operand >= OPERANDS) this.#fail(`operand ${what} is out of range: ${operand}`);
    else if (have === undefined && operand < TEMP0) this.#fail(`the target has no slot ${operand}`);
    else if (have === undefined) this.#fail(`${operandName(this.#target, operand)} is used before it is assigned`);
    else if (have !== ty) this.#fail(`${operandName(this.#target, operand)} is ${have}, ${what} has to be ${ty}`);
  }
  #write(operand: number, ty: Ty): void {
    if (operand >= TEMP0 && operand < OPERANDS) {
      const have = this.#temps[operand];
      if (have !== undefined && have !== ty) this.#fail(`${operandName(this.#target, operand)} was ${have}, now ${ty}`);
      this.#temps[operand] = ty;
      return;
    }
    const slot = this.#target.slots[operand];
    if (!slot) this.#fail(`the result goes to ${operand}, which is neither a slot nor a temporary`);
    else if (slot.ty !== ty) this.#fail(`slot ${slot.name} is ${slot.ty}, the result ${ty}`);
    this.#commit();
  }
  #commit(): void {
    this.#committedInsn = this.#block.ir[this.#at * WORDS + 7] as number;
    this.#committedBy = this.#at;
  }
  #mayFault(): void {
    if (this.#committedInsn === this.#block.ir[this.#at * WORDS + 7]) {
      this.#fail(`may fault after its instruction wrote a slot in op ${this.#committedBy}`);
    }
  }
  #field(imm2: number, bits: number): void {
    const position = imm2 & 0xff;
    const length = imm2 >> 8;
    this.#want(length >= 1 && position + length <= bits, `bits ${position} + ${length} of ${bits}`);
  }
  #call(d: number, args: readonly number[], number: number): void {
    const helper = this.#target.helpers[number];
    if (!helper) {
      this.#fail(`the target has no helper ${number}`);
      return;
    }
    helper.params.forEach((ty, i) => {
      this.#read(args[i] as number, ty, `argument ${i} of ${helper.name}`);
    });
    this.#want(
      args.slice(helper.params.length).every((o) => o === -1),
      `${helper.name} takes ${helper.params.length} arguments`,
    );
    if (helper.faults) this.#mayFault();
    if (helper.writes.length > 0) this.#commit();
    if (d >= 0 && helper.result === null) this.#fail(`${helper.name} has no result`);
    else if (d >= 0 && helper.result !== null) this.#write(d, helper.result);
  }
  #op(info: OpInfo): void {
    const p = this.#at * WORDS;
    const word = (i: number): number => this.#block.ir[p + i] as number;
    const [d, a, b, imm, imm2, x] = [word(1), word(2), word(3), word(4), word(5), word(6)];
    const { ty } = info;
    const bits = ty === 'i32' ? 32 : 64;
    const readB = (): void => {
      if (b !== -1) this.#read(b, ty, 'b');
    };
    switch (info.shape) {
      case 'bin':
      case 'cmp':
        this.#read(a, ty, 'a');
        readB();
        this.#write(d, info.shape === 'cmp' ? 'i32' : ty);
        break;
      case 'un':
        this.#read(a, info.from ?? ty, 'a');
        this.#write(d, ty);
        break;
      case 'movi':
        this.#write(d, ty);
        break;
      case 'bits':
        this.#read(a, ty, 'a');
        this.#field(imm2, bits);
        this.#write(d, ty);
        break;
      case 'dep':
        this.#read(a, ty, 'a');
        readB();
        this.#field(imm2, bits);
        this.#write(d, ty);
        break;
      case 'sel':
        this.#read(a, 'i32', 'the condition');
        this.#read(b, ty, 'b');
        this.#read(x, ty, 'x');
        this.#write(d, ty);
        break;
      case 'mul2':
        this.#read(a, ty, 'a');
        readB();
        this.#want(d !== x, 'both halves go to one place');
        this.#write(d, ty);
        this.#write(x, ty);
        break;
      case 'load':
      case 'store':
        if (a !== -1) this.#read(a, this.#target.va, 'the base');
        if (b !== -1) this.#read(b, this.#target.va, 'the index');
        this.#want(imm2 >= 0 && imm2 <= (b === -1 ? 0 : 3), `scale ${imm2}`);
        this.#mayFault();
        if (info.shape === 'load') this.#write(d, ty);
        else if (d !== -1) this.#read(d, ty, 'the value');
        break;
      case 'getf':
      case 'putf':
        this.#want(imm % (bits / 8) === 0, 'the field is not aligned');
        if (info.shape === 'getf') this.#write(d, ty);
        else if (a !== -1) this.#read(a, ty, 'a');
        break;
      case 'setcc':
        this.#read(a, 'i32', 'a');
        readB();
        for (let i = 0; i < 3; i++) {
          this.#want(this.#target.slots[d + i]?.ty === 'i32', `there is no i32 slot ${d + i}`);
        }
        this.#commit();
        break;
      case 'call':
        this.#call(d, [a, b, x, imm2], imm);
        break;
      case 'raise':
        if (a !== -1) this.#read(a, 'i32', 'the condition');
        this.#mayFault();
        break;
      case 'goto':
        this.#want(imm >= 0 && imm < RET, `a goto can't be of kind ${imm}`);
        break;
      case 'br':
        this.#read(a, ty, 'a');
        readB();
        this.#want(OPS[imm2]?.shape === 'cmp' && OPS[imm2].ty === ty, `${OP_NAMES[imm2]} is no comparison of ${ty}`);
        break;
      case 'jind':
        this.#read(a, this.#target.va, 'the address');
        this.#want(imm >= 0 && imm <= RET, `there is no jump of kind ${imm}`);
        this.#want(imm === CALL || x === 0, 'only a call returns');
        break;
      case 'gotom':
      case 'jpc':
      case 'leave':
        break;
    }
  }
  run(): void {
    const block = this.#block;
    const complain = (why: string): void => {
      this.problems.push(why);
    };
    if (!block.ended) complain('the block has no end');
    if (block.insns === 0) complain('the block has no instruction');
    for (let i = 0; i < block.insns; i++) {
      const offset = block.insnOffset[i] as number;
      const after = i === 0 ? 0 : (block.insnOffset[i - 1] as number) + 1;
      if (offset < after || (i === 0 && offset !== 0)) complain(`instruction ${i} can't be at distance ${offset}`);
      if (offset >= block.bytes) complain(`instruction ${i} is at ${offset}, beyond the block's ${block.bytes} bytes`);
    }
    let insn = 0;
    for (this.#at = 0; this.#at < block.n; this.#at++) {
      const p = this.#at * WORDS;
      const op = block.ir[p] as number;
      const info = OPS[op];
      if (!info) {
        complain(`op ${this.#at} has number ${op}`);
        continue;
      }
      const mine = block.ir[p + 7] as number;
      this.#want(mine >= insn && mine < block.insns, `belongs to instruction ${mine}`);
      insn = mine;
      const ends = isEnd(op) || (op === Op.raise && block.ir[p + 2] === -1);
      this.#want(!ends || this.#at === block.n - 1, 'ends the block, but ops follow');
      this.#op(info);
    }
  }
}

/** What is wrong with a block, in words; empty when it is well formed. */
export function verifyBlock(target: IrTarget, block: IrBlock): readonly string[] {
  const verifier = new Verifier(target, block);
  verifier.run();
  return verifier.problems;
}

/** Throws a BUG error that shows the block if it is not well formed. For debugging front ends and passes. */
export function assertValid(target: IrTarget, block: IrBlock, madeBy: string): void {
  const problems = verifyBlock(target, block);
  if (problems.length > 0) {
    throw new Error(`BUG: bad IR from ${madeBy}:\n${problems.join('\n')}\n${printBlock(target, block)}`);
  }
}
