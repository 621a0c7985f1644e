/** The reference evaluator: slow and plain, the oracle that interpreter and JIT are compared with. */
import {
  BINARY32,
  BINARY64,
  COMPARE64,
  deposit,
  deposit64,
  extract,
  extract64,
  productHigh,
  UNARY32,
  UNARY64,
} from './arithmetic.ts';
import type { IrBlock } from './block.ts';
import {
  C_FAULT,
  C_FAULT_CODE,
  C_FAULT_ERR,
  C_INTR_ENABLED,
  C_INTR_REQUEST,
  C_PC,
  FAULT_EXC,
  STATE,
} from './layout.ts';
import { OPS, Op, type OpInfo, WORDS } from './ops.ts';
import type { IrTarget } from './target.ts';

/**
 * What a block works on besides the state in shared memory. Addresses are virtual, given as unsigned halves (high is 0
 * for 32-bit targets). A load, store or call that faults sets C_FAULT and its words, and changes nothing else.
 */
export interface Environment {
  /** The bytes at an address; upper bits of the result beyond `size` bytes are ignored. */
  load(lo: number, hi: number, size: 1 | 2 | 4): number;
  load64(lo: number, hi: number): bigint;
  /** Store the low `size` bytes of a value. */
  store(lo: number, hi: number, size: 1 | 2 | 4, value: number): void;
  store64(lo: number, hi: number, value: bigint): void;
  /**
   * Run helper number `helper` for guest instruction number `insn` of the block: numbers for i32, BigInts for i64.
   * `args` is reused by the next call.
   */
  call(helper: number, args: readonly (number | bigint)[], insn: number): unknown;
}

/**
 * How a block ended. Program counters are i32 halves. `insns` guest instructions were completed; for `fault` that is
 * the number of the one that faulted. The caller writes C_PC and counts.
 */
export type BlockEnd =
  | { readonly kind: 'goto'; readonly pcLo: number; readonly pcHi: number; readonly insns: number }
  /** As goto, but the mode may be another one now: gotom and jpc. */
  | { readonly kind: 'lookup'; readonly pcLo: number; readonly pcHi: number; readonly insns: number }
  /** As lookup, and an interrupt is to be taken first. */
  | { readonly kind: 'interrupt'; readonly pcLo: number; readonly pcHi: number; readonly insns: number }
  | {
      readonly kind: 'leave';
      readonly pcLo: number;
      readonly pcHi: number;
      readonly code: number;
      readonly arg: number;
      readonly insns: number;
    }
  | { readonly kind: 'fault'; readonly insns: number };

export class Evaluator {
  readonly #target: IrTarget;
  readonly #env: Environment;
  readonly #wideAddresses: boolean;
  /** All of memory as i32 and as i64. */
  readonly #i32: Int32Array;
  readonly #i64: BigInt64Array;
  readonly #args: (number | bigint)[] = [];

  /** `memory` is the shared memory, laid out as layout.ts says. */
  constructor(target: IrTarget, memory: ArrayBufferLike, env: Environment) {
    this.#target = target;
    this.#env = env;
    this.#wideAddresses = target.va === 'i64';
    this.#i32 = new Int32Array(memory);
    this.#i64 = new BigInt64Array(memory);
  }

  #get(operand: number): number {
    return this.#i32[(STATE >> 2) + operand * 2] as number;
  }
  #set(operand: number, value: number): void {
    this.#i32[(STATE >> 2) + operand * 2] = value;
  }
  #get64(operand: number): bigint {
    return this.#i64[(STATE >> 3) + operand] as bigint;
  }
  #set64(operand: number, value: bigint): void {
    this.#i64[(STATE >> 3) + operand] = value;
  }
  get #faulted(): boolean {
    return this.#i32[C_FAULT >> 2] !== 0;
  }

  /** Run a block from the state in memory. */
  run(block: IrBlock): BlockEnd {
    const { ir } = block;
    for (let i = 0; i < block.n; i++) {
      const p = i * WORDS;
      const op = ir[p] as number;
      const info = OPS[op];
      if (!info) throw new Error(`BUG: op ${i} of a block has number ${op}`);
      const d = ir[p + 1] as number;
      const a = ir[p + 2] as number;
      const b = ir[p + 3] as number;
      const imm = ir[p + 4] as number;
      const imm2 = ir[p + 5] as number;
      const x = ir[p + 6] as number;
      switch (info.shape) {
        case 'bin':
        case 'cmp':
        case 'un':
        case 'movi':
        case 'bits':
        case 'dep':
        case 'sel':
        case 'mul2':
          if (info.ty === 'i32') this.#compute(op, info, d, a, b, imm, imm2, x);
          else this.#compute64(op, info, d, a, b, imm, imm2, x);
          break;
        case 'load':
        case 'store':
          this.#access(info, d, a, b, imm, imm2, x);
          break;
        case 'getf':
          if (info.ty === 'i32') this.#set(d, this.#i32[imm >> 2] as number);
          else this.#set64(d, this.#i64[imm >> 3] as bigint);
          break;
        case 'putf':
          if (info.ty === 'i32') this.#i32[imm >> 2] = a < 0 ? x : this.#get(a);
          else this.#i64[imm >> 3] = a < 0 ? BigInt(x) : this.#get64(a);
          break;
        case 'setcc': {
          const first = this.#get(a);
          const second = b < 0 ? x : this.#get(b);
          this.#set(d, imm);
          this.#set(d + 1, first);
          this.#set(d + 2, second);
          break;
        }
        case 'call':
          this.#call(imm, d, a, b, x, imm2, ir[p + 7] as number);
          break;
        case 'raise':
          if (a < 0 || this.#get(a) !== 0) {
            this.#i32[C_FAULT >> 2] = FAULT_EXC;
            this.#i32[C_FAULT_CODE >> 2] = imm;
            this.#i32[C_FAULT_ERR >> 2] = imm2;
          }
          break;
        default:
          return this.#end(block, op, info, d, a, b, imm, imm2, x);
      }
      if (this.#faulted) return { kind: 'fault', insns: ir[p + 7] as number };
    }
    throw new Error('BUG: a block without an end');
  }

  #compute(op: number, info: OpInfo, d: number, a: number, b: number, imm: number, imm2: number, x: number): void {
    switch (info.shape) {
      case 'bin':
      case 'cmp':
        this.#set(d, known(BINARY32[op])(this.#get(a), b < 0 ? imm : this.#get(b)));
        break;
      case 'un':
        this.#set(d, op === Op.wrap ? this.#get(a) : known(UNARY32[op])(this.#get(a)));
        break;
      case 'movi':
        this.#set(d, imm);
        break;
      case 'bits':
        this.#set(d, extract(this.#get(a), imm2, info.signed === true));
        break;
      case 'dep':
        this.#set(d, deposit(this.#get(a), imm2, b < 0 ? imm : this.#get(b)));
        break;
      case 'sel':
        this.#set(d, this.#get(this.#get(a) !== 0 ? b : x));
        break;
      case 'mul2': {
        const left = this.#get(a);
        const right = b < 0 ? imm : this.#get(b);
        this.#set(d, Math.imul(left, right));
        this.#set(x, productHigh(op, left, right));
        break;
      }
    }
  }
  #compute64(op: number, info: OpInfo, d: number, a: number, b: number, imm: number, imm2: number, x: number): void {
    switch (info.shape) {
      case 'bin':
        this.#set64(d, known(BINARY64[op])(this.#get64(a), b < 0 ? joined(imm, imm2) : this.#get64(b)));
        break;
      case 'cmp':
        this.#set(d, known(COMPARE64[op])(this.#get64(a), b < 0 ? joined(imm, imm2) : this.#get64(b)));
        break;
      case 'un':
        if (op === Op.extu) this.#set64(d, BigInt(this.#get(a) >>> 0));
        else if (op === Op.exts) this.#set64(d, BigInt(this.#get(a)));
        else this.#set64(d, known(UNARY64[op])(this.#get64(a)));
        break;
      case 'movi':
        this.#set64(d, joined(imm, imm2));
        break;
      case 'bits':
        this.#set64(d, extract64(this.#get64(a), imm2, info.signed === true));
        break;
      case 'dep':
        this.#set64(d, deposit64(this.#get64(a), imm2, b < 0 ? BigInt(imm) : this.#get64(b)));
        break;
      case 'sel':
        this.#set64(d, this.#get64(this.#get(a) !== 0 ? b : x));
        break;
    }
  }
  #access(info: OpInfo, d: number, a: number, b: number, disp: number, scale: number, x: number): void {
    let lo: number;
    let hi = 0;
    if (this.#wideAddresses) {
      const base = a < 0 ? 0n : this.#get64(a);
      const index = b < 0 ? 0n : this.#get64(b);
      const address = base + (index << BigInt(scale)) + BigInt(disp);
      lo = Number(BigInt.asUintN(32, address));
      hi = Number(BigInt.asUintN(32, address >> 32n));
    } else lo = ((a < 0 ? 0 : this.#get(a)) + (b < 0 ? 0 : this.#get(b) << scale) + disp) >>> 0;
    const env = this.#env;
    const size = info.size;
    if (size === undefined) throw new Error('BUG: a memory op without size');
    if (info.shape === 'store') {
      if (size === 8) env.store64(lo, hi, d < 0 ? BigInt(x) : this.#get64(d));
      else env.store(lo, hi, size, d < 0 ? x : this.#get(d));
    } else if (size === 8) {
      const value = env.load64(lo, hi);
      if (!this.#faulted) this.#set64(d, value);
    } else {
      const value = env.load(lo, hi, size);
      if (!this.#faulted) this.#set(d, extract(value, (size * 8) << 8, info.signed === true));
    }
  }
  #call(number: number, d: number, a: number, b: number, x: number, y: number, insn: number): void {
    const helper = this.#target.helpers[number];
    if (!helper) throw new Error(`BUG: the target has no helper ${number}`);
    const args = this.#args;
    args.length = helper.params.length;
    for (let i = 0; i < args.length; i++) {
      const operand = i === 0 ? a : i === 1 ? b : i === 2 ? x : y;
      args[i] = helper.params[i] === 'i32' ? this.#get(operand) : this.#get64(operand);
    }
    const result = this.#env.call(number, args, insn);
    if (d < 0 || this.#faulted) return;
    if (typeof result === 'number') this.#set(d, result);
    else if (typeof result === 'bigint') this.#set64(d, result);
    else throw new Error(`BUG: helper ${helper.name} returned nothing`);
  }
  #end(
    block: IrBlock,
    op: number,
    info: OpInfo,
    d: number,
    a: number,
    b: number,
    imm: number,
    imm2: number,
    x: number,
  ): BlockEnd {
    const insns = block.insns;
    switch (info.shape) {
      case 'goto':
        return { kind: 'goto', ...this.#distance(block, d), insns };
      case 'br': {
        const taken =
          info.ty === 'i32'
            ? known(BINARY32[imm2])(this.#get(a), b < 0 ? imm : this.#get(b))
            : known(COMPARE64[imm2])(this.#get64(a), b < 0 ? BigInt(imm) : this.#get64(b));
        return { kind: 'goto', ...this.#distance(block, taken !== 0 ? d : x), insns };
      }
      case 'jind': {
        const pc = (STATE >> 2) + a * 2;
        const pcHi = this.#wideAddresses ? (this.#i32[pc + 1] as number) : 0;
        return { kind: 'goto', pcLo: this.#i32[pc] as number, pcHi, insns };
      }
      case 'gotom':
        return { kind: this.#kind(imm), ...this.#distance(block, d), insns };
      case 'jpc': {
        const pcLo = this.#i32[C_PC >> 2] as number;
        const pcHi = this.#wideAddresses ? (this.#i32[(C_PC >> 2) + 1] as number) : 0;
        return { kind: this.#kind(imm), pcLo, pcHi, insns };
      }
      case 'leave':
        return { kind: 'leave', ...this.#distance(block, d), code: imm, arg: x, insns };
      default:
        throw new Error(`BUG: op number ${op} is not evaluated`);
    }
  }
  #kind(check: number): 'lookup' | 'interrupt' {
    const due = this.#i32[C_INTR_REQUEST >> 2] !== 0 && this.#i32[C_INTR_ENABLED >> 2] !== 0;
    return check === 1 && due ? 'interrupt' : 'lookup';
  }
  /** The address `delta` bytes from the block's pc. */
  #distance(block: IrBlock, delta: number): { pcLo: number; pcHi: number } {
    if (!this.#wideAddresses) return { pcLo: (block.pcLo + delta) | 0, pcHi: 0 };
    const pc = joined(block.pcLo, block.pcHi) + BigInt(delta);
    return { pcLo: Number(BigInt.asIntN(32, pc)), pcHi: Number(BigInt.asIntN(32, pc >> 32n)) };
  }
}

const joined = (lo: number, hi: number): bigint => BigInt.asIntN(64, (BigInt(hi) << 32n) | BigInt(lo >>> 0));

function known<F>(meaning: F | undefined): F {
  if (meaning === undefined) throw new Error('BUG: an op whose meaning the evaluator does not know');
  return meaning;
}
