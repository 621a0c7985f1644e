/** The region JIT: compiles hot blocks with their surroundings to wasm, installs, drops and evicts the result. */
import {
  C_BUDGET,
  C_EXIT,
  C_MMU,
  C_PC,
  EXIT_LOOKUP,
  JUMP_CACHE,
  REGIONS_MAX,
  REGIONS_USED,
  TLB,
  TLB_BANK_SHIFT,
  TLB_ENTRIES,
} from '../../ir/layout.ts';
import { Op, WORDS } from '../../ir/ops.ts';
import type { FrontEnd } from '../../isa/front-end.ts';
import { ModuleBuilder } from '../../wasm/module.ts';
import { I32, VOID, W } from '../../wasm/opcodes.ts';
import { valueType } from '../../wasm/semantics.ts';
import { type Block, type BlockCache, COLD } from '../blocks.ts';
import { importFunctions } from '../interp/build.ts';
import { emitJumpCacheHit, jumpCacheLayout } from '../jump-cache.ts';
import type { SharedMemory } from '../memory.ts';
import { FIRST_REGION } from '../native.ts';
import { type ModuleFunctions, RegionEmitter } from './emit.ts';
import type { Graph } from './graph.ts';
import { RegionFormer } from './region.ts';

/** Numbers of the helpers a region calls. */
function calledHelpers(graphs: readonly Graph[]): ReadonlySet<number> {
  const called = new Set<number>();
  for (const { nodes } of graphs) {
    for (const n of nodes) {
      for (let p = 0; p < n.ops * WORDS; p += WORDS) if (n.ir[p] === Op.call) called.add(n.ir[p + 4] as number);
    }
  }
  return called;
}

interface Region {
  readonly entry: Block;
  readonly index: number;
  readonly bytes: number;
  readonly blocks: readonly Block[];
  readonly graph: Graph;
  /** Soft TLB bank of its mode. */
  readonly bank: number;
  /** It stands in a module with many others. */
  linked: boolean;
  dead: boolean;
}

/**
 * A jump between modules costs four times one within a module (16 to 4 ns), but a module that waits for many regions comes
 * late. So regions are compiled alone at first; once nothing new got hot for so many instructions, those in use go into
 * modules of so many.
 */
const QUIET = 100e6;
const LINK_AT_LEAST = 24;
const LINK_AT_MOST = 128;

export interface JitOptions {
  /** Executions of a block until it is compiled. */
  readonly heat: number;
  /** Bytes of wasm to keep at most: beyond it everything is dropped and starts again. */
  readonly maxBytes: number;
  /** Modules to keep at most: Firefox runs out of memory at about 16,000. */
  readonly maxModules: number;
}
export const JIT_DEFAULTS: JitOptions = { heat: 2000, maxBytes: 64 << 20, maxModules: 8000 };

export class Jit {
  readonly counts = { regions: 0, linked: 0, dropped: 0, flushes: 0, modules: 0, bytes: 0, insns: 0 };
  /** Called with each region's module and the blocks in it, for logs and tools. */
  onCompile: ((module: Uint8Array, blocks: readonly Block[]) => void) | undefined;
  readonly #m: SharedMemory;
  readonly #blocks: BlockCache;
  readonly #frontEnd: FrontEnd;
  readonly #env: Record<string, unknown>;
  readonly #table: WebAssembly.Table;
  readonly #options: JitOptions;
  readonly #former: RegionFormer;
  readonly #regions = new Map<number, Region>();
  readonly #containing = new Map<Block, Set<Region>>();
  readonly #free: number[] = [];
  #next = FIRST_REGION;
  #bytes = 0;
  #unlinked = 0;
  #compiledLately = false;
  #quietSince = 0;

  constructor(
    m: SharedMemory,
    blocks: BlockCache,
    frontEnd: FrontEnd,
    env: Record<string, unknown>,
    table: WebAssembly.Table,
    options: JitOptions,
  ) {
    this.#m = m;
    this.#blocks = blocks;
    this.#frontEnd = frontEnd;
    this.#env = env;
    this.#table = table;
    this.#options = options;
    this.#former = new RegionFormer(blocks, m, frontEnd, options.heat);
    blocks.heat = options.heat;
    blocks.onKill = (b) => this.#blockDied(b);
    blocks.onFlush = () => this.#dropAll();
  }

  /** Bytes of wasm in use. */
  get bytes(): number {
    return this.#bytes;
  }

  /** A block ran often enough: compile it, unless it can't be the start of a region. */
  hot(code: number): undefined {
    const b = this.#blocks.at(code);
    if (b.dead || b.region !== 0) return;
    if (b.guarded || !this.compile(b)) this.#blocks.setHeat(b, COLD);
  }

  /** Compile the region that starts at a block; false if there is none. */
  compile(entry: Block): boolean {
    if (this.#bytes > this.#options.maxBytes || this.#regions.size >= this.#options.maxModules) this.#evict();
    const graph = this.#former.form(entry);
    if (graph === undefined) return false;
    const index = this.#free.pop() ?? this.#next++;
    if (index >= this.#table.length) this.#table.grow(this.#table.length);
    const blocks = [...new Set(graph.nodes.map((n) => n.block))];
    const bank = this.#m.get(C_MMU);
    const bytes = this.#install([{ graph, index, bank }]);
    const region: Region = { entry, index, bytes: bytes.length, blocks, graph, bank, linked: false, dead: false };
    this.#regions.set(index, region);
    this.#compiledLately = true;
    this.#unlinked++;
    for (const b of blocks) {
      const set = this.#containing.get(b);
      if (set) set.add(region);
      else this.#containing.set(b, new Set([region]));
    }
    this.#blocks.setRegion(entry, index, 0);
    this.#bytes += bytes.length;
    this.onCompile?.(bytes, blocks);
    this.counts.regions++;
    this.counts.bytes += bytes.length;
    this.counts.insns += graph.nodes.reduce((sum, n) => sum + n.block.insns, 0);
    return true;
  }

  /** Compile regions to one module and put them into the table. */
  #install(regions: readonly Pick<Region, 'graph' | 'index' | 'bank'>[]): Uint8Array {
    const m = new ModuleBuilder();
    const fns = this.#prelude(m, calledHelpers(regions.map((r) => r.graph)));
    const name = (index: number): string => (regions.length === 1 ? 'region' : `region${index}`);
    for (const { graph, index, bank } of regions) {
      const f = m.func([I32], [I32], name(index));
      new RegionEmitter(m.body(f), this.#frontEnd, fns, graph, index, bank).emit();
    }
    const bytes = m.build();
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: this.#env as never });
    for (const { index } of regions) this.#table.set(index, exports[name(index)] as never);
    this.counts.modules++;
    return bytes;
  }

  /** Between slices: links what has been in use for some time. `executed`: instructions so far. */
  settle(executed: number): undefined {
    if (this.#compiledLately || executed < this.#quietSince) {
      this.#compiledLately = false;
      this.#quietSince = executed;
      return;
    }
    if (executed - this.#quietSince < QUIET || this.#unlinked < LINK_AT_LEAST) return;
    this.#quietSince = executed;
    const used = this.#m.u8.subarray(REGIONS_USED, REGIONS_USED + REGIONS_MAX);
    const inUse = [...this.#regions.values()].filter((r) => !r.linked && used[r.index] !== 0);
    used.fill(0);
    if (inUse.length < LINK_AT_LEAST) return;
    for (let i = 0; i < inUse.length; i += LINK_AT_MOST) {
      const group = inUse.slice(i, i + LINK_AT_MOST);
      this.#install(group);
      for (const r of group) r.linked = true;
      this.#unlinked -= group.length;
    }
    this.counts.linked += inUse.length;
  }

  /** Imports and the functions every module has. */
  #prelude(m: ModuleBuilder, helpers: ReadonlySet<number>): ModuleFunctions {
    const imports = importFunctions(m, this.#frontEnd, (i) => helpers.has(i));
    const type = m.type([I32], [I32]);
    const va = this.#frontEnd.va;
    const wide = va === 'i64';
    const go = m.func([valueType(va), I32], [I32]);
    {
      const f = m.body(go);
      f.locals = [[1, I32]];
      const c = f.code;
      const layout = jumpCacheLayout(va);
      emitJumpCacheHit(c, va, 0, 2);
      c.if(VOID, 1);
      c.get(2)
        .mem(W.i32Load, JUMP_CACHE + layout.region)
        .if(VOID, 1);
      c.get(1)
        .get(2)
        .mem(W.i32Load, JUMP_CACHE + layout.region)
        .returnCallIndirect(type);
      c.end();
      c.store32(C_BUDGET, () => c.get(1));
      c.get(2)
        .mem(W.i32Load, JUMP_CACHE + layout.code)
        .return();
      c.end();
      c.i32(0).get(0);
      c.mem(wide ? W.i64Store : W.i32Store, C_PC, 2);
      c.store32(C_BUDGET, () => c.get(1));
      c.call(imports.lookup).tee(2).if(I32, 1);
      c.get(2);
      c.else();
      c.store32(C_EXIT, () => c.i32(EXIT_LOOKUP));
      c.i32(0).end();
    }
    const probe = (tag: number): number => {
      const index = m.func([valueType(va), I32], [I32]);
      const f = m.body(index);
      f.locals = [[1, I32]];
      const c = f.code;
      if (wide) {
        c.i32(0); // 64-bit regions do not remember pages
        return index;
      }
      c.get(0)
        .i32(8)
        .op(W.i32ShrU)
        .i32((TLB_ENTRIES - 1) << 4)
        .op(W.i32And);
      c.load32(C_MMU).i32(TLB_BANK_SHIFT).op(W.i32Shl, W.i32Add).tee(2);
      c.mem(W.i32Load, TLB + tag)
        .get(0)
        .get(1)
        .op(W.i32Add)
        .i32(~0xfff)
        .op(W.i32And, W.i32Eq);
      c.if(I32, 1);
      c.get(0)
        .get(2)
        .mem(W.i32Load, TLB + 8)
        .op(W.i32Add);
      c.else().i32(0).end();
      return index;
    };
    const probeLoad = probe(0);
    const probeStore = probe(4);
    return { ...imports, go, probeLoad, probeStore };
  }

  #blockDied(b: Block): void {
    const regions = this.#containing.get(b);
    if (regions === undefined) return;
    this.#containing.delete(b);
    for (const r of regions) this.#drop(r);
  }
  #drop(r: Region): void {
    if (r.dead) return;
    r.dead = true;
    this.counts.dropped++;
    this.#bytes -= r.bytes;
    if (!r.linked) this.#unlinked--;
    this.#regions.delete(r.index);
    for (const b of r.blocks) this.#containing.get(b)?.delete(r);
    this.#blocks.setRegion(r.entry, 0, this.#options.heat);
    this.#table.set(r.index, null);
    this.#free.push(r.index);
  }
  /** Too much wasm: all regions go, what is still hot is compiled anew. */
  #evict(): void {
    this.counts.flushes++;
    for (const r of [...this.#regions.values()]) this.#drop(r);
  }
  #dropAll(): void {
    for (const r of this.#regions.values()) {
      r.dead = true;
      this.#table.set(r.index, null);
      this.#free.push(r.index);
    }
    this.#regions.clear();
    this.#containing.clear();
    this.#bytes = 0;
    this.#unlinked = 0;
  }
}
