/** What rarely happens, in guests whose log of exceptions has to be native QEMU's, line by line. */
import { describe, expect, test } from 'vitest';
import { assemble, logOfQemu, missing, runGuest } from './guest.ts';

/** Runs a guest in both engines and in QEMU. */
async function agrees(code: string, cpu: string, expected?: (log: readonly string[]) => void): Promise<void> {
  const image = assemble(code);
  const theirs = logOfQemu(image, '-cpu', cpu);
  for (const engine of ['interp', 'jit']) {
    const { log, end, messages } = await runGuest(image, '-cpu', cpu, '-accel', `tcg,engine=${engine}`);
    expect([engine, messages, log]).toEqual([engine, [], theirs]);
    expect(end).toBe('debug-exit 1');
  }
  expected?.(theirs);
}

/** Executes an instruction that may be #UD, and goes on behind it. */
const attempt = (instruction: string): string => `movl $1f, resume; ${instruction}\n1: movl $0, resume`;

describe.skipIf(missing !== undefined)(`guests against QEMU${missing ? ` (skipped: no ${missing})` : ''}`, () => {
  const NEWER = ['cmovz %eax, %ebx', 'fcmovb %st(1), %st', 'fcomi %st(1), %st', 'cmpxchg8b counter', 'fxsave area'];
  test.each([
    ['486', 5],
    ['pentium', 4],
    ['pentium2', 0],
  ] as const)('%s: instructions that came later are #UD', async (cpu, undefinedOnes) => {
    const code = `finit; fld1; fldz\n${NEWER.map(attempt).join('\n')}\nret
      .data; .balign 16; counter: .quad 0; .balign 16; area: .skip 512`;
    await agrees(code, cpu, (log) =>
      expect(log.filter((line) => line.startsWith('00000006'))).toHaveLength(undefinedOnes),
    );
  });

  const TRAPPING = 'pushf; orl $0x100, (%esp); popf';
  test.each([
    ['rep insb', 'mov $0x71, %edx'],
    ['rep outsb', 'mov $0x80, %edx'],
    ['insb', 'mov $0x71, %edx'],
    ['rep movsb', 'nop'],
  ])('the trap flag strikes after each element of %s', async (instruction, before) => {
    const code = `mov $0x200000, %edi; mov $0x200000, %esi; mov $3, %ecx; ${before}
      ${TRAPPING}; ${instruction}; nop; pushf; andl $~0x100, (%esp); popf
      mov %ecx, %eax; call hex; mov %edi, %eax; call hex; mov %esi, %eax; call hex; ret`;
    await agrees(code, 'pentium2', (log) => expect(log.length).toBeGreaterThan(4));
  });
});
