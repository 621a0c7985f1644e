/** Text back to IR: the inverse of print.ts. */
import { VmError } from '../../util/errors.ts';
import { IrBlock } from './block.ts';
import { OPERANDS, TEMP0 } from './layout.ts';
import { CALL, JUMP, OP_NAMES, OPS, type OpInfo, RET, type Ty } from './ops.ts';
import { type IrTarget, operandName } from './target.ts';

const OP_NUMBERS: ReadonlyMap<string, number> = new Map(OP_NAMES.map((name, i) => [name, i]));
const TOKEN = /\s*(?:(;.*)|(----|->|<<|[-+=,[\]()@])|(0x[\da-f]+|\d+)|([a-z_%][\w.]*))/iy;

/** The tokens of one line, taken from the left. */
class Line {
  readonly #tokens: string[] = [];
  #next = 0;
  readonly number: number;

  constructor(text: string, number: number) {
    this.number = number;
    TOKEN.lastIndex = 0;
    let end = 0;
    for (let m = TOKEN.exec(text); m; m = TOKEN.exec(text)) {
      end = TOKEN.lastIndex;
      if (m[1] === undefined) this.#tokens.push((m[2] ?? m[3] ?? m[4]) as string);
    }
    if (text.slice(end).trim() !== '') this.fail(`unexpected '${text.slice(end).trim()}'`);
  }
  fail(why: string): never {
    throw new VmError(`IR line ${this.number}: ${why}`);
  }
  get empty(): boolean {
    return this.#next >= this.#tokens.length;
  }
  peek(ahead = 0): string {
    return this.#tokens[this.#next + ahead] ?? '';
  }
  take(): string {
    return this.#tokens[this.#next++] ?? this.fail('the line ends too early');
  }
  /** Take the next token if it is this one. */
  skip(token: string): boolean {
    if (this.peek() !== token) return false;
    this.#next++;
    return true;
  }
  expect(...tokens: string[]): void {
    for (const token of tokens) {
      const got = this.peek();
      if (!this.skip(token)) this.fail(`expected '${token}' ${got === '' ? 'at the end' : `instead of '${got}'`}`);
    }
  }
  get atNumber(): boolean {
    return /^(-|\d)/.test(this.peek()) && this.peek() !== '->';
  }
  integer(min: bigint, max: bigint): bigint {
    const negative = this.skip('-');
    const token = this.take();
    if (!/^\d/.test(token)) this.fail(`expected a number instead of '${token}'`);
    const value = negative ? -BigInt(token) : BigInt(token);
    if (value < min || value > max) this.fail(`${negative ? '-' : ''}${token} is not within ${min} … ${max}`);
    return value;
  }
  /** A word of 32 bits, signed or unsigned. */
  word(): number {
    return Number(BigInt.asIntN(32, this.integer(-0x8000_0000n, 0xffff_ffffn)));
  }
  small(max: number): number {
    return Number(this.integer(0n, BigInt(max)));
  }
  wide(): bigint {
    return BigInt.asIntN(64, this.integer(-(1n << 63n), (1n << 64n) - 1n));
  }
  /** A constant kept in one word: sign-extended where the type is i64. */
  constant(ty: Ty): number {
    if (ty === 'i32') return this.word();
    const value = this.wide();
    if (value !== BigInt.asIntN(32, value)) this.fail(`${value} does not fit 32 bits with sign extension`);
    return Number(value);
  }
}

class Parser {
  readonly #target: IrTarget;
  readonly #block: IrBlock;
  readonly #operands: ReadonlyMap<string, number>;

  constructor(target: IrTarget, block: IrBlock) {
    this.#target = target;
    this.#block = block;
    this.#operands = new Map(target.slots.map((_, i) => [operandName(target, i), i]));
  }

  operand(line: Line): number {
    const name = line.take();
    const slot = this.#operands.get(name);
    if (slot !== undefined) return slot;
    const m = /^([t%])(\d{1,3})$/.exec(name);
    const number = m ? Number(m[2]) + (m[1] === 't' ? TEMP0 : 0) : -1;
    if (!m || number >= OPERANDS || (m[1] === '%' && number >= TEMP0)) line.fail(`no slot or temporary '${name}'`);
    while (number >= this.#block.temps) this.#block.temp();
    return number;
  }
  /** Distance from the block's pc of an absolute address. */
  delta(line: Line): number {
    if (this.#target.va === 'i32') return (line.word() - this.#block.pcLo) | 0;
    const pc = (BigInt(this.#block.pcHi) << 32n) | BigInt(this.#block.pcLo >>> 0);
    const distance = BigInt.asIntN(64, line.wide() - pc);
    if (distance !== BigInt.asIntN(32, distance)) line.fail('the address is more than 2 GiB from the block');
    return Number(distance);
  }
  /** `block <pc> mode <n> context <n> bytes <n>` */
  header(line: Line): void {
    line.expect('block');
    const pc = line.wide();
    line.expect('mode');
    const mode = line.word();
    line.expect('context');
    const context = line.word();
    line.expect('bytes');
    this.#block.reset(Number(BigInt.asIntN(32, pc)), Number(pc >> 32n), mode, context);
    if (this.#target.va === 'i32') this.#block.pcHi = 0;
    this.#block.bytes = line.small(0xffff);
  }
  op(line: Line): void {
    const b = this.#block;
    if (b.insns === 0) line.fail("an op before the first '---- address'");
    let d = -1;
    let high = -1;
    if (line.peek(1) === '=' || line.peek(3) === '=') {
      d = this.operand(line);
      if (line.skip(',')) high = this.operand(line);
      line.expect('=');
    }
    const name = line.take();
    const op = OP_NUMBERS.get(name);
    const info = OPS[op ?? -1];
    if (op === undefined || !info) line.fail(`no op '${name}'`);
    const results = info.shape === 'mul2' ? 2 : WITHOUT_RESULT.has(info.shape) ? 0 : 1;
    const given = high >= 0 ? 2 : d >= 0 ? 1 : 0;
    if (given !== results && !(info.shape === 'call' && given === 0)) {
      line.fail(`${name} has ${results} results, not ${given}`);
    }
    this.rest(line, op, info, d, high);
  }
  /** What follows an op's name. */
  rest(line: Line, op: number, info: OpInfo, d: number, high: number): void {
    const b = this.#block;
    switch (info.shape) {
      case 'bin':
      case 'cmp': {
        const a = this.operand(line);
        line.expect(',');
        if (!line.atNumber) b.emit(op, d, a, this.operand(line), 0, 0, 0);
        else this.withConstant(line, op, info.ty, d, a, true);
        break;
      }
      case 'un':
        b.emit(op, d, this.operand(line), -1, 0, 0, 0);
        break;
      case 'movi':
        this.withConstant(line, op, info.ty, d, -1, false);
        break;
      case 'bits':
        b.emit(op, d, this.operand(line), -1, 0, this.field(line), 0);
        break;
      case 'dep': {
        const a = this.operand(line);
        const field = this.field(line);
        line.expect(',');
        if (line.atNumber) b.emit(op, d, a, -1, line.constant(info.ty), field, 0);
        else b.emit(op, d, a, this.operand(line), 0, field, 0);
        break;
      }
      case 'sel': {
        const cond = this.operand(line);
        line.expect(',');
        const yes = this.operand(line);
        line.expect(',');
        b.emit(op, d, cond, yes, 0, 0, this.operand(line));
        break;
      }
      case 'mul2': {
        const a = this.operand(line);
        line.expect(',');
        if (line.atNumber) b.emit(op, d, a, -1, line.word(), 0, high);
        else b.emit(op, d, a, this.operand(line), 0, 0, high);
        break;
      }
      case 'load':
      case 'store':
        this.memory(line, op, info, d);
        break;
      case 'getf':
        line.expect('@');
        b.emit(op, d, -1, -1, line.word(), 0, 0);
        break;
      case 'putf': {
        line.expect('@');
        const field = line.word();
        line.expect(',');
        if (line.atNumber) b.emit(op, -1, -1, -1, field, 0, line.constant(info.ty));
        else b.emit(op, -1, this.operand(line), -1, field, 0, 0);
        break;
      }
      case 'setcc': {
        const first = this.operand(line);
        line.expect(',');
        const kind = line.word();
        line.expect(',');
        const a = this.operand(line);
        line.expect(',');
        if (line.atNumber) b.emit(op, first, a, -1, kind, 0, line.word());
        else b.emit(op, first, a, this.operand(line), kind, 0, 0);
        break;
      }
      case 'call':
        this.call(line, op, d);
        break;
      case 'raise': {
        const code = line.word();
        line.expect(',');
        const error = line.word();
        b.emit(op, -1, line.skip('if') ? this.operand(line) : -1, -1, code, error, 0);
        break;
      }
      case 'goto': {
        const to = this.delta(line);
        const kind = line.skip('call') ? CALL : JUMP;
        b.emit(op, to, -1, -1, kind, 0, kind === CALL ? this.delta(line) : 0);
        break;
      }
      case 'br':
        this.branch(line, op, info);
        break;
      case 'jind': {
        const a = this.operand(line);
        const kind = line.skip('call') ? CALL : line.skip('ret') ? RET : JUMP;
        b.emit(op, -1, a, -1, kind, 0, kind === CALL ? this.delta(line) : 0);
        break;
      }
      case 'gotom': {
        const to = this.delta(line);
        b.emit(op, to, -1, -1, line.skip('check') ? 1 : 0, 0, 0);
        break;
      }
      case 'jpc':
        b.emit(op, -1, -1, -1, line.skip('check') ? 1 : 0, 0, 0);
        break;
      case 'leave': {
        const to = this.delta(line);
        line.expect(',');
        const code = line.word();
        line.expect(',');
        b.emit(op, to, -1, -1, code, 0, line.word());
        break;
      }
    }
  }
  /** A constant of the full width of `ty`; the builder extends it to imm2 in `bini` of either type. */
  withConstant(line: Line, op: number, ty: Ty, d: number, a: number, extend: boolean): void {
    if (ty === 'i32') {
      const imm = line.word();
      this.#block.emit(op, d, a, -1, imm, extend ? imm >> 31 : 0, 0);
      return;
    }
    const value = line.wide();
    this.#block.emit(op, d, a, -1, Number(BigInt.asIntN(32, value)), Number(value >> 32n), 0);
  }
  /** `, position, length` */
  field(line: Line): number {
    line.expect(',');
    const position = line.small(63);
    line.expect(',');
    return position | (line.small(64) << 8);
  }
  /** `[base + index << scale + displacement]`, for a store `, value` */
  memory(line: Line, op: number, info: OpInfo, result: number): void {
    line.expect('[');
    let base = -1;
    let index = -1;
    let scale = 0;
    let disp = 0;
    let more = true;
    while (more && !line.atNumber) {
      const operand = this.operand(line);
      if (line.skip('<<')) {
        index = operand;
        scale = line.small(3);
      } else base = operand;
      more = line.peek() !== ']';
      if (more && line.peek() !== '-') line.expect('+');
    }
    if (more) disp = line.constant(this.#target.va);
    line.expect(']');
    let d = result;
    let x = 0;
    if (info.shape === 'store') {
      line.expect(',');
      if (line.atNumber) x = line.constant(info.ty);
      else d = this.operand(line);
    }
    this.#block.emit(op, d, base, index, disp, scale, x);
  }
  call(line: Line, op: number, d: number): void {
    const name = line.take();
    const helper = /^\d/.test(name) ? Number(name) : this.#target.helpers.findIndex((h) => h.name === name);
    if (helper < 0) line.fail(`no helper '${name}'`);
    const args: number[] = [];
    line.expect('(');
    while (line.peek() !== ')') {
      if (args.length > 0) line.expect(',');
      args.push(this.operand(line));
    }
    line.expect(')');
    if (args.length > 4) line.fail(`${args.length} arguments: a helper takes at most 4`);
    const arg = (i: number): number => args[i] ?? -1;
    this.#block.emit(op, d, arg(0), arg(1), helper, arg(3), arg(2));
  }
  /** `comparison a, b -> address else address` */
  branch(line: Line, op: number, info: OpInfo): void {
    const name = line.take();
    const cmp = OP_NUMBERS.get(name) ?? -1;
    if (OPS[cmp]?.shape !== 'cmp' || OPS[cmp].ty !== info.ty) line.fail(`'${name}' does not compare ${info.ty}`);
    const a = this.operand(line);
    line.expect(',');
    const imm = line.atNumber ? line.constant(info.ty) : undefined;
    const b = imm === undefined ? this.operand(line) : -1;
    line.expect('->');
    const taken = this.delta(line);
    line.expect('else');
    this.#block.emit(op, taken, a, b, imm ?? 0, cmp, this.delta(line));
  }
  parse(text: string, firstLine: number): void {
    let begun = false;
    text.split('\n').forEach((content, i) => {
      const line = new Line(content, firstLine + i);
      if (line.empty) return;
      if (!begun) {
        this.header(line);
        begun = true;
      } else if (line.skip('----')) {
        if (!this.#block.roomy) line.fail('too many instructions or temporaries for a block');
        this.#block.beginInsn(this.delta(line));
      } else this.op(line);
      if (!line.empty) line.fail(`unexpected '${line.peek()}'`);
    });
    if (!begun) throw new VmError(`IR line ${firstLine}: expected 'block <pc> mode <n> context <n> bytes <n>'`);
  }
}

const WITHOUT_RESULT: ReadonlySet<string> = new Set(
  ['store', 'putf', 'setcc', 'raise', 'goto', 'br', 'jind', 'gotom', 'jpc', 'leave'], //
);

/** Read a block from text; a VmError names the line that is wrong, counting from `firstLine`. */
export function parseBlock(target: IrTarget, text: string, block = new IrBlock(), firstLine = 1): IrBlock {
  new Parser(target, block).parse(text, firstLine);
  return block;
}
