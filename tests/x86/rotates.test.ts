/** Rotates keep SF, ZF, AF and PF of what came before: a block as a whole, which knows that, against its instructions one by one. */
import { describe, expect, test } from 'vitest';
import type { EngineMode } from '../../src/cpu/exec/engine.ts';
import { EAX, EBX, EDX, ESP } from '../../src/cpu/isa/x86/layout.ts';
import { createMachine, enterFlatMode, type Machine } from './machine.ts';
import { Random } from './random.ts';

const CODE = 0x1000;
const ANSWERS = 0x4000;
const word = (v: number): number[] => [v & 255, (v >> 8) & 255, (v >> 16) & 255, v >>> 24];

/** By what the flags follow from; with EAX and EBX as operands. 8-bit forms have the opcode less one. */
const BEFORE: Readonly<Record<string, readonly number[]>> = {
  add: [0x01, 0xd8],
  sub: [0x29, 0xd8],
  cmp: [0x39, 0xd8],
  adc: [0x11, 0xd8],
  and: [0x21, 0xd8],
  inc: [0xff, 0xc0],
  dec: [0xff, 0xc8],
  'shl 3': [0xc1, 0xe0, 3],
  'shr 3': [0xc1, 0xe8, 3],
  'shl cl': [0xd3, 0xe0],
  'mul bl': [0xf7, 0xe3],
  rol: [0xc1, 0xc0, 5],
};
const ROTATES: readonly (readonly number[])[] = [
  [0xc1, 0xc3, 7], // rol ebx, 7
  [0xc1, 0xcb, 1], // ror ebx, 1
  [0xd3, 0xc3], // rol ebx, cl
  [0xd3, 0xcb], // ror ebx, cl
  [0xc1, 0xc0, 31], // rol eax, 31
];
const SET_ALL = Array.from({ length: 16 }, (_, cc) => [0x0f, 0x90 + cc, 0x05, ...word(ANSWERS + cc)]);
/** pushf; pop [ANSWERS + 16]; adc edx, 0 */
const REST = [[0x9c], [0x8f, 0x05, ...word(ANSWERS + 16)], [0x83, 0xd2, 0]];

const sized = (code: readonly number[], size: number): number[] => {
  const [opcode, ...rest] = code as [number, ...number[]];
  if (size === 2) return [0x66, ...code];
  return [size === 1 ? opcode - 1 : opcode, ...rest];
};

function run(mode: EngineMode, code: readonly (readonly number[])[], oneByOne: boolean): number[] {
  const machine: Machine = createMachine({ mode, ramBytes: 0x10000 });
  const { engine, view } = machine;
  engine.memory.backing.set(code.flat(), CODE);
  enterFlatMode(machine, CODE);
  view.setUint32(ESP, 0x8000, true);
  if (oneByOne) for (const _ of code) engine.vcpu.run(1);
  else engine.vcpu.run(code.length);
  return [EAX, EBX, EDX]
    .map((slot) => view.getUint32(slot, true))
    .concat(...engine.memory.backing.slice(ANSWERS, ANSWERS + 20));
}

describe.each(['eval', 'interp', 'jit'] as const)('engine %s', (mode) => {
  test.each(Object.entries(BEFORE))('after %s', (_name, before) => {
    const random = new Random(7);
    for (let i = 0; i < 24; i++) {
      const [size, sizeBefore] = [random.pick([1, 2, 4]), random.pick([1, 2, 4])];
      const values = [0xb8, 0xbb, 0xb9, 0xba].map((mov) => [mov, ...word(random.value())]);
      const rotate = (): number[] => sized(random.pick(ROTATES), size);
      const code = [...values, sized(before, sizeBefore), rotate(), ...(i & 1 ? [rotate()] : []), ...SET_ALL, ...REST];
      expect(run(mode, code, false)).toEqual(run('interp', code, true));
    }
  });
});
