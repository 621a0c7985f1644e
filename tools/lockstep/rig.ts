/** One engine on a bench: it runs single blocks or instructions from the state of another processor, without devices. */
import type { Block } from '../../src/cpu/exec/blocks.ts';
import { bytecodePrinter } from '../../src/cpu/exec/interp/disassemble.ts';
import { IrBlock, MAX_INSNS } from '../../src/cpu/ir/block.ts';
import * as layout from '../../src/cpu/ir/layout.ts';
import { optimise } from '../../src/cpu/ir/passes/optimise.ts';
import { printBlock } from '../../src/cpu/ir/print.ts';
import { CPU_MODELS } from '../../src/cpu/isa/x86/cpuid.ts';
import { disassembleModule } from '../../src/cpu/wasm/disassemble.ts';
import { createLogger } from '../../src/vm/logging.ts';
import { X86Processor } from '../../src/vm/x86/processor.ts';
import type { EngineChoice } from './machine.ts';
import { differingChunks } from './state.ts';

/** Never hot by itself: what is to be compiled is compiled on request. */
const COLD = 1 << 30;

const CONTROL_WORDS = new Map<number, string>(
  Object.entries(layout).flatMap(([name, at]) => (name.startsWith('C_') ? [[at, name] as const] : [])),
);

/** A block (or instruction) as one engine sees it. */
export interface Listing {
  readonly guest: string;
  readonly ir: string;
  /** Stages that the engine has. */
  readonly optimised?: string;
  readonly bytecode?: string;
  readonly wasm?: string;
}

export class Rig {
  readonly engine: EngineChoice;
  readonly processor: X86Processor;
  /** A device was asked for: what the run led to means nothing. */
  touchedDevices = false;
  /** The exception that the last run ended with. */
  failure: string | undefined;
  /** Instructions a block may have. Takes effect with the next `load`. */
  maxInsns = MAX_INSNS;
  #module: Uint8Array | undefined;

  constructor(engine: EngineChoice, backingBytes: number) {
    this.engine = engine;
    const touch = (): number => {
      this.touchedDevices = true;
      return 0;
    };
    this.processor = new X86Processor({
      model: CPU_MODELS[0] as (typeof CPU_MODELS)[number],
      backingBytes,
      mode: engine.mode,
      codeBytes: undefined,
      tuning: {
        heat: COLD,
        frontEnd: (own) => {
          const { translate, ...rest } = engine.tuning?.frontEnd?.(own) ?? own;
          return {
            ...rest,
            translate: (block, fetch, maxInsns) => translate(block, fetch, Math.min(maxInsns, this.maxInsns)),
          };
        },
      },
      profile: { translationNs: 0, devicesNs: 0 },
      logger: createLogger([], undefined),
      nowNs: () => 0,
      env: {
        ioRead: touch,
        ioWrite: touch,
        acknowledgeInterrupt: touch,
        clockLine: () => ({ baseNs: 0, baseCount: 0, rate: 1024 }),
      },
      mmioRead: touch,
      mmioWrite: touch,
    });
    const { jit } = this.processor.engine;
    if (jit !== undefined) jit.onCompile = (module) => void (this.#module = module);
  }

  /** Takes over registers, RAM and memory map; interrupts stay out. */
  load(from: X86Processor): void {
    const { memory, blocks, exec, vcpu } = this.processor.engine;
    const source = from.engine.memory;
    memory.u8.set(source.u8.subarray(layout.C_FAULT, layout.CPU_FIELDS_END), layout.C_FAULT);
    const map = [layout.PMAP, layout.PMAP + 4 * source.get(layout.C_PMAP_PAGES)] as const;
    memory.u8.set(source.u8.subarray(...map), layout.PMAP);
    differingChunks(memory.backing, source.backing, (start, end) => {
      memory.backing.set(source.backing.subarray(start, end), start);
    });
    for (const word of [layout.C_FAULT, layout.C_STEPPING, layout.C_INTR_REQUEST]) memory.set(word, 0);
    blocks.flush();
    exec.tlb_flush();
    vcpu.executed = from.executed;
    this.touchedDevices = false;
  }

  /** The block at the program counter, translated; undefined if it can't be fetched. */
  block(): Block | undefined {
    const { memory, blocks } = this.processor.engine;
    const code = blocks.resolve();
    memory.set(layout.C_FAULT, 0);
    return code === 0 ? undefined : blocks.at(code);
  }

  /** Runs so many instructions; by compiled code, if the engine compiles and they are a block. */
  run(insns: number): void {
    this.failure = undefined;
    try {
      this.#compile();
      this.processor.run(insns);
    } catch (error) {
      this.failure = error instanceof Error ? (error.stack ?? error.message) : String(error);
    }
  }
  #compile(): void {
    const block = this.block();
    this.#module = undefined;
    if (block !== undefined && !block.guarded) this.processor.engine.jit?.compile([block]);
  }

  /** The block at the program counter, in all the forms it takes. */
  list(): Listing {
    try {
      return this.#list();
    } catch (error) {
      return { guest: '(not translated)\n', ir: `${error}\n` };
    }
  }
  #list(): Listing {
    const { frontEnd, engine } = this.processor;
    const { memory, blocks, jit } = engine;
    const block = this.block();
    if (block === undefined) return { guest: '(it cannot be fetched)\n', ir: '' };
    const ir = new IrBlock();
    blocks.retranslate(ir, block);
    const lines: string[] = [];
    for (let insn = 0; insn < ir.insns; insn++) {
      const at = (ir.pcLo + (ir.insnOffset[insn] as number)) >>> 0;
      const { text, length } = frontEnd.disassemble(at, 0, ir.mode, blocks.fetch);
      const bytes = Array.from({ length }, (_, i) =>
        blocks
          .fetch((at + i) >>> 0, 0)
          .toString(16)
          .padStart(2, '0'),
      );
      lines.push(`0x${at.toString(16).padStart(8, '0')}:  ${bytes.join(' ').padEnd(24)} ${text}`);
    }
    memory.set(layout.C_FAULT, 0);
    const before = printBlock(frontEnd, ir);
    const common = { guest: `${lines.join('\n')}\n`, ir: before };
    if (this.engine.mode === 'eval') return common;
    const bytecode = bytecodePrinter(frontEnd)(memory.u16, block.code);
    if (jit === undefined) return { ...common, bytecode };
    optimise(ir, frontEnd);
    this.#compile();
    const address = (at: number): string | undefined => {
      const slot = at >= layout.STATE ? frontEnd.slots[(at - layout.STATE) / 8] : undefined;
      return slot?.name ?? CONTROL_WORDS.get(at);
    };
    const wasm =
      this.#module === undefined ? '(not compiled)\n' : disassembleModule(this.#module, { address, only: ['region'] });
    return { ...common, optimised: printBlock(frontEnd, ir), bytecode, wasm };
  }
}
