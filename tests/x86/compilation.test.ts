/** What is compiled, and when. That it does the same as the interpreter is for other tests. */
import { describe, expect, test } from 'vitest';
import { EAX, ECX, EDI, ESI, ESP } from '../../src/cpu/isa/x86/layout.ts';
import { createMachine, enterFlatMode, enterRealMode, type Machine } from './machine.ts';

const HEAT = 64;
const CODE = 0x1000;
/** In a page of its own. */
const FUNCTION = 0x2000;
/** inc eax; ret */
const INC_AND_RETURN = [0x40, 0xc3];

const word = (v: number): number[] => [v & 255, (v >> 8) & 255, (v >> 16) & 255, v >>> 24];
const callFrom = (at: number): number[] => [0xe8, ...word(FUNCTION - at - 5)];

function machineWith(code: readonly number[]): Machine {
  const machine = createMachine({ mode: 'jit', ramBytes: 0x10000, heat: HEAT });
  const { backing } = machine.engine.memory;
  backing.set(code, CODE);
  backing.set(INC_AND_RETURN, FUNCTION);
  enterFlatMode(machine, CODE);
  machine.view.setUint32(ESP, 0x8000, true);
  return machine;
}
const blockAt = ({ engine }: Machine, pc: number) => engine.blocks.blocks.find((b) => b.pcLo === pc && !b.dead);
const isCompiled = (machine: Machine, pc: number): boolean => (blockAt(machine, pc)?.region ?? 0) !== 0;

describe('the region JIT', () => {
  test('compiles a loop at once', () => {
    const machine = machineWith([0x40, 0xeb, 0xfd]); // 1: inc eax; jmp 1b
    machine.engine.vcpu.run(10 * HEAT);
    expect(isCompiled(machine, CODE)).toBe(true);
    expect(machine.view.getUint32(EAX, true)).toBe(5 * HEAT);
  });

  describe('of code that gets hot slowly', () => {
    // 1: call f; mov ecx, 100000; 2: loop 2b; jmp 1b
    const slowly = [...callFrom(CODE), 0xb9, ...word(100_000), 0xe2, 0xfe, 0xeb, 0xf2];
    const INSNS_EACH = 100_000 + 5;

    test('waits for company, until the end of a slice', () => {
      const machine = machineWith(slowly);
      const { vcpu } = machine.engine;
      vcpu.run(INSNS_EACH * (HEAT + 2));
      expect(blockAt(machine, FUNCTION)).toMatchObject({ waiting: true, region: 0 });
      vcpu.run(INSNS_EACH * 2 * HEAT); // it waits 10 million instructions at most
      vcpu.run(1000);
      expect(isCompiled(machine, FUNCTION)).toBe(true);
      expect(machine.engine.jit?.counts.modules).toBeLessThan(machine.engine.jit?.counts.regions ?? 0);
    });

    test('lets go of a module when the last of its regions is dropped', () => {
      const machine = machineWith(slowly);
      const { vcpu, ramWritten, jit } = machine.engine;
      for (let slice = 0; slice < 4; slice++) vcpu.run(INSNS_EACH * HEAT);
      vcpu.run(1000);
      expect(jit?.modules).toBeGreaterThan(0);
      ramWritten(0, 0x10000);
      expect(jit?.modules).toBe(0);
    });

    test('forgets it when it changes meanwhile', () => {
      const machine = machineWith(slowly);
      const { vcpu, ramWritten, memory } = machine.engine;
      vcpu.run(INSNS_EACH * (HEAT + 2));
      memory.backing.set([0x48, 0xc3], FUNCTION); // dec eax; ret
      ramWritten(FUNCTION, 2);
      const before = machine.view.getUint32(EAX, true);
      vcpu.run(INSNS_EACH * 2 * HEAT);
      vcpu.run(INSNS_EACH * 2 * HEAT);
      expect(machine.view.getInt32(EAX, true)).toBe(before - 4 * HEAT);
    });
  });

  test('compiles what is entered often anew, with the code around it', () => {
    // 1: call f; call f; loop 1b. The function is hot before the loop is, which then stops at it.
    const machine = machineWith([...callFrom(CODE), ...callFrom(CODE + 5), 0xe2, 0xf4]);
    const rounds = (n: number): unknown => vcpu.run(7 * n);
    const { vcpu, jit } = machine.engine;
    rounds(5_000);
    expect(jit?.counts).toMatchObject({ grown: 0 });
    for (let slice = 0; slice < 40; slice++) rounds(100_000);
    expect(jit?.counts.grown).toBeGreaterThan(0);
    expect(machine.view.getUint32(EAX, true)).toBe(2 * 4_005_000);
    expect(machine.view.getInt32(ECX, true)).toBe(-4_005_000);
  });

  test('compiles code once a segment base: what it does may depend on that', () => {
    // In real mode, from CS = 0: mov cx, 200; 1: push cx; call 0100:1000; add si, ax; call 0200:0000; add di, ax; pop cx; loop 1b; hlt
    const calls = [0x51, 0x9a, 0, 0x10, 0, 1, 0x01, 0xc6, 0x9a, 0, 0, 0, 2, 0x01, 0xc7, 0x59, 0xe2, 0xee];
    const machine = createMachine({ mode: 'jit', ramBytes: 0x10000, heat: HEAT });
    machine.engine.memory.backing.set([0xb9, 200, 0, ...calls, 0xf4], CODE);
    machine.engine.memory.backing.set([0xe8, 0, 0, 0x58, 0xcb], FUNCTION); // call 1f; 1: pop ax; retf
    enterRealMode(machine, CODE);
    machine.view.setUint32(ESP, 0x8000, true);
    expect(machine.engine.vcpu.run(100_000)).toBe('halted');
    const { blocks } = machine.engine.blocks;
    const ofFunction = blocks.filter(({ pcLo, region }) => pcLo === FUNCTION && region !== 0);
    expect(ofFunction.map(({ context }) => context)).toEqual([0x1000, 0x2000]);
    expect(machine.view.getUint16(ESI, true)).toBe((200 * 0x1003) & 0xffff);
    expect(machine.view.getUint16(EDI, true)).toBe(200 * 3);
  });

  test('a slice ends early where JavaScript has much to do', () => {
    // Jumps from page to page: each is a new block.
    const machine = createMachine({ mode: 'jit', ramBytes: 0x400000, heat: HEAT });
    for (let page = CODE; page < 0x3ff000; page += 0x1000) {
      machine.engine.memory.backing.set([0xe9, ...word(0x1000 - 5)], page);
    }
    enterFlatMode(machine, CODE);
    expect(machine.engine.vcpu.run(1000, 1000)).toBe('stopped');
    expect(machine.engine.vcpu.executed).toBeGreaterThan(50);
    expect(machine.engine.vcpu.executed).toBeLessThan(200);
    expect(machine.engine.vcpu.run(500)).toBe('budget');
  });
});
