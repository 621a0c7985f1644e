/** The comparer finds what is wrong, names it, and finds nothing where nothing is. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Op, WORDS } from '../../src/cpu/ir/ops.ts';
import type { FrontEnd } from '../../src/cpu/isa/front-end.ts';
import { catalogueI386 } from '../../src/vm/catalogue-i386.ts';
import { parseCommandLine } from '../../src/vm/options/parse.ts';
import { CLI, firmware, HLT, multiboot, out8, spin } from '../../src/vm/real-mode.fixture.ts';
import { compareEngines, fixedSlices, type Outcome, randomSlices } from './compare.ts';
import { locate } from './locate.ts';
import { type EngineChoice, type Guest, LockstepMachine } from './machine.ts';
import { describeFinding } from './report.ts';

const ROMS = new URL('../../roms/out/', import.meta.url);
const KERNEL = new URL('vmlinuz-i386', ROMS);
const INITRD = new URL('initramfs-i386.cpio.gz', ROMS);

const interp: EngineChoice = { name: 'interp', mode: 'interp' };
const evaluator: EngineChoice = { name: 'eval', mode: 'eval' };
const jit: EngineChoice = { name: 'jit', mode: 'jit', tuning: { heat: 2 } };

function guestOf(args: readonly string[], files: Guest['files']): Guest {
  const parsed = parseCommandLine(args, catalogueI386);
  if (parsed.kind === 'answer') throw new Error('no machine');
  return { options: parsed.options, files };
}
const firmwareGuest = (...code: readonly (readonly number[])[]): Guest =>
  guestOf(['-bios', 'bios', '-vga', 'none', '-m', '4', '-M', 'isapc'], { bios: firmware(...code) });

/** A loop of 16-bit code with `xor bx, cx` in it. */
const MIX = [
  ...[0xb9, 0x00, 0x20], // mov cx, 2000h
  ...[0x01, 0xcb], // add bx, cx
  ...[0x31, 0xcb], // xor bx, cx
  ...[0x89, 0x1e, 0x00, 0x10], // mov [1000h], bx
  ...[0xd1, 0xc3], // rol bx, 1
  ...[0xe2, 0xf4], // loop to the add
];

/** The same in 32 bits, in a kernel: flat code, which is compiled. */
const MIX32 = [
  ...[0xb9, 0x00, 0x20, 0x00, 0x00], // mov ecx, 2000h
  ...[0x01, 0xcb], // add ebx, ecx
  ...[0x31, 0xcb], // xor ebx, ecx
  ...[0x89, 0x1d, 0x00, 0x00, 0x30, 0x00], // mov [300000h], ebx
  ...[0xd1, 0xc3], // rol ebx, 1
  ...[0xe2, 0xf2], // loop to the add
];
const kernelGuest = (): Guest =>
  guestOf(['-kernel', 'kernel', '-nographic', '-m', '4', '-M', 'isapc'], {
    kernel: multiboot([...MIX32, ...CLI, ...HLT]),
  });

/** The engine takes one op for another, wherever it stands. */
const mistakes = (engine: EngineChoice, op: number, taken: number): EngineChoice => ({
  ...engine,
  tuning: {
    ...engine.tuning,
    frontEnd: (own: FrontEnd) => ({
      ...own,
      translate(block, fetch, maxInsns) {
        own.translate(block, fetch, maxInsns);
        for (let p = 0; p < block.n * WORDS; p += WORDS) if (block.ir[p] === op) block.ir[p] = taken;
      },
    }),
  },
});

const differing = (outcome: Outcome): Extract<Outcome, { kind: 'different' }> => {
  if (outcome.kind !== 'different') throw new Error('no difference was found');
  return outcome;
};

describe('a planted mistake', () => {
  test('of the JIT is found and its instruction named, with guest code, IR and wasm', () => {
    const guest = kernelGuest();
    const plan = { slices: fixedSlices(5000), until: 100_000 };
    const outcome = differing(compareEngines(guest, [interp, mistakes(jit, Op.xor, Op.or)], plan));
    const finding = locate(guest, outcome);
    expect(finding).toMatchObject({ kind: 'instruction' });
    const report = describeFinding(outcome, finding);
    expect(report).toContain('interp and jit are equal after 0 instructions, and differ after 5000.');
    expect(report).toMatch(/is run differently: 0x00100027: {2}31 cb +xorl? +%ecx, *%ebx/);
    expect(report).toMatch(/--- IR, interp\nblock.*\n----.*\n.* = xor /);
    expect(report).toMatch(/--- IR, jit\nblock.*\n----.*\n.* = or /);
    expect(report).toMatch(/--- wasm, jit\nfunc region/);
    expect(report).toMatch(/i32\.or/);
    expect(report).toMatch(/ebx\n {2}interp: 0x[0-9a-f]+\n {2}jit: 0x[0-9a-f]+/);
  });

  test('that no block shows by itself is narrowed down to an instruction count, with the way there', () => {
    let engines = 0;
    const wrong = mistakes(jit, Op.xor, Op.or);
    // The second engine made is the one that runs single blocks.
    const elusive: EngineChoice = {
      ...wrong,
      tuning: { heat: 2, frontEnd: (own) => (++engines === 2 ? own : (wrong.tuning?.frontEnd?.(own) ?? own)) },
    };
    const guest = kernelGuest();
    const outcome = differing(compareEngines(guest, [interp, elusive], { slices: fixedSlices(300), until: 1000 }));
    const finding = locate(guest, outcome);
    expect(finding).toMatchObject({ kind: 'slice', from: 0, to: 3 });
    expect(describeFinding(outcome, finding)).toMatch(/blocks on the way[\s\S]*0x00100027: {2}31 cb/);
  });

  test('that makes translation throw is found too', () => {
    const throwing: EngineChoice = {
      ...jit,
      tuning: {
        ...jit.tuning,
        frontEnd: (own) => ({
          ...own,
          translate(block, fetch, maxInsns) {
            own.translate(block, fetch, maxInsns);
            if (block.ir.subarray(0, block.n * WORDS).some((op, i) => i % WORDS === 0 && op === Op.rotl)) {
              throw new Error('BUG: planted');
            }
          },
        }),
      },
    };
    const guest = kernelGuest();
    const outcome = differing(compareEngines(guest, [interp, throwing], { slices: fixedSlices(500), until: 1000 }));
    const finding = locate(guest, outcome);
    const report = describeFinding(outcome, finding);
    expect(report).toMatch(/is run differently: 0x0010002f: {2}d1 c3 +roll? /);
    expect(report).toMatch(/exception\n {2}interp: it ran\n {2}jit: Error: BUG: planted/);
  });

  test('of the interpreter is found against the evaluator', () => {
    const guest = firmwareGuest(MIX, CLI, HLT);
    const plan = { slices: fixedSlices(700), until: 5000 };
    const outcome = differing(compareEngines(guest, [evaluator, mistakes(interp, Op.xor, Op.or)], plan));
    const report = describeFinding(outcome, locate(guest, outcome));
    expect(report).toMatch(/is run differently: 0x000fe005/);
    expect(report).toMatch(/--- bytecode, interp\n {2}head/);
  });
});

describe('engines that agree', () => {
  test('stay equal to the machine’s end, whatever the slices', () => {
    const guest = firmwareGuest(MIX, spin(5000), out8(0x80, 1), CLI, HLT);
    const outcome = compareEngines(guest, [evaluator, interp, jit], { slices: randomSlices(3000, 7), until: 1e6 });
    expect(outcome).toMatchObject({ kind: 'equal', ended: 'it halted with interrupts disabled' });
    if (outcome.kind === 'equal') expect(outcome.instructions).toBeGreaterThan(50_000);
  });

  test('a machine stops at exact counts', () => {
    const machine = new LockstepMachine(firmwareGuest(MIX, CLI, HLT), jit);
    for (const count of [1, 2, 777, 20_001]) {
      machine.runTo(count);
      expect(machine.executed).toBe(count);
    }
  });
});

describe.skipIf(!existsSync(KERNEL) || !existsSync(INITRD))('Debian’s kernel', () => {
  const args = ['-M', 'pc', '-m', '64', '-cpu', 'pentium2', '-kernel', 'kernel', '-initrd', 'initrd', '-nographic'];
  const debian = (): Guest =>
    guestOf([...args, '-append', 'console=ttyS0'], { kernel: readFileSync(KERNEL), initrd: readFileSync(INITRD) });

  test('boots alike in interpreter and JIT: the first 30 M instructions', { timeout: 60_000 }, () => {
    const outcome = compareEngines(debian(), [interp, jit], { slices: randomSlices(3e6, 1), until: 30e6 });
    expect(outcome).toMatchObject({ kind: 'equal', instructions: 30e6 });
  });

  test('boots alike in evaluator and interpreter: the first 200,000', { timeout: 60_000 }, () => {
    const outcome = compareEngines(debian(), [evaluator, interp], { slices: randomSlices(20_000, 2), until: 200_000 });
    expect(outcome).toMatchObject({ kind: 'equal', instructions: 200_000 });
  });
});
