/** Which blocks are compiled together: from a hot block along edges that were taken, calls inlined, recent indirect targets included. */
import { IrBlock } from '../../ir/block.ts';
import { CALL, JUMP, Op, RET, WORDS } from '../../ir/ops.ts';
import { optimise } from '../../ir/passes/optimise.ts';
import type { FrontEnd } from '../../isa/front-end.ts';
import type { Block, BlockCache } from '../blocks.ts';
import { TARGETS } from '../interp/handlers/ends.ts';
import type { SharedMemory } from '../memory.ts';
import { type Graph, orderGraph } from './graph.ts';

/** A block in the context of the calls that were inlined around it. */
export interface Node {
  readonly block: Block;
  /** Return addresses (low halves) of the inlined calls, outermost first. */
  readonly calls: readonly number[];
  /** The block's IR, optimised: a copy that this region keeps. */
  readonly ir: Int32Array;
  readonly ops: number;
  /** Distance of each instruction from the block's pc. */
  readonly insnOffset: Int32Array;
  readonly pcLo: number;
  successors: Node[];
  /** Blocks of the cache where it may go on that are not in the region. */
  outside: Block[];
  /** Known targets of an indirect jump that ends the block. */
  indirect: Node[];
  // By graph.ts:
  order: number;
  dominator: Node | undefined;
  predecessors: Node[];
  /** More than one forward edge leads here: its code stands once, behind a label. */
  isMerge: boolean;
  /** A backward edge leads here. */
  isLoop: boolean;
  /** Nodes it dominates immediately. */
  children: Node[];
}

export interface RegionLimits {
  /** Blocks that are entries of regions already may be taken in, too. */
  readonly absorbs: boolean;
  readonly nodes: number;
  readonly ops: number;
  readonly callDepth: number;
  readonly indirectTargets: number;
}
/**
 * What is compiled first ends where compiled code begins, or the same code would be compiled five times over (a boot of
 * Linux and 500 processes: 54,000 blocks in regions, 11,500 of them distinct).
 */
export const FIRST: RegionLimits = { absorbs: false, nodes: 24, ops: 600, callDepth: 2, indirectTargets: 16 };
/** A region that is entered often goes over its neighbours' code, so that control stays in it. */
export const GROWN: RegionLimits = { ...FIRST, absorbs: true };

/** A block where control goes on from a hot one is compiled with it if it ran at least so much of a hot block's runs. */
const WARM_SHIFT = 3;
/** Regions in a module at most, as they are first compiled. */
export const TOGETHER = 32;

/** Block-end ops after which the region goes on. */
const endOf = (n: Node): number => n.ir[(n.ops - 1) * WORDS] as number;

const NONE: ReadonlySet<Block> = new Set();

export class RegionFormer {
  readonly #blocks: BlockCache;
  readonly #m: SharedMemory;
  readonly #frontEnd: FrontEnd;
  readonly #scratch = new IrBlock();
  /** Executions until a block is hot, to tell which neighbours ran at all. */
  readonly #heat: number;
  constructor(blocks: BlockCache, m: SharedMemory, frontEnd: FrontEnd, heat: number) {
    this.#blocks = blocks;
    this.#m = m;
    this.#frontEnd = frontEnd;
    this.#heat = heat;
  }

  /** Regions that are to be compiled together: those of hot blocks, and of warm blocks where control goes on from them. */
  formTogether(hot: readonly Block[]): readonly Graph[] {
    const graphs: Graph[] = [];
    const entries = new Set<Block>();
    const work = [...hot];
    for (const entry of work) {
      if (entries.has(entry) || entry.dead || entry.region !== 0) continue;
      const graph = this.form(entry, FIRST, entries);
      if (graph === undefined) continue;
      entries.add(entry);
      graphs.push(graph);
      if (graphs.length >= TOGETHER) continue;
      for (const { outside } of graph.nodes) {
        for (const b of outside) if (b.page2 === 0 && this.#ran(b) >= this.#heat >> WARM_SHIFT) work.push(b);
      }
    }
    return graphs;
  }

  /** How often a block ran, up to the runs of a hot one. */
  #ran(b: Block): number {
    if (b.waiting) return this.#heat;
    const left = this.#blocks.heatLeft(b);
    return left > this.#heat ? 0 : this.#heat - left - (b.warmAt < 0 ? this.#heat >> 1 : 0);
  }

  /**
   * Nodes in order (entry first), or undefined if the entry can't be compiled. `others`: entries of regions that are
   * about to be compiled.
   */
  form(entry: Block, limits: RegionLimits, others: ReadonlySet<Block> = NONE): Graph | undefined {
    const nodes: Node[] = [];
    const known = new Map<string, Node>();
    const work: Node[] = [];
    let ops = 0;
    const ranEnough = Math.max(2, this.#heat >> 5);
    const add = (from: Node | undefined, pcLo: number, calls: readonly number[]): Node | undefined => {
      const key = `${pcLo}/${calls.join()}`;
      let node = known.get(key);
      if (node === undefined) {
        const block = from === undefined ? entry : this.#neighbour(from.block, pcLo);
        if (block === undefined) return undefined;
        const isFull = nodes.length >= limits.nodes || ops > limits.ops;
        const isEntry = !limits.absorbs && (block.region !== 0 || others.has(block));
        const takesIn = block === entry || !(isFull || isEntry || this.#ran(block) < ranEnough);
        node = takesIn ? this.#node(block, calls, from === undefined) : undefined;
        if (node === undefined) {
          from?.outside.push(block);
          return undefined;
        }
        ops += node.ops;
        nodes.push(node);
        known.set(key, node);
        work.push(node);
      }
      if (from && !from.successors.includes(node)) from.successors.push(node);
      return node;
    };
    const first = add(undefined, entry.pcLo, []);
    if (first === undefined) return undefined;
    for (let n = work.shift(); n; n = work.shift()) this.#follow(n, limits, add);
    const graph = orderGraph(first);
    // Inlined recursion that copies a loop does not pay.
    const copiesLoop = graph.nodes.some(
      (n) =>
        n.calls.length > 0 && graph.nodes.some((o) => o.isLoop && o.pcLo === n.pcLo && o.calls.length < n.calls.length),
    );
    return copiesLoop && limits.callDepth > 0 ? this.form(entry, { ...limits, callDepth: 0 }) : graph;
  }

  #follow(
    n: Node,
    limits: RegionLimits,
    add: (from: Node, pcLo: number, calls: readonly number[]) => Node | undefined,
  ): void {
    const p = (n.ops - 1) * WORDS;
    const pc = (delta: number): number => (n.pcLo + delta) | 0;
    const d = n.ir[p + 1] as number;
    const kind = n.ir[p + 4] as number;
    const x = n.ir[p + 6] as number;
    const within = n.calls.length < limits.callDepth;
    switch (endOf(n)) {
      case Op.goto:
        if (kind !== CALL) add(n, pc(d), n.calls);
        else if (!within || !add(n, pc(d), [...n.calls, pc(x)])) this.#callsOutside(n, pc(d), pc(x));
        break;
      case Op.br:
      case Op.br64:
        add(n, pc(d), n.calls);
        add(n, pc(x), n.calls);
        break;
      case Op.jind:
        if (kind === RET) {
          const back = n.calls.at(-1);
          const to = back === undefined ? undefined : add(n, back, n.calls.slice(0, -1));
          if (to) n.indirect.push(to);
        } else if (kind === JUMP || within) {
          for (const target of this.#recentTargets(n.block).slice(0, limits.indirectTargets)) {
            const to = add(n, target, kind === CALL ? [...n.calls, pc(x)] : n.calls);
            if (to) n.indirect.push(to);
          }
        }
        break;
    }
  }

  /** A call leaves the region: where to, and where it comes back. */
  #callsOutside(n: Node, callee: number, back: number): void {
    for (const pc of [callee, back]) {
      const b = this.#neighbour(n.block, pc);
      if (b) n.outside.push(b);
    }
  }

  #recentTargets(b: Block): number[] {
    if (b.targets === 0) return [];
    const found = new Set<number>();
    for (let k = 0; k < TARGETS; k++) {
      const at = (b.targets >> 1) + 2 * k;
      const pc = (this.#m.u16[at] as number) | ((this.#m.u16[at + 1] as number) << 16);
      if (pc !== 0) found.add(pc);
    }
    return [...found];
  }

  /** The translated block at `pcLo`, reached from `from`; in the same page, or in one that the code TLB holds now. */
  #neighbour(from: Block, pcLo: number): Block | undefined {
    const samePage = pcLo >>> 12 === from.pcLo >>> 12;
    const page = samePage ? from.page : this.#blocks.codePageIfCached(pcLo, from.pcHi, from.bank);
    return page === 0 ? undefined : this.#blocks.find(pcLo, from, page);
  }

  #node(block: Block, calls: readonly number[], isEntry: boolean): Node | undefined {
    // A block that straddles two pages can't be entered by its head once compiled; inside a region its second page is compared.
    if (block.dead || (block.page2 !== 0 && isEntry)) return undefined;
    const ir = this.#scratch;
    if (!this.#blocks.retranslate(ir, block)) return undefined;
    optimise(ir, this.#frontEnd);
    return {
      block,
      calls,
      ir: ir.ir.slice(0, ir.n * WORDS),
      ops: ir.n,
      insnOffset: ir.insnOffset.slice(0, ir.insns),
      pcLo: block.pcLo,
      successors: [],
      outside: [],
      indirect: [],
      order: -1,
      dominator: undefined,
      predecessors: [],
      isMerge: false,
      isLoop: false,
      children: [],
    };
  }
}
