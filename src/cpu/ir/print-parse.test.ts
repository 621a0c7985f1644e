import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { arbitraryBlock, contents } from './arbitrary-block.fixture.ts';
import { IrBlock } from './block.ts';
import { TEST32, TEST64 } from './filetests/test-target.ts';
import { Op } from './ops.ts';
import { parseBlock } from './parse.ts';
import { printBlock } from './print.ts';

describe('IR text', () => {
  test.each([TEST32, TEST64])('$name: what is printed is read back unchanged', (target) => {
    fc.assert(
      fc.property(arbitraryBlock(target), (block) => {
        expect(contents(parseBlock(target, printBlock(target, block)))).toEqual(contents(block));
      }),
      { numRuns: 300 },
    );
  });
  test('reads as a person would write it', () => {
    const b = new IrBlock();
    b.reset(0xc000_0000 | 0, 0, 0x14, 0);
    b.beginInsn(0);
    const t = b.load(Op.ld32, 0, 1, 2, -8);
    b.bini(Op.add, t, 0x12345, 0);
    b.setcci(8, 3, 0, -1);
    b.beginInsn(4);
    b.br(Op.ltu, 0, -1, 5, -0x10, 6);
    b.bytes = 6;
    expect(printBlock(TEST32, b, (i) => `insn ${i}`)).toBe(
      `block 0xc0000000 mode 0x14 context 0x0 bytes 6
---- 0xc0000000 ; insn 0
  t0 = ld32 [r0 + r1 << 2 - 0x8]
  r0 = add t0, 0x12345
  setcc cc_op, 3, r0, -1
---- 0xc0000004 ; insn 1
  br ltu r0, 5 -> 0xbffffff0 else 0xc0000006
`,
    );
  });
  const header = 'block 0x1000 mode 0 context 0 bytes 4\n---- 0x1000\n';
  test.each([
    ['', "IR line 1: expected 'block"],
    ['block 0x1000 mode 0', "IR line 1: expected 'context' at the end"],
    ['block 0x1000 mode 0 context 0 bytes 0\n goto 0', "IR line 2: an op before the first '---- address'"],
    [`${header}  r0 = addd r1, r2`, "IR line 3: no op 'addd'"],
    [`${header}  r0 = add r1, r99`, "IR line 3: no slot or temporary 'r99'"],
    [`${header}  r0 = add r1, t192`, "IR line 3: no slot or temporary 't192'"],
    [`${header}  r0 = add r1, r2 r3`, "IR line 3: unexpected 'r3'"],
    [`${header}  r0 = add r1, 0x100000000`, 'IR line 3: 0x100000000 is not within'],
    [`${header}  add r1, r2`, 'IR line 3: add has 1 results, not 0'],
    [`${header}  br64 ltu q0, q1 -> 0 else 4`, "IR line 3: 'ltu' does not compare i64"],
    [`${header}  st64 [r0], 0x80000000`, 'IR line 3: 2147483648 does not fit 32 bits'],
    [`${header}  r0 = call nobody()`, "IR line 3: no helper 'nobody'"],
    [`${header}  r0 = add r1, "`, `IR line 3: unexpected '"'`],
  ])('%j is refused with its line', (text, message) => {
    expect(() => parseBlock(TEST32, text)).toThrow(message);
  });
  test('never throws anything but a VmError on any text', () => {
    const word = fc.constantFrom(
      'block',
      '0x10',
      '-5',
      'mode',
      'r0',
      't1',
      '=',
      ',',
      'add',
      'call',
      '[',
      '\n',
      '----',
      '<<',
    );
    fc.assert(
      fc.property(fc.array(word), (words) => {
        try {
          parseBlock(TEST32, `${header}${words.join(' ')}`);
        } catch (e) {
          expect(e).toHaveProperty('name', 'VmError');
        }
      }),
    );
  });
});
