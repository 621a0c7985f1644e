/** Ports, descriptor tables, control and debug registers, model-specific registers, and what does nothing. */
import { Op } from '../../../ir/ops.ts';
import { type Instruction, x86 } from '../instruction.ts';
import {
  CR4_PCE,
  CR4_TSD,
  F_CR0,
  F_CR4,
  F_GDT_BASE,
  F_GDT_LIMIT,
  F_IDT_BASE,
  F_IDT_LIMIT,
  LDTR,
  S_CC_DST,
  S_CC_OP,
  S_CC_SRC,
  TR,
  V_GP,
} from '../layout.ts';
import { LEAVE_HLT, LEAVE_IN, LEAVE_OUT, LEAVE_RDMSR, LEAVE_WRMSR, PORT_IN_DX, PORT_SHIFT } from '../leave.ts';
import { M_CPL, M_IOPL_OK, M_PE, M_VM } from '../mode.ts';
import type { Place } from '../place.ts';
import { CONSTANT } from '../place.ts';
import type { Translator } from '../translator.ts';
import { selector } from './move.ts';

/** #GP(0) unless the port may be used: virtual-8086 mode always asks the TSS (SDM volume 1, 19.5.2). */
export function checkPort(t: Translator, port: number, size: number): void {
  if (!(t.mode & M_IOPL_OK) || t.mode & M_VM) t.call('io_check', port, t.movi(size));
}

function portAccess(t: Translator, code: number, size: number, port: Place): void {
  const constant = port.kind === CONSTANT;
  if (!(t.mode & M_IOPL_OK) || t.mode & M_VM) checkPort(t, port.read(), size);
  t.leave(code, size | (constant ? port.value << PORT_SHIFT : PORT_IN_DX));
}

const ports = [
  x86({
    name: 'in',
    forms: { E4: 'AL,Ib', E5: 'eAX,Ib', EC: 'AL,DX', ED: 'eAX,DX' },
    execute: (t, dst, port) => portAccess(t, LEAVE_IN, dst.size, port),
  }),
  x86({
    name: 'out',
    forms: { E6: 'Ib,AL', E7: 'Ib,eAX', EE: 'DX,AL', EF: 'DX,eAX' },
    execute: (t, port, src) => portAccess(t, LEAVE_OUT, src.size, port),
  }),
];

const hlt = x86({ name: 'hlt', forms: { F4: '' }, privileged: true, execute: (t) => t.leave(LEAVE_HLT, 0) });

// Descriptor tables: limit, then base.

function storeTable(t: Translator, limit: number, base: number): void {
  t.checkStore(6);
  t.store(2, t.block.getf(limit));
  const value = t.block.getf(base);
  t.store(4, t.d.operandSize === 4 ? value : t.bini(Op.and, value, 0xffffff), 2);
}
function loadTable(t: Translator, limit: number, base: number): void {
  const l = t.load(Op.ld16u, 2, false);
  const b = t.load(Op.ld32, 4, false, 2);
  t.block.putf(limit, l);
  t.block.putf(base, t.d.operandSize === 4 ? b : t.bini(Op.and, b, 0xffffff));
}
const tables = [
  x86({
    name: 'sgdt',
    forms: { '0F 01 /0': 'M' },
    att: 'suffixed',
    execute: (t) => storeTable(t, F_GDT_LIMIT, F_GDT_BASE),
  }),
  x86({
    name: 'sidt',
    forms: { '0F 01 /1': 'M' },
    att: 'suffixed',
    execute: (t) => storeTable(t, F_IDT_LIMIT, F_IDT_BASE),
  }),
  x86({
    name: 'lgdt',
    forms: { '0F 01 /2': 'M' },
    att: 'suffixed',
    privileged: true,
    execute: (t) => loadTable(t, F_GDT_LIMIT, F_GDT_BASE),
  }),
  x86({
    name: 'lidt',
    forms: { '0F 01 /3': 'M' },
    att: 'suffixed',
    privileged: true,
    execute: (t) => loadTable(t, F_IDT_LIMIT, F_IDT_BASE),
  }),
];

/** In protected mode only (not virtual-8086); else #UD. */
const inProtectedMode =
  (execute: Instruction['execute']): Instruction['execute'] =>
  (t, a, b, c) => {
    if ((t.mode & (M_PE | M_VM)) === M_PE) execute(t, a, b, c);
    else t.undefinedOpcode();
  };
/** ZF becomes an operand (0 or 1), the other flags stay. */
function setZf(t: Translator, zf: number): void {
  t.setEflags(t.call('cc_with_zf', S_CC_OP, S_CC_DST, S_CC_SRC, zf));
}
const lowWord = (t: Translator, v: number): number => t.un(Op.wrap, v);
const highWord = (t: Translator, v: number): number => t.un(Op.wrap, t.bini(Op.shr64, v, 32));

/** LLDT, LTR: privilege is looked at after the mode. */
const loadSystemSegment = (name: 'lldt' | 'ltr', opcode: string): Instruction =>
  x86({
    name,
    forms: { [opcode]: 'Ew' },
    execute: inProtectedMode((t, src) => {
      if (t.mode & M_CPL) t.block.raise(V_GP, 0);
      else t.call(name, src.read());
    }),
  });
const verify = (name: 'verr' | 'verw', opcode: string): Instruction =>
  x86({ name, forms: { [opcode]: 'Ew' }, execute: inProtectedMode((t, src) => setZf(t, t.call(name, src.read()))) });
/** LAR, LSL: the destination changes only if the selector is good. */
const query = (name: 'lar' | 'lsl', opcode: string): Instruction =>
  x86({
    name,
    forms: { [opcode]: 'Gv,Ew' },
    execute: inProtectedMode((t, dst, src) => {
      const both = t.call(name, src.read());
      const zf = highWord(t, both);
      const value = t.sel(zf, lowWord(t, both), dst.read());
      setZf(t, zf);
      dst.write(value);
    }),
  });

const selectors = [
  x86({
    name: 'sldt',
    forms: { '0F 00 /0': 'Es' },
    execute: inProtectedMode((t, dst) => dst.write(selector(t, LDTR))),
  }),
  x86({ name: 'str', forms: { '0F 00 /1': 'Es' }, execute: inProtectedMode((t, dst) => dst.write(selector(t, TR))) }),
  loadSystemSegment('lldt', '0F 00 /2'),
  loadSystemSegment('ltr', '0F 00 /3'),
  verify('verr', '0F 00 /4'),
  verify('verw', '0F 00 /5'),
  query('lar', '0F 02 /r'),
  query('lsl', '0F 03 /r'),
  x86({
    name: 'arpl',
    forms: { '63 /r': 'Ew,Gw' },
    execute: inProtectedMode((t, dst, src) => {
      const both = t.call('arpl', dst.readForUpdate(), src.read());
      dst.write(lowWord(t, both));
      setZf(t, highWord(t, both));
    }),
  }),
];

// Control and debug registers. The mod field is not looked at: the operand is always a 32-bit register.

const moveTo = (helper: 'mov_to_cr' | 'mov_to_dr', opcode: string, operands: string): Instruction =>
  x86({
    name: 'mov',
    forms: { [opcode]: operands },
    privileged: true,
    execute(t, _, src) {
      t.call(helper, t.movi(t.d.reg), src.read());
      t.gotoNextMode();
    },
  });
const moveFrom = (helper: 'mov_from_cr' | 'mov_from_dr', opcode: string, operands: string): Instruction =>
  x86({
    name: 'mov',
    forms: { [opcode]: operands },
    privileged: true,
    execute: (t, dst) => dst.write(t.call(helper, t.movi(t.d.reg))),
  });

const registers = [
  moveFrom('mov_from_cr', '0F 20 /r', 'Rd,Cd'),
  moveFrom('mov_from_dr', '0F 21 /r', 'Rd,Dd'),
  moveTo('mov_to_cr', '0F 22 /r', 'Cd,Rd'),
  moveTo('mov_to_dr', '0F 23 /r', 'Dd,Rd'),
  x86({ name: 'smsw', forms: { '0F 01 /4': 'Es' }, execute: (t, dst) => dst.write(t.block.getf(F_CR0)) }),
  x86({
    name: 'lmsw',
    forms: { '0F 01 /6': 'Ew' },
    privileged: true,
    execute(t, src) {
      t.call('lmsw', src.read());
      t.gotoNextMode();
    },
  }),
  x86({
    name: 'clts',
    forms: { '0F 06': '' },
    privileged: true,
    execute(t) {
      t.call('clts');
      t.gotoNextMode();
    },
  }),
  x86({
    name: 'invlpg',
    forms: { '0F 01 /7': 'Mb' },
    privileged: true,

    execute(t) {
      t.call('invlpg', t.linear());
      t.gotoNextMode();
    },
  }),
];

/** #GP(0) above level 0 if a bit of CR4 has a value. */
function checkCr4(t: Translator, mask: number, set: boolean): void {
  if (!(t.mode & M_CPL)) return;
  const bit = t.bini(Op.and, t.block.getf(F_CR4), mask);
  t.block.raiseIf(t.bini(set ? Op.ne : Op.eq, bit, 0), V_GP, 0);
}

const models = [
  x86({ name: 'cpuid', forms: { '0F A2': '' }, execute: (t) => void t.call('cpuid') }),
  x86({
    name: 'rdtsc',
    forms: { '0F 31': '' },
    execute(t) {
      checkCr4(t, CR4_TSD, true);
      t.call('rdtsc');
    },
  }),
  x86({
    name: 'rdpmc',
    forms: { '0F 33': '' },
    // No counters are modelled, as in QEMU.
    execute(t) {
      checkCr4(t, CR4_PCE, false);
      t.undefinedOpcode();
    },
  }),
  x86({ name: 'rdmsr', forms: { '0F 32': '' }, privileged: true, execute: (t) => t.leave(LEAVE_RDMSR, t.d.length) }),
  x86({ name: 'wrmsr', forms: { '0F 30': '' }, privileged: true, execute: (t) => t.leave(LEAVE_WRMSR, t.d.length) }),
  x86({
    name: 'sysenter',
    forms: { '0F 34': '' },
    execute(t) {
      t.call('sysenter');
      t.jump(false);
    },
  }),
  x86({
    name: 'sysexit',
    forms: { '0F 35': '' },
    privileged: true,
    execute(t) {
      t.call('sysexit');
      t.jump(true);
    },
  }),
];

const nothing = (): void => {};
const idle = [
  x86({ name: 'nop', forms: { '90': '' }, execute: nothing }),
  x86({ name: 'invd', forms: { '0F 08': '' }, privileged: true, execute: nothing }),
  x86({ name: 'wbinvd', forms: { '0F 09': '' }, privileged: true, execute: nothing }),
  x86({ name: 'prefetchnta', forms: { '0F 18 /0': 'Mb' }, execute: nothing }),
  x86({ name: 'prefetcht0', forms: { '0F 18 /1': 'Mb' }, execute: nothing }),
  x86({ name: 'prefetcht1', forms: { '0F 18 /2': 'Mb' }, execute: nothing }),
  x86({ name: 'prefetcht2', forms: { '0F 18 /3': 'Mb' }, execute: nothing }),
  x86({
    name: 'nop',
    forms: {
      '0F 18 /4': 'Ev',
      '0F 18 /5': 'Ev',
      '0F 18 /6': 'Ev',
      '0F 18 /7': 'Ev',
      '0F 19 /r': 'Ev',
      '0F 1A /r': 'Ev',
      '0F 1B /r': 'Ev',
      '0F 1C /r': 'Ev',
      '0F 1D /r': 'Ev',
      '0F 1E /r': 'Ev',
      '0F 1F /r': 'Ev',
    },
    execute: nothing,
  }),
  x86({ name: 'ud2', forms: { '0F 0B': '' }, execute: (t) => t.undefinedOpcode() }),
];

export const system: readonly Instruction[] = [
  ...ports,
  hlt,
  ...tables,
  ...selectors,
  ...registers,
  ...models,
  ...idle,
];
