/** A region as one wasm function: real loops and branches, guest registers in locals, exact faults, exact count. */
import {
  C_BUDGET,
  C_CONTEXT,
  C_EXIT,
  C_EXIT_ARG,
  C_INTR_ENABLED,
  C_INTR_REQUEST,
  C_LEAVE_ARG,
  C_PC,
  CODE_TLB,
  CODE_TLB_BANK_SHIFT,
  CODE_TLB_ENTRIES,
  EXIT_FAULT,
  EXIT_HOT,
  EXIT_INTR,
  EXIT_LEAVE,
  EXIT_LOOKUP,
  JUMP_CACHE,
  REGION_ENTRIES,
} from '../../ir/layout.ts';
import { CALL, OP_NAMES, Op, RET, type Ty, WORDS } from '../../ir/ops.ts';
import type { FrontEnd } from '../../isa/front-end.ts';
import type { Label } from '../../wasm/code.ts';
import type { Func } from '../../wasm/module.ts';
import { VOID, W } from '../../wasm/opcodes.ts';
import { DIRECT, pushConst } from '../../wasm/semantics.ts';
import type { Block } from '../blocks.ts';
import { HEAD } from '../interp/context.ts';
import { emitJumpCacheHit, jumpCacheLayout } from '../jump-cache.ts';
import { type ModuleFunctions, OpEmitter } from './emit-ops.ts';
import type { Graph } from './graph.ts';
import { emitJumpTable } from './jump-table.ts';
import { BUDGET, ENTRY, EXIT_PC, GIVE_BACK, S0, TARGET } from './locals.ts';
import type { Node } from './region.ts';

/** A region, and its place among the others. */
export interface RegionToEmit {
  readonly graph: Graph;
  readonly index: number;
  /** It exits as hot after REGION_ENTRIES entries. */
  readonly countsEntries: boolean;
}

export class RegionEmitter extends OpEmitter {
  readonly #func: Func;
  readonly #index: number;
  readonly #countsEntries: boolean;
  readonly #labels = new Map<Node, Label>();
  readonly #loops = new Map<Node, Label>();
  /** Instructions that may be executed between two looks at the budget. */
  readonly #cost: number;
  #leave: Label = 0;

  constructor(func: Func, frontEnd: FrontEnd, fns: ModuleFunctions, { graph, index, countsEntries }: RegionToEmit) {
    super(func.code, frontEnd, fns, graph.nodes);
    this.#func = func;
    this.#index = index;
    this.#countsEntries = countsEntries;
    this.#cost = graph.nodes.reduce((sum, n) => sum + n.block.insns, 0);
  }

  emit(): void {
    const c = this.c;
    const entry = this.nodes[0] as Node;
    if (entry.block.context !== 0) this.#checkContext(entry.block);
    const tooShort = c.block();
    c.get(BUDGET).i32(this.#cost).op(W.i32LtS).brIf(tooShort, 0);
    if (this.#countsEntries) this.#countEntry(entry);
    for (const s of this.locals.used) this.loadSlot(s);
    const setUp = c.n;
    this.fault = c.block();
    this.#leave = c.block();
    this.#tree(entry);
    c.op(W.unreachable);
    c.end();
    this.#writeBack();
    this.#goOn();
    c.end();
    this.#writeBack();
    this.#storePc(() => c.get(EXIT_PC));
    c.store32(C_BUDGET, () => c.get(BUDGET).get(GIVE_BACK).op(W.i32Add));
    this.#exitWith(EXIT_FAULT, false);
    c.end();
    // Too little budget for one pass: the interpreter runs this block (bit 0 says so). Last of all: see jit.ts, `optimise`.
    c.store32(C_BUDGET, () => c.get(BUDGET));
    c.i32(entry.block.code | (entry.block.guarded ? 3 : 1));
    this.#forgetPagesAt(setUp);
    this.#func.locals = this.locals.runs;
  }

  /** To the block that TARGET knows, compiled or not, unless it is dead; else by way of the jump cache. */
  #goOn(): void {
    const c = this.c;
    c.get(TARGET).if(VOID, 1);
    c.get(TARGET).mem(W.i32Load16U, 0, 1).tee(S0).i32(this.fns.opcodes.enter).op(W.i32Eq).if(VOID, 1);
    c.get(BUDGET).get(TARGET).mem(W.i32Load, HEAD.heat, 2).returnCallIndirect(this.fns.regionType);
    c.end();
    c.get(S0).i32(this.fns.opcodes.dead).op(W.i32Ne).if(VOID, 1);
    c.store32(C_BUDGET, () => c.get(BUDGET));
    c.get(TARGET).return();
    c.end().end();
    const layout = jumpCacheLayout(this.va);
    emitJumpCacheHit(c, this.va, EXIT_PC, ENTRY);
    c.if(VOID, 1);
    c.get(ENTRY)
      .mem(W.i32Load, JUMP_CACHE + layout.region, 2)
      .tee(S0)
      .if(VOID, 1);
    c.get(BUDGET).get(S0).returnCallIndirect(this.fns.regionType);
    c.end().end();
    c.get(EXIT_PC).get(BUDGET).returnCall(this.fns.go);
  }

  /** The jump cache does not know of contexts: in another one it is another block that is meant. */
  #checkContext({ context }: Block): void {
    const c = this.c;
    c.load32(C_CONTEXT).i32(context).op(W.i32Ne).if(VOID, 0);
    this.#storePc(() => this.pushPc(0));
    this.#exitWith(EXIT_LOOKUP);
    c.end();
  }

  /** Counts down to EXIT_HOT. */
  #countEntry({ block }: Node): void {
    const c = this.c;
    const word = REGION_ENTRIES + 4 * this.#index;
    c.store32(word, () => c.load32(word).i32(1).op(W.i32Sub).tee(S0));
    c.get(S0).op(W.i32Eqz).if(VOID, 0);
    this.#storePc(() => this.pushPc(0));
    c.store32(C_EXIT_ARG, () => c.i32(block.code));
    this.#exitWith(EXIT_HOT);
    c.end();
  }

  /** Page locals must not match anything at entry: tag 1, inserted once it is known which there are. */
  #forgetPagesAt(offset: number): void {
    const c = this.c;
    const tail = c.bytes.slice(offset, c.n);
    const before = c.n;
    c.n = offset;
    for (const page of this.locals.pages) {
      pushConst(c, this.va, 1, 0);
      c.set(page.tag);
    }
    const shift = c.n - offset;
    c.append(tail);
    for (let k = 0; k < c.hints.length; k += 2) {
      if ((c.hints[k] as number) >= offset) c.hints[k] = (c.hints[k] as number) + shift;
    }
    if (c.n !== before + shift) throw new Error('BUG: region lost code');
  }
  #writeBack(): void {
    for (const s of this.locals.dirty) this.storeSlot(s);
  }
  #storePc(push: () => void): void {
    this.c.i32(0);
    push();
    this.c.mem(this.va === 'i64' ? W.i64Store : W.i32Store, C_PC, 2);
  }

  #tree(n: Node): void {
    const merges = n.children.filter((k) => k.isMerge).sort((a, b) => b.order - a.order);
    if (!n.isLoop) return this.#within(n, merges, 0);
    this.#loops.set(n, this.c.loop());
    this.#within(n, merges, 0);
    this.c.end();
  }
  /** The node's code inside one block for each merge node it dominates; their code follows behind. */
  #within(n: Node, merges: readonly Node[], k: number): void {
    const merge = merges[k];
    if (merge === undefined) return this.#body(n);
    this.#labels.set(merge, this.c.block());
    this.#within(n, merges, k + 1);
    this.c.end();
    this.#tree(merge);
  }
  #body(n: Node): void {
    const c = this.c;
    this.node = n;
    if (n.isLoop) {
      c.get(BUDGET).i32(this.#cost).op(W.i32LtS).if(VOID, 0);
      this.#exitTo(0);
      c.end();
    }
    this.#checkSecondPage(n);
    c.get(BUDGET).i32(n.block.insns).op(W.i32Sub).set(BUDGET);
    for (let i = 0; i < n.ops; i++) {
      this.node = n;
      this.p = i * WORDS;
      this.op();
    }
  }

  /** Leave the region for the address at a distance from the current block's. */
  #exitTo(delta: number): void {
    const c = this.c;
    const pc = (this.node.pcLo + delta) | 0;
    const target = this.node.outside.find((b) => b.pcLo === pc) ?? this.nodes.find((n) => n.pcLo === pc)?.block;
    if (target) {
      c.i32(target.code);
      if (this.#needsGuard(target)) {
        c.i32(0);
        this.#pushPageGuard(target);
        c.op(W.select);
      }
      c.set(TARGET);
    }
    this.pushPc(delta);
    c.set(EXIT_PC).br(this.#leave);
  }
  #successor(delta: number, calls: readonly number[]): Node | undefined {
    const pc = (this.node.pcLo + delta) | 0;
    return this.node.successors.find(
      (s) => s.pcLo === pc && s.calls.length === calls.length && s.calls.every((a, i) => a === calls[i]),
    );
  }
  /** The mapping of the target's page may have changed since this was compiled, unless it is this page or the entry's. */
  #needsGuard(to: { readonly pcLo: number }): boolean {
    const page = to.pcLo >>> 12;
    return page !== this.node.pcLo >>> 12 && page !== (this.nodes[0] as Node).pcLo >>> 12;
  }
  /** Push whether the code TLB maps the page of a virtual address to `page` still. */
  #pushGuard(pcLo: number, pcHi: number, page: number): void {
    const c = this.c;
    const wide = this.va === 'i64';
    const index = (pcLo >>> 12) & (CODE_TLB_ENTRIES - 1);
    const at = CODE_TLB + (this.bank << CODE_TLB_BANK_SHIFT) + (index << (wide ? 4 : 3));
    c.i32(0).mem(W.i64Load, at, 3);
    if (wide) {
      c.i64((pcLo >>> 12) | (pcHi << 20), pcHi >>> 12).op(W.i64Eq);
      c.load32(at + 8)
        .i32(page)
        .op(W.i32Eq, W.i32And);
    } else c.i64(pcLo >>> 12, page).op(W.i64Eq);
  }
  #pushPageGuard({ pcLo, pcHi, page }: Block): void {
    this.#pushGuard(pcLo, pcHi, page);
  }
  /** A block whose last instruction reaches into another page leaves, for the interpreter to look, unless that is mapped as it was. */
  #checkSecondPage({ block }: Node): void {
    if (block.page2 === 0) return;
    const next = (block.pcLo | 0xfff) + 1;
    this.#pushGuard(next | 0, next === 0 ? block.pcHi + 1 : block.pcHi, block.page2);
    this.c.op(W.i32Eqz).if(VOID, 0);
    this.#exitTo(0);
    this.c.end();
  }
  /** Go on at a distance from this block: to a node of the region, or out of it. */
  #branch(to: Node | undefined, delta: number): void {
    const c = this.c;
    if (to === undefined) return this.#exitTo(delta);
    if (this.#needsGuard(to)) {
      this.#pushPageGuard(to.block);
      c.op(W.i32Eqz).if(VOID, 0);
      this.#exitTo(delta);
      c.end();
    }
    if (to.order <= this.node.order) c.br(this.#loops.get(to) as Label);
    else if (to.isMerge) c.br(this.#labels.get(to) as Label);
    else {
      const node = this.node;
      const p = this.p;
      this.#tree(to);
      this.node = node;
      this.p = p;
    }
  }
  /** The label that stands for a node reached by a plain branch, if it needs no guard. */
  #labelOf(to: Node | undefined): Label | undefined {
    if (to === undefined || this.#needsGuard(to)) return undefined;
    if (to.order <= this.node.order) return this.#loops.get(to);
    return to.isMerge ? this.#labels.get(to) : undefined;
  }

  protected override end(op: number): void {
    const c = this.c;
    const d = this.word(1);
    const a = this.word(2);
    const imm = this.word(4);
    const x = this.word(6);
    const { calls } = this.node;
    switch (op) {
      case Op.goto: {
        const inside = imm === CALL ? [...calls, (this.node.pcLo + x) | 0] : calls;
        return this.#branch(this.#successor(d, inside), d);
      }
      case Op.br:
      case Op.br64:
        return this.#conditional(op === Op.br64 ? 'i64' : 'i32');
      case Op.jind:
        return this.#indirect(a, imm);
      case Op.gotom:
        this.pushPc(d);
        c.set(EXIT_PC);
        if (imm) this.#leaveForInterrupt();
        c.br(this.#leave);
        return;
      case Op.jpc:
        c.i32(0)
          .mem(this.va === 'i64' ? W.i64Load : W.i32Load, C_PC, 2)
          .set(EXIT_PC);
        if (imm) this.#leaveForInterrupt();
        c.br(this.#leave);
        return;
      case Op.leave:
        this.#writeBack();
        this.#storePc(() => this.pushPc(d));
        c.store32(C_LEAVE_ARG, () => c.i32(x));
        c.store32(C_EXIT_ARG, () => c.i32(imm));
        this.#exitWith(EXIT_LEAVE);
        return;
      default:
        throw new Error(`BUG: op ${OP_NAMES[op]} in a region`);
    }
  }
  #exitWith(reason: number, storesBudget = true): void {
    const c = this.c;
    c.store32(C_EXIT, () => c.i32(reason));
    if (storesBudget) c.store32(C_BUDGET, () => c.get(BUDGET));
    c.i32(0).return();
  }
  #leaveForInterrupt(): void {
    const c = this.c;
    c.load32(C_INTR_REQUEST).if(VOID, 0);
    c.load32(C_INTR_ENABLED).if(VOID, 1);
    this.#writeBack();
    this.#storePc(() => c.get(EXIT_PC));
    this.#exitWith(EXIT_INTR);
    c.end().end();
  }
  #conditional(ty: Ty): void {
    const c = this.c;
    const [taken, fall] = [this.word(1), this.word(6)];
    this.get(this.word(2), ty);
    if (this.word(3) >= 0) this.get(this.word(3), ty);
    else pushConst(c, ty, this.word(4), this.word(4) >> 31);
    c.op(DIRECT[this.word(5)] as number);
    const { calls } = this.node;
    const yes = this.#successor(taken, calls);
    const no = this.#successor(fall, calls);
    const label = this.#labelOf(yes);
    if (label !== undefined) {
      c.brIf(label);
      return this.#branch(no, fall);
    }
    c.if();
    this.#branch(yes, taken);
    c.else();
    this.#branch(no, fall);
    c.end();
  }
  #indirect(a: number, kind: number): void {
    const c = this.c;
    const targets = this.node.indirect;
    this.get(a, this.va);
    c.set(EXIT_PC);
    const matches = (t: Node): void => {
      c.get(EXIT_PC);
      pushConst(c, this.va, t.pcLo, t.block.pcHi);
      c.op(this.va === 'i64' ? W.i64Eq : W.i32Eq);
    };
    if (kind === RET) {
      const back = targets[0];
      if (back) {
        matches(back);
        c.if(VOID, 1);
        this.#branch(back, (back.pcLo - this.node.pcLo) | 0);
        c.end();
      }
    } else if (targets.length > 0) {
      emitJumpTable(c, this.va, EXIT_PC, targets, (t) => {
        matches(t);
        if (this.#needsGuard(t)) {
          this.#pushPageGuard(t.block);
          c.op(W.i32And);
        }
        c.brIf((t.order <= this.node.order ? this.#loops.get(t) : this.#labels.get(t)) as Label);
      });
    }
    c.br(this.#leave);
  }
}
