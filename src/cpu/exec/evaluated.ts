/**
 * Engine mode 'eval': blocks are run by the reference evaluator instead of bytecode, over the same memory, block cache
 * and native helpers. Slow, and as plain as can be: what interpreter and JIT are compared with.
 */
import type { IrBlock } from '../ir/block.ts';
import { type BlockEnd, type Environment, Evaluator } from '../ir/evaluate.ts';
import {
  C_BUDGET,
  C_EXIT,
  C_EXIT_ARG,
  C_LEAVE_ARG,
  C_MMU,
  C_PC,
  EXIT_BUDGET,
  EXIT_FAULT,
  EXIT_INTR,
  EXIT_LEAVE,
  EXIT_LOOKUP,
  EXIT_STALE,
  TLB,
  TLB_BANK_SHIFT,
  TLB_ENTRIES,
} from '../ir/layout.ts';
import type { FrontEnd } from '../isa/front-end.ts';
import { Lowering, type Placing } from './interp/lower.ts';
import type { SharedMemory } from './memory.ts';
import type { Functions } from './native.ts';

interface KeptBlock {
  readonly block: IrBlock;
  /** Page of this memory that the block's last instruction reaches into, 0: none. */
  readonly page2: number;
}

/** Writes bytecode as ever (the block cache lives on its addresses), and keeps what it was made of. */
export class KeepingLowering extends Lowering {
  /** By bytecode address. An address that is used again has its newest block. */
  readonly kept = new Map<number, KeptBlock>();

  override lower(b: IrBlock, address: number, to: Placing): void {
    super.lower(b, address, to);
    this.kept.set(address, { block: b.copy(), page2: to.page2 });
  }
}

/** Guest memory as translated code reaches it: through the soft TLB, whose entries may be older than the page tables. */
class TranslatedMemory implements Environment {
  readonly #i32: Int32Array;
  readonly #view: DataView;
  readonly #wide: boolean;
  readonly #slow: Functions;
  readonly #helpers: readonly (CallableFunction | undefined)[];
  readonly #readsClock: readonly boolean[];
  /** Makes C_BUDGET exact for a helper called by instruction `insn` of the block. */
  readonly #syncBudget: (insn: number) => void;

  constructor(m: SharedMemory, frontEnd: FrontEnd, env: Functions, syncBudget: (insn: number) => void) {
    this.#i32 = m.i32;
    this.#view = new DataView(m.memory.buffer);
    this.#wide = frontEnd.va === 'i64';
    this.#slow = env;
    this.#helpers = frontEnd.helpers.map(({ name }) => env[`helper.${name}`]);
    this.#readsClock = frontEnd.helpers.map(({ readsClock }) => readsClock === true);
    this.#syncBudget = syncBudget;
  }

  /** Address in this memory of `size` bytes inside one page that the TLB has an entry for, else -1. */
  #hit(lo: number, hi: number, size: number, isStore: boolean): number {
    const i32 = this.#i32;
    const bank = TLB + ((i32[C_MMU >> 2] as number) << TLB_BANK_SHIFT);
    const entry = (bank + (((lo >>> 12) & (TLB_ENTRIES - 1)) << (this.#wide ? 5 : 4))) >> 2;
    const last = (lo >>> 0) + size - 1;
    if (!this.#wide) {
      if (i32[entry + (isStore ? 1 : 0)] !== (last & ~0xfff)) return -1;
      return (lo + (i32[entry + 2] as number)) >>> 0;
    }
    const tag = entry + (isStore ? 2 : 0);
    const carry = last > 0xffff_ffff ? 1 : 0;
    if (i32[tag] !== (last & ~0xfff) || i32[tag + 1] !== ((hi + carry) | 0)) return -1;
    return (lo + (i32[entry + 4] as number)) >>> 0;
  }
  #va(lo: number, hi: number): number | bigint {
    return this.#wide ? (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0) : lo;
  }

  load(lo: number, hi: number, size: 1 | 2 | 4): number {
    const at = this.#hit(lo, hi, size, false);
    if (at < 0) return this.#slow.ld?.(this.#va(lo, hi), size);
    if (size === 4) return this.#view.getInt32(at, true);
    return size === 2 ? this.#view.getUint16(at, true) : this.#view.getUint8(at);
  }
  load64(lo: number, hi: number): bigint {
    const at = this.#hit(lo, hi, 8, false);
    return at < 0 ? this.#slow.ld64?.(this.#va(lo, hi)) : this.#view.getBigInt64(at, true);
  }
  store(lo: number, hi: number, size: 1 | 2 | 4, value: number): void {
    const at = this.#hit(lo, hi, size, true);
    if (at < 0) this.#slow.st?.(this.#va(lo, hi), value, size);
    else if (size === 4) this.#view.setInt32(at, value, true);
    else if (size === 2) this.#view.setInt16(at, value, true);
    else this.#view.setInt8(at, value);
  }
  store64(lo: number, hi: number, value: bigint): void {
    const at = this.#hit(lo, hi, 8, true);
    if (at < 0) this.#slow.st64?.(this.#va(lo, hi), value);
    else this.#view.setBigInt64(at, value, true);
  }
  call(helper: number, args: readonly (number | bigint)[], insn: number): unknown {
    if (this.#readsClock[helper]) this.#syncBudget(insn);
    return this.#helpers[helper]?.(...args);
  }
}

/** In place of the interpreter's `run`: the block at a bytecode address, and back. `env`: as generated modules import it. */
export function evaluatingEnter(
  m: SharedMemory,
  frontEnd: FrontEnd,
  env: Functions,
  lowering: KeepingLowering,
): (code: number) => void {
  const wide = frontEnd.va === 'i64';
  /** What is left of the slice at the start of the block. */
  let budget = 0;
  const memory = new TranslatedMemory(m, frontEnd, env, (insn) => m.set(C_BUDGET, budget - insn - 1));
  const evaluator = new Evaluator(frontEnd, m.memory.buffer, memory);
  const leave = (reason: number, pcLo: number, pcHi: number, left: number): void => {
    m.set(C_PC, pcLo);
    if (wide) m.set(C_PC + 4, pcHi);
    m.set(C_BUDGET, left);
    m.set(C_EXIT, reason);
  };
  /** The page its last instruction reaches into may be mapped elsewhere, or not at all. */
  const secondPageExit = ({ block, page2 }: KeptBlock): number => {
    if (page2 === 0) return 0;
    const lo = (block.pcLo | 0xfff) + 1;
    const va = wide ? BigInt.asIntN(64, ((BigInt(block.pcHi) << 32n) | BigInt(block.pcLo >>> 0) | 0xfffn) + 1n) : lo;
    const page = env.code_page?.(va) as number;
    if (page === 0) return EXIT_FAULT;
    return page === page2 ? 0 : EXIT_STALE;
  };
  const finish = (block: IrBlock, end: BlockEnd): void => {
    const left = budget - end.insns;
    switch (end.kind) {
      case 'fault': {
        const pc = BigInt(block.pcLo >>> 0) + BigInt(block.insnOffset[end.insns] as number);
        leave(EXIT_FAULT, Number(BigInt.asIntN(32, pc)), block.pcHi + Number(pc >> 32n), left);
        break;
      }
      case 'leave':
        m.set(C_LEAVE_ARG, end.arg);
        m.set(C_EXIT_ARG, end.code);
        leave(EXIT_LEAVE, end.pcLo, end.pcHi, left);
        break;
      default:
        leave(end.kind === 'interrupt' ? EXIT_INTR : EXIT_LOOKUP, end.pcLo, end.pcHi, left);
    }
  };
  return (code) => {
    const kept = lowering.kept.get(code);
    if (kept === undefined) throw new Error(`BUG: no block was kept for bytecode ${code.toString(16)}`);
    const { block } = kept;
    m.set(C_EXIT_ARG, code);
    budget = m.get(C_BUDGET);
    const early = secondPageExit(kept) || (budget < block.insns ? EXIT_BUDGET : 0);
    if (early !== 0) leave(early, block.pcLo, block.pcHi, budget);
    else finish(block, evaluator.run(block));
  };
}
