import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCases } from './fpu-cases.fixture.ts';
import { ARITHMETIC, COMPARES, DECIMAL, EXACT, LOADS, MOVES, SQUARE_ROOT, STORES } from './fpu-instructions.fixture.ts';
import { FPU_C0, FPU_C1, FPU_C2, FPU_C3 } from './fpu-layout.ts';
import {
  buildOracle,
  compileFpu,
  differences,
  type Fpu,
  type Instruction,
  oracleMissing,
  removeOracles,
  runOracle,
  runOurs,
} from './fpu-oracle.fixture.ts';

const missing = oracleMissing();
afterAll(removeOracles);

/** Makers differ in C1 after FCOMI and in C0 to C3 after FFREE (undefined, says the SDM). */
function vendorsDiffer(instructions: readonly Instruction[], index: number): number {
  const asm = instructions[index % instructions.length]?.asm ?? '';
  return /^fu?comi/.test(asm) ? FPU_C1 : asm.startsWith('ffree') ? FPU_C0 | FPU_C1 | FPU_C2 | FPU_C3 : 0;
}

/**
 * The oracle is the x87 of the machine that runs the tests. Where processors differ from QEMU 7.2 (denormal operand
 * flag, C1, stack faults, unmasked responses), the processor is right.
 */
describe.skipIf(missing !== undefined)(
  `x87 against this machine's processor${missing ? ` (skipped: ${missing})` : ''}`,
  () => {
    let fpu: Fpu;
    beforeAll(() => {
      fpu = compileFpu();
    }, 120_000);

    const groups: readonly (readonly [string, readonly Instruction[], number])[] = [
      ['add, subtract, multiply and divide', ARITHMETIC, 600],
      ['take square roots', SQUARE_ROOT, 8000],
      ['load memory, registers and constants', LOADS, 1200],
      ['store in every format', STORES, 3000],
      ['load and store packed decimals', DECIMAL, 4000],
      ['move, exchange, free and rotate registers', MOVES, 1000],
      ['compare and classify', COMPARES, 1200],
      ['round to integers, scale, extract, find remainders', EXACT, 5000],
    ];
    groups.forEach(([what, instructions, perInstruction], group) => {
      let program: string | undefined;
      const check = (seed: number, unmasked: boolean, stackFaults: number): void => {
        const cases = createCases(instructions.length, { seed, perInstruction, unmasked, stackFaults });
        program ??= buildOracle(`group${group}`, instructions);
        const expected = runOracle(program, cases);
        const actual = runOurs(fpu, instructions, cases);
        const found = differences(instructions, cases, expected, actual, (index) => vendorsDiffer(instructions, index));
        expect(
          found
            .slice(0, 5)
            .map(({ text }) => text)
            .join('\n'),
        ).toBe('');
      };

      it(`registers, memory, flags and tags are the same when they ${what}`, () => check(1, false, 0));

      it(`so they are with unmasked exceptions and stack faults when they ${what}`, () => check(2, true, 6));
    });
  },
);
