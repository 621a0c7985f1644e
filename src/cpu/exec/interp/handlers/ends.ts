/** Ends of blocks: jumps, branches, returns to the vCPU. */
import {
  C_BUDGET,
  C_EXIT,
  C_EXIT_ARG,
  C_INTR_ENABLED,
  C_INTR_REQUEST,
  C_LEAVE_ARG,
  C_PC,
  EXIT_INTR,
  EXIT_LEAVE,
} from '../../../ir/layout.ts';
import { CALL, JUMP, OP_NAMES, OPS, RET, type Ty } from '../../../ir/ops.ts';
import { VOID, W } from '../../../wasm/opcodes.ts';
import { DIRECT } from '../../../wasm/semantics.ts';
import { BUDGET, type Handlers, IP, S0 } from '../context.ts';
import { COMPARES, constUnits, type Define } from './handler.ts';

/** Most recent targets an indirect jump remembers for the JIT. */
export const TARGETS = 16;

export function ends(def: Define, pcUnits: number, linkUnits: number): void {
  def('goto', 1 + linkUnits, (h) => h.link(1));
  // To another page, or by lookup for another reason.
  def('goto.lookup', 1 + pcUnits, (h) => {
    h.setPc(() => h.pcAt(1));
    h.lookup();
  });
  const interruptDue = (h: Handlers): void => {
    const c = h.code;
    c.load32(C_INTR_REQUEST).if(VOID, 0);
    c.load32(C_INTR_ENABLED).if(VOID, 1);
    h.exit(EXIT_INTR);
    c.end().end();
  };
  def('gotom.irq', 1 + pcUnits, (h) => {
    h.setPc(() => h.pcAt(1));
    interruptDue(h);
    h.lookup();
  });
  def('jpc', 1, (h) => h.lookup());
  def('jpc.irq', 1, (h) => {
    interruptDue(h);
    h.lookup();
  });
  for (const cmp of COMPARES) {
    const ty = OPS[cmp]?.ty as Ty;
    for (const constant of [false, true]) {
      const links = 2 + (constant ? constUnits(ty) : 1);
      def(`br.${OP_NAMES[cmp]}${constant ? '.const' : ''}`, links + 2 * linkUnits, (h) => {
        const c = h.operand(1, ty);
        if (!constant) h.operand(2, ty);
        else if (ty === 'i64') h.i64(2);
        else h.i32(2);
        c.op(DIRECT[cmp] as number).if(VOID);
        h.link(links);
        c.else();
        h.link(links + linkUnits);
        c.end();
      });
    }
  }
  // op, a, then recent targets (low halves, by hash) for the JIT
  for (const kind of [JUMP, CALL, RET]) {
    const remembers = kind !== RET;
    def(`jind.${kind}`, remembers ? 2 + 2 * TARGETS : 2, (h) => {
      const c = h.code;
      h.setPc(() => h.operand(1, h.va));
      if (remembers) {
        c.get(IP)
          .load32(C_PC)
          .tee(S0)
          .get(S0)
          .i32(4)
          .op(W.i32ShrU, W.i32Xor)
          .i32(TARGETS - 1)
          .op(W.i32And);
        c.i32(2).op(W.i32Shl, W.i32Add).get(S0).mem(W.i32Store, 4, 1);
      }
      h.lookup();
    });
  }
  // op, code, argument(2), pc
  def('leave', 4 + pcUnits, (h) => {
    const c = h.code;
    h.setPc(() => h.pcAt(4));
    c.store32(C_LEAVE_ARG, () => h.i32(2));
    c.store32(C_EXIT, () => c.i32(EXIT_LEAVE));
    c.store32(C_EXIT_ARG, () => h.u16(1));
    c.store32(C_BUDGET, () => c.get(BUDGET));
    c.return();
  });
}
