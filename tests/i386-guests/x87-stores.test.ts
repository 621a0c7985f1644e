/** x87 stores that an unmasked exception stops: QEMU writes all the same, so the manual is the witness (SDM vol. 1, 8.5). */
import { describe, expect, test } from 'vitest';
import { assemble, missing, runGuest } from './guest.ts';

const words = (line: string | undefined): number[] =>
  (line ?? '')
    .trim()
    .split(' ')
    .map((w) => Number.parseInt(w, 16));

describe.skipIf(missing !== undefined)(
  `x87 stores with unmasked exceptions${missing ? ` (no ${missing})` : ''}`,
  () => {
    test.each(
      ['interp', 'jit'].flatMap(
        (engine) =>
          [
            [engine, 'an invalid integer', 'fistpl 0x200000', 'flds huge', 0x37e, 0xb881, 0x31d],
            [engine, 'an overflow', 'fsts 0x200000', 'fldl large', 0x377, 0xb888, 0x115],
            [engine, 'an underflow', 'fstps 0x200000', 'fldl small', 0x36f, 0xb890, 0x11d],
            [engine, 'an empty register', 'fstpl 0x200000', 'fnop', 0x37e, 0x80c1, 0x51d],
            [engine, 'a decimal out of range', 'fbstp 0x200000', 'flds huge', 0x37e, 0xb881, 0x735],
          ] as const,
      ),
    )(
      '%s: %s is not written, nor popped; #MF comes with the next instruction',
      async (engine, _what, store, load, control, status, opcode) => {
        const image = assemble(`
      mov %cr0, %eax; or $0x20, %eax; mov %eax, %cr0
      finit; movw $${control}, 0x200100; fldcw 0x200100
      ${load}; movl $0x12345678, 0x200000
      movl $2f, resume
    1: ${store}
      mov 0x200000, %eax; call hex; fnstsw %ax; movzwl %ax, %eax; call hex; call newline
      fwait
    2: fnstenv 0x200200; mov 0x20020c, %eax; sub $1b, %eax; call hex; mov 0x200212, %eax; movzwl %ax, %eax; call hex
      mov 0x200214, %eax; call hex; ret
      .data; huge: .float 1e30; large: .double 1e300; small: .double 1e-300`);
        const { log, messages, end } = await runGuest(image, '-accel', `tcg,engine=${engine}`);
        expect([messages, end]).toEqual([[], 'debug-exit 1']);
        expect(words(log[0])).toEqual([0x12345678, status]);
        expect(words(log[1])[0]).toBe(16);
        expect(words(log[2])).toEqual([0, opcode, 0x200000]);
      },
    );
  },
);
