import { beforeAll, describe, expect, it } from 'vitest';
import { createCases } from './fpu-cases.fixture.ts';
import { ARITHMETIC, COMPARES, DECIMAL, EXACT, LOADS, MOVES, SQUARE_ROOT, STORES } from './fpu-instructions.fixture.ts';
import {
  buildOracle,
  compileFpu,
  differences,
  type Fpu,
  type Instruction,
  oracleMissing,
  runOracle,
  runOurs,
} from './fpu-oracle.fixture.ts';

const missing = oracleMissing();

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
      ['add, subtract, multiply and divide', ARITHMETIC, 1500],
      ['take square roots', SQUARE_ROOT, 20_000],
      ['load memory, registers and constants', LOADS, 3000],
      ['store in every format', STORES, 6000],
      ['load and store packed decimals', DECIMAL, 6000],
      ['move, exchange, free and rotate registers', MOVES, 1000],
      ['compare and classify', COMPARES, 2000],
      ['round to integers, scale, extract, find remainders', EXACT, 8000],
    ];
    groups.forEach(([what, instructions, perInstruction], group) => {
      const program = `group${group}`;
      const check = (seed: number, unmasked: boolean, stackFaults: number): void => {
        const cases = createCases(instructions.length, { seed, perInstruction, unmasked, stackFaults });
        const expected = runOracle(buildOracle(program, instructions), cases);
        const found = differences(instructions, cases, expected, runOurs(fpu, instructions, cases));
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
