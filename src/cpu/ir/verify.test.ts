import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { arbitraryBlock } from './arbitrary-block.fixture.ts';
import { IrBlock } from './block.ts';
import { TEST32, TEST64 } from './filetests/test-target.ts';
import { Op, WORDS } from './ops.ts';
import { parseBlock } from './parse.ts';
import { assertValid, verifyBlock } from './verify.ts';

const parse = (ops: string): IrBlock =>
  parseBlock(TEST32, `block 0x1000 mode 0 context 0 bytes 8\n---- 0x1000\n${ops}`);

describe('the verifier', () => {
  test.each([TEST32, TEST64])('$name: accepts random valid blocks', (target) => {
    fc.assert(
      fc.property(arbitraryBlock(target), (block) => {
        expect(verifyBlock(target, block)).toEqual([]);
      }),
    );
  });
  test.each([
    ['r0 = add r1, r2', 'the block has no end'],
    ['goto 0x1000\n goto 0x1000', 'ends the block, but ops follow'],
    ['raise 6, 0\n goto 0x1000', 'ends the block, but ops follow'],
    ['r0 = add r1, t0\n goto 0x1000', 't0 is used before it is assigned'],
    ['t0 = movi 1\n t0 = movi64 1\n goto 0x1000', 't0 was i32, now i64'],
    ['t0 = movi64 1\n r0 = add r1, t0\n goto 0x1000', 't0 is i64, b has to be i32'],
    ['r0 = mov64 q1\n goto 0x1000', 'slot r0 is i32, the result i64'],
    ['r0 = bitsu r1, 24, 9\n goto 0x1000', 'bits 24 + 9 of 32'],
    ['r0 = bitsu r1, 24, 0\n goto 0x1000', 'bits 24 + 0 of 32'],
    ['r0, r0 = mulu2 r1, r2\n goto 0x1000', 'both halves go to one place'],
    ['r0 = movi 1\n r1 = ld32 [r2]\n goto 0x1000', 'may fault after its instruction wrote a slot in op 0'],
    ['setcc cc_op, 1, r0, r1\n raise 6, 0 if r0\n goto 0x1000', 'may fault after its instruction wrote a slot'],
    ['call swap()\n r1 = ld32 [r2]\n goto 0x1000', 'may fault after its instruction wrote a slot'],
    ['setcc r7, 1, r0, r1\n setcc q7, 1, r0, r1\n goto 0x1000', 'there is no i32 slot 18'],
    ['r0 = call mix32(r1, r2)\n goto 0x1000', 'argument 2 of mix32 is missing'],
    ['call tick(r1)\n goto 0x1000', 'tick takes 0 arguments'],
    ['r0 = call tick()\n goto 0x1000', 'tick has no result'],
    ['r0 = call 77()\n goto 0x1000', 'no helper 77'],
    ['r0 = getf @0x1002\n goto 0x1000', 'the field is not aligned'],
    ['jind q0', 'q0 is i64, the address has to be i32'],
  ])('%j: %s', (ops, problem) => {
    expect(verifyBlock(TEST32, parse(ops)).join('\n')).toContain(problem);
  });
  test('a load may write the slot it loads, last of all faulting ops', () => {
    expect(verifyBlock(TEST32, parse('t0 = ld32 [r2]\n r1 = ld32 [r2 + 0x4]\n r2 = mov t0\n goto 0x1000'))).toEqual([]);
  });
  test('sees ops with unknown numbers, wrong instructions and distances', () => {
    const block = parse('r0 = mov r1\n goto 0x1000');
    block.ir[0] = 9999;
    block.ir[WORDS + 7] = 3;
    block.insnOffset[0] = 9;
    const problems = verifyBlock(TEST32, block).join('\n');
    expect(problems).toContain('op 0 has number 9999');
    expect(problems).toContain('belongs to instruction 3');
    expect(problems).toContain("instruction 0 can't be at distance 9");
  });
  test('assertValid names the maker and shows the block', () => {
    const block = new IrBlock();
    block.reset(0x1000, 0, 0, 0);
    block.beginInsn(0);
    block.bytes = 1;
    block.un(Op.mov, 70, 0);
    expect(() => assertValid(TEST32, block, 'pass x')).toThrow(/^BUG: bad IR from pass x:\n[\s\S]*r0 = mov t6/);
    block.reset(0x1000, 0, 0, 0);
    block.beginInsn(0);
    block.bytes = 1;
    block.goto(0);
    expect(() => assertValid(TEST32, block, 'pass x')).not.toThrow();
  });
});
