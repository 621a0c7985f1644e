/** What particular instructions need of the state they start in, so that they do more than fault. */
import type { Encoded } from './encode.ts';
import { CODE, DATA, OPEN_PORTS, STACK_PART, WINDOW } from './layout.ts';
import { baseOf, type Mode, SELECTORS } from './modes.ts';
import type { Random } from './random.ts';

/** The state an instruction starts in, while it is made up. */
export interface Draft {
  readonly e: Encoded;
  readonly mode: Mode;
  readonly random: Random;
  /** eax ecx edx ebx esp ebp esi edi */
  readonly regs: number[];
  readonly window: DataView;
  /** Where in the window the memory operand lies. */
  readonly at: number;
  /** Where in the window the stack pointer points. */
  readonly stack: number;
  eflags: number;
  /** EIP of the code. */
  readonly eip: number;
}
type Recipe = (d: Draft) => void;

const IOPL = 0x3000;
const EAX = 0;
const ECX = 1;
const EDX = 2;
const EBX = 3;
const EBP = 5;
const ESI = 6;
const EDI = 7;

/** Register r gets an address (a linear one) as an offset in a segment; addresses of 16 bits leave the upper half. */
export function point(d: Draft, r: number, linear: number, segment: keyof Mode['segments'], wide: boolean): void {
  const offset = (linear - d.mode.segments[segment].base) | 0;
  d.regs[r] = (wide ? offset : (offset & 0xffff) | (d.random.value() & 0xffff0000)) >>> 0;
}
/** The r/m operand gets a value. */
function setOperand(d: Draft, value: number): void {
  if (d.e.memory) d.window.setUint32(d.at, value >>> 0, true);
  else if (d.e.rm >= 0) d.regs[d.e.rm] = value >>> 0;
}
const operandOf = (d: Draft): number => (d.e.memory ? d.window.getUint32(d.at, true) : (d.regs[d.e.rm] as number));

/** A place near the code, before or behind it, as EIP. */
const nearby = (d: Draft): number => d.eip + (d.random.oneIn(2) ? -1 - d.random.below(12) : 16 + d.random.below(12));
/** Level 3 sees so much of code and so much of data; code of other instances is there, and bytes that are no code. */
const MAPPED = 0x2000;
/** Would control go to what is mapped but not this instance's? What is there counts for another form, if for any. */
function strays(d: Draft, selector: number, eip: number): boolean {
  const linear = (baseOf(d.mode, selector) + (d.e.operandSize === 4 ? eip : eip & 0xffff)) >>> 0;
  const own = d.mode.segments.cs.base + d.eip;
  if (linear >= own - 16 && linear < own + 32) return false;
  return [CODE, DATA].some((start) => linear >= start && linear < start + MAPPED);
}
/** Any EIP from which nothing strange is executed. */
function anywhere(d: Draft, selector: number): number {
  for (;;) {
    const eip = d.random.value();
    if (!strays(d, selector, eip)) return eip;
  }
}
/** An EIP near the code, where that is all right in another segment. */
function nearbyIn(d: Draft, selector: number): number {
  const eip = nearby(d);
  return strays(d, selector, eip) ? anywhere(d, selector) : eip;
}
/** A code selector that works as a rule. */
const codeSelector = (d: Draft): number =>
  d.mode.vm ? CODE >> 4 : d.random.oneIn(2) ? d.mode.segments.cs.selector : d.random.pick(SELECTORS);
const dataSelector = (d: Draft): number => (d.random.oneIn(8) ? d.random.word() & 0xffff : d.random.pick(SELECTORS));
/** Flags for POPF and IRET: now and then with TF, NT, RF. Never VM, which TCG lets IRET set at level 3. */
const someFlags = (d: Draft): number => d.random.word() & (d.random.oneIn(8) ? 0x257fd5 : 0x240ed5);

function far(d: Draft, at: number): void {
  const size = d.e.operandSize;
  const selector = codeSelector(d);
  const eip = nearbyIn(d, selector);
  if (size === 4) d.window.setUint32(at, eip >>> 0, true);
  else d.window.setUint16(at, eip & 0xffff, true);
  d.window.setUint16(at + size, selector, true);
}
const pushed = (d: Draft, n: number, value: number): void => {
  const at = d.stack + n * d.e.operandSize;
  if (d.e.operandSize === 4) d.window.setUint32(at, value >>> 0, true);
  else d.window.setUint16(at, value & 0xffff, true);
};

/** The dividend is small enough for the quotient, as a rule. */
const divide: Recipe = (d) => {
  if (d.random.oneIn(4)) return;
  const wide = d.e.form.operands[0] === 'Ev';
  if (!wide) {
    d.regs[EAX] = d.random.word() & (d.random.oneIn(2) ? 0x0fff : 0x7f);
    return;
  }
  d.regs[EDX] = d.random.oneIn(3) ? 0 : d.random.below(1 + ((operandOf(d) >>> d.random.below(16)) & 0x7fffffff));
  if (d.random.oneIn(4)) d.regs[EDX] = ~(d.regs[EDX] ?? 0) >>> 0;
};
const bitOffset: Recipe = (d) => {
  if (d.e.form.operands[1] === 'Gv') d.regs[d.e.reg] = (d.random.below(1024) - 512) >>> 0;
};
const stringPointers: Recipe = (d) => {
  const { random, e } = d;
  const wide = e.addressSize === 4;
  // Now and then from well inside so that both directions have room, now and then anywhere.
  point(d, ESI, WINDOW + 40 + random.below(80), e.source, wide);
  point(d, EDI, WINDOW + 40 + random.below(80), 'es', wide);
  if (random.oneIn(16)) d.regs[random.pick([ESI, EDI])] = random.value();
  const count = random.oneIn(24) ? 200 + random.below(9000) : random.below(20);
  d.regs[ECX] = wide ? count : (count | (random.value() & 0xffff0000)) >>> 0;
  if (/^(scas|cmps)/.test(e.form.insn.name)) {
    // Runs of equal bytes, so that repetitions end somewhere.
    const byte = random.below(256);
    for (let i = 0; i < 180; i++) if (!random.oneIn(12)) d.window.setUint8(i, byte);
    d.regs[EAX] = random.oneIn(2) ? byte * 0x01010101 : random.value();
  }
  d.regs[EDX] = OPEN_PORTS[1] + random.below(5);
};
const port: Recipe = (d) => {
  // With IOPL 3 there is no check, and a device may be anywhere else.
  if (d.mode.flags & IOPL || !d.random.oneIn(4)) {
    d.regs[EDX] = (OPEN_PORTS[1] + d.random.below(8)) | (d.random.word() & 0xffff0000);
  }
};
const transfer: Recipe = (d) => {
  const own = d.mode.segments.cs.selector;
  if (d.e.form.operands[0] === 'Ev') setOperand(d, d.random.oneIn(6) ? anywhere(d, own) : nearby(d));
  if (d.e.form.operands[0] === 'Mp') far(d, d.at);
};
const selector: Recipe = (d) => {
  for (const name of d.e.form.operands) {
    if (name === 'Ew') setOperand(d, dataSelector(d));
    if (name === 'Gw') d.regs[d.e.reg] = dataSelector(d);
  }
};
const segmentMove: Recipe = (d) => {
  if (d.e.form.operands[0] === 'Sw') setOperand(d, dataSelector(d));
};
const popSegment: Recipe = (d) => {
  if (/^[CDEFGS]S$/.test(d.e.form.operands[0] ?? '')) pushed(d, 0, dataSelector(d));
};
const loadFar: Recipe = (d) => d.window.setUint16(d.at + d.e.operandSize, dataSelector(d), true);
const framePointer: Recipe = (d) => point(d, EBP, WINDOW + STACK_PART + 64 + d.random.below(48), 'ss', d.mode.stack32);

const RECIPES: readonly (readonly [RegExp, Recipe])[] = [
  [/^i?div$/, divide],
  [/^bt[src]?$/, bitOffset],
  [/^(movs|cmps|stos|lods|scas|ins|outs)$/, stringPointers],
  [/^(in|out)$/, port],
  [/^l?(jmp|call)$/, transfer],
  [/^(lar|lsl|verr|verw|arpl|lldt|ltr)$/, selector],
  [/^mov$/, segmentMove],
  [/^pop$/, popSegment],
  [/^l[defgs]s$/, loadFar],
  [/^(enter|leave)$/, framePointer],
  [/^ret$/, (d) => pushed(d, 0, nearby(d))],
  [
    /^i?l?ret$/,
    (d) => {
      const selector = codeSelector(d);
      pushed(d, 0, nearbyIn(d, selector));
      pushed(d, 1, selector);
      if (d.e.form.insn.name === 'iret') pushed(d, 2, someFlags(d));
    },
  ],
  [/^popf$/, (d) => pushed(d, 0, someFlags(d))],
  [/^(loop\w*|jecxz)$/, (d) => (d.regs[ECX] = d.random.oneIn(2) ? d.random.below(3) : d.random.value())],
  [
    /^xlat$/,
    (d) => {
      point(d, EBX, WINDOW + d.random.below(20), d.e.source, d.e.addressSize === 4);
      d.regs[EAX] = (d.random.word() & 0xffffff00) | d.random.below(100);
    },
  ],
  [/^cpuid$/, (d) => (d.regs[EAX] = d.random.below(4))],
  [
    /^cmpxchg8b$/,
    (d) => {
      if (d.random.oneIn(3)) return;
      d.regs[EAX] = d.window.getUint32(d.at, true);
      d.regs[EDX] = d.window.getUint32(d.at + 4, true);
    },
  ],
  [
    /^cmpxchg$/,
    (d) => {
      if (d.random.oneIn(2)) d.regs[EAX] = operandOf(d);
    },
  ],
  [
    /^bound$/,
    (d) => {
      const low = d.random.below(1000) - 500;
      const index = low + d.random.below(20) - 4;
      if (d.e.operandSize === 4) {
        d.window.setInt32(d.at, low, true);
        d.window.setInt32(d.at + 4, low + 10, true);
      } else {
        d.window.setInt16(d.at, low, true);
        d.window.setInt16(d.at + 2, low + 10, true);
      }
      d.regs[d.e.reg] = index >>> 0;
    },
  ],
];

export function applyRecipes(d: Draft): void {
  for (const [name, recipe] of RECIPES) if (name.test(d.e.form.insn.name)) recipe(d);
}
