/** Instructions that do memory-mapped I/O run alone, from bytecode that is kept. */
import { describe, expect, test } from 'vitest';
import type { EngineMode } from '../../src/cpu/exec/engine.ts';
import { EAX, EBX, ECX, ESP } from '../../src/cpu/isa/x86/layout.ts';
import { createMachine, enterFlatMode } from './machine.ts';

const CODE = 0x1000;
/** Beyond RAM. */
const DEVICE = 0x100000;
const word = (v: number): number[] => [v & 255, (v >> 8) & 255, (v >> 16) & 255, v >>> 24];

function machineWith(mode: EngineMode, code: readonly number[], mmioWrite = () => {}) {
  const machine = createMachine({ mode, ramBytes: 0x10000, heat: 8, mmioWrite });
  machine.engine.memory.backing.set(code, CODE);
  enterFlatMode(machine, CODE);
  machine.view.setUint32(ESP, 0x8000, true);
  return machine;
}

describe.each(['jit', 'interp'] as const)('memory-mapped I/O in mode %s', (mode) => {
  test('happens once an instruction, and each is counted', () => {
    let writes = 0;
    // 1: mov [DEVICE], eax; inc ecx; jmp 1b
    const machine = machineWith(mode, [0xa3, ...word(DEVICE), 0x41, 0xeb, 0xf8], () => void writes++);
    machine.engine.vcpu.run(3000);
    expect(writes).toBe(1000);
    expect(machine.view.getUint32(ECX, true)).toBe(1000);
    expect(machine.engine.vcpu.executed).toBe(3000);
  });

  test('ends the slice where a device wants it, counted from before the instruction', () => {
    let machine: ReturnType<typeof machineWith> | undefined;
    const shorten = (): void => machine?.engine.vcpu.shorten(10);
    machine = machineWith(mode, [0xa3, ...word(DEVICE), 0x90, 0xeb, 0xfd], shorten); // mov [DEVICE], eax; 1: nop; jmp 1b
    expect(machine.engine.vcpu.run(3000)).toBe('budget');
    expect(machine.engine.vcpu.executed).toBe(10);
  });

  test('follows a change of the instruction between two runs', () => {
    // 1: add eax, [DEVICE] (03 05); add ebx, 1; xor byte [1b + 1], 18h; jmp 1b: the next time it is add ebx (03 1d)
    const code = [0x03, 0x05, ...word(DEVICE), 0x83, 0xc3, 0x01, 0x80, 0x35, ...word(CODE + 1), 0x18, 0xeb, 0xec];
    code[code.length - 1] = 256 - code.length;
    const machine = machineWith(mode, code);
    machine.engine.vcpu.run(4 * 200);
    // The device reads as -1. eax and ebx get it in turn, and ebx one more each time.
    expect(machine.view.getInt32(EAX, true)).toBe(-100);
    expect(machine.view.getInt32(EBX, true)).toBe(100);
  });
});
