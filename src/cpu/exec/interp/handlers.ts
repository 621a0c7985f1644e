/**
 * The interpreter's instruction set, derived from the IR's op table: a handler for each op in each operand form, plus
 * fused sequences that front ends emit often. A handler is its name, its length in u16 units, and its wasm.
 */
import {
  C_BUDGET,
  C_CONTEXT,
  C_EXIT,
  C_EXIT_ARG,
  C_FAULT,
  C_FAULT_CODE,
  C_FAULT_ERR,
  C_INTR_ENABLED,
  C_INTR_REQUEST,
  C_LEAVE_ARG,
  C_MMU,
  C_N_T2,
  C_PC,
  EXIT_BUDGET,
  EXIT_DEAD,
  EXIT_FAULT,
  EXIT_HOT,
  EXIT_INTR,
  EXIT_LEAVE,
  EXIT_LOOKUP,
  EXIT_STALE,
  FAULT_EXC,
  STATE,
  TLB_BANK_SHIFT,
} from '../../ir/layout.ts';
import { CALL, JUMP, OP_NAMES, OPS, Op, type OpInfo, RET, type Ty } from '../../ir/ops.ts';
import type { FrontEnd, HelperInfo } from '../../isa/front-end.ts';
import { VOID, W } from '../../wasm/opcodes.ts';
import { DIRECT, emitComputation } from '../../wasm/semantics.ts';
import { emitAccess } from '../soft-tlb.ts';
import { ADDR32, ADDR64, BANK, BLOCK, BUDGET, ENTRY, type Handlers, HEAD, IP, S0, S1, T64 } from './context.ts';

export interface Handler {
  readonly name: string;
  readonly units: number;
  emit(h: Handlers): void;
}

/** Fields that get handlers of their own: position, length. Others go through `bits` in general form. */
export const USUAL_FIELDS = [
  [0, 8],
  [8, 8],
  [0, 16],
] as const;
/** Fused with the setcc that follows. */
export const FLAG_OPS = [Op.add, Op.sub, Op.and, Op.or, Op.xor];
/** Most recent targets an indirect jump remembers for the JIT. */
export const TARGETS = 16;
const COMPARES = OP_NAMES.flatMap((_, i) => (OPS[i]?.shape === 'cmp' ? [i] : []));

const constUnits = (ty: Ty): number => (ty === 'i64' ? 4 : 2);

/** All handlers for a target, in opcode order. */
export function createHandlers(frontEnd: FrontEnd, region: { readonly type: number }): readonly Handler[] {
  const list: Handler[] = [];
  const def = (name: string, units: number, emit: (h: Handlers) => void): void => {
    list.push({ name, units, emit });
  };
  const pcUnits = frontEnd.va === 'i64' ? 4 : 2;
  const linkUnits = pcUnits + 2;
  heads(def, region.type);
  computations(def);
  memory(def, frontEnd.va);
  flags(def, frontEnd, linkUnits);
  state(def);
  calls(def, frontEnd);
  ends(def, pcUnits, linkUnits);
  return list;
}

type Define = (name: string, units: number, emit: (h: Handlers) => void) => void;

function heads(def: Define, regionType: number): void {
  const start = (h: Handlers, size: number): void => {
    const c = h.code;
    c.get(BUDGET).get(IP).mem(W.i32Load16U, HEAD.insns, 1).op(W.i32Sub).tee(S0).i32(0).op(W.i32LtS).if(VOID, 0);
    h.setPc(() => h.pcAt(HEAD.pc / 2));
    h.exit(EXIT_BUDGET);
    c.end();
    c.get(IP).set(BLOCK);
    c.load32(C_MMU).i32(TLB_BANK_SHIFT).op(W.i32Shl).set(BANK);
    c.get(IP).i32(size).op(W.i32Add);
  };
  const head = (h: Handlers, size: number): void => {
    const c = h.code;
    start(h, size);
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
  // set the budget is too short for it and the interpreter has to run that block; 0: it has left (C_EXIT says why).
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
    c.get(S0).i32(-2).op(W.i32And).set(IP);
    start(h, HEAD.size);
    c.get(S0).set(BUDGET).set(IP).br(h.loop);
    c.end();
    c.get(S0).set(IP).br(h.loop);
  });
  def('dead', 1, (h) => {
    h.setPc(() => h.pcAt(HEAD.pc / 2));
    h.exit(EXIT_DEAD);
  });
}

function computations(def: Define): void {
  OPS.forEach((info: OpInfo, op) => {
    const name = OP_NAMES[op] as string;
    const { ty, shape } = info;
    const from = info.from ?? ty;
    const to: Ty = shape === 'cmp' ? 'i32' : ty;
    if (shape === 'bin' || shape === 'cmp') {
      def(name, 4, (h) => {
        emitComputation(op, h.operands({ d: 1, a: 2, b: 3 }, to, from));
        h.next();
      });
      def(`${name}.const`, 3 + constUnits(from), (h) => {
        emitComputation(op, h.operands({ d: 1, a: 2, bConst: 3 }, to, from));
        h.next();
      });
    } else if (shape === 'un') {
      def(name, 3, (h) => {
        emitComputation(op, h.operands({ d: 1, a: 2 }, to, from));
        h.next();
      });
    } else if (shape === 'movi') {
      def(name, 2 + constUnits(ty), (h) => {
        h.assign(1, ty, () => (ty === 'i64' ? h.i64(2) : h.i32(2)));
        h.next();
      });
    } else if (shape === 'sel') {
      def(name, 5, (h) => {
        h.assign(1, ty, () => {
          h.operand(3, ty);
          h.operand(4, ty);
          h.operand(2, 'i32').op(W.select);
        });
        h.next();
      });
    } else if (shape === 'mul2') {
      def(name, 5, (h) => {
        emitComputation(op, h.operands({ d: 1, a: 2, b: 3, x: 4 }, 'i32', 'i32'));
        h.next();
      });
    } else if (shape === 'bits') fields(def, op, name, ty, info.signed === true);
    else if (shape === 'dep') deposits(def, op, name, ty);
  });
}

function fields(def: Define, op: number, name: string, ty: Ty, signed: boolean): void {
  const wide = ty === 'i64';
  for (const [pos, len] of USUAL_FIELDS) {
    def(`${name}.${pos}.${len}`, 3, (h) => {
      emitComputation(op, h.operands({ d: 1, a: 2 }, ty, ty, pos, len));
      h.next();
    });
  }
  // Left shift, right shift: the field goes to the top and comes down extended.
  def(name, 5, (h) => {
    h.assign(1, ty, () => {
      const c = h.operand(2, ty);
      h.u16(3);
      if (wide) c.op(W.i64ExtendI32U);
      c.op(wide ? W.i64Shl : W.i32Shl);
      h.u16(4);
      if (wide) c.op(W.i64ExtendI32U);
      c.op(signed ? (wide ? W.i64ShrS : W.i32ShrS) : wide ? W.i64ShrU : W.i32ShrU);
    });
    h.next();
  });
}

function deposits(def: Define, op: number, name: string, ty: Ty): void {
  const wide = ty === 'i64';
  for (const [pos, len] of USUAL_FIELDS) {
    def(`${name}.${pos}.${len}`, 4, (h) => {
      emitComputation(op, h.operands({ d: 1, a: 2, b: 3 }, ty, ty, pos, len));
      h.next();
    });
  }
  // d, a, b, position, then the mask at its place.
  def(name, 5 + constUnits(ty), (h) => {
    const mask = () => (wide ? h.i64(5) : h.i32(5));
    h.assign(1, ty, () => {
      const c = h.operand(2, ty);
      mask();
      c.op(...(wide ? [W.i64Const, 0x7f, W.i64Xor, W.i64And] : [W.i32Const, 0x7f, W.i32Xor, W.i32And])); // and not
      h.operand(3, ty);
      h.u16(4);
      if (wide) c.op(W.i64ExtendI32U);
      c.op(wide ? W.i64Shl : W.i32Shl);
      mask();
      c.op(...(wide ? [W.i64And, W.i64Or] : [W.i32And, W.i32Or]));
    });
    h.next();
  });
}

/** Emits the access for a load or store whose address is base [+ index << scale] + displacement. */
function access(
  h: Handlers,
  op: number,
  at: { indexed: boolean; value: 'operand' | 'const'; disp: number; site: number },
): void {
  const c = h.code;
  const wide = h.va === 'i64';
  const ty = OPS[op]?.ty as Ty;
  const constAt = at.disp + 2;
  emitAccess({
    code: c,
    op,
    va: h.va,
    address: () => {
      h.operand(2, h.va);
      if (at.indexed) {
        h.operand(3, h.va);
        h.u16(4);
        if (wide) c.op(W.i64ExtendI32U);
        c.op(wide ? W.i64Shl : W.i32Shl, wide ? W.i64Add : W.i32Add);
      }
      h.i32(at.disp);
      if (wide) c.op(W.i64ExtendI32S);
      c.op(wide ? W.i64Add : W.i32Add);
    },
    value: () => {
      if (at.value === 'operand') h.operand(1, ty);
      else {
        h.i32(constAt);
        if (ty === 'i64') c.op(W.i64ExtendI32S);
      }
    },
    result: (push) => h.assign(1, ty, push),
    checkFault: () => h.checkFault(at.site),
    pushBank: () => c.get(BANK),
    bank: 0,
    slow: h.fns,
    addressLocal: wide ? ADDR64 : ADDR32,
    entryLocal: ENTRY,
  });
}

function memory(def: Define, va: Ty): void {
  OPS.forEach((info: OpInfo, op) => {
    if (info.shape !== 'load' && info.shape !== 'store') return;
    for (const indexed of [false, true]) {
      for (const value of info.shape === 'store' ? (['operand', 'const'] as const) : (['operand'] as const)) {
        // op, d, base, [index, scale,] displacement(2), [constant(2),] site
        const disp = indexed ? 5 : 3;
        const site = disp + 2 + (value === 'const' ? 2 : 0);
        def(`${OP_NAMES[op]}${indexed ? '.index' : ''}${value === 'const' ? '.const' : ''}`, site + 1, (h) => {
          access(h, op, { indexed, value, disp, site });
          h.next();
        });
      }
    }
  });
  if (va === 'i64') return;
  // Push: store below the pointer, then move it. op, value, pointer, displacement(2), site
  for (const value of ['operand', 'const'] as const) {
    const site = value === 'const' ? 7 : 5;
    def(`push${value === 'const' ? '.const' : ''}`, site + 1, (h) => {
      access(h, Op.st32, { indexed: false, value, disp: 3, site });
      h.assign(2, 'i32', () => {
        h.operand(2, 'i32');
        h.i32(3).op(W.i32Add);
      });
      h.next();
    });
  }
  // Pop: load, move the pointer, then write the register. op, register, pointer, displacement(2) = 0, site, increment
  def('pop', 7, (h) => {
    const c = h.code;
    emitAccess({
      code: c,
      op: Op.ld32,
      va: h.va,
      address: () => h.operand(2, 'i32'),
      value: () => {},
      result: (push) => {
        push();
        c.set(S0);
      },
      checkFault: () => h.checkFault(5),
      pushBank: () => c.get(BANK),
      bank: 0,
      slow: h.fns,
      addressLocal: ADDR32,
      entryLocal: ENTRY,
    });
    h.assign(2, 'i32', () => {
      h.operand(2, 'i32');
      h.u16(6).op(W.i32Add);
    });
    h.assign(1, 'i32', () => c.get(S0));
    h.next();
  });
}

/** setcc alone and fused with the operation it follows and the branch that follows it. */
function flags(def: Define, frontEnd: FrontEnd, linkUnits: number): void {
  const cc = STATE + 8 * Math.max(0, frontEnd.ccSlot);
  const kind = (h: Handlers, unit: number): void => {
    h.code.store32(cc, () => h.u16(unit));
  };
  const put = (h: Handlers, index: number, push: () => void): void => {
    h.code.store32(cc + 8 * index, push);
  };
  // op, kind, a, b | constant(2). Only for the front end's own cc slot; other triples are written by moves.
  def('setcc', 4, (h) => {
    h.operand(2, 'i32').set(S0);
    put(h, 2, () => h.operand(3, 'i32'));
    put(h, 1, () => h.code.get(S0));
    kind(h, 1);
    h.next();
  });
  def('setcc.const', 5, (h) => {
    put(h, 1, () => h.operand(2, 'i32'));
    put(h, 2, () => h.i32(3));
    kind(h, 1);
    h.next();
  });
  for (const op of FLAG_OPS) {
    for (const constant of [false, true]) {
      const form = constant ? '.const' : '';
      const logic = op !== Op.add && op !== Op.sub;
      const b = (h: Handlers, unit: number): void => {
        if (constant) h.i32(unit);
        else h.operand(unit, 'i32');
      };
      // op, kind, d, a, b | constant(2): result to d, cc = kind, result, b (0 for logic)
      for (const keep of [true, false]) {
        const at = keep ? 3 : 2;
        def(`${OP_NAMES[op]}.cc${keep ? '' : '.only'}${form}`, at + 1 + (constant ? 2 : 1), (h) => {
          const c = h.code;
          h.operand(at, 'i32');
          b(h, at + 1);
          c.op(DIRECT[op] as number).set(S0);
          put(h, 2, () => {
            if (logic) c.i32(0);
            else b(h, at + 1);
          });
          put(h, 1, () => c.get(S0));
          kind(h, 1);
          if (keep) h.assign(2, 'i32', () => c.get(S0));
          h.next();
        });
      }
    }
  }
  // Compare, or test, and branch. op, kind, a, b | constant(2), link, link
  for (const cmp of COMPARES.filter((i) => OPS[i]?.ty === 'i32')) {
    for (const constant of [false, true]) {
      const b = (h: Handlers): void => {
        if (constant) h.i32(3);
        else h.operand(3, 'i32');
      };
      const links = 3 + (constant ? 2 : 1);
      for (const [name, op] of [
        ['cmp', Op.sub],
        ['test', Op.and],
      ] as const) {
        def(`${name}.${OP_NAMES[cmp]}${constant ? '.const' : ''}`, links + 2 * linkUnits, (h) => {
          const c = h.code;
          h.operand(2, 'i32').tee(S0);
          b(h);
          c.tee(S1)
            .op(DIRECT[op] as number)
            .set(ENTRY);
          kind(h, 1);
          put(h, 1, () => c.get(ENTRY));
          put(h, 2, () => (op === Op.sub ? c.get(S1) : c.i32(0)));
          if (op === Op.sub) c.get(S0).get(S1);
          else c.get(ENTRY).i32(0);
          c.op(DIRECT[cmp] as number).if(VOID);
          h.link(links);
          c.else();
          h.link(links + linkUnits);
          c.end();
        });
      }
    }
  }
}

function state(def: Define): void {
  for (const [suffix, ty, loadOp, storeOp] of [
    ['', 'i32', W.i32Load, W.i32Store],
    ['64', 'i64', W.i64Load, W.i64Store],
  ] as const) {
    def(`getf${suffix}`, 3, (h) => {
      h.assign(1, ty, () => h.u16(2).mem(loadOp, 0, 2));
      h.next();
    });
    def(`putf${suffix}`, 3, (h) => {
      h.u16(2);
      h.operand(1, ty).mem(storeOp, 0, 2);
      h.next();
    });
  }
}

/** Does the bytecode of a call say which instruction it belongs to? */
export const hasSite = (helper: HelperInfo): boolean => helper.faults || helper.readsClock === true;

function calls(def: Define, frontEnd: FrontEnd): void {
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

function ends(def: Define, pcUnits: number, linkUnits: number): void {
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
