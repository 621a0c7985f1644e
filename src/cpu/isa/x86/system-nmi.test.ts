import { describe, expect, it } from 'vitest';
import { C_INTR_ENABLED, C_INTR_REQUEST } from '../../ir/layout.ts';
import { F_EFLAGS, IF, SS } from './layout.ts';
import { compileNative, KDATA, type Machine, protectedMachine } from './system-machine.fixture.ts';

const module = compileNative();

describe('non-maskable interrupts', () => {
  /** Does translated code leave for an interrupt at its next look? */
  const due = (m: Machine): boolean => m.get(C_INTR_REQUEST) !== 0 && m.get(C_INTR_ENABLED) !== 0;
  it('are due with interrupts off, but not in an interrupt shadow', () => {
    const m = protectedMachine(module);
    m.call('load_seg', SS | 0x10, KDATA);
    m.call('raise_nmi');
    expect(due(m)).toBe(false);
    m.call('end_shadow');
    expect(due(m)).toBe(true);
    m.call('cli');
    expect(due(m)).toBe(true);
  });
  it('block others until IRET, and one that came meanwhile is kept', () => {
    const m = protectedMachine(module);
    m.call('raise_nmi');
    expect([m.int('take_nmi'), m.int('take_nmi'), due(m)]).toEqual([1, 0, false]);
    m.call('deliver_interrupt', 2);
    expect(m.eip).toBe(0x10002);
    m.call('raise_nmi');
    m.call('raise_nmi');
    expect([due(m), m.int('take_nmi')]).toEqual([false, 0]);
    m.call('iret', 4, 0);
    expect([m.eip, due(m), m.int('take_nmi'), due(m)]).toEqual([0x5000, true, 1, false]);
  });
  it('do not make the interrupt pin heard with interrupts off', () => {
    const m = protectedMachine(module);
    m.set(C_INTR_REQUEST, 1);
    m.call('raise_nmi');
    m.int('take_nmi');
    expect([m.get(C_INTR_REQUEST), due(m)]).toEqual([1, false]);
    m.call('raise_nmi');
    expect(due(m)).toBe(false);
    m.set(F_EFLAGS, 2 | IF);
    m.call('update_mode');
    expect([m.get(C_INTR_REQUEST), due(m), m.int('take_nmi')]).toEqual([1, true, 0]);
  });
  it('stay blocked when IRET faults', () => {
    const m = protectedMachine(module);
    m.call('raise_nmi');
    m.int('take_nmi');
    m.call('deliver_interrupt', 2);
    m.write(m.reg(4) + 4, 0x1000);
    m.call('iret', 4, 0);
    expect(m.fault()?.vector).toBe(13);
    m.call('raise_nmi');
    expect(due(m)).toBe(false);
  });
});
