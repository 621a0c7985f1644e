/** The reference evaluator as an engine of the filetests. */
import type { IrBlock } from '../block.ts';
import { type BlockEnd, type Environment, Evaluator } from '../evaluate.ts';
import {
  C_FAULT,
  C_FAULT_ADDR,
  C_FAULT_CODE,
  C_FAULT_ERR,
  CPU_FIELDS_END,
  FAULT_EXC,
  OPERANDS,
  STATE,
} from '../layout.ts';
import type { IrTarget } from '../target.ts';
import { type FiletestEngine, type GuestState, type Outcome, PAGE_FAULT, PAGE_SIZE } from './engine.ts';
import { createTestHelpers } from './test-target.ts';

const PAGE_MASK = ~BigInt(PAGE_SIZE - 1);

/** Guest memory of pages in a map, with faults as engine.ts describes them. */
export class PagedEnvironment implements Environment {
  readonly #view: DataView;
  readonly #pages: ReadonlyMap<bigint, Uint8Array>;
  readonly #addressBits: number;
  readonly #call: Environment['call'];

  constructor(view: DataView, pages: ReadonlyMap<bigint, Uint8Array>, target: IrTarget, call: Environment['call']) {
    this.#view = view;
    this.#pages = pages;
    this.#addressBits = target.va === 'i32' ? 32 : 64;
    this.#call = call;
  }
  /** Address of byte `i` from one given in halves. */
  #address(lo: number, hi: number, i: number): bigint {
    return BigInt.asUintN(this.#addressBits, (BigInt(hi) << 32n) + BigInt(lo) + BigInt(i));
  }
  #mapped(lo: number, hi: number, size: number, error: number): boolean {
    for (let i = 0; i < size; i++) {
      const address = this.#address(lo, hi, i);
      if (this.#pages.has(address & PAGE_MASK)) continue;
      this.#view.setUint32(C_FAULT, FAULT_EXC, true);
      this.#view.setUint32(C_FAULT_CODE, PAGE_FAULT, true);
      this.#view.setUint32(C_FAULT_ERR, error, true);
      this.#view.setBigUint64(C_FAULT_ADDR, address, true);
      return false;
    }
    return true;
  }
  load64(lo: number, hi: number, size = 8): bigint {
    if (!this.#mapped(lo, hi, size, 0)) return 0n;
    let value = 0n;
    for (let i = 0; i < size; i++) {
      const address = this.#address(lo, hi, i);
      const byte = this.#pages.get(address & PAGE_MASK)?.[Number(address & ~PAGE_MASK)] ?? 0;
      value |= BigInt(byte) << BigInt(8 * i);
    }
    return value;
  }
  store64(lo: number, hi: number, value: bigint, size = 8): void {
    if (!this.#mapped(lo, hi, size, 2)) return;
    for (let i = 0; i < size; i++) {
      const address = this.#address(lo, hi, i);
      const page = this.#pages.get(address & PAGE_MASK);
      if (page) page[Number(address & ~PAGE_MASK)] = Number((value >> BigInt(8 * i)) & 0xffn);
    }
  }
  load(lo: number, hi: number, size: 1 | 2 | 4): number {
    return Number(this.load64(lo, hi, size));
  }
  store(lo: number, hi: number, size: 1 | 2 | 4, value: number): void {
    this.store64(lo, hi, BigInt(value), size);
  }
  call(helper: number, args: readonly (number | bigint)[], insn: number): ReturnType<Environment['call']> {
    return this.#call(helper, args, insn);
  }
}

function outcome(target: IrTarget, block: IrBlock, end: BlockEnd, view: DataView): Outcome {
  const bits = target.va === 'i32' ? 32 : 64;
  const joined = (lo: number, hi: number): bigint => BigInt.asUintN(bits, (BigInt(hi) << 32n) | BigInt(lo >>> 0));
  if (end.kind === 'fault') {
    const code = view.getInt32(C_FAULT_CODE, true);
    const offset = BigInt(block.insnOffset[end.insns] as number);
    return {
      kind: 'fault',
      pc: BigInt.asUintN(bits, joined(block.pcLo, block.pcHi) + offset),
      insns: end.insns,
      code,
      arg: view.getInt32(C_FAULT_ERR, true),
      ...(code === PAGE_FAULT ? { address: view.getBigUint64(C_FAULT_ADDR, true) } : {}),
    };
  }
  const pc = joined(end.pcLo, end.pcHi);
  if (end.kind === 'leave') return { kind: 'leave', pc, insns: end.insns, code: end.code, arg: end.arg };
  return { kind: end.kind === 'interrupt' ? 'interrupt' : 'continue', pc, insns: end.insns };
}

/** State memory is made once for all runs, and filled anew for each. */
export function createEvaluatorEngine(): FiletestEngine {
  const memory = new ArrayBuffer(CPU_FIELDS_END);
  const view = new DataView(memory);
  const helpers = createTestHelpers(memory);
  const run = (target: IrTarget, block: IrBlock, state: GuestState): Outcome => {
    new Uint8Array(memory).fill(0);
    // Temporaries hold nothing that a block may rely on.
    new Uint8Array(memory, STATE, 8 * OPERANDS).fill(0xa5);
    state.slots.forEach((value, i) => {
      view.setBigUint64(STATE + 8 * i, value, true);
    });
    for (const [address, value] of state.words) view.setUint32(address, value, true);
    const call: Environment['call'] = (number, args) => helpers[target.helpers[number]?.name ?? '']?.(...args);
    const env = new PagedEnvironment(view, state.memory, target, call);
    const end = new Evaluator(target, memory, env).run(block);
    target.slots.forEach((slot, i) => {
      const at = STATE + 8 * i;
      state.slots[i] = slot.ty === 'i32' ? BigInt(view.getUint32(at, true)) : view.getBigUint64(at, true);
    });
    for (const address of state.words.keys()) state.words.set(address, view.getUint32(address, true));
    return outcome(target, block, end, view);
  };
  return { name: 'evaluator', run };
}
