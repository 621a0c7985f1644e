/** Makes up instances: every opcode form, in every mode, with every prefix combination, from many states. */

import { FEATURE_MMX } from '../../src/cpu/isa/x86/instruction.ts';
import { type Encoded, encode, type OpcodeForm } from './encode.ts';
import { fpuImage, fpuOperand } from './fpu-images.ts';
import type { CodePlaces, Input, Instance } from './instance.ts';
import { CODE, OPEN_PORTS, STACK_PART, WINDOW, WINDOW_BYTES } from './layout.ts';
import { mmxImage, mmxValue } from './mmx-images.ts';
import { type Mode, SELECTORS } from './modes.ts';
import type { Random } from './random.ts';
import { applyRecipes, type Draft, point } from './recipes.ts';

const ESP = 4;
const FWAIT = 0x9b;

export const isX87 = (form: OpcodeForm): boolean => form.insn.name.startsWith('f');
export const isMmx = (form: OpcodeForm): boolean => form.insn.requires === FEATURE_MMX;

/** Level 3's arithmetic flags and DF, with TF, NT, AC and ID now and then. */
function flags(random: Random): number {
  const rare = random.oneIn(20) ? random.pick([0x100, 0x4000, 0x40000, 0x200000]) : 0;
  return 2 | (random.word() & 0x8d5) | (random.oneIn(3) ? 0x400 : 0) | rare;
}

/** The register of the address is solved for, so that the operand lies where it should. */
function solve(d: Draft, linear: number, fixed: number): void {
  const m = d.e.memory;
  if (!m) return;
  if (m.base < 0 || m.base === m.index) {
    if (m.index >= 0) d.regs[m.index] = fixed;
    return;
  }
  const index = m.index < 0 ? 0 : Math.imul(d.regs[m.index] as number, m.scale);
  point(d, m.base, (linear - m.displacement - index) | 0, m.segment, m.wide);
}

function frameOf(d: Draft): number[] {
  const { mode, regs } = d;
  const s = mode.segments;
  const selectors = [s.gs, s.fs, s.es, s.ds].map((x) => (mode.vm ? 0 : x.selector));
  const [eax, ecx, edx, ebx, esp, ebp, esi, edi] = regs as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const outer = [d.eip, s.cs.selector, d.eflags | mode.flags, esp, s.ss.selector];
  const vm = [s.es, s.ds, s.fs, s.gs].map((x) => (mode.vm ? x.selector : 0));
  return [...selectors, edi, esi, ebp, 0, ebx, edx, ecx, eax, ...outer, ...vm].map((x) => x >>> 0);
}

interface Place {
  readonly page: number;
  readonly offset: number;
}
const eipOf = (mode: Mode, place: Place): number => CODE + place.offset - mode.segments.cs.base;

/** Where its memory operand lies in the window: the page ends at 128. */
function operandPlace(form: OpcodeForm, random: Random): number {
  if (/^fx(save|rstor)/.test(form.insn.name)) return random.oneIn(6) ? random.below(16) : 16 * random.below(3);
  if (/^f(n?save|rstor)/.test(form.insn.name)) return random.below(40);
  return random.oneIn(3) ? 120 + random.below(12) : 24 + random.below(130);
}

function input(e: Encoded, mode: Mode, random: Random, place: Place, at: number, fixed: number): Input {
  const bytes = new Uint8Array(WINDOW_BYTES);
  const window = new DataView(bytes.buffer);
  for (let i = 0; i < WINDOW_BYTES; i += 4) window.setUint32(i, random.value(), true);
  const stack = STACK_PART + 32 + 4 * random.below(8) + (random.oneIn(6) ? 2 : 0);
  const regs = Array.from({ length: 8 }, () => random.value());
  const d: Draft = { e, mode, random, regs, window, at, stack, eflags: flags(random), eip: eipOf(mode, place) };
  point(d, ESP, WINDOW + stack, 'ss', mode.stack32);
  const x87 = isX87(e.form);
  if (x87 && e.memory && !/^f(rstor|ldenv|xrstor)/.test(e.form.insn.name)) {
    fpuOperand(random, e.form.operands[0] === 'Md' ? 4 : 8, window, at);
  }
  const mmx = isMmx(e.form);
  if (mmx && e.memory) window.setBigUint64(at, mmxValue(random), true);
  applyRecipes(d);
  solve(d, WINDOW + at, fixed);
  if (x87 && /^f(rstor|ldenv)/.test(e.form.insn.name)) bytes.set(fpuImage(random).subarray(0, 108), Math.min(at, 60));
  return { window: bytes, at, fpu: x87 ? fpuImage(random) : mmx ? mmxImage(random) : undefined, frame: frameOf(d) };
}

export interface CaseOptions {
  readonly random: Random;
  readonly places: CodePlaces;
  readonly inputs: number;
}

/** One instance of a form in a mode. */
export function instanceOf(form: OpcodeForm, mode: Mode, variant: number, o: CaseOptions): Instance {
  const { random } = o;
  const at = operandPlace(form, random);
  const fixed = random.oneIn(2) ? random.below(64) : random.word();
  // Its place depends on its length and its bytes on the place; targets only need to be near.
  const near = CODE + 0x800 - mode.segments.cs.base;
  const e = encode(form, {
    mode,
    random,
    operandAddress: (WINDOW + at) | 0,
    fixedRegister: () => fixed,
    variant,
    immediates: (operandSize) => immediatesOf(form, mode, random, operandSize, near),
  });
  const x87 = isX87(form);
  const bytes = x87 && form.insn.name !== 'fwait' ? [...e.bytes, FWAIT] : e.bytes;
  const place = o.places.next(bytes.length);
  const inputs = Array.from({ length: o.inputs }, () => input(e, mode, random, place, at, fixed));
  return { forms: [form.text], mode, bytes, ...place, x87: x87 || isMmx(form), inputs };
}

function immediatesOf(
  form: OpcodeForm,
  mode: Mode,
  random: Random,
  operandSize: number,
  near: number,
): { byte?: number; word?: number; target?: number; selector?: number } {
  switch (form.insn.name) {
    case 'enter':
      return { word: random.below(64), byte: random.oneIn(4) ? random.value() : random.below(4) };
    case 'ret':
    case 'lret':
      // Below 8000H: TCG takes the distance for signed.
      return { word: random.oneIn(4) ? random.below(0x8000) : random.below(64) };
    case 'in':
    case 'out':
      return { byte: OPEN_PORTS[0] + random.below(8) };
    case 'aam':
    case 'aad':
      return random.oneIn(2) ? { byte: 10 } : {};
    case 'ljmp':
    case 'lcall': {
      const own = mode.segments.cs.selector;
      const selector = mode.vm || random.oneIn(2) ? own : random.pick(SELECTORS);
      return { target: operandSize === 2 ? near & 0xffff : near, selector };
    }
    default:
      return {};
  }
}
