/** Guests that go wrong are reported, and never bring us down. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { assemble, missing, runGuest } from './guest.ts';

const PROGRAM = fileURLToPath(new URL('../../src/cli/lockstep-system-i386.ts', import.meta.url));
const ENGINES = ['interp', 'jit'] as const;

function terminal(image: string, ...args: string[]): { status: number | null; stderr: string } {
  const options = ['-M', 'pc', '-m', '16', '-display', 'none', '-no-reboot', '-kernel', image, ...args];
  const { status, stderr } = spawnSync(process.execPath, [PROGRAM, ...options], { encoding: 'utf8', timeout: 30_000 });
  return { status, stderr };
}

describe.skipIf(missing !== undefined)(`misbehaving guests${missing ? ` (skipped: no ${missing})` : ''}`, () => {
  describe.each(ENGINES)('engine %s', (engine) => {
    const run = (code: string) => runGuest(assemble(code), '-accel', `tcg,engine=${engine}`);

    test.each([
      ['jump', 'mov $0xb0000000, %eax; jmp *%eax', 'b0000000'],
      ['call', 'mov $0xb0000123, %eax; call *%eax', 'b0000123'],
      ['return', 'push $0xfec01000; ret', 'fec01000'],
      ['run', 'movw $0x9090, 0x9fffffe; mov $0x1000000, %eax; jmp *%eax', '01000000'],
    ])('a %s to where no memory is stops the machine and is reported', async (_how, code, address) => {
      expect(await run(code)).toMatchObject({
        end: 'internal-error',
        messages: [`error: Trying to execute code outside RAM or ROM at 0x${address}`],
      });
    });

    test.each([
      ['without an IDT', 'lidt none; int3; .data; none: .word 0; .long 0'],
      [
        'with a stack that is not there',
        'mov $0xd0000000, %esp; mov $0, %eax; lidt none; ud2; .data; none: .word 0; .long 0',
      ],
      [
        'with garbage in the IDT',
        'movl $-1, idt; movl $-1, idt + 4; movl $0, idt + 64; movl $0, idt + 68; movl $0, idt + 104; movl $0, idt + 108; xor %ecx, %ecx; div %ecx',
      ],
      [
        'with page tables of nothing',
        'mov $0xf00000, %eax; mov %eax, %cr3; mov %cr0, %eax; or $0x80000000, %eax; mov %eax, %cr0; nop',
      ],
    ])('a triple fault %s resets the machine, and is reported', async (_how, code) => {
      const { end, messages } = await run(code);
      expect(end).toBe('guest-reset 0');
      expect(messages).toEqual([
        expect.stringMatching(/^info: triple fault at EIP [0-9a-f]{8}: the machine is reset$/),
      ]);
    });

    test('a halt with interrupts off is reported', async () => {
      const { end, messages } = await run('cli; hlt');
      expect(end).toBe('halted');
      expect(messages).toEqual([
        expect.stringMatching(
          /^warning: the guest halted with interrupts disabled at EIP 001\w{5}: only a reset can wake it$/,
        ),
      ]);
    });

    test('garbage of every kind ends in exceptions, resets or halts, never in an exception of ours', async () => {
      // A xorshift generator fills pages with code, which runs with all handlers in place until they meet their match.
      for (let seed = 1; seed <= 8; seed++) {
        const { end, messages } = await run(`
          mov $${seed * 0x9e3779b1}, %eax; mov $0x200000, %edi; mov $0x4000, %ecx
        1: mov %eax, %edx; shl $13, %edx; xor %edx, %eax; mov %eax, %edx; shr $17, %edx; xor %edx, %eax
          mov %eax, %edx; shl $5, %edx; xor %edx, %eax; stosl; loop 1b
          lidt none; mov $0x208000, %ebx; jmp *%ebx
          .data; none: .word 0; .long 0`);
        expect(messages.join('\n')).not.toMatch(/BUG|Error|\bat .*\.ts/);
        expect(end).toMatch(/^(guest-reset 0|internal-error|halted|debug-exit \d+)$/);
      }
    });
  });

  test('on the command line an unmapped jump is one line on standard error, and status 1', () => {
    expect(terminal(assemble('mov $0xb0000000, %eax; jmp *%eax'))).toEqual({
      status: 1,
      stderr: 'lockstep-system-i386: Trying to execute code outside RAM or ROM at 0xb0000000\n',
    });
  });
  test('on the command line a triple fault under -no-reboot ends with status 0, and -d cpu_reset tells of it', () => {
    const { status, stderr } = terminal(assemble('lidt none; int3; .data; none: .word 0; .long 0'), '-d', 'cpu_reset');
    expect(status).toBe(0);
    expect(stderr).toContain('Triple fault\n');
  });
});
