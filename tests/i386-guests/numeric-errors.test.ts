/** x87 exceptions with CR0.NE clear: FERR#, IRQ 13 and port F0H, as PCs have them. */
import { describe, expect, test } from 'vitest';
import { assemble, logOfQemu, missing, runGuest } from './guest.ts';

const MACHINES = ['pc', 'isapc'] as const;
const ENGINES = ['interp', 'jit'] as const;

/** Interrupts at 32 to 47, of which IRQ 13 alone is on; its handler counts, and logs the status word and what is in service. */
const START = `
  mov $0x11, %al; outb %al, $0x20; outb %al, $0xa0
  mov $0x20, %al; outb %al, $0x21; mov $0x28, %al; outb %al, $0xa1
  mov $4, %al; outb %al, $0x21; mov $2, %al; outb %al, $0xa1; mov $1, %al; outb %al, $0x21; outb %al, $0xa1
  mov $0xfb, %al; outb %al, $0x21; mov $0xdf, %al; outb %al, $0xa1
  mov $on_error, %eax; mov %ax, idt + 45 * 8; shr $16, %eax; mov %ax, idt + 45 * 8 + 6
  mov %cr0, %eax; and $~0x20, %eax; mov %eax, %cr0; sti`;
const HANDLER = `
on_error:
  pusha; incl count
  xor %eax, %eax; fnstsw %ax; and $0x84, %eax; call hex
  mov $0x0b, %al; outb %al, $0xa0; inb $0xa0, %al; movzx %al, %eax; call hex
  mov 32(%esp), %eax; mov %eax, where
  outb %al, $0xf0; mov $0x20, %al; outb %al, $0xa0; outb %al, $0x20
  popa; iret
  .data; count: .long 0; where: .long 0; control: .word 0x37b; .balign 16; area: .skip 28`;
/** One divided by zero, which is not masked; nothing has waited for it yet. */
const DIVIDE = 'fninit; fldcw control; fld1; fldz; fdivrp';
/** FWAIT while IRQ 13 is masked: QEMU 7.2 aborts if a numeric error interrupts at once (it lacks its big lock there). */
const WAIT = 'mov $0xff, %al; outb %al, $0xa1; fwait; mov $0xdf, %al; outb %al, $0xa1';
/** Time for an interrupt, which QEMU takes between blocks; and how many there were. */
const PAUSE = 'jmp 1f; 1: nop; mov count, %eax; call hex';

describe.skipIf(missing !== undefined).each(MACHINES)(
  `numeric errors on %s${missing ? ` (skipped: no ${missing})` : ''}`,
  (machine) => {
    const args = ['-M', machine, '-cpu', 'pentium2'];
    test.each([
      ['raise IRQ 13 at the next waiting instruction', `${DIVIDE}; ${PAUSE}; ${WAIT}; ${PAUSE}`, 1],
      ['are ignored after port F0H is written', `${DIVIDE}; ${WAIT}; ${PAUSE}; ${WAIT}; fwait; ${PAUSE}`, 1],
      [
        // FNINIT and FNCLEX do the same on processors; QEMU takes no notice of them.
        'raise it again when FLDENV has cleared the first',
        `${DIVIDE}; ${WAIT}; ${PAUSE}; fninit; fnstenv area; fldenv area; ${DIVIDE}; ${WAIT}; ${PAUSE}`,
        2,
      ],
      ['raise nothing when they are cleared before', `${DIVIDE}; fnclex; ${WAIT}; fwait; ${PAUSE}`, 0],
    ])('%s, as in QEMU', async (_what, code, interrupts) => {
      const image = assemble(`${START}; ${code}; cli; ret; ${HANDLER}`);
      const theirs = logOfQemu(image, ...args);
      expect(theirs.join(' ').match(/00000084 00000020/g) ?? []).toHaveLength(interrupts);
      for (const engine of ENGINES) {
        const { log, messages } = await runGuest(image, ...args, '-accel', `tcg,engine=${engine}`);
        expect([engine, messages, log]).toEqual([engine, [], theirs]);
      }
    });

    // QEMU's TCG takes no notice but at FWAIT, and takes the interrupt behind it.
    test.each(ENGINES)('the interrupt comes before the waiting instruction: %s', async (engine) => {
      const code = `${START}; ${DIVIDE}
        waiting: fld1; fnclex; mov where, %eax; sub $waiting, %eax; call hex; mov count, %eax; call hex; cli; ret; ${HANDLER}`;
      const { log } = await runGuest(assemble(code), ...args, '-accel', `tcg,engine=${engine}`);
      expect(log).toEqual(['00000084 00000020 00000000 00000001 ']);
    });

    test.each(ENGINES)('FNCLEX ends IGNNE#, so that the next error counts: %s', async (engine) => {
      const again = 'fnclex; fld1; fldz; fdivrp; fwait';
      const code = `${START}; ${DIVIDE}; fwait; ${again}; ${again}; mov count, %eax; call hex; cli; ret; ${HANDLER}`;
      const { log } = await runGuest(assemble(code), ...args, '-accel', `tcg,engine=${engine}`);
      expect(log.join('')).toMatch(/ 00000003 $/);
    });
  },
);
