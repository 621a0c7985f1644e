/** Interpreter and JIT as engines of the IR filetests: one block, run once, in an engine made for the test targets. */
import type { IrBlock } from '../ir/block.ts';
import { type FiletestEngine, type GuestState, type Outcome, PAGE_FAULT, PAGE_SIZE } from '../ir/filetests/engine.ts';
import { createTestHelpers } from '../ir/filetests/test-target.ts';
import {
  ARENA,
  C_BUDGET,
  C_EXIT,
  C_EXIT_ARG,
  C_FAULT,
  C_FAULT_ADDR,
  C_FAULT_CODE,
  C_FAULT_ERR,
  C_LEAVE_ARG,
  C_PC,
  EXIT_FAULT,
  EXIT_INTR,
  EXIT_LEAVE,
  FAULT_EXC,
  RAM_BASE,
  STATE,
  WALK_WRITABLE,
} from '../ir/layout.ts';
import { WORDS } from '../ir/ops.ts';
import type { IrTarget } from '../ir/target.ts';
import type { FrontEnd } from '../isa/front-end.ts';
import { ModuleBuilder } from '../wasm/module.ts';
import { I32, I64 } from '../wasm/opcodes.ts';
import { createEngine, type Engine, type EngineMode } from './engine.ts';
import type { NativeModule } from './native.ts';

const BACKING_PAGES = 64;

/** Runs the block once; the front end of the engine translates whatever address to it. */
export type RunOnce = (engine: Engine, block: IrBlock) => void;

class PagedGuest {
  readonly engine: Engine;
  readonly #view: DataView;
  #pages: bigint[] = [];
  #block: IrBlock | undefined;

  constructor(target: IrTarget, mode: EngineMode) {
    const frontEnd: FrontEnd = {
      ...target,
      name: 'test',
      ccSlot: 8,
      stackSlots: [4],
      translate: (block) => this.#copyTo(block),
      disassemble: () => ({ text: '', length: 1 }),
    };
    const native: NativeModule = (memory) => ({
      ...createTestHelpers(memory.buffer),
      walk: this.#walkExport(memory, target.va === 'i64'),
    });
    this.engine = createEngine({
      frontEnd,
      native,
      mode,
      backingBytes: BACKING_PAGES * PAGE_SIZE,
      mmioRead: () => 0,
      mmioWrite: () => {},
    });
    this.#view = new DataView(this.engine.memory.memory.buffer);
    this.engine.memory.mapRam(0, BACKING_PAGES * PAGE_SIZE, 0, false);
  }
  /** A wasm function around a JavaScript walk: only such can stand in a table. */
  #walkExport(memory: WebAssembly.Memory, wide: boolean): CallableFunction {
    const m = new ModuleBuilder();
    const va = wide ? I64 : I32;
    const imported = m.import('walk', [va, I32, I32], [I64]);
    const f = m.func([va, I32, I32], [I64], 'walk');
    m.body(f).code.get(0).get(1).get(2).call(imported);
    const table = new WebAssembly.Table({ element: 'anyfunc', initial: 1 });
    const walk = (address: number | bigint, access: number): bigint => this.#walk(address, access);
    const exports = new WebAssembly.Instance(new WebAssembly.Module(m.build()), { env: { memory, table, walk } })
      .exports;
    return exports.walk as CallableFunction;
  }
  /** Translation of every address: the block under test. */
  #copyTo(to: IrBlock): void {
    const from = this.#block as IrBlock;
    while (to.temps < from.temps) to.temp();
    for (let i = 0, p = 0; i < from.n; i++, p += WORDS) {
      const insn = from.ir[p + 7] as number;
      while (to.insns <= insn) to.beginInsn(from.insnOffset[to.insns] as number);
      const w = from.ir.subarray(p, p + WORDS);
      to.emit(w[0]!, w[1]!, w[2]!, w[3]!, w[4]!, w[5]!, w[6]!);
    }
    while (to.insns < from.insns) to.beginInsn(from.insnOffset[to.insns] as number);
    to.bytes = from.bytes;
  }
  #walk(va: number | bigint, access: number): bigint {
    const address = typeof va === 'bigint' ? BigInt.asUintN(64, va) : BigInt(va >>> 0);
    if (access === 2) return BigInt((BACKING_PAGES - 1) * PAGE_SIZE); // code is wherever it is looked for
    const page = this.#pages.indexOf(address & ~0xfffn);
    if (page >= 0) return BigInt(page * PAGE_SIZE + WALK_WRITABLE);
    this.#view.setInt32(C_FAULT, FAULT_EXC, true);
    this.#view.setInt32(C_FAULT_CODE, PAGE_FAULT, true);
    this.#view.setInt32(C_FAULT_ERR, access === 1 ? 2 : 0, true);
    this.#view.setBigUint64(C_FAULT_ADDR, address, true);
    return -1n;
  }

  run(target: IrTarget, block: IrBlock, state: GuestState, once: RunOnce): Outcome {
    const view = this.#view;
    const { engine } = this;
    for (let a = C_FAULT; a < STATE; a += 4) if (a !== 0x158 && a !== 0x130) view.setUint32(a, 0, true);
    for (const [address, value] of state.words) view.setUint32(address, value, true);
    new Uint8Array(view.buffer, STATE, 8 * 256).fill(0xa5);
    state.slots.forEach((value, i) => {
      view.setBigUint64(STATE + 8 * i, value, true);
    });
    this.#pages = [...state.memory.keys()];
    this.#pages.forEach((page, i) => {
      engine.memory.backing.set(state.memory.get(page) as Uint8Array, i * PAGE_SIZE);
    });
    engine.exec.tlb_flush();
    view.setInt32(C_BUDGET, block.insns, true);
    this.#block = block;
    engine.blocks.flush();
    once(engine, block);
    target.slots.forEach((slot, i) => {
      const at = STATE + 8 * i;
      state.slots[i] = slot.ty === 'i32' ? BigInt(view.getUint32(at, true)) : view.getBigUint64(at, true);
    });
    for (const address of state.words.keys()) state.words.set(address, view.getUint32(address, true));
    this.#pages.forEach((page, i) => {
      state.memory.get(page)?.set(new Uint8Array(view.buffer, RAM_BASE + i * PAGE_SIZE, PAGE_SIZE));
    });
    return this.#outcome(target, block);
  }
  #outcome(target: IrTarget, block: IrBlock): Outcome {
    const view = this.#view;
    const insns = block.insns - view.getInt32(C_BUDGET, true);
    const pc = target.va === 'i64' ? view.getBigUint64(C_PC, true) : BigInt(view.getUint32(C_PC, true));
    const reason = view.getInt32(C_EXIT, true);
    // A fetch fault of the place the block went on to is no part of the block.
    if (reason === EXIT_FAULT) {
      const code = view.getInt32(C_FAULT_CODE, true);
      const address = code === PAGE_FAULT ? { address: view.getBigUint64(C_FAULT_ADDR, true) } : {};
      return { kind: 'fault', pc, insns, code, arg: view.getInt32(C_FAULT_ERR, true), ...address };
    }
    if (reason === EXIT_LEAVE) {
      return { kind: 'leave', pc, insns, code: view.getInt32(C_EXIT_ARG, true), arg: view.getInt32(C_LEAVE_ARG, true) };
    }
    return { kind: reason === EXIT_INTR ? 'interrupt' : 'continue', pc, insns };
  }
}

/** An engine for the filetests; guests are made once a target. */
export function createFiletestEngine(name: string, once: RunOnce, mode: EngineMode = 'jit'): FiletestEngine {
  const guests = new Map<IrTarget, PagedGuest>();
  return {
    name,
    run: (target, block, state) => {
      const guest = guests.get(target) ?? new PagedGuest(target, mode);
      guests.set(target, guest);
      return guest.run(target, block, state, once);
    },
  };
}

export const interpreterOnce: RunOnce = (engine, block) => {
  engine.blocks.lowering.lower(block, ARENA, { number: 0, heat: 1000, guarded: false, page: 0, page2: 0 });
  engine.vcpu.enter(ARENA);
};
/** Compiled first (optimised too), then entered from the interpreter as usual. */
export const jitOnce: RunOnce = (engine, block) => {
  const { memory, blocks } = engine;
  const wanted = [memory.get(C_PC), memory.get(C_PC + 4)] as const;
  memory.set(C_PC, block.pcLo);
  memory.set(C_PC + 4, block.pcHi);
  const code = blocks.resolve();
  memory.set(C_PC, wanted[0]);
  memory.set(C_PC + 4, wanted[1]);
  engine.jit?.compile([blocks.at(code)]);
  if (blocks.at(code).region === 0) throw new Error('not compiled');
  engine.vcpu.enter(code);
};
