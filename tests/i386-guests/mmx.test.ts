/**
 * MMX and the x87 state it shares: when it is not available, against native QEMU; where QEMU 7.2 leaves something out,
 * as the manual has it (SDM volume 3, chapter 12). What the instructions compute is in tests/x86.
 */
import { describe, expect, test } from 'vitest';
import { assemble, logOfQemu, missing, runGuest } from './guest.ts';

const ENGINES = ['eval', 'interp', 'jit'] as const;

async function logOfOurs(image: string, engine: string, cpu = 'pentium2'): Promise<readonly string[]> {
  const { log, messages, end } = await runGuest(image, '-cpu', cpu, '-accel', `tcg,engine=${engine}`);
  expect([messages, end]).toEqual([[], 'debug-exit 1']);
  return log;
}
const words = (line: string | undefined): number[] =>
  (line ?? '')
    .trim()
    .split(' ')
    .map((w) => Number.parseInt(w, 16));

/** Executes an instruction that may raise an exception, and goes on behind it. */
const attempt = (instruction: string): string => `movl $1f, resume; ${instruction}\n1: movl $0, resume`;
const setCr0 = (bits: number): string => `mov %cr0, %eax; or $${bits}, %eax; mov %eax, %cr0`;
const EM = 4;
const TS = 8;
const NE = 0x20;

/** Masks of the control word that leave the division by zero open, which happens. */
const DIVISION_BY_ZERO = `fninit; movw $0x37b, 0x200000; fldcw 0x200000; fldz; fld1; fdiv %st(1), %st`;

describe.skipIf(missing !== undefined)(`MMX${missing ? ` (skipped: no ${missing})` : ''}`, () => {
  /** Attempts with bits of CR0 set, then the status word. */
  const without = (bits: number, list: readonly string[]): string =>
    assemble(`fninit; fld1; ${setCr0(bits)}\n${list.map(attempt).join('\n')}
      and $~${EM | TS}, %eax; mov %eax, %cr0; fnstsw %ax; movzwl %ax, %eax; call hex; ret`);
  const REFUSED = ['paddb %mm1, %mm0', 'movq 0x200000, %mm1', 'movd %mm1, 0x200000', 'psllq $3, %mm1'];

  test.each([
    ['CR0.EM', EM],
    ['CR0.TS', TS],
  ])('with %s set nothing executes, as in QEMU', async (_what, bits) => {
    const image = without(bits, REFUSED);
    const theirs = logOfQemu(image, '-cpu', 'pentium2');
    expect(theirs).toHaveLength(REFUSED.length + 1);
    for (const engine of ENGINES) expect([engine, await logOfOurs(image, engine)]).toEqual([engine, theirs]);
  });

  // Not in QEMU 7.2: EMMS always executes, and CR0.TS has precedence.
  test.each(
    ENGINES.flatMap((engine) =>
      (
        [
          ['CR0.EM', EM, 6],
          ['CR0.TS', TS, 7],
          ['both', EM | TS, 6],
        ] as const
      ).map((row) => [engine, ...row] as const),
    ),
  )('%s: nor does EMMS; with %s set', async (engine, _what, bits, vector) => {
    const log = await logOfOurs(without(bits, [...REFUSED, 'emms']), engine);
    expect(log.map((line) => words(line)[0])).toEqual([...REFUSED.map(() => vector), vector, 0x3800]);
  });

  test.each([
    ['486', false],
    ['pentium', true],
    ['pentium2', true],
    ['pentium3', true],
    ['qemu32', true],
  ])('%s: CPUID tells as in QEMU whether it is there; if not, it is #UD', async (cpu, isThere) => {
    const cpuid = 'mov $1, %eax; cpuid; mov %edx, %eax; and $0x800000, %eax; call hex; call newline';
    const [reported] = logOfQemu(assemble(`${cpuid}; ret`), '-cpu', cpu);
    expect(words(reported)).toEqual([isThere ? 0x800000 : 0]);
    const image = assemble(`${cpuid}; ${attempt('pxor %mm0, %mm0')}; ${attempt('emms')}; ret`);
    for (const engine of ENGINES) {
      const log = await logOfOurs(image, engine, cpu);
      expect([engine, log[0]]).toEqual([engine, reported]);
      expect(log.slice(1, -1).map((line) => words(line)[0])).toEqual(isThere ? [] : [6, 6]);
    }
  });

  test.each(ENGINES)('%s: a pending x87 exception comes first, before memory and registers', async (engine) => {
    const list = ['paddb %mm1, %mm0', 'movq 0x200000, %mm1', 'movd %eax, %mm1', 'movq %mm0, 0x200000', 'emms'];
    const image = assemble(`${setCr0(NE)}; ${DIVISION_BY_ZERO}
      ${list.map(attempt).join('\n')}
      fnstenv 0x200000; mov 0x200004, %eax; movzwl %ax, %eax; call hex; mov 0x200008, %eax; movzwl %ax, %eax; call hex; ret`);
    const log = await logOfOurs(image, engine);
    expect(log.slice(0, -1).map((line) => words(line)[0])).toEqual(list.map(() => 16));
    // TOP and tags as the division left them: 1.0 in register 6, 0.0 in register 7.
    expect(words(log.at(-1))).toEqual([0xb084, 0x4fff]);
  });

  test.each(ENGINES)('%s: without CR0.NE it does not', async (engine) => {
    const image = assemble(`${DIVISION_BY_ZERO}; movd %eax, %mm0; ret`);
    expect(await logOfOurs(image, engine)).toEqual(['']);
  });

  test.each(ENGINES)(
    '%s: x87 instructions in between change TOP and tags, the next MMX one sets them',
    async (engine) => {
      const image = assemble(`fninit; fld1; mov $0x12345678, %ecx
      movd %ecx, %mm1; fdecstp; ffree %st(3); pxor %mm2, %mm2; fnstenv 0x200000
      movq %mm1, 0x200100; fdecstp; emms; fnstsw %ax; paddd %mm1, %mm1; fnsave 0x200020
      mov 0x200004, %eax; movzwl %ax, %eax; call hex; mov 0x200008, %eax; movzwl %ax, %eax; call hex; call newline
      mov 0x200024, %eax; movzwl %ax, %eax; call hex; mov 0x200028, %eax; movzwl %ax, %eax; call hex
      mov 0x200046, %eax; call hex; mov 0x20004a, %eax; call hex; mov 0x20004e, %eax; movzwl %ax, %eax; call hex; ret`);
      const log = await logOfOurs(image, engine);
      // Registers 1 and 2 are special, 7 holds 1.0, the others zeros.
      expect(words(log[0])).toEqual([0, 0x1569]);
      // Register 1, after FINIT's 16 registers of nothing: the sum, with ones above.
      expect(words(log[1])).toEqual([0, 0x1569, 0x2468acf0, 0, 0xffff]);
    },
  );

  test.each(ENGINES)('%s: a fault in memory leaves TOP, tags and registers', async (engine) => {
    const image = assemble(`${setCr0(NE)}; fninit; fld1
      mov $0x300000, %edi; mov $0x1000, %ecx; xor %eax, %eax; rep stosl
      movl $0x83, 0x300000; mov $0x300000, %eax; mov %eax, %cr3; mov %cr4, %eax; or $0x10, %eax; mov %eax, %cr4
      ${setCr0(0x80000000)}
      ${attempt('paddb 0x3ffffc, %mm7')}\n${attempt('movq %mm7, 0x3ffffa')}\n${attempt('movd %mm0, 0x3ffffd')}
      ${attempt('punpcklbw 0x3ffffc, %mm0')}
      fnsave 0x200000; mov 0x200004, %eax; movzwl %ax, %eax; call hex; mov 0x200008, %eax; movzwl %ax, %eax; call hex
      mov 0x3ffffa, %eax; call hex; mov 0x3ffffc, %eax; call hex; ret`);
    const log = await logOfOurs(image, engine);
    expect(log.slice(0, -1).map((line) => words(line)[0])).toEqual([14, 14, 14]);
    // The last one reads no more than 32 bits (SDM, PUNPCKL) and executes.
    expect(words(log.at(-1))).toEqual([0, 0x1556, 0, 0]);
  });
});
