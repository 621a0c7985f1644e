/**
 * #AC of string instructions in code that is run: at level 3 with CR0.AM and EFLAGS.AC (SDM volume 3, 6.15, vector 17).
 * TCG checks no alignment. There is no IDT: an exception ends in shutdown.
 */
import { describe, expect, test } from 'vitest';
import type { EngineMode } from '../../src/cpu/exec/engine.ts';
import {
  AC,
  CR0_AM,
  CS,
  ECX,
  EDI,
  EDX,
  ESI,
  F_CPL,
  F_CR0,
  F_EFLAGS,
  F_IDT_LIMIT,
  IOPL,
  SEG_ATTR,
  SEG_SIZE,
  SEGS,
} from '../../src/cpu/isa/x86/layout.ts';
import { createMachine, enterFlatMode } from './machine.ts';

const CODE = 0x1000;
const SOURCE = 0x4000;
const TARGET = 0x5000;
const PORT = 0x1234;

/** How it ends, and what is left of a count of 2. */
function outcome(mode: EngineMode, bytes: readonly number[], source: number, target: number): readonly unknown[] {
  let outputs = 0;
  const machine = createMachine({ mode, ramBytes: 0x10000, ioWrite: () => outputs++ });
  const { engine, native, view } = machine;
  engine.memory.backing.set([...bytes, 0xeb, 0xfe], CODE);
  enterFlatMode(machine, CODE);
  const set = (address: number, value: number): void => view.setUint32(address, value, true);
  for (let segment = 0; segment < 6; segment++) {
    set(SEGS + SEG_SIZE * segment + SEG_ATTR, segment === CS ? 0xc0fb00 : 0xc0f300);
  }
  set(F_CPL, 3);
  set(F_CR0, view.getUint32(F_CR0, true) | CR0_AM);
  set(F_EFLAGS, AC | IOPL | 2);
  set(F_IDT_LIMIT, 0);
  set(ESI, source);
  set(EDI, target);
  set(ECX, 2);
  set(EDX, PORT);
  native.update_mode();
  return [engine.vcpu.run(10), view.getUint32(ECX, true), outputs];
}

const INSTRUCTIONS = [
  ['rep movsl', [0xf3, 0xa5], 'both', 0],
  ['movsl', [0xa5], 'both', 2],
  ['rep stosw', [0x66, 0xf3, 0xab], 'target', 0],
  ['rep insw', [0x66, 0xf3, 0x6d], 'target', 0],
  ['insl', [0x6d], 'target', 2],
  ['rep outsl', [0xf3, 0x6f], 'source', 0],
  ['outsw', [0x66, 0x6f], 'source', 2],
] as const;

describe.each<EngineMode>(['interp', 'jit'])('engine %s', (mode) => {
  test.each(INSTRUCTIONS)('%s with an operand that is not aligned does nothing', (_name, bytes, operands) => {
    if (operands !== 'target') expect(outcome(mode, bytes, SOURCE + 1, TARGET)).toEqual(['shutdown', 2, 0]);
    if (operands !== 'source') expect(outcome(mode, bytes, SOURCE, TARGET + 1)).toEqual(['shutdown', 2, 0]);
  });
  test.each(INSTRUCTIONS)('%s with aligned operands is done', (_name, bytes, _operands, left) => {
    expect(outcome(mode, bytes, SOURCE, TARGET).slice(0, 2)).toEqual(['budget', left]);
  });
});
