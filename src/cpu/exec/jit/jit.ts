/** The region JIT: compiles hot blocks with their surroundings to wasm, installs, drops and evicts the result. */
import { C_BUDGET, REGION_ENTRIES, REGIONS_MAX } from '../../ir/layout.ts';
import { Op, WORDS } from '../../ir/ops.ts';
import type { FrontEnd } from '../../isa/front-end.ts';
import { ModuleBuilder } from '../../wasm/module.ts';
import { I32 } from '../../wasm/opcodes.ts';
import { type Block, type BlockCache, COLD } from '../blocks.ts';
import { importHelpers, importSlowAccess } from '../interp/build.ts';
import type { SharedMemory } from '../memory.ts';
import { FIRST_REGION } from '../native.ts';
import { RegionEmitter, type RegionToEmit } from './emit.ts';
import type { ModuleFunctions } from './emit-ops.ts';
import type { Graph } from './graph.ts';
import { createPrelude, importPrelude } from './prelude.ts';
import { GROWN, type Node, RegionFormer, TOGETHER } from './region.ts';

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
  /** The module it stands in, and how many of its regions are alive. */
  readonly module: { regions: number };
  dead: boolean;
}

/** Entries of a region until it is compiled anew, with its neighbours' code. After 20,000 it cost more than it saved. */
const GROW_AFTER = 100_000;
/** The word of a region that does not grow: nobody waits for so many entries. */
const NEVER = 0x7fff_ffff;

/** A block that ran the second half of its runs within so many instructions got hot quickly. */
const QUICKLY = 2e6;
/**
 * Others wait for so many, or so many instructions: a module has costs of its own, and code that is spread over many
 * modules runs slower (the processor's caches hold less of it).
 */
const COMPANY = 16;
const PATIENCE = 10e6;

/** Bytes of machine code that V8 runs in a function before it optimises it (its flag wasm_tiering_budget). */
const V8_TIERING_BUDGET = 13_000_000;

type RegionFunction = (budget: number) => number;

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
  readonly counts = { regions: 0, grown: 0, dropped: 0, flushes: 0, modules: 0, bytes: 0, insns: 0 };
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
  #modules = 0;
  readonly #waiting: Block[] = [];
  #waitingSince = 0;

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
    this.#env = { ...env, ...createPrelude(frontEnd.va, env) };
    this.#table = table;
    this.#options = options;
    this.#former = new RegionFormer(blocks, m, frontEnd, options.heat);
    blocks.heat = Math.max(1, options.heat >> 1);
    blocks.onKill = (b) => this.#blockDied(b);
    blocks.onFlush = () => this.#dropAll();
  }

  /** Bytes of wasm in use. */
  get bytes(): number {
    return this.#bytes;
  }
  /** Modules with regions in use. */
  get modules(): number {
    return this.#modules;
  }

  /**
   * A block ran often enough, or the region that starts there was entered often enough. `executed`: instructions so far.
   * What got hot quickly is a loop, and compiled at once; the rest waits for company.
   */
  hot(code: number, executed: number): undefined {
    const b = this.#blocks.at(code);
    if (b.dead) return;
    if (b.region !== 0) {
      this.#m.set(REGION_ENTRIES + 4 * b.region, NEVER);
      this.#wait(b, executed);
    } else if (b.page2 !== 0) this.#blocks.setHeat(b, COLD);
    else if (b.warmAt < 0) {
      b.warmAt = executed;
      this.#blocks.setHeat(b, this.#options.heat - (this.#options.heat >> 1));
    } else {
      this.#blocks.setHeat(b, COLD);
      if (executed - b.warmAt < QUICKLY) this.compile([b]);
      else this.#wait(b, executed);
    }
  }

  #wait(b: Block, executed: number): void {
    b.waiting = true;
    if (this.#waiting.push(b) === 1) this.#waitingSince = executed;
  }

  /** Compile the regions that start at blocks, as far as they can be compiled. */
  compile(hot: readonly Block[]): void {
    const { maxBytes, maxModules } = this.#options;
    const isFull = this.#regions.size + hot.length + TOGETHER > REGIONS_MAX - FIRST_REGION;
    if (isFull || this.#bytes > maxBytes || this.#modules >= maxModules) this.#evict();
    const graphs = this.#former.formTogether(hot);
    if (graphs.length > 0) this.#add(graphs, true);
  }

  /** Compile the regions that start at blocks anew, with their neighbours' code. */
  #grow(entries: readonly Block[]): void {
    const graphs: Graph[] = [];
    for (const entry of entries) {
      const old = this.#regions.get(entry.region);
      const graph = old && this.#former.form(entry, GROWN);
      if (graph) graphs.push(graph);
    }
    for (const { nodes } of graphs) this.#drop(this.#regions.get((nodes[0] as Node).block.region) as Region);
    if (graphs.length > 0) this.#add(graphs, false);
    this.counts.grown += graphs.length;
  }

  /** Between slices: `executed` instructions so far. */
  settle(executed: number): undefined {
    if (this.#waiting.length >= COMPANY || (this.#waiting.length > 0 && executed - this.#waitingSince > PATIENCE)) {
      const blocks = this.#waiting.splice(0).filter((b) => !b.dead);
      for (const b of blocks) b.waiting = false;
      const entries = blocks.filter((b) => b.region !== 0);
      this.compile(blocks.filter((b) => b.region === 0));
      this.#grow(entries);
    }
  }

  /** Compiles regions into one module. */
  #add(graphs: readonly Graph[], countsEntries: boolean): void {
    const toEmit = graphs.map((graph): RegionToEmit => ({ graph, index: this.#newIndex(), countsEntries }));
    const bytes = this.#install(toEmit);
    const module = { regions: toEmit.length };
    for (const r of toEmit) this.#register(r, bytes.length / toEmit.length, module);
    this.onCompile?.(bytes, [...new Set(graphs.flatMap(({ nodes }) => nodes.map((n) => n.block)))]);
    this.counts.bytes += bytes.length;
  }
  #newIndex(): number {
    const index = this.#free.pop() ?? this.#next++;
    if (index >= this.#table.length) this.#table.grow(this.#table.length);
    return index;
  }

  #register(toEmit: RegionToEmit, bytes: number, module: Region['module']): void {
    const { graph, index, countsEntries } = toEmit;
    const entry = (graph.nodes[0] as Node).block;
    const blocks = [...new Set(graph.nodes.map((n) => n.block))];
    const region: Region = { entry, index, bytes, blocks, module, dead: false };
    this.#m.set(REGION_ENTRIES + 4 * index, countsEntries ? GROW_AFTER : NEVER);
    this.#regions.set(index, region);
    for (const b of blocks) {
      const set = this.#containing.get(b);
      if (set) set.add(region);
      else this.#containing.set(b, new Set([region]));
    }
    this.#blocks.setRegion(entry, index, 0);
    this.#bytes += bytes;
    this.counts.regions++;
    this.counts.insns += graph.nodes.reduce((sum, n) => sum + n.block.insns, 0);
  }

  /** Compile regions to one module and put them into the table. */
  #install(regions: readonly RegionToEmit[]): Uint8Array {
    const m = new ModuleBuilder();
    const { va } = this.#frontEnd;
    const called = calledHelpers(regions.map((r) => r.graph));
    const imports = { ...importSlowAccess(m, va), helpers: importHelpers(m, this.#frontEnd, (i) => called.has(i)) };
    const { lowering } = this.#blocks;
    const fns: ModuleFunctions = {
      ...imports,
      regionType: m.type([I32], [I32]),
      opcodes: { enter: lowering.opcode('enter'), dead: lowering.opcode('dead') },
      ...importPrelude(m, va),
    };
    const name = (index: number): string => `region${index}`;
    for (const region of regions) {
      const f = m.func([I32], [I32], name(region.index));
      new RegionEmitter(m.body(f), this.#frontEnd, fns, region).emit();
    }
    const bytes = m.build();
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: this.#env as never });
    for (const { index, countsEntries, graph } of regions) {
      const region = exports[name(index)] as RegionFunction;
      this.#table.set(index, region);
      const isGuarded = (graph.nodes[0] as Node).block.guarded;
      if (!countsEntries && !isGuarded) this.#optimise(region, bytes.length / regions.length);
    }
    this.counts.modules++;
    this.#modules++;
    return bytes;
  }

  /**
   * Makes V8 optimise a region at once, which otherwise begins in baseline code. It counts the machine code that ran in a
   * function, taking a return for all that stands before it; a call without budget returns at the very end, and does nothing
   * else. Taken as twice its bytes of wasm, 31 of 31 regions were optimised 100 ms later (26 of 30 without this).
   */
  #optimise(region: RegionFunction, bytes: number): void {
    const budget = this.#m.get(C_BUDGET);
    for (let left = V8_TIERING_BUDGET; left > 0; left -= 2 * bytes) region(0);
    this.#m.set(C_BUDGET, budget);
  }

  #leaveModule({ module }: Region): void {
    if (--module.regions === 0) this.#modules--;
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
    this.#leaveModule(r);
    this.#regions.delete(r.index);
    for (const b of r.blocks) this.#containing.get(b)?.delete(r);
    r.entry.warmAt = -1;
    this.#blocks.setRegion(r.entry, 0, this.#blocks.heat);
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
    this.#modules = 0;
    this.#waiting.length = 0;
  }
}
