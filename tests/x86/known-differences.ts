/**
 * Where QEMU 7.2's TCG and our processor differ, with the reasons. Besides these, the generator keeps away from LOCK
 * where it is not allowed (TCG takes it; processors: #UD), from RET n with n above 7FFFH (TCG takes n for signed) and
 * from IRET to virtual-8086 mode at level 3 (TCG does it; processors ignore VM there).
 */
import { type KnownDifference, wordOf } from './compare.ts';
import { MMX_DIFFERENCES } from './mmx-differences.ts';

const TF = 0x100;
const ADDRESS_SIZE_PREFIX = 0x67;
const GP = 13;
const PF = 14;
const SS = 12;
const eflagsBefore = (frame: readonly number[]): number => frame[14] ?? 0;

/** The error code of a page fault: an access from level 3. */
const USER = 4;

/** A real in memory (4 or 8 bytes) that is a signalling NaN. */
function isSignalling(view: DataView, at: number, size: number): boolean {
  const [high, low] =
    size === 4 ? [view.getUint32(at, true), 0] : [view.getUint32(at + 4, true), view.getUint32(at, true)];
  const quiet = size === 4 ? 0x400000 : 0x80000;
  const exponent = size === 4 ? 0x7f800000 : 0x7ff00000;
  return (high & (exponent | quiet)) === exponent && ((high & (quiet - 1)) !== 0 || low !== 0);
}
const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
/** ST(0) in the image, 10 bytes. */
const ST0 = 28;
const isNan = (fpu: DataView): boolean =>
  (fpu.getUint16(ST0 + 8, true) & 0x7fff) === 0x7fff && fpu.getBigUint64(ST0, true) !== 1n << 63n;

/** CPUID leaf 1, EDX: APIC, MTRR, MCA, PAT, CLFLUSH. */
const FEATURES_NOT_MODELLED = (1 << 9) | (1 << 12) | (1 << 14) | (1 << 16) | (1 << 19);

export const KNOWN_DIFFERENCES: readonly KnownDifference[] = [
  ...MMX_DIFFERENCES,
  {
    word: 'eflags',
    mask: 0x10000,
    why: 'TCG does not set RF in the image of EFLAGS that a fault pushes; processors do (SDM volume 3, 17.3.1.1)',
  },
  {
    when: ({ mode, bytes }, { frame }, want, got) =>
      [GP, SS].includes(wordOf(got, 'vector')) &&
      wordOf(got, 'error') === 0 &&
      (wordOf(want, 'vector') === PF ||
        wordOf(want, 'eip') > 0xffff ||
        (mode.vm && bytes.includes(ADDRESS_SIZE_PREFIX))) &&
      (mode.vm || [...frame, wordOf(got, 'esi'), wordOf(got, 'edi')].some((register) => register > 0xffffff00)),
    why: 'TCG checks no segment limits: an access beyond 64 KiB in virtual-8086 mode, or around the end of 4 GiB, is a page fault there, or around the end of 4 GiB hits what is mapped',
  },
  { forms: /^test \(F[67] \/1/, when: () => true, why: 'TCG does not know the second encoding of TEST; processors do' },
  { forms: /^int1 /, when: () => true, why: 'TCG has no INT1 (F1); processors raise #DB' },
  {
    forms: /^(lss|sti) /,
    when: (_, { frame }) => (eflagsBefore(frame) & TF) !== 0,
    why: 'TCG holds back the single-step trap after LSS and STI too; processors after MOV and POP to SS alone (SDM volume 3, 6.8.3)',
  },
  {
    forms: /^(cmps|fbstp|fstpt) /,
    word: 'cr2',
    when: (_instance, _input, want, got) => [want, got].every((result) => wordOf(result, 'vector') === PF),
    why: 'TCG reads the operand at EDI first, and writes the last word of ten bytes first: when both fault, it is that address',
  },
  {
    forms: /^enter /,
    when: ({ mode }) => !mode.stack32,
    bytes: (_instance, _input, want, got) => got.window.set(want.window),
    why: 'with a 16-bit stack TCG pushes the upper half of ESP as part of the frame pointer; it is SP zero-extended (SDM, ENTER)',
  },
  {
    forms: /^lcall /,
    word: 'error',
    mask: USER,
    when: (_instance, _input, want, got) => [want, got].every((result) => wordOf(result, 'vector') === PF),
    why: 'TCG 7.2 pushes the return address of a far call with the rights of level 0 (cpu_stl_kernel_ra); only accesses to descriptor tables and stacks of inner levels are so (SDM volume 3, 4.6.1)',
  },
  {
    forms: /\((D8|DC) \/[014567] M[dq]\)/,
    when: ({ forms: [form = ''] }, { window, at, fpu }) =>
      fpu !== undefined && isNan(viewOf(fpu)) && isSignalling(viewOf(window), at, form.includes(' Md') ? 4 : 8),
    bytes: (_instance, _input, want, got) => {
      for (const { fpu } of [want, got]) fpu.fill(0, ST0, ST0 + 10);
    },
    why: 'TCG makes a signalling NaN from memory quiet before it chooses between two NaNs; of a signalling and a quiet one the result is the quiet one (SDM volume 1, table 4-7)',
  },
  {
    forms: /^cpuid /,
    word: 'edx',
    mask: FEATURES_NOT_MODELLED,
    why: 'features that are not there are not reported',
  },
  {
    forms: /^f/,
    bytes: (instance, _input, want, got) => {
      if (!instance.x87) return;
      // In the image that the handler takes: C1, DE, the opcode, the upper half of the operand's address.
      const [form = ''] = instance.forms;
      const exceptions = /\(D[89ABCDEF] \/\d M/.test(form) ? 0x32 : 0x02;
      for (const { fpu } of [want, got]) {
        fpu[4] = (fpu[4] as number) & ~exceptions;
        fpu[5] = (fpu[5] as number) & (form.startsWith('fxam') ? 0xff : ~0x02);
        fpu.fill(0, 18, 20);
        fpu.fill(0, 22, 24);
      }
    },
    why: 'TCG keeps no last opcode, takes no notice of denormal operands, raises UE and PE when it converts operands in memory, does not say in C1 whether a result was rounded up, and keeps the upper half of a register in the address of an operand with a 16-bit one',
  },
  {
    forms: /^fu?comip? /,
    word: 'eflags',
    mask: 0x890,
    why: 'TCG leaves OF, SF and AF; processors clear them (SDM, FCOMI)',
  },
  {
    forms: /^(fnop|fdecstp|fincstp|fneni|fndisi|fnsetpm|fnstsw)/,
    bytes: (_instance, _input, want, got) => {
      for (const { fpu } of [want, got]) fpu.fill(0, 12, 28);
    },
    why: 'TCG takes some control instructions for others as to the pointers',
  },
  {
    forms: /^(frndint|fptan|fsin|fcos|fsincos|fprem1?|fyl2x|fyl2xp1|f2xm1|fpatan|fscale|fsqrt|fxtract) /,
    when: () => true,
    why: 'TCG computes some in double precision and clears condition codes that processors keep: fpu-*.test.ts has them',
  },
  {
    forms: /^(fbld|fldenv|fldcw|frstor|fxsave|fxrstor) /,
    when: () => true,
    why: 'TCG raises no pending exception for what these load, reads digits above 9 otherwise, stores no last opcode',
  },
  {
    forms: /\(D[ABCDF] \/\d M/,
    when: (_instance, { fpu }) => fpu !== undefined && ((fpu[1] ?? 0) & 3) !== 3,
    why: 'TCG rounds operands from memory to the precision of the control word',
  },
  {
    forms: /^f(decstp|incstp) /,
    bytes: (_instance, _input, want, got) => {
      for (const { fpu } of [want, got]) fpu[5] = (fpu[5] as number) & ~0x47;
    },
    why: 'TCG clears the condition codes, of which processors clear C1 alone',
  },
  {
    forms: /^f(i?stp?|bst)[slt]+ ?/,
    when: (_instance, _input, want) => wordOf(want, 'vector') === PF,
    bytes: (_instance, _input, want, got) => {
      for (const { fpu } of [want, got]) fpu[4] = 0;
    },
    why: 'TCG keeps the exceptions of a conversion whose store faults',
  },
];
