/**
 * The native module over a flat memory, with the engine's part (exec/native) played by a few lines of JavaScript that
 * have no TLB: what the module does to state and memory, without translated code.
 */
import {
  C_FAULT,
  C_FAULT_CODE,
  C_FAULT_ERR,
  C_MMU,
  C_PC,
  C_STEPPING,
  C_TAG,
  FAULT_EXC,
  FAULT_MMIO,
  FAULT_SMC,
} from '../../ir/layout.ts';
import { CPU_MODELS, installModel } from './cpuid.ts';
import {
  BASES,
  EAX,
  F_CPL,
  F_CR0,
  F_EFLAGS,
  F_GDT_BASE,
  F_GDT_LIMIT,
  F_IDT_BASE,
  F_IDT_LIMIT,
  SEG_ATTR,
  SEG_LIMIT,
  SEG_SELECTOR,
  SEG_SIZE,
  SEG_SYSTEM_BASE,
  SEGS,
  TR,
} from './layout.ts';
import { wasmBytes } from './native.gen.ts';

/** The module as scripts/build-native.mjs built it. */
export const compileNative = (): WebAssembly.Module => new WebAssembly.Module(wasmBytes());

/** Guest-physical memory: 4 MiB, from here on in the linear memory. */
const RAM = 0x100000;
const RAM_BYTES = 0x400000;

export interface Fault {
  readonly vector: number;
  readonly error: number;
}

type Exports = Readonly<Record<string, (...args: (number | bigint)[]) => number | bigint | undefined>>;

export class Machine {
  readonly view: DataView;
  readonly bytes: Uint8Array;
  /** Physical pages that hold translated code, or that are I/O. */
  readonly codePages = new Set<number>();
  readonly ioPages = new Set<number>();
  flushes = 0;
  readonly #exports: Exports;

  constructor(module: WebAssembly.Module, model = 'pentium2') {
    const memory = new WebAssembly.Memory({ initial: (RAM + RAM_BYTES) >> 16, maximum: 65536, shared: true });
    this.view = new DataView(memory.buffer);
    this.bytes = new Uint8Array(memory.buffer);
    const instance = new WebAssembly.Instance(module, {
      env: { memory },
      exec: {
        ld: (va: number, size: number) => this.#access(va, size, 0, 0n),
        ld64: (va: number) => {
          const low = this.#access(va, 4, 0, 0n);
          const high = this.#field(C_FAULT) ? 0 : this.#access(va + 4, 4, 0, 0n);
          return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
        },
        st: (va: number, value: number, size: number) => {
          this.#access(va, size, 1, BigInt(value >>> 0));
        },
        st64: (va: number, value: bigint) => {
          this.#access(va, 8, 1, value);
        },
        xlat: (va: number, store: number) => this.#translate(va, store, true),
        ldp: (pa: bigint, size: number) => {
          if (pa + BigInt(size) > RAM_BYTES) return -1;
          const at = RAM + Number(pa);
          return size === 4
            ? this.view.getInt32(at, true)
            : size === 2
              ? this.view.getUint16(at, true)
              : this.bytes[at];
        },
        stp: (pa: bigint, value: number) => {
          if (pa < RAM_BYTES) this.view.setInt32(RAM + Number(pa), value, true);
        },
        tlb_flush: () => {
          this.flushes++;
        },
        tlb_flush_local: () => {
          this.flushes++;
        },
        tlb_flush_page: () => {
          this.flushes++;
        },
      },
    });
    this.#exports = instance.exports as unknown as Exports;
    const chosen = CPU_MODELS.find((m) => m.name === model);
    if (!chosen) throw new Error(`no model ${model}`);
    installModel(this.view, chosen);
    this.call('reset');
  }

  /** Calls an export. i64 results come as bigint. */
  call(name: string, ...args: (number | bigint)[]): number | bigint | undefined {
    const f = this.#exports[name];
    if (!f) throw new Error(`no export ${name}`);
    return f(...args);
  }
  /** Calls an export with an i32 result. */
  int(name: string, ...args: (number | bigint)[]): number {
    return Number(BigInt.asIntN(32, BigInt(this.call(name, ...args) ?? 0)));
  }
  #field(address: number): number {
    return this.view.getInt32(address, true);
  }
  /** A state field, unsigned. */
  get(address: number): number {
    return this.view.getUint32(address, true);
  }
  set(address: number, value: number): void {
    this.view.setInt32(address, value | 0, true);
  }
  /** General register 0 to 7. */
  reg(n: number): number {
    return this.get(EAX + 8 * n);
  }
  setReg(n: number, value: number): void {
    this.set(EAX + 8 * n, value);
  }
  /** The exception in C_FAULT, taken: undefined if there is none. */
  fault(): Fault | undefined {
    const kind = this.#field(C_FAULT);
    if (kind === 0) return undefined;
    this.set(C_FAULT, 0);
    if (kind !== FAULT_EXC) return { vector: -kind, error: 0 };
    return { vector: this.#field(C_FAULT_CODE), error: this.get(C_FAULT_ERR) };
  }
  get eip(): number {
    return (this.get(C_PC) - this.get(BASES + 8)) >>> 0;
  }
  get mode(): number {
    return this.get(C_TAG) & 0xfffff;
  }
  get eflags(): number {
    return this.int('get_eflags') >>> 0;
  }
  selector(seg: number): number {
    return this.get(SEGS + SEG_SIZE * seg + SEG_SELECTOR);
  }

  // Guest-physical memory.
  read(pa: number, size: 1 | 2 | 4 = 4): number {
    const at = RAM + pa;
    return size === 4 ? this.get(at) : size === 2 ? this.view.getUint16(at, true) : (this.bytes[at] as number);
  }
  write(pa: number, value: number, size: 1 | 2 | 4 = 4): void {
    const at = RAM + pa;
    if (size === 4) this.set(at, value);
    else if (size === 2) this.view.setUint16(at, value, true);
    else this.bytes[at] = value;
  }
  /** Writes doublewords from an address on. */
  writeWords(pa: number, words: readonly number[]): void {
    for (const [i, word] of words.entries()) this.write(pa + 4 * i, word);
  }
  /** A window on guest memory. */
  ram(pa: number, length: number): Uint8Array {
    return this.bytes.subarray(RAM + pa, RAM + pa + length);
  }

  #translate(va: number, access: number, direct: boolean): number {
    const mmu = this.#field(C_MMU);
    const page = BigInt.asUintN(64, this.call('walk', va, access, mmu) as bigint);
    if (page === 0xffff_ffff_ffff_ffffn) return 0;
    const pa = Number(page & ~0xfffn);
    const special = this.ioPages.has(pa) ? FAULT_MMIO : access === 1 && this.codePages.has(pa) ? FAULT_SMC : 0;
    if (special !== 0 && (direct || this.#field(C_STEPPING) === 0)) {
      this.set(C_FAULT, special);
      return 0;
    }
    return RAM + ((pa + (va & 0xfff)) % RAM_BYTES);
  }

  /** Byte by byte, checked before anything is written. */
  #access(va: number, size: number, access: number, value: bigint): number {
    const hosts: number[] = [];
    for (let i = 0; i < size; i++) {
      const host = this.#translate(va + i, access, false);
      if (this.#field(C_FAULT) !== 0) return 0;
      hosts.push(host);
    }
    let result = 0;
    hosts.forEach((host, i) => {
      if (access === 1) this.bytes[host] = Number((value >> BigInt(8 * i)) & 0xffn);
      else result |= (this.bytes[host] as number) << (8 * i);
    });
    return result;
  }

  /** Writes descriptor number `index` of the table at `base`. `attr`: bits 8-23 of the high word, in place. */
  descriptor(table: number, index: number, base: number, limit: number, attr: number): void {
    this.write(table + 8 * index, (limit & 0xffff) | (base << 16));
    const high = (base & 0xff000000) | ((base >>> 16) & 0xff) | (limit & 0xf0000) | (attr & 0xf0ff00);
    this.write(table + 8 * index + 4, high);
  }
  /** Writes gate number `index`. `attr`: bits 8-15 of the high word, in place; `count`: parameters of a call gate. */
  gate(table: number, index: number, selector: number, offset: number, attr: number, count = 0): void {
    this.write(table + 8 * index, (offset & 0xffff) | (selector << 16));
    this.write(table + 8 * index + 4, (offset & 0xffff0000) | attr | count);
  }
  /** Sets all of a segment register. */
  segment(seg: number, selector: number, base: number, limit: number, attr: number): void {
    const at = SEGS + SEG_SIZE * seg;
    this.set(at + SEG_SELECTOR, selector);
    this.set(at + SEG_LIMIT, limit);
    this.set(at + SEG_ATTR, attr);
    this.set(seg < 6 ? BASES + 8 * seg : at + SEG_SYSTEM_BASE, base);
  }
}

// Attributes.
export const CODE0 = 0xc09b00;
export const DATA0 = 0xc09300;
export const CODE3 = 0xc0fb00;
export const DATA3 = 0xc0f300;

// Where the protected-mode test machine has its things.
export const GDT = 0x1000;
export const IDT = 0x2000;
export const TSS = 0x3000;
export const STACK0 = 0x8000;
export const STACK3 = 0x9000;
/** Selectors of its GDT. */
export const KCODE = 0x08;
export const KDATA = 0x10;
export const UCODE = 0x1b;
export const UDATA = 0x23;
export const TSS_SELECTOR = 0x28;
export const FIRST_FREE = 6;

/**
 * A machine in flat 32-bit protected mode without paging: GDT, an IDT of 32-bit interrupt gates (vector n goes to
 * 0x10000 + n; DPL 0, but 3 for vectors 3 and 80H), a TSS with a stack for ring 0. EIP is 0x5000.
 */
export function protectedMachine(module: WebAssembly.Module, level: 0 | 3 = 0, model?: string): Machine {
  const m = new Machine(module, model);
  m.descriptor(GDT, 1, 0, 0xfffff, CODE0);
  m.descriptor(GDT, 2, 0, 0xfffff, DATA0);
  m.descriptor(GDT, 3, 0, 0xfffff, CODE3);
  m.descriptor(GDT, 4, 0, 0xfffff, DATA3);
  m.descriptor(GDT, 5, TSS, 0x67, 0x8b00);
  for (let v = 0; v < 256; v++) m.gate(IDT, v, KCODE, 0x10000 + v, v === 3 || v === 0x80 ? 0xee00 : 0x8e00);
  m.write(TSS + 4, STACK0);
  m.write(TSS + 8, KDATA);
  m.set(F_GDT_BASE, GDT);
  m.set(F_GDT_LIMIT, 0xfff);
  m.set(F_IDT_BASE, IDT);
  m.set(F_IDT_LIMIT, 0x7ff);
  m.segment(TR, TSS_SELECTOR, TSS, 0x67, 0x8b00);
  m.set(F_CR0, 0x11);
  m.set(F_EFLAGS, 2);
  m.set(F_CPL, level);
  const [code, data, codeAttr, dataAttr] = level === 0 ? [KCODE, KDATA, CODE0, DATA0] : [UCODE, UDATA, CODE3, DATA3];
  for (let seg = 0; seg < 6; seg++) m.segment(seg, data, 0, 0xffffffff, dataAttr);
  m.segment(1, code, 0, 0xffffffff, codeAttr);
  m.setReg(4, level === 0 ? STACK0 : STACK3);
  m.call('update_mode');
  m.set(C_PC, 0x5000);
  return m;
}
