/** Puts an execution engine together for one target: memory, native modules, interpreter, block cache, vCPU, JIT. */
import { C_WATCH, C_WATCHES, MAX_WATCHES, STATE, WATCH_READS, WATCH_SIZE, WATCH_WRITES } from '../ir/layout.ts';
import type { FrontEnd, TargetNative } from '../isa/front-end.ts';
import { BlockCache } from './blocks.ts';
import { evaluatingEnter, KeepingLowering } from './evaluated.ts';
import { buildInterpreter } from './interp/build.ts';
import { Lowering } from './interp/lower.ts';
import { ZERO_OPERAND } from './interp/writer.ts';
import { JIT_DEFAULTS, Jit, type JitOptions } from './jit/jit.ts';
import { SharedMemory } from './memory.ts';
import {
  type ExecNative,
  FIRST_REGION,
  type Functions,
  type HostCalls,
  instantiateNatives,
  type NativeModule,
} from './native.ts';
import { Vcpu } from './vcpu.ts';

/** 'eval': by the reference evaluator, to compare with. */
export type EngineMode = 'jit' | 'interp' | 'eval';

export interface EngineOptions {
  readonly frontEnd: FrontEnd;
  readonly native: NativeModule;
  /** RAM, ROM and video memory together, bytes (whole pages). */
  readonly backingBytes: number;
  readonly mode?: EngineMode;
  readonly jit?: Partial<JitOptions>;
  /** I/O at guest-physical addresses that are not RAM. */
  mmioRead(gpa: number, size: number): number;
  mmioWrite(gpa: number, size: number, value: number): void;
}

/** What a debugger watches. Both ends belong to the range. */
export interface Watch {
  readonly first: number;
  readonly last: number;
  readonly reads: boolean;
  readonly writes: boolean;
}

function writeWatches({ memory }: SharedMemory, watches: readonly Watch[]): void {
  if (watches.length > MAX_WATCHES) throw new Error(`BUG: ${watches.length} watched ranges`);
  const view = new DataView(memory.buffer);
  for (const [i, { first, last, reads, writes }] of watches.entries()) {
    const at = C_WATCH + i * WATCH_SIZE;
    view.setBigUint64(at, BigInt(first), true);
    view.setBigUint64(at + 8, BigInt(last), true);
    view.setUint32(at + 16, (reads ? WATCH_READS : 0) | (writes ? WATCH_WRITES : 0), true);
  }
  view.setUint32(C_WATCHES, watches.length, true);
}

export interface Engine {
  readonly memory: SharedMemory;
  readonly native: TargetNative;
  readonly exec: ExecNative;
  readonly blocks: BlockCache;
  readonly vcpu: Vcpu;
  /** Absent in the modes 'interp' and 'eval'. */
  readonly jit: Jit | undefined;
  /** Where a debugger wants to stop before an instruction: see BlockCache. */
  setBreakpoints(pcs: readonly number[]): void;
  /** Ranges of virtual addresses whose accesses stop the processor after the instruction; at most MAX_WATCHES. */
  setWatches(watches: readonly Watch[]): void;
  /** A device wrote backing store [offset, offset + size). */
  ramWritten(offset: number, size: number): void;
}

export function createEngine(o: EngineOptions): Engine {
  const memory = new SharedMemory(o.backingBytes);
  const table = new WebAssembly.Table({ element: 'anyfunc', initial: FIRST_REGION + 1024 });
  let blocks: BlockCache | undefined;
  const host: HostCalls = {
    mmioRead: (pa, size) => o.mmioRead(pa, size),
    mmioWrite: (pa, size, value) => o.mmioWrite(pa, size, value >>> 0),
    codeWritten: (at, size) => blocks?.written(at >>> 0, size),
  };
  const natives = instantiateNatives(memory.memory, table, o.frontEnd, o.native, host);
  const interpreter = buildInterpreter(o.frontEnd);
  const instance = new WebAssembly.Instance(new WebAssembly.Module(interpreter.bytes), { env: natives.env as never });
  const keeping = o.mode === 'eval' ? new KeepingLowering(memory.u16, o.frontEnd, interpreter.handlers) : undefined;
  const lowering = keeping ?? new Lowering(memory.u16, o.frontEnd, interpreter.handlers);
  blocks = new BlockCache(memory, natives.exec, o.frontEnd, lowering);
  memory.i32.fill(0, (STATE + 8 * ZERO_OPERAND) >> 2, (STATE + 8 * (ZERO_OPERAND + 1)) >> 2);
  blocks.flush();
  natives.exec.tlb_flush();
  const enter = keeping
    ? evaluatingEnter(memory, o.frontEnd, natives.env as Functions, keeping)
    : (instance.exports.run as (code: number) => void);
  const vcpu = new Vcpu(memory, blocks, natives.target, enter);
  const cache = blocks;
  const jit =
    o.mode === 'interp' || o.mode === 'eval'
      ? undefined
      : new Jit(memory, blocks, o.frontEnd, natives.env, table, { ...JIT_DEFAULTS, ...o.jit });
  if (jit) vcpu.hotBlocks = jit;
  return {
    memory,
    native: natives.target,
    exec: natives.exec,
    blocks,
    vcpu,
    jit,
    setBreakpoints: (pcs) => cache.setBreakpoints(pcs),
    setWatches(watches) {
      writeWatches(memory, watches);
      natives.exec.tlb_flush();
    },
    ramWritten: (offset, size) => cache.ramWritten(offset, size),
  };
}
