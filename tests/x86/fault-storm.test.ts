/** A handler that faults at its first instruction: deliveries without end, which must count alike wherever they are cut. */
import { describe, expect, test } from 'vitest';
import type { EngineMode } from '../../src/cpu/exec/engine.ts';
import { ESP, F_IDT_BASE, F_IDT_LIMIT } from '../../src/cpu/isa/x86/layout.ts';
import { readField, STATE_FIELDS, writeField } from '../../src/cpu/isa/x86/state.ts';
import { createMachine, enterRealMode, type Machine } from './machine.ts';

const RAM = 0x10000;
const CODE = 0x6000;
const HANDLER = 0x7000;
/** The stack of real mode's handler lies where no memory is, so that each push is seen. */
const STACK = 0x8000;
const STACK_BASE = 0xa0000;
const PUSHES = 3;
const UD = 6;
const GP = 13;

interface Storm extends Machine {
  /** Exceptions delivered so far. */
  delivered(): number;
  /** `run` comes back after so many. */
  stopAfter(deliveries: number): void;
}

/** NOPs, then `first`; whatever is raised leads to `again`. */
function storm(mode: EngineMode, first: readonly number[], again: readonly number[]): Storm {
  let pushes = 0;
  let last = Number.POSITIVE_INFINITY;
  const machine = createMachine({
    mode,
    ramBytes: RAM,
    mmioWrite: () => {
      if (++pushes === PUSHES * last) machine.engine.vcpu.stop();
    },
  });
  const ram = machine.engine.memory.backing;
  const view = new DataView(ram.buffer, ram.byteOffset, ram.length);
  for (const vector of [UD, GP]) view.setUint32(4 * vector, HANDLER, true);
  ram.set([0x90, 0x90, 0x90, ...first], CODE);
  ram.set(again, HANDLER);
  enterRealMode(machine, CODE);
  machine.view.setUint32(F_IDT_BASE, 0, true);
  machine.view.setUint32(F_IDT_LIMIT, 0x3ff, true);
  machine.view.setUint32(ESP, STACK, true);
  writeSsBase(machine);
  return {
    ...machine,
    delivered: () => pushes / PUSHES,
    stopAfter: (deliveries) => {
      last = deliveries;
    },
  };
}
function writeSsBase({ view, native }: Machine): void {
  const field = STATE_FIELDS.find(({ name }) => name === 'ss.base');
  if (field === undefined) throw new Error('BUG: no ss.base');
  writeField(view, field, STACK_BASE);
  native.update_mode();
}
/** What a snapshot does: every declared field, and the count. RAM is the same. */
function transfer(from: Machine, to: Machine): void {
  for (const field of STATE_FIELDS) writeField(to.view, field, readField(from.view, field));
  to.native.update_mode();
  to.engine.vcpu.executed = from.engine.vcpu.executed;
}

const UD2 = [0x0f, 0x0b];
/** RDMSR of register 0FFFFFFFFH: it faults after it has left translated code. */
const RDMSR = [0x66, 0x83, 0xc9, 0xff, 0x0f, 0x32];
const MODES: readonly EngineMode[] = ['interp', 'jit'];
const STORMS = [
  ['undefined opcodes', UD2, UD2],
  ['instructions that the processor does outside translated code', RDMSR, RDMSR.slice(4)],
] as const;

describe.each(MODES)('engine %s', (mode) => {
  test.each(STORMS)('a storm of faults at %s costs an instruction now and then', (_what, first, again) => {
    const machine = storm(mode, first, again);
    const { vcpu } = machine.engine;
    expect(vcpu.run(20)).toBe('budget');
    expect(vcpu.executed).toBe(20);
    expect(machine.delivered()).toBeGreaterThan(1000);
    expect(machine.delivered()).toBeLessThan(10_000);
  });

  test.each(STORMS)(
    'in the middle of a storm of %s a saved state goes on with the same counts',
    (_what, first, again) => {
      const whole = storm(mode, first, again);
      const saved = storm(mode, first, again);
      const loaded = storm(mode, first, again);
      saved.stopAfter(537);
      expect(saved.engine.vcpu.run(20)).toBe('stopped');
      transfer(saved, loaded);
      const at = saved.engine.vcpu.executed;
      for (const { engine } of [whole, saved]) engine.vcpu.run(20 - engine.vcpu.executed);
      loaded.engine.vcpu.run(20 - at);
      expect(loaded.delivered() + 537).toBe(whole.delivered());
      expect(saved.delivered()).toBe(whole.delivered());
      for (const field of STATE_FIELDS) {
        expect([field.name, readField(loaded.view, field)]).toEqual([field.name, readField(whole.view, field)]);
      }
    },
  );
});
