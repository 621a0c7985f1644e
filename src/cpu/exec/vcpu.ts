/** The loop around translated code: enters it, and does what its exits ask for. Counts every instruction. */
import {
  C_BUDGET,
  C_CLOCK,
  C_CLOCK_RATE,
  C_DELIVERED_AT,
  C_DELIVERIES,
  C_EXIT,
  C_EXIT_ARG,
  C_FAULT,
  C_FAULT_ADDR,
  C_INTR_ENABLED,
  C_INTR_REQUEST,
  C_LEAVE_ARG,
  C_STEPPING,
  C_WATCH_HITS,
  EXIT_BUDGET,
  EXIT_DEAD,
  EXIT_FAULT,
  EXIT_HOT,
  EXIT_INTR,
  EXIT_LEAVE,
  EXIT_LINK,
  EXIT_LOOKUP,
  EXIT_STALE,
  FAULT_BREAKPOINT,
  FAULT_EXC,
  FAULT_MMIO,
} from '../ir/layout.ts';
import type { TargetCpu, TargetNative } from '../isa/front-end.ts';
import type { BlockCache } from './blocks.ts';
import type { SharedMemory } from './memory.ts';

/** Why `run` came back. */
export type RunEnd = 'budget' | 'halted' | 'shutdown' | 'stopped' | 'breakpoint' | 'watchpoint';

/** What compiles hot blocks; absent in interpreter-only mode. */
export interface HotBlocks {
  /** The block at this bytecode address ran often enough. */
  hot(code: number, executed: number): undefined;
  /** Between slices, after so many instructions. */
  settle(executed: number): undefined;
}

/** What JavaScript does in a slice, in units of about a microsecond: an exit, a translation, a block reported hot. */
const EFFORT = { exit: 2, translation: 8, hot: 1000 } as const;

/** Exceptions and interrupts one upon the other, with no instruction completed between them, that cost nothing. */
const FREE_DELIVERIES = 100;
const WORD = 2 ** 32;

export class Vcpu {
  readonly #m: SharedMemory;
  readonly #blocks: BlockCache;
  readonly #native: TargetNative;
  /** Enter bytecode; comes back with C_EXIT set. Tracing puts itself in between. */
  enter: (code: number) => void;
  /** The target's JavaScript part; set before the first run. */
  cpu!: TargetCpu;
  hotBlocks: HotBlocks | undefined;
  /** Go on at a breakpoint: the next one that is met at once does not stop. */
  passBreakpoint = false;
  /** After 'watchpoint': which ranges were accessed, one bit each. */
  watchHits = 0;
  /** Execution outside RAM: where, for the report that goes with 'shutdown'. */
  shutdownReason = '';
  readonly exits = new Uint32Array(16);
  #before = 0;
  #slice = 0;
  #stop = false;
  #shorten = -1;

  constructor(m: SharedMemory, blocks: BlockCache, native: TargetNative, enter: (code: number) => void) {
    this.#m = m;
    this.#blocks = blocks;
    this.#native = native;
    this.enter = enter;
  }

  /** Instructions retired since power-on. Inside callbacks: those before the one that calls (and that one, for port I/O). */
  get executed(): number {
    return this.#before + this.#slice - this.#m.get(C_BUDGET);
  }
  set executed(n: number) {
    this.#before = n - this.#slice + this.#m.get(C_BUDGET);
  }
  setInterruptRequest(level: boolean): void {
    const others = this.#m.get(C_INTR_REQUEST) & ~1;
    this.#m.set(C_INTR_REQUEST, others | (level ? 1 : 0));
  }
  get #interruptDue(): boolean {
    return this.#m.get(C_INTR_REQUEST) !== 0 && this.#m.get(C_INTR_ENABLED) !== 0;
  }
  /**
   * End the slice after at most `left` more instructions than `executed` says. For callbacks: the instruction that calls
   * may be among them or not, so the end is kept as a count.
   */
  shorten(left: number): void {
    const end = this.executed + left;
    if (this.#shorten < 0 || end < this.#shorten) this.#shorten = end;
  }
  /** End the slice at the next exit. */
  stop(): void {
    this.#stop = true;
  }

  /**
   * Retire exactly `budget` instructions (below 2^31), unless the processor halts, shuts down, or is stopped; or JavaScript
   * has taken `effort` microseconds, roughly (then it is 'stopped', too).
   */
  run(budget: number, effort = Number.POSITIVE_INFINITY): RunEnd {
    const m = this.#m;
    this.#before = this.executed;
    this.#slice = budget;
    m.set(C_BUDGET, budget);
    this.#setClock();
    this.hotBlocks?.settle(this.#before);
    this.#stop = false;
    if (this.cpu.isHalted && !this.#interruptDue) return 'halted';
    let code = 0;
    let left = effort + EFFORT.translation * this.#blocks.counts.translated;
    for (;;) {
      if (this.#shorten >= 0) this.#applyShorten();
      if (left < EFFORT.translation * this.#blocks.counts.translated) return 'stopped';
      if (code === 0) {
        if (this.#stop) return 'stopped';
        if (m.get(C_BUDGET) <= 0) return 'budget';
        const shut = this.#interruptDue ? this.#interrupt() : undefined;
        if (shut) return shut;
        code = this.#blocks.resolve();
        if (code === 0) {
          const end = this.#fault(true);
          if (end) return end;
          continue;
        }
      }
      this.enter(code);
      const reason = m.get(C_EXIT);
      this.exits[reason] = (this.exits[reason] as number) + 1;
      left -= reason === EXIT_HOT ? EFFORT.hot : EFFORT.exit;
      code = 0;
      let end: RunEnd | undefined;
      switch (reason) {
        case EXIT_LINK: {
          const link = m.get(C_EXIT_ARG);
          const flushes = this.#blocks.counts.flushes;
          code = this.#blocks.resolve();
          if (code === 0) end = this.#fault(true);
          else if (flushes === this.#blocks.counts.flushes) this.#blocks.link(link, code);
          break;
        }
        case EXIT_HOT:
          this.hotBlocks?.hot(m.get(C_EXIT_ARG), this.executed);
          break;
        case EXIT_LOOKUP:
          if (m.get(C_FAULT) !== 0) end = this.#fault(true);
          break;
        case EXIT_FAULT:
          end = this.#fault(false);
          break;
        case EXIT_STALE:
          this.#blocks.kill(this.#blocks.at(m.get(C_EXIT_ARG)));
          break;
        case EXIT_BUDGET: {
          const left = m.get(C_BUDGET);
          if (left > 0) end = this.#step(left, false);
          break;
        }
        case EXIT_LEAVE:
          end = this.#leave();
          break;
        case EXIT_INTR: // the interrupt is taken above, unless the slice is over
        case EXIT_DEAD:
          break;
        default:
          throw new Error(`BUG: translated code left with reason ${reason}`);
      }
      if (end) return end;
    }
  }

  #applyShorten(): void {
    const left = this.#shorten - this.executed;
    this.#shorten = -1;
    this.cut(Math.max(0, left));
  }
  /** The slice ends after at most `left` more instructions. Not for callbacks, but for what wraps `enter`. */
  cut(left: number): void {
    const now = this.#m.get(C_BUDGET);
    const cut = Math.max(0, now - left);
    this.#slice -= cut;
    this.#m.set(C_BUDGET, now - cut);
    this.#setClock();
  }
  /** Lets translated code read the clock: the count is that at the slice's end less what is left of the budget. */
  #setClock(): void {
    const { baseNs, baseCount, rate } = this.cpu.clockLine();
    const end = BigInt(this.#before + this.#slice - baseCount);
    const scaled = BigInt(baseNs) * 1024n + end * BigInt(rate);
    this.#m.set(C_CLOCK, Number(BigInt.asIntN(32, scaled)));
    this.#m.set(C_CLOCK + 4, Number(BigInt.asIntN(32, scaled >> 32n)));
    this.#m.set(C_CLOCK_RATE, rate);
  }
  #interrupt(): RunEnd | undefined {
    if (this.cpu.isShutdown) return 'shutdown';
    this.#countDelivery();
    this.cpu.interrupt();
    if (this.#m.get(C_FAULT) === FAULT_EXC) this.#native.deliver_exception();
    return this.cpu.isShutdown ? 'shutdown' : undefined;
  }
  #leave(): RunEnd | undefined {
    const m = this.#m;
    const after = this.cpu.leave(m.get(C_EXIT_ARG), m.get(C_LEAVE_ARG));
    if (m.get(C_FAULT) === FAULT_EXC) {
      this.#countDelivery();
      this.#native.deliver_exception();
    }
    if (after === 'halt') return this.#interruptDue ? undefined : 'halted';
    return after === 'shutdown' || this.cpu.isShutdown ? 'shutdown' : undefined;
  }

  /** Deal with C_FAULT; C_PC and the count are exact. `fetching`: it is about the instruction's own bytes. */
  #fault(fetching: boolean): RunEnd | undefined {
    const m = this.#m;
    const kind = m.get(C_FAULT);
    if (fetching && m.get(C_BUDGET) <= 0) {
      // The instruction belongs to the next slice, after whatever happens in between.
      m.set(C_FAULT, 0);
      return undefined;
    }
    if (kind === FAULT_EXC) {
      this.#countDelivery();
      this.#native.deliver_exception();
      this.cpu.exceptionDelivered?.();
      return this.cpu.isShutdown ? 'shutdown' : undefined;
    }
    m.set(C_FAULT, 0);
    if (kind === FAULT_BREAKPOINT) {
      if (!this.passBreakpoint) return 'breakpoint';
      this.passBreakpoint = false;
      return this.#step(1, true);
    }
    if (kind === FAULT_MMIO && fetching) {
      const address = (m.get(C_FAULT_ADDR) >>> 0).toString(16).padStart(8, '0');
      this.shutdownReason = `Trying to execute code outside RAM or ROM at 0x${address}`;
      return 'shutdown';
    }
    return this.#step(1, true);
  }

  /** A guest whose exception handler faults at its first instruction must not hang us: at last deliveries count, too. */
  #countDelivery(): void {
    const m = this.#m;
    const { executed } = this;
    const at = (m.get(C_DELIVERED_AT) >>> 0) + m.get(C_DELIVERED_AT + 4) * WORD;
    const deliveries = executed === at ? m.get(C_DELIVERIES) + 1 : 1;
    m.set(C_DELIVERIES, deliveries);
    m.set(C_DELIVERED_AT, executed | 0);
    m.set(C_DELIVERED_AT + 4, Math.floor(executed / WORD));
    if (deliveries > FREE_DELIVERIES) m.set(C_BUDGET, m.get(C_BUDGET) - 1);
  }

  /** Run at most `insns` instructions from throw-away bytecode. `special`: they may do I/O and write into code. */
  #step(insns: number, special: boolean): RunEnd | undefined {
    const end = this.#stepUnwatched(insns, special);
    const m = this.#m;
    if (m.get(C_WATCH_HITS) === 0) return end;
    // What a debugger watches was touched. An instruction that faults has not done it.
    const completed = m.get(C_EXIT) !== EXIT_FAULT;
    this.watchHits = m.get(C_WATCH_HITS);
    m.set(C_WATCH_HITS, 0);
    return completed ? (end ?? 'watchpoint') : end;
  }
  #stepUnwatched(insns: number, special: boolean): RunEnd | undefined {
    const m = this.#m;
    const code = this.#blocks.scratch(insns);
    if (code === 0) return this.#fault(true);
    m.set(C_STEPPING, special ? 1 : 0);
    this.enter(code);
    m.set(C_STEPPING, 0);
    const reason = m.get(C_EXIT);
    this.exits[reason] = (this.exits[reason] as number) + 1;
    if (special && reason !== EXIT_LEAVE && reason !== EXIT_FAULT && this.cpu.stepped?.()) {
      return this.cpu.isShutdown ? 'shutdown' : undefined;
    }
    switch (reason) {
      case EXIT_LEAVE:
        return this.#leave();
      case EXIT_FAULT:
        return this.#fault(false);
      case EXIT_LOOKUP:
        return m.get(C_FAULT) === 0 ? undefined : this.#fault(true);
      case EXIT_HOT:
        return this.hotBlocks?.hot(m.get(C_EXIT_ARG), this.executed);
      case EXIT_STALE:
        this.#blocks.kill(this.#blocks.at(m.get(C_EXIT_ARG)));
        return undefined;
      default:
        return undefined; // C_PC says where to go on
    }
  }
}
