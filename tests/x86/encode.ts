/** Makes instructions from the forms of the front end's tables: prefixes, opcode, ModRM, SIB, displacement, immediates. */

import { INSTRUCTIONS } from '../../src/cpu/isa/x86/insn/index.ts';
import type { Instruction } from '../../src/cpu/isa/x86/instruction.ts';
import { K, MEMORY_ONLY, OPERAND_NAMES, type OperandName, REGISTER_ONLY } from '../../src/cpu/isa/x86/operand-kinds.ts';
import type { Mode, SegmentName } from './modes.ts';
import { SEGMENT_NAMES } from './modes.ts';
import type { Random } from './random.ts';

export interface OpcodeForm {
  readonly insn: Instruction;
  readonly opcode: string;
  readonly operands: readonly OperandName[];
  /** Name, opcode and operands: how reports speak of it. */
  readonly text: string;
}

/** Every opcode form that the front end knows. */
export const FORMS: readonly OpcodeForm[] = INSTRUCTIONS.flatMap((insn) =>
  Object.entries(insn.forms).map(([opcode, list]) => ({
    insn,
    opcode,
    operands: list === '' ? [] : (list.split(',') as OperandName[]),
    text: `${insn.name} (${opcode}${list === '' ? '' : ` ${list}`})`,
  })),
);

/** A memory operand: address = base + index * scale + displacement, within a segment. Registers are numbers or -1. */
export interface MemoryOperand {
  readonly base: number;
  readonly index: number;
  readonly scale: number;
  readonly displacement: number;
  readonly wide: boolean;
  readonly segment: SegmentName;
}

export interface Encoded {
  readonly form: OpcodeForm;
  readonly bytes: readonly number[];
  /** Bytes before the opcode. */
  readonly prefixes: readonly number[];
  readonly operandSize: 2 | 4;
  readonly addressSize: 2 | 4;
  readonly repeated: boolean;
  /** Of ModRM or the offset in the instruction. */
  readonly memory: MemoryOperand | undefined;
  /** Register of r/m, or of the opcode (+r); -1 if none. */
  readonly rm: number;
  /** ModRM's reg field. */
  readonly reg: number;
  /** Segment of implicit accesses through DS. */
  readonly source: SegmentName;
}

const SEGMENT_PREFIX: Readonly<Record<SegmentName, number>> = {
  es: 0x26,
  cs: 0x2e,
  ss: 0x36,
  ds: 0x3e,
  fs: 0x64,
  gs: 0x65,
};
const kindOf = (name: OperandName): number => OPERAND_NAMES.indexOf(name);
const MODRM_KINDS = new Set<OperandName>([
  'Eb',
  'Ew',
  'Ed',
  'Ev',
  'Es',
  'M',
  'Mb',
  'Mw',
  'Md',
  'Mq',
  'Mt',
  'Mv',
  'Mp',
  'Rd',
  'Rw',
  'Qq',
  'Qd',
  'Nq',
]);
/** Of a memory destination, which alone may be locked. */
const isDestination = (name: OperandName): boolean => name.startsWith('E') || name === 'Mq';
/** Instructions that use memory without a ModRM byte: worth an override and an address-size prefix. */
const IMPLICIT = /^(movs|cmps|stos|lods|scas|ins|outs|xlat|loop\w*|jecxz)$/;
const bytesOf = (value: number, n: number): number[] => Array.from({ length: n }, (_, i) => (value >> (8 * i)) & 0xff);

interface AddressBytes {
  readonly memory: Omit<MemoryOperand, 'segment'> & { readonly segment: SegmentName };
  /** ModRM without its reg field, then SIB and displacement. */
  readonly modrm: number;
  readonly rest: number[];
}

/** A displacement that puts operands into the window from registers of any value is the registers' business. */
function displacement(random: Random, size: number, fixed: number): number {
  if (size === 0) return 0;
  if (size === 1) return (random.word() << 24) >> 24;
  return fixed;
}

const BASES16: readonly (readonly [number, number])[] = [
  [3, 6],
  [3, 7],
  [5, 6],
  [5, 7],
  [6, -1],
  [7, -1],
  [5, -1],
  [3, -1],
];

function address16(random: Random, start: number): AddressBytes {
  const mod = random.below(3);
  const rm = random.below(8);
  const direct = mod === 0 && rm === 6;
  const [base, index] = direct ? [-1, -1] : (BASES16[rm] as readonly [number, number]);
  const size = direct ? 2 : mod;
  const d = displacement(random, size, direct ? start & 0xffff : random.value() & 0xffff);
  const segment = base === 5 ? 'ss' : 'ds';
  return {
    memory: { base, index, scale: 1, displacement: d, wide: false, segment },
    modrm: (mod << 6) | rm,
    rest: bytesOf(d, size),
  };
}

function address32(random: Random, start: number, fixedRegister: (r: number) => number): AddressBytes {
  const mod = random.below(3);
  const rm = random.below(8);
  const wide = true;
  if (rm !== 4) {
    const direct = mod === 0 && rm === 5;
    const size = direct ? 4 : ([0, 1, 4][mod] as number);
    const base = direct ? -1 : rm;
    const d = displacement(random, size, direct ? start : random.value()) | 0;
    const segment = base === 5 ? 'ss' : 'ds';
    return {
      memory: { base, index: -1, scale: 1, displacement: d, wide, segment },
      modrm: (mod << 6) | rm,
      rest: bytesOf(d, size),
    };
  }
  const sibBase = random.below(8);
  const sibIndex = random.below(8);
  const shift = random.below(4);
  const direct = mod === 0 && sibBase === 5;
  const base = direct ? -1 : sibBase;
  const index = sibIndex === 4 ? -1 : sibIndex;
  const scale = 1 << shift;
  // Without a free base the registers can't be solved for: then the displacement makes up for a register that is given.
  const unsolvable = base === -1 || base === index;
  const size = unsolvable ? 4 : ([0, 1, 4][mod] as number);
  let d = displacement(random, size, random.value()) | 0;
  if (unsolvable) {
    const given = index === -1 ? 0 : Math.imul(fixedRegister(index), scale + (base === index ? 1 : 0));
    d = (start - given) | 0;
  }
  const realMod = unsolvable && base !== -1 ? 2 : mod;
  const segment = base === 4 || base === 5 ? 'ss' : 'ds';
  return {
    memory: { base, index, scale, displacement: d, wide, segment },
    modrm: (realMod << 6) | 4,
    rest: [(shift << 6) | (sibIndex << 3) | sibBase, ...bytesOf(d, size)],
  };
}

function segmentFor(random: Random, natural: SegmentName): [SegmentName, number[]] {
  if (!random.oneIn(5)) return [natural, []];
  const segment = random.pick(SEGMENT_NAMES.filter((name) => name !== 'cs'));
  return [segment, [SEGMENT_PREFIX[segment]]];
}

/** How far a jump goes that is `length` bytes long: not into itself, for it might never end. */
const distance = (random: Random, length: number): number =>
  random.oneIn(2) ? random.below(16) : -length - 1 - random.below(12);

/** Immediates of an operand: a value of its own for jumps, so that they land near. */
function immediate(
  kind: OperandName,
  e: { operandSize: number; addressSize: number; length: number },
  given: Immediates,
  random: Random,
): number[] {
  switch (kind) {
    case 'Ib':
    case 'Ibs':
      return [(given.byte ?? random.value()) & 0xff];
    case 'Iw':
      return bytesOf(given.word ?? random.value(), 2);
    case 'Iz':
      return bytesOf(random.value(), e.operandSize);
    case 'Jb':
      return bytesOf(distance(random, e.length + 1), 1);
    case 'Jz': {
      // Far away nothing is mapped.
      const far = 0x2000 + random.below(0x1000) + (e.operandSize === 4 && random.oneIn(2) ? 0x10000000 : 0);
      return bytesOf(random.oneIn(8) ? far : distance(random, e.length + e.operandSize), e.operandSize);
    }
    case 'Ap':
      return [...bytesOf(given.target ?? random.value(), e.operandSize), ...bytesOf(given.selector ?? 0, 2)];
    case 'Ob':
    case 'Ov':
      return bytesOf(given.offset, e.addressSize);
    default:
      return [];
  }
}
/** What the code under test asks of its immediates. */
export interface Immediates {
  readonly byte?: number;
  readonly word?: number;
  readonly target?: number;
  readonly selector?: number;
  /** Offset of the operand in the segment of implicit accesses. */
  readonly offset: number;
}

export interface EncodeOptions {
  readonly mode: Mode;
  readonly random: Random;
  /** Linear address the memory operand is to have. */
  readonly operandAddress: number;
  /** Value of a register that the address can't do without. */
  readonly fixedRegister: (r: number) => number;
  readonly immediates: (operandSize: number) => Omit<Immediates, 'offset'>;
  /** Number of the variant: every prefix combination comes up. */
  readonly variant: number;
}

export function encode(form: OpcodeForm, o: EncodeOptions): Encoded {
  const { random, mode, variant } = o;
  const { insn, operands } = form;
  const kinds = operands.map(kindOf);
  const usesModRm = operands.some((name) => MODRM_KINDS.has(name));
  const offsetKind = operands.some((name) => name === 'Ob' || name === 'Ov');
  const prefixes: number[] = [];
  const p66 = (variant & 1) !== 0;
  const p67 = usesModRm || offsetKind || IMPLICIT.test(insn.name) ? (variant & 2) !== 0 : random.oneIn(16);
  const operandSize = p66 === mode.code32 ? 2 : 4;
  const addressSize = p67 === mode.code32 ? 2 : 4;
  if (p66) prefixes.push(0x66);
  if (p67) prefixes.push(0x67);

  const words = form.opcode.split(' ');
  const opcodes: number[] = [];
  let rm = -1;
  let reg = random.below(8);
  let modrm: number[] = [];
  let memory: MemoryOperand | undefined;
  let source: SegmentName = 'ds';
  const wantsMemory =
    !kinds.some((k) => REGISTER_ONLY[k] === 1) &&
    !kinds.some((k) => k === K.Rd) &&
    (kinds.some((k) => MEMORY_ONLY[k] === 1) || (usesModRm && random.below(2) === 0));
  const override = (natural: SegmentName): SegmentName => {
    const [segment, bytes] = segmentFor(random, natural);
    prefixes.push(...bytes);
    return segment;
  };
  for (const word of words) {
    if (word.startsWith('/')) {
      if (word !== '/r') reg = Number.parseInt(word.slice(1), 10);
    } else if (word.endsWith('+r')) {
      rm = random.below(8);
      opcodes.push(Number.parseInt(word, 16) + rm);
    } else if (word.endsWith('+i')) {
      rm = random.below(7); // ST(7) is empty
      opcodes.push(Number.parseInt(word, 16) + rm);
    } else opcodes.push(Number.parseInt(word, 16));
  }
  // A segment register's move: CS can't be loaded, 6 and 7 are not there. Control and debug registers stay as drawn.
  if (usesModRm) {
    if (wantsMemory) {
      // The segment is known only after base: a first guess with its base, then the override of it.
      const natural = (start: number): AddressBytes =>
        addressSize === 4 ? address32(random, start, o.fixedRegister) : address16(random, start);
      const segmentDraw = random.oneIn(5) ? random.pick(['es', 'ss', 'ds', 'fs', 'gs'] as const) : undefined;
      const baseOf = (s: SegmentName): number => mode.segments[s].base;
      // Addresses without a register are relative to DS unless overridden, as those of the others are to their own base.
      const bytes = natural((o.operandAddress - baseOf(segmentDraw ?? 'ds')) | 0);
      const segment = segmentDraw ?? bytes.memory.segment;
      if (segmentDraw) prefixes.push(SEGMENT_PREFIX[segmentDraw]);
      memory = { ...bytes.memory, segment };
      modrm = [bytes.modrm | (reg << 3), ...bytes.rest];
    } else {
      rm = random.below(8);
      modrm = [0xc0 | (reg << 3) | rm];
    }
  } else if (offsetKind || IMPLICIT.test(insn.name)) source = override('ds');
  if (insn.repeats && random.below(2) === 0) prefixes.push(random.pick([0xf2, 0xf3]));
  else if (!insn.repeats && random.oneIn(40)) prefixes.push(random.pick([0xf2, 0xf3]));
  // TCG takes LOCK where processors do not (#UD): only where it is allowed.
  if (
    wantsMemory &&
    form.operands[0] !== undefined &&
    insn.lockable &&
    isDestination(form.operands[0]) &&
    random.oneIn(6)
  ) {
    prefixes.push(0xf0);
  }

  const offset = (o.operandAddress - mode.segments[source].base) | 0;
  if (offsetKind)
    memory = { base: -1, index: -1, scale: 1, displacement: offset, wide: addressSize === 4, segment: source };
  const given = { ...o.immediates(operandSize), offset };
  const length = prefixes.length + opcodes.length + modrm.length;
  const immediates = operands.flatMap((name) => immediate(name, { operandSize, addressSize, length }, given, random));

  const repeated = prefixes.includes(0xf2) || prefixes.includes(0xf3);
  const bytes = [...prefixes, ...opcodes, ...modrm, ...immediates];
  return { form, bytes, prefixes, operandSize, addressSize, repeated, memory, rm, reg, source };
}
