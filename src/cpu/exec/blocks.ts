/** The cache of translated blocks: found by (pc, mode, page, context), linked to one another, dropped when their code is written. */
import { IrBlock, MAX_INSNS } from '../ir/block.ts';
import {
  ARENA,
  ARENA_END,
  BLOCK_TABLE,
  BLOCK_TABLE_BITS,
  BLOCK_TABLE_ENTRY,
  C_CONTEXT,
  C_FAULT,
  C_MMU,
  C_PC,
  C_TAG,
  CODE_TLB,
  CODE_TLB_BANK_SHIFT,
  CODE_TLB_ENTRIES,
  FAULT_BREAKPOINT,
  JUMP_CACHE,
  JUMP_CACHE_BITS,
  RAM_BASE,
} from '../ir/layout.ts';
import type { FetchByte, FrontEnd } from '../isa/front-end.ts';
import { CodePages } from './code-pages.ts';
import { HEAD } from './interp/context.ts';
import { type Lowering, MAX_BYTECODE } from './interp/lower.ts';
import { jumpCacheEntry, jumpCacheLayout } from './jump-cache.ts';
import type { SharedMemory } from './memory.ts';
import type { ExecNative } from './native.ts';
import { STEP_BYTES, STEP_SLOTS, StepCache } from './step-cache.ts';

export interface Block {
  readonly number: number;
  readonly pcLo: number;
  readonly pcHi: number;
  readonly mode: number;
  readonly context: number;
  /** Soft TLB that its mode uses. */
  readonly bank: number;
  /** Page of this memory with its first byte; page with the end of its last instruction if that straddles, else 0. */
  readonly page: number;
  readonly page2: number;
  /** Bytecode address, and of its indirect jump's remembered targets (0: none). */
  readonly code: number;
  readonly targets: number;
  readonly insns: number;
  readonly bytes: number;
  readonly guarded: boolean;
  /** Entry in the block table. */
  entry: number;
  dead: boolean;
  /** Index of the compiled region that starts here, 0: none. */
  region: number;
  /** Instructions executed when it had run half as often as a hot block; -1: not yet. */
  warmAt: number;
  /** Hot, and waits to be compiled with others. */
  waiting: boolean;
  /** Addresses of links that lead here. */
  incoming: number[];
}

/** Where bytecode of single-stepped instructions goes: written over every time. */
const SCRATCH = ARENA_END - 2 * MAX_BYTECODE;
/** Before it, the last single instructions that were stepped: what does I/O does it again. */
const STEPS = SCRATCH - STEP_SLOTS * STEP_BYTES;
const TABLE_MASK = (1 << BLOCK_TABLE_BITS) - 1;
const REMOVED = 1;
/** Never reached by counting down: for blocks that shall not be compiled. */
export const COLD = 0x7fff_ffff;

export class BlockCache {
  readonly blocks: Block[] = [];
  /** Called with blocks as they die, so that regions with them die too. */
  onKill: (b: Block) => void = () => {};
  /** Called when everything is dropped. */
  onFlush: () => void = () => {};
  /** Called with the IR of each block that joins the cache, for logs. */
  onTranslate: ((ir: IrBlock) => void) | undefined;
  /** Executions after which a new block is reported hot. */
  heat = COLD;
  readonly counts = { translated: 0, insns: 0, killed: 0, flushes: 0 };
  readonly ir = new IrBlock();
  readonly lowering: Lowering;
  readonly fetch: FetchByte;

  readonly #m: SharedMemory;
  readonly #native: ExecNative;
  readonly #frontEnd: FrontEnd;
  readonly #steps: StepCache;
  readonly #code: CodePages;
  #breakpoints: ReadonlySet<number> = new Set();
  #arena = ARENA;
  #inTable = 0;
  #fetchPage = -1;
  #fetchHost = 0;

  constructor(m: SharedMemory, native: ExecNative, frontEnd: FrontEnd, lowering: Lowering) {
    this.#m = m;
    this.#native = native;
    this.#frontEnd = frontEnd;
    this.lowering = lowering;
    this.#steps = new StepCache(m, STEPS);
    this.#code = new CodePages(m, (host) => this.#native.protect_page(host));
    const wide = frontEnd.va === 'i64';
    this.fetch = (lo, hi) => {
      const page = lo >>> 12;
      if (page !== this.#fetchPage || wide) {
        const host = this.#native.code_page(wide ? this.#big(lo, hi) : lo);
        if (host === 0) return -1;
        this.#fetchPage = page;
        this.#fetchHost = host << 12;
      }
      return this.#m.u8[(this.#fetchHost >>> 0) + (lo & 0xfff)] as number;
    };
  }

  #big(lo: number, hi: number): bigint {
    return (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);
  }
  get arenaBytes(): number {
    return this.#arena - ARENA;
  }
  /** The block whose bytecode starts at `code`. */
  at(code: number): Block {
    const b = this.blocks[this.#m.i32[(code + HEAD.number) >> 2] as number];
    if (b === undefined || b.code !== code) throw new Error(`BUG: no block at bytecode ${code.toString(16)}`);
    return b;
  }

  /** Bytecode address to go on at for C_PC in the current mode, translating if need be; 0 with C_FAULT if it can't be fetched. */
  resolve(): number {
    const code = this.#native.lookup();
    if (code !== 0 || this.#m.get(C_FAULT) !== 0) return code;
    return this.#translate()?.code ?? 0;
  }

  /** Translate up to `maxInsns` instructions at the block's address into `ir`; false with C_FAULT when nothing can be fetched. */
  translateInto(ir: IrBlock, pcLo: number, pcHi: number, mode: number, context: number, maxInsns: number): boolean {
    this.#fetchPage = -1;
    ir.reset(pcLo, pcHi, mode, context);
    this.#frontEnd.translate(ir, this.fetch, maxInsns);
    const stop = this.#breakpointWithin(pcLo, ir.bytes);
    if (stop >= 0) this.#translateUpTo(stop, ir, maxInsns);
    if (ir.insns === 0) {
      if (this.#m.get(C_FAULT) === 0) throw new Error('BUG: the front end translated nothing, without a fetch fault');
      return false;
    }
    this.#m.set(C_FAULT, 0); // of a fetch beyond the block's end
    return true;
  }

  /** Offset of the first breakpoint after the first of `bytes` bytes at `pcLo`; -1: none. */
  #breakpointWithin(pcLo: number, bytes: number): number {
    let first = -1;
    for (const pc of this.#breakpoints) {
      const offset = (pc - pcLo) >>> 0;
      if (offset > 0 && offset < bytes && (first < 0 || offset < first)) first = offset;
    }
    return first;
  }
  /** Translates no instruction that begins at `offset` or behind it. */
  #translateUpTo(offset: number, ir: IrBlock, maxInsns: number): void {
    let insns = 0;
    do {
      ir.reset(ir.pcLo, ir.pcHi, ir.mode, ir.context);
      this.#frontEnd.translate(ir, this.fetch, ++insns);
    } while (ir.bytes < offset && insns < maxInsns);
  }

  /**
   * Where a debugger wants to stop: blocks end before these addresses, and none begins there (see FAULT_BREAKPOINT). Low
   * words of addresses; another address with the same low word stops too.
   */
  setBreakpoints(pcs: readonly number[]): void {
    this.#breakpoints = new Set(pcs.map((pc) => pc | 0));
    this.flush();
  }

  /**
   * Translate a block once more, from where its code lies in memory, whatever is mapped now. False if that has become
   * another block.
   */
  retranslate(ir: IrBlock, b: Block): boolean {
    const { u8 } = this.#m;
    ir.reset(b.pcLo, b.pcHi, b.mode, b.context);
    const at = (page: number, lo: number): number => u8[((page << 12) >>> 0) + (lo & 0xfff)] as number;
    const fetch: FetchByte = (lo) => {
      if (lo >>> 12 === b.pcLo >>> 12) return at(b.page, lo);
      return b.page2 === 0 ? -1 : at(b.page2, lo);
    };
    this.#frontEnd.translate(ir, fetch, this.#breakpoints.size === 0 ? MAX_INSNS : b.insns);
    return ir.insns === b.insns && ir.bytes === b.bytes;
  }

  #translate(): Block | undefined {
    const m = this.#m;
    if (this.#arena > STEPS - MAX_BYTECODE || this.#inTable > TABLE_MASK >> 1) this.flush();
    const pcLo = m.get(C_PC);
    const pcHi = m.get(C_PC + 4);
    const mode = m.get(C_TAG) & 0xfffff;
    const context = m.get(C_CONTEXT);
    const ir = this.ir;
    if (this.#breakpoints.has(pcLo)) {
      m.set(C_FAULT, FAULT_BREAKPOINT);
      return undefined;
    }
    if (!this.translateInto(ir, pcLo, pcHi, mode, context, MAX_INSNS)) return undefined;
    const page = this.#pageOf(pcLo, pcHi);
    const straddles = (pcLo & 0xfff) + ir.bytes > 0x1000;
    const page2 = straddles ? this.#pageOf((pcLo | 0xfff) + 1, pcHi) : 0;
    const guarded = context !== 0 || straddles;
    const number = this.blocks.length;
    this.lowering.lower(ir, this.#arena, { number, heat: this.heat, guarded, page, page2 });
    const code = this.#arena;
    this.#arena = (this.#arena + this.lowering.bytes + 3) & ~3;
    const b: Block = {
      number,
      pcLo,
      pcHi,
      mode,
      context,
      bank: m.get(C_MMU),
      page,
      page2,
      code,
      targets: this.lowering.targets,
      insns: ir.insns,
      bytes: ir.bytes,
      guarded,
      entry: 0,
      dead: false,
      region: 0,
      warmAt: -1,
      waiting: false,
      incoming: [],
    };
    this.blocks.push(b);
    b.entry = this.#insert(b);
    this.#code.add(b);
    this.counts.translated++;
    this.onTranslate?.(ir);
    this.counts.insns += b.insns;
    return b;
  }
  #pageOf(lo: number, hi: number): number {
    const page = this.#native.code_page(this.#frontEnd.va === 'i64' ? this.#big(lo, hi) : lo);
    if (page === 0) throw new Error('BUG: code vanished while it was translated');
    return page;
  }

  #insert(b: Block): number {
    const i32 = this.#m.i32;
    let i = this.#native.block_hash(b.pcLo, b.mode, b.page);
    let e = (BLOCK_TABLE + i * BLOCK_TABLE_ENTRY) >> 2;
    while ((i32[e + 5] as number) > REMOVED) {
      i = (i + 1) & TABLE_MASK;
      e = (BLOCK_TABLE + i * BLOCK_TABLE_ENTRY) >> 2;
    }
    if (i32[e + 5] === 0) this.#inTable++;
    i32[e] = b.pcLo;
    i32[e + 1] = b.pcHi;
    i32[e + 2] = b.mode;
    i32[e + 3] = b.page;
    i32[e + 4] = b.context;
    i32[e + 5] = b.code;
    i32[e + 6] = b.region;
    return e;
  }

  /** Blocks of a page of this memory that are alive. */
  onPage(page: number): readonly Block[] {
    return this.#code.blocks(page);
  }
  /** The live block at an address of the same mode and context as `like`, in the page `page`. */
  find(pcLo: number, like: Block, page: number): Block | undefined {
    const i32 = this.#m.i32;
    let i = this.#native.block_hash(pcLo, like.mode, page);
    for (;;) {
      const e = (BLOCK_TABLE + i * BLOCK_TABLE_ENTRY) >> 2;
      const code = i32[e + 5] as number;
      if (code === 0) return undefined;
      if (
        code !== REMOVED &&
        i32[e] === pcLo &&
        i32[e + 2] === like.mode &&
        i32[e + 3] === page &&
        i32[e + 4] === like.context
      ) {
        const b = this.at(code);
        if (b.pcHi === like.pcHi) return b;
      }
      i = (i + 1) & TABLE_MASK;
    }
  }

  /** Page of this memory the code TLB holds in a bank for an address now, without a walk; 0 if none. */
  codePageIfCached(pcLo: number, pcHi: number, bankNumber: number): number {
    const wide = this.#frontEnd.va === 'i64';
    const bank = CODE_TLB + (bankNumber << CODE_TLB_BANK_SHIFT);
    const e = (bank + (((pcLo >>> 12) & (CODE_TLB_ENTRIES - 1)) << (wide ? 4 : 3))) >> 2;
    const i32 = this.#m.i32;
    if (!wide) return i32[e] === pcLo >>> 12 ? (i32[e + 1] as number) : 0;
    const lo = (pcLo >>> 12) | (pcHi << 20);
    return i32[e] === lo && i32[e + 1] === pcHi >>> 12 ? (i32[e + 2] as number) : 0;
  }

  /** Bytes [host, host + size) of this memory change: blocks made from them go. */
  written(host: number, size: number): void {
    for (const b of this.#code.madeFrom(host, size)) this.kill(b);
  }
  kill(b: Block): void {
    if (b.dead) return;
    b.dead = true;
    this.counts.killed++;
    const m = this.#m;
    m.u16[b.code >> 1] = this.lowering.opcode('dead');
    for (const link of b.incoming) if (this.#readLink(link) === b.code) this.#writeLink(link, 0);
    b.incoming = [];
    m.i32[b.entry + 5] = REMOVED;
    this.dropFromJumpCache(b);
    this.#code.remove(b);
    this.onKill(b);
  }
  dropFromJumpCache(b: Block): void {
    const layout = jumpCacheLayout(this.#frontEnd.va);
    const e = jumpCacheEntry(this.#frontEnd.va, b.pcLo) >> 2;
    if (this.#m.i32[e + (layout.code >> 2)] === b.code) this.#m.i32[e + (layout.tag >> 2)] = -1;
  }

  #readLink(address: number): number {
    const p = address >> 1;
    return ((this.#m.u16[p] as number) | ((this.#m.u16[p + 1] as number) << 16)) >>> 0;
  }
  #writeLink(address: number, code: number): void {
    this.#m.u16[address >> 1] = code;
    this.#m.u16[(address >> 1) + 1] = code >>> 16;
  }
  /** The link at `address` leads to the block at bytecode `code` from now on. Links of scratch code stay open. */
  link(address: number, code: number): void {
    if (address >= STEPS) return;
    this.#writeLink(address, code);
    this.at(code).incoming.push(address);
  }

  /** Compiled: bytecode enters region `region`; 0: interpreted again, hot after `heat` more executions. */
  setRegion(b: Block, region: number, heat: number): void {
    b.region = region;
    if (b.dead) return;
    const m = this.#m;
    m.i32[(b.code + HEAD.heat) >> 2] = region || heat;
    m.u16[b.code >> 1] = this.lowering.opcode(region ? 'enter' : b.guarded ? 'headGuarded' : 'head');
    m.i32[b.entry + 6] = region;
    this.dropFromJumpCache(b);
  }
  /** Executions left until the block is hot. */
  heatLeft(b: Block): number {
    return b.region ? 0 : (this.#m.i32[(b.code + HEAD.heat) >> 2] as number);
  }
  setHeat(b: Block, heat: number): void {
    if (!b.region) this.#m.i32[(b.code + HEAD.heat) >> 2] = heat;
  }

  /** Bytecode of at most `maxInsns` instructions at C_PC, good for one run; 0 with C_FAULT if it can't be fetched. */
  scratch(maxInsns: number): number {
    const m = this.#m;
    const pcLo = m.get(C_PC);
    const pcHi = m.get(C_PC + 4);
    const mode = m.get(C_TAG) & 0xfffff;
    const context = m.get(C_CONTEXT);
    const page =
      maxInsns === 1 ? this.#native.code_page(this.#frontEnd.va === 'i64' ? this.#big(pcLo, pcHi) : pcLo) : 0;
    m.set(C_FAULT, 0);
    const known = page === 0 ? 0 : this.#steps.find(pcLo, pcHi, mode, context, page);
    if (known !== 0) return known;
    if (!this.translateInto(this.ir, pcLo, pcHi, mode, context, maxInsns)) return 0;
    const target = { number: 0, heat: COLD, guarded: false, page: 0, page2: 0 };
    this.lowering.lower(this.ir, SCRATCH, target);
    if (page === 0 || !this.#steps.fits(pcLo, this.ir.bytes, this.lowering.bytes)) return SCRATCH;
    const slot = this.#steps.claim(pcLo, pcHi, mode, context, page, this.ir.bytes);
    this.lowering.lower(this.ir, slot, target);
    return slot;
  }

  /** Drop everything: bytecode, tables, marks. */
  flush(): void {
    const m = this.#m;
    this.counts.flushes++;
    this.onFlush();
    for (const b of this.blocks) b.dead = true;
    this.blocks.length = 0;
    this.#code.clear();
    m.i32.fill(0, BLOCK_TABLE >> 2, (BLOCK_TABLE + (BLOCK_TABLE_ENTRY << BLOCK_TABLE_BITS)) >> 2);
    m.i32.fill(-1, JUMP_CACHE >> 2, (JUMP_CACHE + (32 << JUMP_CACHE_BITS)) >> 2);
    this.#arena = ARENA;
    this.#inTable = 0;
  }
  /** Backing store [offset, offset + size) was written by a device. */
  ramWritten(offset: number, size: number): void {
    if (size > 0) this.written(RAM_BASE + offset, size);
  }
}
