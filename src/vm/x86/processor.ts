/** The i386 processor of a machine: engine, front end and native parts put together, as run loop and monitor see it. */
import type { CpuView } from '../../control/vm-control.ts';
import { createEngine, type Engine, type EngineMode } from '../../cpu/exec/engine.ts';
import { wasmNative } from '../../cpu/exec/native.ts';
import { C_INTR_ENABLED, C_INTR_REQUEST, C_N_T2, C_PC, C_TAG } from '../../cpu/ir/layout.ts';
import type { CpuEnvironment, FrontEnd, StateField } from '../../cpu/isa/front-end.ts';
import { CC_EFLAGS } from '../../cpu/isa/x86/cc.ts';
import { X86Cpu, type X86Native } from '../../cpu/isa/x86/cpu.ts';
import { basicLeaves, type CpuModel, installModel } from '../../cpu/isa/x86/cpuid.ts';
import { createX86FrontEnd } from '../../cpu/isa/x86/front-end.ts';
import { ARITHMETIC, IF } from '../../cpu/isa/x86/layout.ts';
import { wasmBytes } from '../../cpu/isa/x86/native.gen.ts';
import { readField, STATE_FIELDS, writeField } from '../../cpu/isa/x86/state.ts';
import type { BootState } from '../../hw/machines/loaders/direct-boot.ts';
import { type HostProfile, timed } from '../host-profile.ts';
import type { Logger } from '../logging.ts';
import type { LoopCpu, SliceEnd } from '../run-loop.ts';
import { applyBootState } from './boot-state.ts';
import {
  dumpFpuRegisters,
  dumpIntegerRegisters,
  fpuRegisterByName,
  instructionPointer,
  registerAddress,
  registerByName,
  type X86State,
} from './register-dump.ts';
import { traceCompilation, traceExecution, traceInterrupts, tracesExecution, traceTranslation } from './trace.ts';
import { traceMmu } from './trace-mmu.ts';

const MODE_BITS = 0xfffff;
const PAGE = 4096;
/** What a probe of an address gives where nothing is mapped. */
const NOT_MAPPED = 0xffff_ffff_ffff_ffffn;
/** Lazy flags: any of these may differ between two engines that hold the same EFLAGS. */
export const LAZY_FIELDS: ReadonlySet<string> = new Set(['cc_op', 'cc_dst', 'cc_src', 'df', 'eflags']);

/** What tests and tools change about an engine. */
export interface EngineTuning {
  /** Executions of a block until it is compiled. */
  readonly heat?: number;
  /** Stands between the front end and the engine. */
  readonly frontEnd?: (own: FrontEnd) => FrontEnd;
}

export interface X86ProcessorOptions {
  readonly model: CpuModel;
  readonly backingBytes: number;
  readonly mode: EngineMode;
  readonly tuning?: EngineTuning | undefined;
  readonly codeBytes: number | undefined;
  readonly env: CpuEnvironment;
  mmioRead(gpa: number, size: number): number;
  mmioWrite(gpa: number, size: number, value: number): void;
  readonly profile: HostProfile;
  readonly logger: Logger;
  nowNs(): number;
}

/** Reads RAM and ROM by guest-physical address, without side effects; false if anything else is there. */
export type ReadPhysical = (address: number, into: Uint8Array) => boolean;

/** The native part also translates addresses for the debugger. */
interface DebugNative extends X86Native {
  probe(va: number): bigint;
}

export class X86Processor implements LoopCpu {
  readonly engine: Engine;
  readonly frontEnd: FrontEnd;
  private readonly native: DebugNative;
  private readonly cpu: X86Cpu;
  private readonly memory: DataView;
  private readonly state: X86State;
  private readonly logger: Logger;
  /** Each block is a slice of its own, for `-d exec` and `-d cpu`. */
  private readonly traces: boolean;
  /** While they are: the count at which the whole has to end, if a device said so. */
  private end = Number.POSITIVE_INFINITY;

  constructor(options: X86ProcessorOptions) {
    const { profile, logger, nowNs, tuning } = options;
    this.logger = logger;
    this.traces = tracesExecution(logger);
    const ofModel = createX86FrontEnd(basicLeaves(options.model)[1]?.[3]);
    const frontEnd = tuning?.frontEnd?.(ofModel) ?? ofModel;
    this.state = {
      read32: (address) => this.memory.getInt32(address, true),
      eflags: () => this.native.get_eflags(),
    };
    const native = wasmNative(wasmBytes());
    this.frontEnd = { ...frontEnd, translate: timed(profile, 'translationNs', nowNs, frontEnd.translate) };
    this.engine = createEngine({
      frontEnd: this.frontEnd,
      native: traceMmu((memory, exec) => traceInterrupts(native(memory, exec), this.state, logger), this.state, logger),
      backingBytes: options.backingBytes,
      mode: options.mode,
      jit: {
        ...(options.codeBytes !== undefined && { maxBytes: options.codeBytes }),
        ...(tuning?.heat !== undefined && { heat: tuning.heat }),
      },
      mmioRead: options.mmioRead,
      mmioWrite: options.mmioWrite,
    });
    traceTranslation(this.engine, frontEnd, logger);
    traceCompilation(this.engine, logger);
    traceExecution(this.engine, this.state, logger);
    const { memory, vcpu, exec } = this.engine;
    const { hotBlocks } = vcpu;
    if (hotBlocks !== undefined) {
      vcpu.hotBlocks = {
        hot: timed(profile, 'translationNs', nowNs, (code, executed) => hotBlocks.hot(code, executed)),
        settle: timed(profile, 'translationNs', nowNs, (executed) => hotBlocks.settle(executed)),
      };
    }
    this.native = this.engine.native as DebugNative;
    this.memory = new DataView(memory.memory.buffer);
    this.cpu = new X86Cpu(memory.i32, this.native, exec as never, options.env);
    vcpu.cpu = this.cpu;
    installModel(this.memory, options.model);
  }

  run(budget: number, effort?: number): SliceEnd {
    const { vcpu } = this.engine;
    if (!this.traces) return vcpu.run(budget, effort);
    let end: SliceEnd = 'budget';
    for (let goal = vcpu.executed + budget; end === 'budget' && vcpu.executed < goal; ) {
      this.end = Number.POSITIVE_INFINITY;
      end = vcpu.run(goal - vcpu.executed);
      goal = Math.min(goal, this.end);
    }
    return end;
  }
  get executed(): number {
    return this.engine.vcpu.executed;
  }
  /** Instructions that ran in JIT code since power-on. */
  get compiledInstructions(): number {
    return Number(this.memory.getBigInt64(C_N_T2, true));
  }
  shorten(budgetLeft: number): void {
    if (this.traces) this.end = Math.min(this.end, this.executed + budgetLeft);
    this.engine.vcpu.shorten(this.traces ? 0 : budgetLeft);
  }
  stop(): void {
    this.engine.vcpu.stop();
  }
  get halted(): boolean {
    return this.cpu.isHalted;
  }
  get interruptDue(): boolean {
    const { memory } = this.engine;
    return memory.get(C_INTR_REQUEST) !== 0 && memory.get(C_INTR_ENABLED) !== 0;
  }
  get takesInterrupts(): boolean {
    return (this.native.get_eflags() & IF) !== 0;
  }
  /** EIP, for messages. */
  get pcText(): string {
    return this.cpu.pcText;
  }

  /** Power-on, or the reset line. */
  reset(boot: BootState | undefined): void {
    if (this.logger.isOn('cpu_reset')) this.logger.write('cpu_reset', `CPU Reset (CPU 0)\n${this.dumpRegisters()}`);
    this.native.reset();
    if (boot !== undefined) applyBootState(this.memory, this.native, boot);
  }
  setA20(open: boolean): void {
    this.native.set_a20(open ? 1 : 0);
  }

  raiseNmi(): void {
    this.native.raise_nmi();
  }
  /** IGNNE# is active while a numeric error is pending. */
  ignoreNumericErrors(): void {
    this.native.ferr_ignored();
  }

  dumpRegisters(): string {
    return dumpIntegerRegisters(this.state) + dumpFpuRegisters(this.state);
  }

  /** The processor as monitor and debugger see it. `changed` hears that they changed it, or memory. */
  view(readPhysical: ReadPhysical, changed: () => void): CpuView {
    const readVirtual = (address: number, into: Uint8Array): boolean => {
      for (let done = 0; done < into.length; ) {
        const at = (address + done) >>> 0;
        const length = Math.min(into.length - done, PAGE - (at % PAGE));
        const page = BigInt.asUintN(64, this.native.probe(at));
        if (page === NOT_MAPPED) return false;
        const physical = Number(page & ~0xfffn) + (at % PAGE);
        if (!readPhysical(physical, into.subarray(done, done + length))) return false;
        done += length;
      }
      return true;
    };
    const byte = new Uint8Array(1);
    return {
      index: 0,
      addressDigits: 8,
      dumpRegisters: () => this.dumpRegisters(),
      register: (name) => {
        const value = registerByName(this.state, name);
        return value === undefined ? fpuRegisterByName(this.state, name) : BigInt(value);
      },
      readVirtual: (address, into) => readVirtual(Number(BigInt.asUintN(32, address)), into),
      writeRegister: (name, value) => {
        const isDone = this.writeRegister(name, Number(BigInt.asUintN(32, value)));
        if (isDone) changed();
        return isDone;
      },
      writeVirtual: (address, bytes) => {
        const isDone = this.writeVirtual(Number(BigInt.asUintN(32, address)), bytes);
        if (isDone) changed();
        return isDone;
      },
      disassemble: (address, physical) => {
        const read = physical ? readPhysical : readVirtual;
        const start = Number(BigInt.asUintN(32, address));
        const fetch = (pc: number): number => (read(pc >>> 0, byte) ? (byte[0] ?? -1) : -1);
        if (fetch(start) < 0) return undefined;
        const mode = this.engine.memory.get(C_TAG) & MODE_BITS;
        const { text, length } = this.frontEnd.disassemble(start, 0, mode, fetch);
        const bytes = new Uint8Array(length);
        return read(start, bytes) ? { text, bytes } : undefined;
      },
    };
  }

  /** For a debugger: general registers, EIP and EFLAGS. */
  private writeRegister(name: string, value: number): boolean {
    if (name === 'eflags') {
      this.native.set_eflags(value);
      return true;
    }
    const address = name === 'eip' ? C_PC : registerAddress(name);
    if (address === undefined) return false;
    this.engine.memory.set(address, name === 'eip' ? this.pc - instructionPointer(this.state) + value : value);
    return true;
  }

  /** For a debugger: all of it or nothing; ROM can be patched, too. */
  private writeVirtual(address: number, bytes: Uint8Array): boolean {
    const { memory, ramWritten } = this.engine;
    const pieces: { readonly offset: number; readonly bytes: Uint8Array }[] = [];
    for (let done = 0; done < bytes.length; ) {
      const at = (address + done) >>> 0;
      const length = Math.min(bytes.length - done, PAGE - (at % PAGE));
      const page = BigInt.asUintN(64, this.native.probe(at));
      const offset = page === NOT_MAPPED ? -1 : memory.backingOffset(Number(page & ~0xfffn));
      if (offset < 0) return false;
      pieces.push({ offset: offset + (at % PAGE), bytes: bytes.subarray(done, done + length) });
      done += length;
    }
    for (const piece of pieces) {
      memory.backing.set(piece.bytes, piece.offset);
      ramWritten(piece.offset, piece.bytes.length);
    }
    return true;
  }

  /** A copy of the declared state, field by field; the arithmetic flags are evaluated, so that all engines give the same. */
  savedState(): { readonly field: StateField; readonly value: number | bigint }[] {
    const flags: Readonly<Record<string, number>> = {
      cc_op: CC_EFLAGS,
      cc_dst: 0,
      cc_src: this.native.get_eflags() & ARITHMETIC,
    };
    return STATE_FIELDS.map((field) => ({ field, value: flags[field.name] ?? readField(this.memory, field) }));
  }

  /** Takes a saved state, in the order of `savedState`. RAM may have changed: nothing translated is kept. */
  restoreState(values: readonly (number | bigint)[]): void {
    const { engine } = this;
    for (const [i, field] of STATE_FIELDS.entries()) writeField(this.memory, field, values[i] ?? 0);
    engine.blocks.flush();
    engine.exec.tlb_flush();
    this.native.update_mode();
  }

  /** The architectural state as bytes: equal for any two engines that agree. */
  hashedState(): Uint8Array {
    const fields = STATE_FIELDS.filter(({ name }) => !LAZY_FIELDS.has(name));
    const bytes = new Uint8Array((fields.length + 1) * 8);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, this.native.get_eflags() >>> 0, true);
    for (const [i, field] of fields.entries()) {
      view.setBigUint64((i + 1) * 8, BigInt(readField(this.memory, field)), true);
    }
    return bytes;
  }

  /** Linear address of the next instruction. */
  get pc(): number {
    return this.engine.memory.get(C_PC) >>> 0;
  }
}
