/** Calls of helpers, and faults that the code itself raises. */
import { C_BUDGET, C_FAULT, C_FAULT_CODE, C_FAULT_ERR, FAULT_EXC } from '../../../ir/layout.ts';
import type { FrontEnd, HelperInfo } from '../../../isa/front-end.ts';
import { VOID } from '../../../wasm/opcodes.ts';
import { type Handlers, S0, T64 } from '../context.ts';
import type { Define } from './handler.ts';

/** Does the bytecode of a call say which instruction it belongs to? */
export const hasSite = (helper: HelperInfo): boolean => helper.faults || helper.readsClock === true;

export function calls(def: Define, frontEnd: FrontEnd): void {
  // op, arguments …, [result,] [site]
  frontEnd.helpers.forEach((helper, index) => {
    const result = 1 + helper.params.length;
    const site = result + (helper.result ? 1 : 0);
    def(`call.${index}`, site + (hasSite(helper) ? 1 : 0), (h) => {
      const c = h.code;
      if (helper.readsClock) c.store32(C_BUDGET, () => h.budgetAfter(site));
      const push = (): void => {
        helper.params.forEach((ty, i) => {
          h.operand(1 + i, ty);
        });
        c.call(h.fns.helpers[index] as number);
      };
      if (helper.result === null) push();
      else if (!helper.faults) h.assign(result, helper.result, push);
      else {
        const local = helper.result === 'i64' ? T64 : S0;
        push();
        c.set(local);
        h.checkFault(site);
        h.assign(result, helper.result, () => c.get(local));
      }
      if (helper.result === null && helper.faults) h.checkFault(site);
      h.next();
    });
  });
  const raise = (h: Handlers): void => {
    const c = h.code;
    c.store32(C_FAULT, () => c.i32(FAULT_EXC));
    c.store32(C_FAULT_CODE, () => h.u16(2));
    c.store32(C_FAULT_ERR, () => h.i32(3));
    h.raise(5);
  };
  // op, a, code, error code(2), site
  def('raise.if', 6, (h) => {
    h.operand(1, 'i32').if(VOID, 0);
    raise(h);
    h.code.end();
    h.next();
  });
  def('raise', 6, raise);
}
