/** Where a debugger stops the processor: exactly there, and without a trace in the guest's history. */
import { describe, expect, test } from 'vitest';
import type { EngineMode } from '../../src/cpu/exec/engine.ts';
import { C_PC } from '../../src/cpu/ir/layout.ts';
import { EAX, ECX, EDI, ESI, ESP } from '../../src/cpu/isa/x86/layout.ts';
import { createMachine, enterFlatMode, type Machine } from './machine.ts';

const CODE = 0x1000;
const DATA = 0x5000;
const word = (v: number): number[] => [v & 255, (v >> 8) & 255, (v >> 16) & 255, v >>> 24];

function machineWith(mode: EngineMode, code: readonly number[]): Machine {
  const machine = createMachine({ mode, ramBytes: 0x10000, heat: 8 });
  machine.engine.memory.backing.set(code, CODE);
  enterFlatMode(machine, CODE);
  machine.view.setUint32(ESP, 0x8000, true);
  return machine;
}
const pc = ({ view }: Machine): number => view.getUint32(C_PC, true);
const register = ({ view }: Machine, at: number): number => view.getUint32(at, true);

// 1: inc eax; inc eax; inc ecx; jmp 1b
const LOOP = [0x40, 0x40, 0x41, 0xeb, 0xfb];

describe.each(['jit', 'interp'] as const)('in mode %s', (mode) => {
  test('a breakpoint stops before its instruction each time, in the middle of a block too', () => {
    const machine = machineWith(mode, LOOP);
    const { engine } = machine;
    engine.vcpu.run(1000); // hot by now
    engine.setBreakpoints([CODE + 2]);
    for (let round = 0; round < 3; round++) {
      expect(engine.vcpu.run(1000)).toBe('breakpoint');
      expect(pc(machine)).toBe(CODE + 2);
      expect(engine.vcpu.executed % 4).toBe(2);
      engine.vcpu.passBreakpoint = true;
    }
    expect(register(machine, EAX)).toBe(2 * (register(machine, ECX) + 1));
  });

  test('a breakpoint does not stop what goes on from it', () => {
    const machine = machineWith(mode, [0xeb, 0xfe]); // 1: jmp 1b
    machine.engine.setBreakpoints([CODE]);
    expect(machine.engine.vcpu.run(10)).toBe('breakpoint');
    expect(machine.engine.vcpu.executed).toBe(0);
    machine.engine.vcpu.passBreakpoint = true;
    expect(machine.engine.vcpu.run(10)).toBe('breakpoint');
    expect(machine.engine.vcpu.executed).toBe(1);
  });

  test('without breakpoints the code runs as before', () => {
    const machine = machineWith(mode, LOOP);
    machine.engine.setBreakpoints([CODE + 1]);
    expect(machine.engine.vcpu.run(1000)).toBe('breakpoint');
    machine.engine.setBreakpoints([]);
    expect(machine.engine.vcpu.run(999)).toBe('budget');
    expect(register(machine, ECX)).toBe(250);
  });

  // 1: mov [DATA], eax; mov ecx, [DATA + 4]; inc eax; jmp 1b
  const accesses = [0xa3, ...word(DATA), 0x8b, 0x0d, ...word(DATA + 4), 0x40, 0xeb, 0xf2];

  test.each([
    { what: 'a store', watch: { first: DATA, last: DATA, reads: false, writes: true }, after: CODE + 5 },
    { what: 'a load', watch: { first: DATA + 6, last: DATA + 6, reads: true, writes: false }, after: CODE + 11 },
    { what: 'either', watch: { first: DATA + 3, last: DATA + 3, reads: true, writes: true }, after: CODE + 5 },
  ])('a watched range stops after $what that touches it', ({ watch, after }) => {
    const machine = machineWith(mode, accesses);
    const { engine } = machine;
    engine.vcpu.run(400);
    engine.setWatches([{ first: 0x9000, last: 0x9fff, reads: true, writes: true }, watch]);
    for (let round = 0; round < 3; round++) {
      expect(engine.vcpu.run(1000)).toBe('watchpoint');
      expect(pc(machine)).toBe(after);
      expect(engine.vcpu.watchHits).toBe(2);
    }
    expect(engine.vcpu.executed).toBeLessThan(413);
  });

  test('a watched range does not stop at accesses beside it, nor of the other kind', () => {
    const machine = machineWith(mode, accesses);
    machine.engine.setWatches([
      { first: DATA + 8, last: DATA + 100, reads: true, writes: true },
      { first: DATA, last: DATA + 3, reads: true, writes: false },
    ]);
    expect(machine.engine.vcpu.run(4000)).toBe('budget');
  });

  test('a watched page changes neither the count of string instructions nor what they do', () => {
    // mov esi, DATA; mov edi, DATA + 800h; mov ecx, 400h; rep movsb; jmp back
    const copy = [0xbe, ...word(DATA), 0xbf, ...word(DATA + 0x800), 0xb9, ...word(0x400), 0xf3, 0xa4, 0xeb, 0xed];
    const plain = machineWith(mode, copy);
    const watched = machineWith(mode, copy);
    for (const m of [plain, watched]) m.engine.memory.backing.set([1, 2, 3, 4, 5], DATA);
    watched.engine.setWatches([{ first: DATA + 0x900, last: DATA + 0x900, reads: false, writes: true }]);
    let stops = 0;
    plain.engine.vcpu.run(50);
    for (let left = 50; left > 0; left = 50 - watched.engine.vcpu.executed) {
      if (watched.engine.vcpu.run(left) === 'watchpoint') stops++;
    }
    expect(stops).toBe(10);
    for (const at of [ESI, EDI, ECX]) expect(register(watched, at)).toBe(register(plain, at));
    expect(pc(watched)).toBe(pc(plain));
    expect(Buffer.compare(watched.engine.memory.backing, plain.engine.memory.backing)).toBe(0);
  });
});
