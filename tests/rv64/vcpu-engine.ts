/** Interpreter and JIT as engines of the RV64 programs: an execution engine of src/cpu/exec with an identity-like walk. */
import { createEngine, type Engine, type EngineMode } from '../../src/cpu/exec/engine.ts';
import type { NativeModule } from '../../src/cpu/exec/native.ts';
import {
  C_EXIT_ARG,
  C_FAULT,
  C_FAULT_ADDR,
  C_FAULT_CODE,
  C_PC,
  FAULT_EXC,
  STATE,
  WALK_WRITABLE,
} from '../../src/cpu/ir/layout.ts';
import type { FrontEnd, TargetCpu } from '../../src/cpu/isa/front-end.ts';
import { ModuleBuilder } from '../../src/cpu/wasm/module.ts';
import { I32, I64 } from '../../src/cpu/wasm/opcodes.ts';
import { type Image, PAGE_SIZE, type Rv64Engine, type Stop } from './engine.ts';

/** The exception of an access that is mapped nowhere: what the evaluator's environment raises. */
const PAGE_FAULT = 14;
const FETCH = 2;
const MAX_PAGES = 256;

/** One engine with the pages of whatever image is loaded; translations go when the pages do. */
class PagedMachine {
  readonly engine: Engine;
  readonly #view: DataView;
  #pages: bigint[] = [];
  #stop: Stop['kind'] = 'budget';
  #code = 0;

  constructor(frontEnd: FrontEnd, mode: EngineMode) {
    const native: NativeModule = (memory) => ({
      walk: this.#walkExport(memory),
      reset: () => {},
      deliver_exception: () => this.#end(this.#isFetch ? 'fetch' : 'fault', this.#view.getInt32(C_FAULT_CODE, true)),
      deliver_interrupt: () => {},
    });
    this.engine = createEngine({
      frontEnd,
      native,
      backingBytes: MAX_PAGES * PAGE_SIZE,
      mode,
      jit: { heat: 2 },
      mmioRead: () => 0,
      mmioWrite: () => {},
    });
    this.#view = new DataView(this.engine.memory.memory.buffer);
    this.engine.memory.mapRam(0, MAX_PAGES * PAGE_SIZE, 0, false);
    const cpu: TargetCpu = {
      clockLine: () => ({ baseNs: 0, baseCount: 0, rate: 0 }),
      leave: (code) => {
        this.#end('leave', code);
        return 'continue';
      },
      interrupt: () => {},
      isHalted: false,
      isShutdown: false,
      pcText: '',
    };
    this.engine.vcpu.cpu = cpu;
  }

  #isFetch = false;
  #end(kind: Stop['kind'], code: number): void {
    this.#stop = kind;
    this.#code = kind === 'fetch' ? 0 : code;
    this.#view.setInt32(C_FAULT, 0, true);
    this.engine.vcpu.stop();
  }
  /** A wasm function around a JavaScript walk: only such can stand in a table. */
  #walkExport(memory: WebAssembly.Memory): CallableFunction {
    const m = new ModuleBuilder();
    const imported = m.import('walk', [I64, I32, I32], [I64]);
    const f = m.func([I64, I32, I32], [I64], 'walk');
    m.body(f).code.get(0).get(1).get(2).call(imported);
    const table = new WebAssembly.Table({ element: 'anyfunc', initial: 1 });
    const walk = (address: bigint, access: number): bigint => this.#walk(address, access);
    const module = new WebAssembly.Module(m.build());
    const { exports } = new WebAssembly.Instance(module, { env: { memory, table, walk } });
    return exports.walk as CallableFunction;
  }
  #walk(va: bigint, access: number): bigint {
    const address = BigInt.asUintN(64, va);
    const page = this.#pages.indexOf(address & ~BigInt(PAGE_SIZE - 1));
    if (page >= 0) return BigInt(page * PAGE_SIZE + WALK_WRITABLE);
    this.#isFetch = access === FETCH;
    this.#view.setInt32(C_FAULT, FAULT_EXC, true);
    this.#view.setInt32(C_FAULT_CODE, PAGE_FAULT, true);
    this.#view.setBigUint64(C_FAULT_ADDR, address, true);
    return -1n;
  }

  run(image: Image, maxInsns: number): Stop {
    const { engine } = this;
    const view = this.#view;
    const pages = [...image.memory.keys()];
    if (pages.some((page, i) => page !== this.#pages[i]) || pages.length !== this.#pages.length) {
      this.#pages = pages;
      engine.exec.tlb_flush();
    }
    pages.forEach((page, i) => {
      const bytes = image.memory.get(page) as Uint8Array;
      const at = engine.memory.backing.subarray(i * PAGE_SIZE, (i + 1) * PAGE_SIZE);
      if (Buffer.compare(at, bytes) === 0) return;
      at.set(bytes);
      engine.ramWritten(i * PAGE_SIZE, PAGE_SIZE);
    });
    image.x.forEach((value, i) => {
      view.setBigUint64(STATE + 8 * i, value, true);
    });
    view.setBigUint64(C_PC, image.pc, true);
    view.setInt32(C_FAULT, 0, true);
    view.setInt32(C_EXIT_ARG, 0, true);
    this.#stop = 'budget';
    this.#code = 0;
    this.#isFetch = false;
    const before = engine.vcpu.executed;
    engine.vcpu.run(maxInsns);
    const insns = engine.vcpu.executed - before;
    for (let i = 0; i < 32; i++) image.x[i] = view.getBigUint64(STATE + 8 * i, true);
    image.pc = view.getBigUint64(C_PC, true);
    pages.forEach((page, i) => {
      image.memory.get(page)?.set(engine.memory.backing.subarray(i * PAGE_SIZE, (i + 1) * PAGE_SIZE));
    });
    return { kind: this.#stop, code: this.#code, insns };
  }
}

/** An engine for the programs; its machine is made when it first runs. */
export function createVcpuEngine(mode: EngineMode): Rv64Engine {
  let machine: PagedMachine | undefined;
  return {
    name: mode === 'jit' ? 'JIT' : 'interpreter',
    run(frontEnd, image, maxInsns) {
      machine ??= new PagedMachine(frontEnd, mode);
      return machine.run(image, maxInsns);
    },
  };
}
