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

  test.each(['pentium2', 'pentium3', 'qemu32'])('%s: every cache of CPUID leaf 4, then zeros', async (cpu) => {
    const code = `mov $0, %ebp
    1: mov $4, %eax; mov %ebp, %ecx; cpuid; call hex; mov %ebx, %eax; call hex; mov %ecx, %eax; call hex
      mov %edx, %eax; call hex; call newline; inc %ebp; cmp $7, %ebp; jb 1b; ret`;
    await agrees(code, cpu);
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

  /** Breakpoint 0 at an address; `kind`: DR7's R/W and LEN fields. */
  const watch = (address: string, kind: number): string =>
    `mov $${address}, %eax; mov %eax, %dr0; mov $${0x1 | (kind << 16)}, %eax; mov %eax, %dr7`;
  const UNWATCH = 'xor %eax, %eax; mov %eax, %dr7; mov events, %eax; call hex';
  const WRITE = 1;
  const READ_WRITE = 3;
  const FOUR = 0xc;
  const TWO = 0x4;
  // Not all that come near: QEMU takes a load that is not aligned for two that are.
  const ACCESSES = [
    'mov %ecx, 0x200010',
    'movb %cl, 0x200013',
    'movw %cx, 0x20000f',
    'movb %cl, 0x200014',
    'mov 0x20000e, %edx',
    'mov 0x200010, %edx',
    'incl 0x200010',
    'fldl 0x20000c',
    'fstpl 0x200008',
    'mov $0x200008, %edi; mov $4, %ecx; rep stosl',
    'mov $0x200008, %esi; mov $0x300000, %edi; mov $4, %ecx; rep movsl',
    'mov %esp, %ebx; mov $0x200014, %esp; push %ecx; mov %ebx, %esp',
    'mov %ecx, 0x201010',
  ];
  test.each([
    ['a doubleword written', '0x200010', WRITE | FOUR],
    ['a doubleword read or written', '0x200010', READ_WRITE | FOUR],
    ['a word', '0x200010', READ_WRITE | TWO],
    ['a byte', '0x200013', WRITE],
  ])('data breakpoints trap after the instruction: %s', async (_what, address, kind) => {
    const code = `finit; fld1; mov $7, %ecx; ${watch(address, kind)}
      ${ACCESSES.join('\n')}
      ${UNWATCH}; ret`;
    await agrees(code, 'pentium2', (log) => expect(log.length).toBeGreaterThan(3));
  });

  test.each([
    ['above', '0x200000'],
    ['below', '0x1ffffc'],
  ])('data breakpoints %s a page end that accesses cross', async (_where, address) => {
    const crossing = [
      'mov %ecx, 0x1ffffe',
      'mov 0x1fffff, %edx',
      'mov %cx, 0x1ffffe',
      'fldl 0x1ffffc',
      'fstpl 0x1ffff9',
    ];
    const code = `finit; fld1; ${watch(address, READ_WRITE | FOUR)}; ${crossing.join('\n')}; ${UNWATCH}; ret`;
    await agrees(code, 'pentium2', (log) => expect(log.length).toBeGreaterThan(3));
  });

  test('data breakpoints hold in a loop that is compiled', async () => {
    const code = `${watch('0x200400', WRITE | FOUR)}
      mov $0x200000, %edi; mov $0x600, %ecx
    1: mov %ecx, (%edi); add $4, %edi; dec %ecx; jnz 1b
      ${UNWATCH}; ret`;
    await agrees(code, 'pentium2', (log) => expect(log).toHaveLength(2));
  });

  test('I/O breakpoints, with CR4.DE', async () => {
    const code = `mov %cr4, %eax; or $8, %eax; mov %eax, %cr4
      ${watch('0x80', 0x2 | TWO)}
      inb $0x80, %al; outb %al, $0x81; outb %al, $0x82; inw $0x7f, %ax
      mov $0x81, %dx; mov $stack, %esi; mov $3, %ecx; outsb
      ${UNWATCH}; ret`;
    await agrees(code, 'pentium2', (log) => expect(log.length).toBeGreaterThan(4));
  });
});
