/** Data movement and conversion. */
import { Op } from '../../../ir/ops.ts';
import { CONDITION_NAMES, condition } from '../conditions.ts';
import { LOAD_SHADOW } from '../helpers.ts';
import { FEATURE_CMOV, type Instruction, x86 } from '../instruction.ts';
import { CS, DS, ES, FS, GS, S_EAX, S_EBX, S_EDX, SEG_SELECTOR, SEG_SIZE, SEGS, SS } from '../layout.ts';
import { CONSTANT, type Place } from '../place.ts';
import type { Translator } from '../translator.ts';

const LOAD = [0, Op.ld8u, Op.ld16u, 0, Op.ld32];

const mov = x86({
  name: 'mov',
  forms: {
    '88 /r': 'Eb,Gb',
    '89 /r': 'Ev,Gv',
    '8A /r': 'Gb,Eb',
    '8B /r': 'Gv,Ev',
    A0: 'AL,Ob',
    A1: 'eAX,Ov',
    A2: 'Ob,AL',
    A3: 'Ov,eAX',
    'B0+r': 'Zb,Ib',
    'B8+r': 'Zv,Iz',
    'C6 /0': 'Eb,Ib',
    'C7 /0': 'Ev,Iz',
  },
  execute(t, dst, src) {
    if (src.kind === CONSTANT) dst.writeConstant(src.value);
    else if (src.isMemory && dst.slot >= 0) t.loadInto(Op.ld32, 4, dst.slot);
    else dst.write(src.readLoose());
  },
});

/** A segment register's selector. */
export function selector(t: Translator, segment: number): number {
  return t.block.getf(SEGS + segment * SEG_SIZE + SEG_SELECTOR);
}

const movFromSegment = x86({
  name: 'mov',
  forms: { '8C /r': 'Es,Sw' },
  execute(t, dst) {
    if (t.d.reg > GS) return t.undefinedOpcode();
    dst.write(selector(t, t.d.reg));
  },
});

const movToSegment = x86({
  name: 'mov',
  forms: { '8E /r': 'Sw,Ew' },
  execute(t, _, src) {
    const { reg } = t.d;
    if (reg > GS || reg === CS) return t.undefinedOpcode();
    t.call('load_seg', t.movi(reg === SS ? SS | LOAD_SHADOW : reg), src.read());
    t.gotoNextMode();
  },
});

/** MOVZX and MOVSX from bytes or words, straight into 32-bit registers. */
function widen(t: Translator, signed: boolean, dst: Place, src: Place): void {
  if (src.isMemory && dst.slot >= 0) {
    const op = src.size === 1 ? (signed ? Op.ld8s : Op.ld8u) : signed ? Op.ld16s : Op.ld16u;
    t.loadInto(op, src.size, dst.slot);
  } else if (!src.isMemory && dst.slot >= 0) {
    const high = src.size === 1 && src.reg > 3;
    t.bits(high ? src.reg - 4 : src.reg, high ? 8 : 0, src.bits, signed, dst.slot);
  } else dst.write(signed ? src.readSigned() : src.read());
}

const movzx = x86({
  name: 'movz',
  forms: { '0F B6 /r': 'Gv,Eb', '0F B7 /r': 'Gv,Ew' },
  att: 'widen',
  execute: (t, dst, src) => widen(t, false, dst, src),
});

const movsx = x86({
  name: 'movs',
  forms: { '0F BE /r': 'Gv,Eb', '0F BF /r': 'Gv,Ew' },
  att: 'widen',
  execute: (t, dst, src) => widen(t, true, dst, src),
});

const xchg = x86({
  name: 'xchg',
  forms: {
    '86 /r': 'Eb,Gb',
    '87 /r': 'Ev,Gv',
    '91': 'Zv,eAX',
    '92': 'Zv,eAX',
    '93': 'Zv,eAX',
    '94': 'Zv,eAX',
    '95': 'Zv,eAX',
    '96': 'Zv,eAX',
    '97': 'Zv,eAX',
  },
  lockable: true,
  execute(t, dst, src) {
    const a = t.keep(dst.readForUpdate());
    const b = src.copy();
    dst.write(b);
    src.write(a);
  },
});

const lea = x86({
  name: 'lea',
  forms: { '8D /r': 'Gv,M' },
  execute(t, dst) {
    const { d } = t;
    if (dst.slot >= 0 && d.addressSize === 4 && d.base >= 0 && d.index < 0 && d.disp !== 0) {
      t.bini(Op.add, d.base, d.disp, dst.slot);
    } else dst.write(t.offset());
  },
});

/** LDS and the like: an offset, then a selector, from memory. */
function loadFar(t: Translator, segment: number, dst: Place): void {
  const { size } = dst;
  const offset = t.load(LOAD[size] as number, size, false);
  const sel = t.load(Op.ld16u, 2, false, size);
  t.call('load_seg', t.movi(segment), sel);
  dst.write(offset);
  t.gotoNextMode();
}
const farLoads = (
  [
    ['les', 'C4 /r', ES],
    ['lds', 'C5 /r', DS],
    ['lss', '0F B2 /r', SS],
    ['lfs', '0F B4 /r', FS],
    ['lgs', '0F B5 /r', GS],
  ] as const
).map(([name, opcode, segment]) =>
  x86({ name, forms: { [opcode]: 'Gv,Mp' }, execute: (t, dst) => loadFar(t, segment, dst) }),
);

/** CBW, CWDE: AT&T's names are cbtw, cwtl. */
const cbw = x86({
  name: 'cwtl',
  forms: { '98': '' },
  narrowName: 'cbtw',
  execute(t) {
    if (t.d.operandSize === 4) t.bits(S_EAX, 0, 16, true, S_EAX);
    else t.dep(S_EAX, 0, 16, t.bits(S_EAX, 0, 8, true), S_EAX);
  },
});

/** CWD, CDQ. */
const cwd = x86({
  name: 'cltd',
  forms: { '99': '' },
  narrowName: 'cwtd',
  execute(t) {
    if (t.d.operandSize === 4) t.bini(Op.sar, S_EAX, 31, S_EDX);
    else t.dep(S_EDX, 0, 16, t.bits(S_EAX, 15, 1, true), S_EDX);
  },
});

const xlat = x86({
  name: 'xlat',
  forms: { D7: '' },
  execute(t) {
    t.pointTo(S_EBX, t.d.override < 0 ? DS : t.d.override);
    t.displacement = t.bits(S_EAX, 0, 8, false);
    t.dep(S_EAX, 0, 8, t.load(Op.ld8u, 1, false), S_EAX);
  },
});

const bswap = x86({
  name: 'bswap',
  forms: { '0F C8+r': 'Zv' },
  execute: (t, dst) => void t.un(Op.bswap, dst.reg, dst.reg),
});

const cmov = CONDITION_NAMES.map((cc, code) =>
  x86({
    name: `cmov${cc}`,
    requires: FEATURE_CMOV,
    forms: { [`0F ${(0x40 + code).toString(16).toUpperCase()} /r`]: 'Gv,Ev' },
    execute(t, dst, src) {
      const value = src.read();
      const old = dst.read();
      const c = condition(t, code);
      const holds = t.binOr(c.op, c.a, c.b, c.imm);
      if (dst.slot >= 0) t.sel(holds, value, old, dst.slot);
      else dst.write(t.sel(holds, value, old));
    },
  }),
);

const setcc = CONDITION_NAMES.map((cc, code) =>
  x86({
    name: `set${cc}`,
    forms: { [`0F ${(0x90 + code).toString(16).toUpperCase()} /r`]: 'Eb' },
    att: 'plain',
    execute(t, dst) {
      const c = condition(t, code);
      dst.write(t.binOr(c.op, c.a, c.b, c.imm));
    },
  }),
);

export const moves: readonly Instruction[] = [
  mov,
  movFromSegment,
  movToSegment,
  movzx,
  movsx,
  xchg,
  lea,
  ...farLoads,
  cbw,
  cwd,
  xlat,
  bswap,
  ...cmov,
  ...setcc,
];
