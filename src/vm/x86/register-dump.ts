/** QEMU's text of the i386 processor's registers: `info registers`, and `-d cpu`. */
import { C_PC } from '../../cpu/ir/layout.ts';
import {
  FPU_CONTROL,
  FPU_CS,
  FPU_DP,
  FPU_DS,
  FPU_IP,
  FPU_OPCODE,
  FPU_REG_EMPTY,
  FPU_REG_META,
  FPU_REG_SIZE,
  FPU_REGS,
  FPU_STATUS,
  FPU_TOP,
} from '../../cpu/isa/x86/fpu-layout.ts';
import {
  AF,
  ATTR_ACCESSED,
  ATTR_BIG,
  ATTR_CODE,
  ATTR_CONFORMING,
  ATTR_DPL_SHIFT,
  ATTR_EXPAND_DOWN,
  ATTR_G,
  ATTR_P,
  ATTR_READABLE,
  ATTR_S,
  ATTR_TYPE,
  ATTR_WRITABLE,
  BASES,
  CF,
  CR0_PE,
  CS,
  DF_BIT,
  DS,
  EAX,
  EBP,
  EBX,
  ECX,
  EDI,
  EDX,
  ES,
  ESI,
  ESP,
  F_A20_MASK,
  F_CPL,
  F_CR0,
  F_CR2,
  F_CR3,
  F_CR4,
  F_DR,
  F_DR6,
  F_DR7,
  F_GDT_BASE,
  F_GDT_LIMIT,
  F_HALTED,
  F_IDT_BASE,
  F_IDT_LIMIT,
  F_INHIBIT,
  FS,
  GS,
  LDTR,
  OF,
  PF,
  SEG_ATTR,
  SEG_LIMIT,
  SEG_SELECTOR,
  SEG_SIZE,
  SEG_SYSTEM_BASE,
  SEGS,
  SF,
  SS,
  TR,
  ZF,
} from '../../cpu/isa/x86/layout.ts';

/** A view of the processor's state in linear memory, with the lazy flags worked out. */
export interface X86State {
  read32(address: number): number;
  eflags(): number;
}

const hex = (value: number | bigint, digits: number): string =>
  (typeof value === 'number' ? value >>> 0 : value).toString(16).padStart(digits, '0');

/** Segments in the order of the dump. */
const SEGMENTS = [
  ['ES ', ES],
  ['CS ', CS],
  ['SS ', SS],
  ['DS ', DS],
  ['FS ', FS],
  ['GS ', GS],
  ['LDT', LDTR],
  ['TR ', TR],
] as const;

/** Types of system descriptors (SDM volume 3, table 3-2). */
const SYSTEM_TYPES = [
  'Reserved',
  'TSS16-avl',
  'LDT',
  'TSS16-busy',
  'CallGate16',
  'TaskGate',
  'IntGate16',
  'TrapGate16',
  'Reserved',
  'TSS32-avl',
  'Reserved',
  'TSS32-busy',
  'CallGate32',
  'Reserved',
  'IntGate32',
  'TrapGate32',
] as const;

/** EIP: the state keeps the linear address. */
export const instructionPointer = ({ read32 }: X86State): number => (read32(C_PC) - read32(BASES + 8 * CS)) >>> 0;

export function segmentBase({ read32 }: X86State, segment: number): number {
  const at = segment < LDTR ? BASES + 8 * segment : SEGS + SEG_SIZE * segment + SEG_SYSTEM_BASE;
  return read32(at) >>> 0;
}

function flagLetters(eflags: number): string {
  const letters = [
    ['D', DF_BIT],
    ['O', OF],
    ['S', SF],
    ['Z', ZF],
    ['A', AF],
    ['P', PF],
    ['C', CF],
  ] as const;
  return letters.map(([letter, bit]) => (eflags & bit ? letter : '-')).join('');
}

function segmentLine(state: X86State, name: string, segment: number): string {
  const at = SEGS + SEG_SIZE * segment;
  const limit = state.read32(at + SEG_LIMIT) >>> 0;
  const attributes = state.read32(at + SEG_ATTR);
  // QEMU shows the descriptor's high word, of which bits 16 to 19 are the limit's.
  const limitBits = (attributes & ATTR_G ? limit >>> 12 : limit) & 0xf0000;
  const selector = hex(state.read32(at + SEG_SELECTOR) & 0xffff, 4);
  const line = `${name}=${selector} ${hex(segmentBase(state, segment), 8)} ${hex(limit, 8)} ${hex(attributes | limitBits, 8)}`;
  if ((state.read32(F_CR0) & CR0_PE) === 0 || (attributes & ATTR_P) === 0) return `${line}\n`;
  return `${line} DPL=${(attributes >> ATTR_DPL_SHIFT) & 3} ${segmentType(attributes)}\n`;
}

function segmentType(attributes: number): string {
  const letter = (bit: number, text: string): string => (attributes & bit ? text : '-');
  if ((attributes & ATTR_S) === 0) return SYSTEM_TYPES[(attributes & ATTR_TYPE) >> 8] ?? 'Reserved';
  const accessed = letter(ATTR_ACCESSED, 'A');
  if (attributes & ATTR_CODE) {
    const size = attributes & ATTR_BIG ? 'CS32' : 'CS16';
    return `${size} [${letter(ATTR_CONFORMING, 'C')}${letter(ATTR_READABLE, 'R')}${accessed}]`;
  }
  const size = attributes & ATTR_BIG ? 'DS  ' : 'DS16';
  return `${size} [${letter(ATTR_EXPAND_DOWN, 'E')}${letter(ATTR_WRITABLE, 'W')}${accessed}]`;
}

/** General registers, segments, control and debug registers. */
export function dumpIntegerRegisters(state: X86State): string {
  const { read32 } = state;
  const word = (address: number): string => hex(read32(address), 8);
  const eflags = state.eflags();
  return (
    `EAX=${word(EAX)} EBX=${word(EBX)} ECX=${word(ECX)} EDX=${word(EDX)}\n` +
    `ESI=${word(ESI)} EDI=${word(EDI)} EBP=${word(EBP)} ESP=${word(ESP)}\n` +
    `EIP=${hex(instructionPointer(state), 8)} EFL=${hex(eflags, 8)} [${flagLetters(eflags)}] CPL=${read32(F_CPL)} ` +
    `II=${read32(F_INHIBIT) ? 1 : 0} A20=${(read32(F_A20_MASK) >>> 20) & 1} SMM=0 HLT=${read32(F_HALTED) ? 1 : 0}\n` +
    SEGMENTS.map(([name, segment]) => segmentLine(state, name, segment)).join('') +
    `GDT=     ${word(F_GDT_BASE)} ${word(F_GDT_LIMIT)}\n` +
    `IDT=     ${word(F_IDT_BASE)} ${word(F_IDT_LIMIT)}\n` +
    `CR0=${word(F_CR0)} CR2=${word(F_CR2)} CR3=${word(F_CR3)} CR4=${word(F_CR4)}\n` +
    `DR0=${word(F_DR)} DR1=${word(F_DR + 4)} DR2=${word(F_DR + 8)} DR3=${word(F_DR + 12)} \n` +
    `DR6=${word(F_DR6)} DR7=${word(F_DR7)}\nEFER=0000000000000000\n`
  );
}

/** The x87 state; the XMM lines are there for tools that parse QEMU's text. */
export function dumpFpuRegisters({ read32 }: X86State): string {
  let tags = 0;
  let registers = '';
  for (let i = 0; i < 8; i++) {
    const at = FPU_REGS + FPU_REG_SIZE * i;
    if (read32(at + FPU_REG_EMPTY) === 0) tags |= 1 << i;
    registers += `FPR${i}=${hex(read32(at + 4), 8)}${hex(read32(at), 8)} ${hex(read32(at + FPU_REG_META) & 0xffff, 4)}`;
    registers += i % 2 === 1 ? '\n' : ' ';
  }
  const top = read32(FPU_TOP) & 7;
  const status = (read32(FPU_STATUS) & ~0x3800) | (top << 11);
  let vectors = '';
  for (let i = 0; i < 8; i++) vectors += `XMM0${i}=${'0'.repeat(16)} ${'0'.repeat(16)}${i % 2 === 1 ? '\n' : ' '}`;
  return (
    `FCW=${hex(read32(FPU_CONTROL), 4)} FSW=${hex(status, 4)} [ST=${top}] FTW=${hex(tags, 2)} MXCSR=00001f80\n` +
    registers +
    vectors
  );
}

const GENERAL = { eax: EAX, ebx: EBX, ecx: ECX, edx: EDX, esi: ESI, edi: EDI, ebp: EBP, fp: EBP, esp: ESP, sp: ESP };
const SEGMENT_NAMES = { es: ES, cs: CS, ss: SS, ds: DS, fs: FS, gs: GS };

/** A register by the monitor's name for it: `$eax`, `$eip`, `$pc` (linear), `$cs`, `$cs.base`, `$cs.limit`. */
/** Where a general register lies; undefined: the name is not one's. */
export const registerAddress = (name: string): number | undefined =>
  Object.hasOwn(GENERAL, name) ? GENERAL[name as keyof typeof GENERAL] : undefined;

export function registerByName(state: X86State, name: string): number | undefined {
  const { read32 } = state;
  if (name === 'eip') return instructionPointer(state);
  if (name === 'pc') return read32(C_PC) >>> 0;
  if (name === 'eflags') return state.eflags() >>> 0;
  if (Object.hasOwn(GENERAL, name)) return read32(GENERAL[name as keyof typeof GENERAL]) >>> 0;
  const [segmentName = '', part] = name.split('.');
  if (!Object.hasOwn(SEGMENT_NAMES, segmentName)) return undefined;
  const segment = SEGMENT_NAMES[segmentName as keyof typeof SEGMENT_NAMES];
  if (part === undefined) return read32(SEGS + SEG_SIZE * segment + SEG_SELECTOR) & 0xffff;
  if (part === 'base') return segmentBase(state, segment);
  return part === 'limit' ? read32(SEGS + SEG_SIZE * segment + SEG_LIMIT) >>> 0 : undefined;
}

const CONTROL_REGISTERS: Readonly<Record<string, number>> = {
  fctrl: FPU_CONTROL,
  fiseg: FPU_CS,
  fioff: FPU_IP,
  foseg: FPU_DS,
  fooff: FPU_DP,
  fop: FPU_OPCODE,
};

/** An x87 register by GDB's name for it: st0 to st7 (80 bits), fctrl, fstat, ftag …; undefined: there is none. */
export function fpuRegisterByName({ read32 }: X86State, name: string): bigint | undefined {
  const top = read32(FPU_TOP) & 7;
  const at = (i: number): number => FPU_REGS + FPU_REG_SIZE * i;
  const stack = /^st([0-7])$/.exec(name);
  if (stack !== null) {
    const from = at((top + Number(stack[1])) & 7);
    const mantissa = (BigInt(read32(from + 4) >>> 0) << 32n) | BigInt(read32(from) >>> 0);
    return (BigInt(read32(from + FPU_REG_META) & 0xffff) << 64n) | mantissa;
  }
  if (name === 'fstat') return BigInt((read32(FPU_STATUS) & 0xc7ff) | (top << 11));
  if (name === 'ftag') {
    // Two bits a register: empty or not; what kind of number it is, GDB sees by itself.
    return [0, 1, 2, 3, 4, 5, 6, 7].reduce(
      (tags, i) => tags | (read32(at(i) + FPU_REG_EMPTY) !== 0 ? 3n << BigInt(2 * i) : 0n),
      0n,
    );
  }
  const address = Object.hasOwn(CONTROL_REGISTERS, name) ? CONTROL_REGISTERS[name] : undefined;
  return address === undefined ? undefined : BigInt(read32(address) >>> 0);
}
