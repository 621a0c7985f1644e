/** Heads of blocks: budget, heat and context are checked here; and what a head becomes once its block is compiled or dead. */
import {
  C_BUDGET,
  C_CONTEXT,
  C_MMU,
  C_N_T2,
  EXIT_BUDGET,
  EXIT_DEAD,
  EXIT_FAULT,
  EXIT_HOT,
  EXIT_LOOKUP,
  EXIT_STALE,
  TLB_BANK_SHIFT,
} from '../../../ir/layout.ts';
import { VOID, W } from '../../../wasm/opcodes.ts';
import { BANK, BLOCK, BUDGET, type Handlers, HEAD, IP, S0, S1 } from '../context.ts';
import type { Define } from './handler.ts';

export function heads(def: Define, regionType: number): void {
  /** `pushSize` pushes how far it is from the head to the body. */
  const start = (h: Handlers, pushSize: () => void): void => {
    const c = h.code;
    c.get(BUDGET).get(IP).mem(W.i32Load16U, HEAD.insns, 1).op(W.i32Sub).tee(S0).i32(0).op(W.i32LtS).if(VOID, 0);
    h.setPc(() => h.pcAt(HEAD.pc / 2));
    h.exit(EXIT_BUDGET);
    c.end();
    c.get(IP).set(BLOCK);
    c.load32(C_MMU).i32(TLB_BANK_SHIFT).op(W.i32Shl).set(BANK);
    c.get(IP);
    pushSize();
    c.op(W.i32Add);
  };
  const head = (h: Handlers, size: number): void => {
    const c = h.code;
    start(h, () => c.i32(size));
    c.get(IP).get(IP).mem(W.i32Load, HEAD.heat, 2).i32(1).op(W.i32Sub).tee(S1).mem(W.i32Store, HEAD.heat, 2);
    c.get(S1).op(W.i32Eqz).if(VOID, 0);
    h.setPc(() => h.pcAt(HEAD.pc / 2));
    h.exit(EXIT_HOT);
    c.end();
    c.get(S0).set(BUDGET).set(IP).br(h.loop);
  };
  def('head', HEAD.size / 2, (h) => head(h, HEAD.size));
  // A block that is right in one context, or whose last instruction reaches into a second page.
  def('headGuarded', HEAD.guardedSize / 2, (h) => {
    const c = h.code;
    c.get(IP).mem(W.i32Load, HEAD.context, 2).load32(C_CONTEXT).op(W.i32Ne).if(VOID, 0);
    h.setPc(() => h.pcAt(HEAD.pc / 2));
    h.exit(EXIT_LOOKUP);
    c.end();
    c.get(IP).mem(W.i32Load, HEAD.page2, 2).if(VOID, 0);
    // C_PC stays at the instruction: a fault while its second page is looked up is about the instruction as a whole.
    h.setPc(() => h.pcAt(HEAD.pc / 2));
    h.pcAt(HEAD.pc / 2);
    if (h.va === 'i64') c.i64(0xfff, 0).op(W.i64Or).i64(1, 0).op(W.i64Add);
    else c.i32(0xfff).op(W.i32Or).i32(1).op(W.i32Add);
    c.call(h.fns.codePage).tee(S0).op(W.i32Eqz).if(VOID, 0);
    h.exit(EXIT_FAULT);
    c.end();
    c.get(S0).get(IP).mem(W.i32Load, HEAD.page2, 2).op(W.i32Ne).if(VOID, 0);
    h.exit(EXIT_STALE);
    c.end();
    c.end();
    head(h, HEAD.guardedSize);
  });
  // A compiled block: the word of `heat` is its region's index. The region returns the bytecode address to go on at; with bit 0
  // set the budget is too short for it and the interpreter has to run that block (bit 1: it is guarded, and its guard holds);
  // 0: it has left (C_EXIT says why).
  def('enter', HEAD.size / 2, (h) => {
    const c = h.code;
    c.get(BUDGET).get(IP).mem(W.i32Load, HEAD.heat, 2).callIndirect(regionType).set(S0);
    // Instructions that ran compiled, for the profile.
    c.i32(0).i32(0).mem(W.i64Load, C_N_T2, 3);
    c.get(BUDGET).load32(C_BUDGET).tee(BUDGET).op(W.i32Sub, W.i64ExtendI32S, W.i64Add);
    c.mem(W.i64Store, C_N_T2, 3);
    c.get(S0).op(W.i32Eqz).if(VOID, 0);
    c.return().end();
    c.get(S0).i32(1).op(W.i32And).if(VOID, 0);
    c.get(S0).i32(-4).op(W.i32And).set(IP);
    c.get(S0).set(S1);
    start(h, () => {
      c.i32(HEAD.guardedSize).i32(HEAD.size).get(S1).i32(2).op(W.i32And, W.select);
    });
    c.get(S0).set(BUDGET).set(IP).br(h.loop);
    c.end();
    c.get(S0).set(IP).br(h.loop);
  });
  def('dead', 1, (h) => {
    h.setPc(() => h.pcAt(HEAD.pc / 2));
    h.exit(EXIT_DEAD);
  });
}
