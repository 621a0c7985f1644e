import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { IrBlock } from '../../src/cpu/ir/block.ts';
import { verifyBlock } from '../../src/cpu/ir/verify.ts';
import { assemble } from './assembler.ts';
import { ILLEGAL_INSTRUCTION } from './emitter.ts';
import type { Image } from './engine.ts';
import { write } from './engine.ts';
import { createEvaluatorEngine } from './evaluator-engine.ts';
import { createRv64, find } from './front-end.ts';
import { imageOf, PROGRAMS } from './programs.ts';
import { runInSlices, runProgram } from './run.ts';
import { rv64i } from './rv64i.ts';
import { createVcpuEngine } from './vcpu-engine.ts';

const rv64 = createRv64();
const reference = createEvaluatorEngine(false);
const engines = [reference, createEvaluatorEngine(true), createVcpuEngine('interp'), createVcpuEngine('jit')];
const rows = Object.entries(rv64i);
const word32 = fc.integer({ min: 0, max: 0xffff_ffff });
const disassemble = (word: number, pc: bigint): string =>
  rv64.disassemble(Number(BigInt.asIntN(32, pc)), Number(pc >> 32n), 0, (lo) => (word >>> (8 * (lo & 3))) & 0xff).text;

describe('rv64 encodings', () => {
  test('no two rows overlap', () => {
    for (const [a, x] of rows) {
      for (const [b, y] of rows) {
        const common = x.mask & y.mask;
        if (a < b) expect((x.match & common) === (y.match & common), `${a} and ${b}`).toBe(false);
      }
    }
  });
  test('every row decodes what it encodes', () => {
    fc.assert(
      fc.property(fc.constantFrom(...rows), word32, ([name, row], random) => {
        const word = ((random & ~row.mask) | row.match) >>> 0;
        expect(find(word | 0)?.name).toBe(name);
        expect(row.encode(row.decode(word))).toBe(word);
      }),
    );
  });
  test('assembling what is disassembled gives the same word', () => {
    const pc = 0x12_3456_7000n;
    fc.assert(
      fc.property(fc.constantFrom(...rows), word32, ([name, row], random) => {
        // fence names only two of its fields.
        const word = name === 'fence' ? row.encode({ pred: random & 15, succ: 3 }) : (random & ~row.mask) | row.match;
        const code = assemble(disassemble(word, pc), pc);
        expect(new DataView(code.buffer).getUint32(0, true)).toBe(word >>> 0);
      }),
    );
  });
  // Words as GNU as 2.40 assembles them.
  test.each([
    ['addi x1, x2, -1', 0xfff1_0093],
    ['lui x10, 0x12345', 0x1234_5537],
    ['sd x8, -16(x2)', 0xfe81_3823],
    ['srai x5, x5, 63', 0x43f2_d293],
    ['sraw x5, x6, x7', 0x4073_52bb],
    ['jalr x0, 0(x1)', 0x0000_8067],
    ['ecall', 0x0000_0073],
    ['beq x1, x2, 0x0ffc', 0xfe20_8ee3],
    ['jal x1, 0x1800', 0x0010_00ef],
  ])('%s', (text, word) => {
    const code = assemble(text, 0x1000n);
    expect(new DataView(code.buffer).getUint32(0, true).toString(16)).toBe(word.toString(16));
  });
  test.each([
    ['addi x1, x2, 2048', 'imm 2048 does not fit 12 bits'],
    ['slli x1, x2, 64', 'shamt 64 does not fit 6 bits'],
    ['beq x1, x2, 0x1001', 'imm 1 is odd'],
    ['addi x1, x2', "addi takes 'rd, rs1, imm'"],
    ['mul x1, x2, x3', "no instruction 'mul'"],
  ])('%s is refused', (text, message) => {
    expect(() => assemble(text, 0x1000n)).toThrow(message);
  });
});

describe('rv64 translation', () => {
  test('makes valid blocks of any bytes, within one page', () => {
    fc.assert(
      fc.property(fc.array(word32, { minLength: 1, maxLength: 80 }), fc.integer({ min: 0, max: 1023 }), (words, at) => {
        const block = new IrBlock();
        const pcLo = at * 4;
        block.reset(pcLo, -5, 0, 0);
        const fetch = (lo: number): number => {
          const word = words[(lo - pcLo) >> 2];
          return word === undefined ? -1 : (word >>> (8 * (lo & 3))) & 0xff;
        };
        rv64.translate(block, fetch, 40);
        expect(verifyBlock(rv64, block)).toEqual([]);
        expect(block.insns).toBeLessThanOrEqual(40);
        expect(pcLo + block.bytes).toBeLessThanOrEqual(4096);
      }),
    );
  });
  test('makes no block where nothing can be fetched', () => {
    const block = new IrBlock();
    rv64.translate(block, () => -1, 40);
    expect(block.insns).toBe(0);
  });
});

describe.each(engines)('rv64 programs: $name', (engine) => {
  test.each(PROGRAMS.map((p) => [p.name, p] as const))('%s', (_name, program) => {
    expect(runProgram(rv64, program, engine)).toEqual([]);
  });
  test.each(PROGRAMS.map((p) => [p.name, p] as const))('%s: the same in slices', (_name, program) => {
    expect(runInSlices(rv64, program, reference, engine, [977, 1, 2, 500, 3])).toEqual([]);
  });
  const start = (source: string): Image => {
    const program = { name: 'fault', origin: 0x8_0000_0000n, source, x10: 0n };
    return imageOf(program);
  };
  test('a load from nowhere faults at its instruction, registers as before', () => {
    const image = start('li x5, 7\n add x6, x5, x5\n ld x5, 0(x6)\n li x7, 1');
    expect(engine.run(rv64, image, 100)).toEqual({ kind: 'fault', code: 14, insns: 2 });
    expect([image.pc, image.x[5], image.x[6], image.x[7]]).toEqual([0x8_0000_0008n, 7n, 14n, 0n]);
  });
  test('an unknown instruction is illegal', () => {
    const image = start('li x5, 7\n nop');
    write(image, image.pc + 4n, Uint8Array.of(0xff, 0xff, 0xff, 0xff));
    expect(engine.run(rv64, image, 100)).toEqual({ kind: 'fault', code: ILLEGAL_INSTRUCTION, insns: 1 });
    expect(image.pc).toBe(0x8_0000_0004n);
  });
  test('a jump to nowhere stops there', () => {
    const image = start('li x5, 0x400\n jalr x1, 4(x5)');
    expect(engine.run(rv64, image, 100)).toEqual({ kind: 'fetch', code: 0, insns: 2 });
    expect([image.pc, image.x[1]]).toEqual([0x404n, 0x8_0000_0008n]);
  });
});
