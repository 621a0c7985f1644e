/** The x86 processor's part outside wasm: port I/O, HLT, interrupts from the 8259A. */
import { C_BUDGET, C_FAULT, C_PC, C_STEPPING, C_TAG, FAULT_EXC } from '../../ir/layout.ts';
import type { AfterLeave, CpuEnvironment, TargetCpu, TargetNative } from '../front-end.ts';
import { FERR_RAISED, FPU_FERR } from './fpu-layout.ts';
import {
  BASES,
  CR4_DE,
  CS_BASE,
  DF,
  EAX,
  ECX,
  EDI,
  EDX,
  ES,
  ESI,
  F_BREAKPOINT_HITS,
  F_CR4,
  F_DR,
  F_DR7,
  F_HALTED,
  F_SHUTDOWN,
  V_NMI,
} from './layout.ts';
import {
  LEAVE_HLT,
  LEAVE_IN,
  LEAVE_INS,
  LEAVE_OUT,
  LEAVE_OUTS,
  LEAVE_RDMSR,
  LEAVE_WRMSR,
  PORT_IN_DX,
  PORT_SHIFT,
  STRING_ADDR32,
  STRING_LENGTH_SHIFT,
  STRING_REP,
  STRING_SEGMENT_SHIFT,
} from './leave.ts';
import { M_ALIGN, M_INHIBIT, M_TF } from './mode.ts';

/** Exports of the native module that this part calls. */
export interface X86Native extends TargetNative {
  rdmsr(): void;
  wrmsr(): void;
  end_shadow(): void;
  single_step(): void;
  breakpoint_trap(): number;
  update_mode(): void;
  get_eflags(): number;
  set_eflags(value: number): void;
  set_a20(open: number): void;
  ferr_ignored(): void;
  raise_nmi(): void;
  take_nmi(): number;
  align_check(va: number, size: number): void;
  seg_check(segment: number, offset: number, sizeAndAccess: number): void;
}
/** Guest memory through the soft MMU; C_FAULT is set on a fault. */
export interface VirtualMemory {
  ld(va: number, size: number): number;
  st(va: number, value: number, size: number): void;
  /** Address in this memory of a byte that can be accessed so, or 0 with C_FAULT set. */
  xlat(va: number, store: 0 | 1): number;
}

const SEG_WRITE = 0x10000;
/** DR7's L0 to G3. */
const ENABLES = 0xff;
const IO_BREAKPOINT = 2;
const PAGE_MASK = ~0xfff;
/** Elements a REP INS or OUTS moves before it lets interrupts in. */
const CHUNK = 4096;

export class X86Cpu implements TargetCpu {
  readonly #words: Int32Array;
  readonly #native: X86Native;
  readonly #memory: VirtualMemory;
  readonly #env: CpuEnvironment;

  /** `words`: the shared memory. */
  constructor(words: Int32Array, native: X86Native, memory: VirtualMemory, env: CpuEnvironment) {
    this.#words = words;
    this.#native = native;
    this.#memory = memory;
    this.#env = env;
  }
  #get(address: number): number {
    return this.#words[address >> 2] as number;
  }
  #set(address: number, value: number): void {
    this.#words[address >> 2] = value;
  }

  clockLine(): ReturnType<CpuEnvironment['clockLine']> {
    return this.#env.clockLine();
  }
  get isShutdown(): boolean {
    return this.#get(F_SHUTDOWN) !== 0;
  }
  get isHalted(): boolean {
    return this.#get(F_HALTED) !== 0;
  }
  get pcText(): string {
    return ((this.#get(C_PC) - this.#get(CS_BASE)) >>> 0).toString(16).padStart(8, '0');
  }

  interrupt(): void {
    const vector = this.#native.take_nmi() !== 0 ? V_NMI : this.#env.acknowledgeInterrupt();
    this.#native.deliver_interrupt(vector);
  }

  leave(code: number, arg: number): AfterLeave {
    switch (code) {
      case LEAVE_IN:
        this.#setAccumulator(arg & 7, this.#env.ioRead(this.#port(arg), arg & 7));
        this.#watchPorts(this.#port(arg), arg & 7);
        break;
      case LEAVE_OUT:
        this.#env.ioWrite(this.#port(arg), arg & 7, this.#accumulator(arg & 7));
        this.#watchPorts(this.#port(arg), arg & 7);
        break;
      case LEAVE_INS:
      case LEAVE_OUTS:
        this.#string(code === LEAVE_INS, arg);
        break;
      case LEAVE_HLT:
        this.#completed();
        if (this.#get(C_FAULT) === 0) this.#set(F_HALTED, 1);
        return 'halt';
      case LEAVE_RDMSR:
      case LEAVE_WRMSR:
        this.#msr(code === LEAVE_WRMSR, arg);
        break;
      default:
        throw new Error(`BUG: translated code left with code ${code}`);
    }
    if (this.#get(C_FAULT) === 0) this.#completed();
    return 'continue';
  }

  /** The instruction is through: its shadow ends, a trap flag strikes. */
  #completed(): void {
    const mode = this.#get(C_TAG);
    if (mode & M_INHIBIT) this.#native.end_shadow();
    if (mode & M_TF) this.#native.single_step();
    else this.#native.breakpoint_trap();
  }
  exceptionDelivered(): void {
    if (this.#get(FPU_FERR) === FERR_RAISED) this.#env.numericError?.();
  }
  stepped(): boolean {
    return this.#native.breakpoint_trap() !== 0;
  }
  /** I/O breakpoints: DR7's R/W fields of 2 while CR4.DE is set (SDM volume 3, 17.2.4). */
  #watchPorts(port: number, size: number): void {
    const dr7 = this.#get(F_DR7);
    if (!(dr7 & ENABLES) || !(this.#get(F_CR4) & CR4_DE)) return;
    for (let i = 0; i < 4; i++) {
      if (!((dr7 >> (2 * i)) & 3) || ((dr7 >> (16 + 4 * i)) & 3) !== IO_BREAKPOINT) continue;
      const last = (dr7 >> (18 + 4 * i)) & 3;
      const first = this.#get(F_DR + 4 * i) & ~last;
      const hit = port <= first + last && first < port + size;
      if (hit) this.#set(F_BREAKPOINT_HITS, this.#get(F_BREAKPOINT_HITS) | (1 << i));
    }
  }
  /** The instruction of `length` bytes did not happen: back to it, uncounted. */
  #undo(length: number): void {
    this.#set(C_PC, this.#get(C_PC) - length);
    this.#set(C_BUDGET, this.#get(C_BUDGET) + 1);
  }
  #port(arg: number): number {
    return arg & PORT_IN_DX ? this.#get(EDX) & 0xffff : arg >>> PORT_SHIFT;
  }
  #accumulator(size: number): number {
    const eax = this.#get(EAX);
    return size === 4 ? eax >>> 0 : size === 2 ? eax & 0xffff : eax & 0xff;
  }
  #setAccumulator(size: number, value: number): void {
    const eax = this.#get(EAX);
    if (size === 4) this.#set(EAX, value);
    else if (size === 2) this.#set(EAX, (eax & ~0xffff) | (value & 0xffff));
    else this.#set(EAX, (eax & ~0xff) | (value & 0xff));
  }

  #string(isInput: boolean, arg: number): void {
    const size = arg & 7;
    const mask = arg & STRING_ADDR32 ? -1 : 0xffff;
    const repeats = (arg & STRING_REP) !== 0;
    const segment = isInput ? ES : (arg >> STRING_SEGMENT_SHIFT) & 0xf;
    const length = arg >>> STRING_LENGTH_SHIFT;
    const pointer = isInput ? EDI : ESI;
    const base = this.#get(BASES + 8 * segment);
    const step = size * this.#get(DF);
    const port = this.#get(EDX) & 0xffff;
    // Stores may go into code or I/O: the count is exact here.
    this.#set(C_STEPPING, 1);
    // A set trap flag strikes after each element, and breakpoints may.
    const most = this.#get(C_TAG) & M_TF || this.#get(F_DR7) & ENABLES ? 1 : CHUNK;
    let left = repeats ? this.#get(ECX) & mask : 1;
    for (let n = 0; left !== 0 && n < most; n++) {
      const offset = this.#get(pointer) & mask;
      if (!this.#transfer(isInput, segment, offset, (base + offset) | 0, port, size)) {
        this.#set(C_STEPPING, 0);
        return this.#undo(length);
      }
      this.#set(pointer, (this.#get(pointer) & ~mask) | ((offset + step) & mask));
      if (!repeats) break;
      left = (left - 1) & mask;
      this.#set(ECX, (this.#get(ECX) & ~mask) | left);
    }
    this.#set(C_STEPPING, 0);
    if (repeats && left !== 0) this.#set(C_PC, this.#get(C_PC) - length);
  }
  /** One element; false with C_FAULT set. The port is not touched when memory does not take part. */
  #transfer(isInput: boolean, segment: number, offset: number, va: number, port: number, size: number): boolean {
    this.#native.seg_check(segment, offset, isInput ? size | SEG_WRITE : size);
    if (this.#get(C_FAULT) === 0 && this.#get(C_TAG) & M_ALIGN) this.#native.align_check(va, size);
    if (this.#get(C_FAULT) !== 0) return false;
    if (isInput) {
      // A page that can't be written faults before the device gives up its datum.
      const end = (va + size - 1) | 0;
      if (!this.#isWritable(va) || ((end ^ va) & PAGE_MASK && !this.#isWritable(end & PAGE_MASK))) return false;
      this.#memory.st(va, this.#env.ioRead(port, size), size);
    } else {
      const value = this.#memory.ld(va, size) >>> 0;
      if (this.#get(C_FAULT) !== 0) return false;
      this.#env.ioWrite(port, size, value);
    }
    this.#watchPorts(port, size);
    return true;
  }
  /** False with C_FAULT set. Code and I/O are no faults here: `st` deals with them. */
  #isWritable(va: number): boolean {
    this.#memory.xlat(va, 1);
    if (this.#get(C_FAULT) === FAULT_EXC) return false;
    this.#set(C_FAULT, 0);
    return true;
  }

  #msr(isWrite: boolean, length: number): void {
    if (isWrite) this.#native.wrmsr();
    else this.#native.rdmsr();
    if (this.#get(C_FAULT) !== 0) this.#undo(length);
  }
}
