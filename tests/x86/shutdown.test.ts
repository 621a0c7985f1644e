/** A triple fault of an instruction that delivers exceptions itself: nothing runs after it. */
import { describe, expect, test } from 'vitest';
import type { EngineMode } from '../../src/cpu/exec/engine.ts';
import {
  EAX,
  ESP,
  F_GDT_BASE,
  F_GDT_LIMIT,
  F_IDT_BASE,
  F_IDT_LIMIT,
  SEG_ATTR,
  SEG_LIMIT,
  SEG_SIZE,
  SEG_SYSTEM_BASE,
  SEGS,
  TF,
  TR,
} from '../../src/cpu/isa/x86/layout.ts';
import { createMachine, enterFlatMode, enterRealMode, type Machine } from './machine.ts';

const CODE = 0x1000;
const GDT = 0x2000;
const IDT = 0x3000;
const OLD_TSS = 0x4000;
const NEW_TSS = 0x5000;
const NEW_TASK = 0x28;
/** Counts what runs after the triple fault: `1: inc eax (ax); jmp 1b`. */
const GO_ON = [0x40, 0xeb, 0xfd];
const MODES: readonly EngineMode[] = ['eval', 'interp', 'jit'];

function machineWith(mode: EngineMode, code: readonly number[]): Machine {
  const machine = createMachine({ mode, ramBytes: 0x10000 });
  machine.engine.memory.backing.set(code, CODE);
  return machine;
}
const set = ({ view }: Machine, address: number, value: number): void => view.setUint32(address, value, true);
const counted = ({ view }: Machine): number => view.getUint32(EAX, true);

/**
 * Flat mode with two tasks. In the IDT there is a task gate for INT 20H to the second, whose DS lies beyond the GDT: #TS
 * in the new task, for which there is no gate, nor for what follows from that.
 */
function withBadTask(mode: EngineMode, code: readonly number[], eip = CODE): Machine {
  const machine = machineWith(mode, code);
  const ram = machine.engine.memory.backing;
  const words = new DataView(ram.buffer, ram.byteOffset, ram.length);
  const descriptor = (index: number, low: number, high: number): void => {
    words.setUint32(GDT + 8 * index, low, true);
    words.setUint32(GDT + 8 * index + 4, high, true);
  };
  descriptor(1, 0xffff, 0xcf9b00);
  descriptor(2, 0xffff, 0xcf9300);
  descriptor(5, (NEW_TSS << 16) | 0x67, 0x8900);
  words.setUint32(IDT + 8 * 0x20, NEW_TASK << 16, true);
  words.setUint32(IDT + 8 * 0x20 + 4, 0xe500, true);
  words.setUint32(NEW_TSS + 0x20, eip, true);
  words.setUint32(NEW_TSS + 0x4c, 0x08, true); // CS
  words.setUint32(NEW_TSS + 0x50, 0x10, true); // SS
  words.setUint32(NEW_TSS + 0x54, 0xf8, true); // DS
  enterFlatMode(machine, CODE);
  set(machine, F_GDT_BASE, GDT);
  set(machine, F_GDT_LIMIT, 0x2f);
  set(machine, F_IDT_BASE, IDT);
  set(machine, F_IDT_LIMIT, 0x7ff);
  const tr = SEGS + SEG_SIZE * TR;
  set(machine, tr + SEG_SYSTEM_BASE, OLD_TSS);
  set(machine, tr + SEG_LIMIT, 0x67);
  set(machine, tr + SEG_ATTR, 0x8b00);
  set(machine, ESP, 0x8000);
  machine.native.update_mode();
  return machine;
}
const FAR_JUMP = [0xea, 0, 0, 0, 0, NEW_TASK, 0];
const FAR_CALL = [0x9a, 0, 0, 0, 0, NEW_TASK, 0];

describe.each(MODES)('engine %s', (mode) => {
  test.each([
    ['INT to a task gate', [0xcd, 0x20]],
    ['a far jump to a task', FAR_JUMP],
    ['a far call of a task', FAR_CALL],
  ])('%s', (_how, code) => {
    // The new task's EIP is where code goes on, so that it would show.
    const machine = withBadTask(mode, [...code, ...GO_ON], CODE + code.length);
    expect(machine.engine.vcpu.run(1000)).toBe('shutdown');
    expect([counted(machine), machine.engine.vcpu.executed]).toEqual([0, 1]);
  });

  test('at the end of a slice it is there at the beginning of the next', () => {
    const machine = withBadTask(mode, [...FAR_JUMP, ...GO_ON], CODE + FAR_JUMP.length);
    expect(machine.engine.vcpu.run(1)).toBe('budget');
    expect(machine.engine.vcpu.run(1000)).toBe('shutdown');
    expect([counted(machine), machine.engine.vcpu.executed]).toEqual([0, 1]);
  });

  test('the single-step trap', () => {
    const machine = machineWith(mode, [0x90, ...GO_ON]);
    enterRealMode(machine, CODE);
    set(machine, F_IDT_LIMIT, 0);
    machine.native.set_eflags(TF | 2);
    machine.native.update_mode();
    expect(machine.engine.vcpu.run(1000)).toBe('shutdown');
    expect([counted(machine), machine.engine.vcpu.executed]).toEqual([0, 1]);
  });
});
