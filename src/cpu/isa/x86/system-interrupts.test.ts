import { describe, expect, it } from 'vitest';
import { C_FAULT, C_FAULT_ADDR, C_FAULT_CODE, C_FAULT_ERR, C_INTR_ENABLED, C_PC, FAULT_EXC } from '../../ir/layout.ts';
import {
  CS,
  F_CPL,
  F_CR0,
  F_CR2,
  F_DR6,
  F_DR7,
  F_EFLAGS,
  F_GDT_LIMIT,
  F_IDT_LIMIT,
  F_SHUTDOWN,
  IF,
  NT,
  RF,
  SS,
  TF,
  VM,
} from './layout.ts';
import {
  CODE3,
  compileNative,
  FIRST_FREE,
  GDT,
  IDT,
  KCODE,
  KDATA,
  type Machine,
  Machine as NewMachine,
  protectedMachine,
  STACK0,
  STACK3,
  UCODE,
  UDATA,
} from './system-machine.fixture.ts';

const module = compileNative();

function deliver(m: Machine, vector: number, error = 0, address = 0): void {
  m.set(C_FAULT, FAULT_EXC);
  m.set(C_FAULT_CODE, vector);
  m.set(C_FAULT_ERR, error);
  m.set(C_FAULT_ADDR, address);
  m.call('deliver_exception');
}

/** Doublewords on the stack, top first. */
const stack = (m: Machine, n: number): number[] => Array.from({ length: n }, (_, i) => m.read(m.reg(4) + 4 * i));

describe('exceptions in protected mode', () => {
  it('push EFLAGS with RF, CS, EIP and the error code at the same privilege', () => {
    const m = protectedMachine(module);
    m.set(F_EFLAGS, 2 | IF | NT);
    deliver(m, 13, 0x1234);
    expect(stack(m, 4)).toEqual([0x1234, 0x5000, KCODE, 2 | IF | NT | RF]);
    expect(m.reg(4)).toBe(STACK0 - 16);
    expect(m.eip).toBe(0x1000d);
    expect(m.get(F_EFLAGS)).toBe(2);
    expect(m.fault()).toBeUndefined();
  });
  it('change to the stack of the TSS from ring 3', () => {
    const m = protectedMachine(module, 3);
    deliver(m, 6);
    expect(stack(m, 5)).toEqual([0x5000, UCODE, 2 | RF, STACK3, UDATA]);
    expect([m.selector(CS), m.selector(SS), m.get(F_CPL)]).toEqual([KCODE, KDATA, 0]);
    expect(m.mode & 3).toBe(0);
  });
  it('set CR2 for a page fault', () => {
    const m = protectedMachine(module);
    deliver(m, 14, 2, 0xdeadbeef);
    expect(m.get(F_CR2)).toBe(0xdeadbeef);
    expect(stack(m, 1)).toEqual([2]);
  });
  it('leave IF alone through a trap gate', () => {
    const m = protectedMachine(module);
    m.gate(IDT, 6, KCODE, 0x77, 0x8f00);
    m.set(F_EFLAGS, 2 | IF | TF);
    deliver(m, 6);
    expect(m.get(F_EFLAGS)).toBe(2 | IF);
    expect(m.get(C_INTR_ENABLED)).toBe(1);
  });
  it('push words through a 16-bit gate', () => {
    const m = protectedMachine(module);
    m.gate(IDT, 13, KCODE, 0xffff0077, 0x8600);
    deliver(m, 13, 0x18);
    expect(m.reg(4)).toBe(STACK0 - 8);
    expect([0, 2, 4, 6].map((o) => m.read(m.reg(4) + o, 2))).toEqual([0x18, 0x5000, KCODE, 2]);
    expect(m.eip).toBe(0x77);
  });
  it.each([
    ['a gate that is no gate', (m: Machine) => m.gate(IDT, 6, KCODE, 0, 0x8200), 13, 6 * 8 + 3],
    ['a gate that is not present', (m: Machine) => m.gate(IDT, 6, KCODE, 0, 0x0e00), 11, 6 * 8 + 3],
    ['a gate to the null selector', (m: Machine) => m.gate(IDT, 6, 0, 0, 0x8e00), 13, 1],
    ['a gate to data', (m: Machine) => m.gate(IDT, 6, KDATA, 0, 0x8e00), 13, KDATA | 1],
    ['a gate to a less privileged segment', (m: Machine) => m.gate(IDT, 6, UCODE, 0, 0x8e00), 13, (UCODE & ~3) | 1],
    ['a gate beyond the GDT', (m: Machine) => m.gate(IDT, 6, 0x1000, 0, 0x8e00), 13, 0x1001],
  ])('report %s with EXT set', (_, spoil, vector, error) => {
    const m = protectedMachine(module);
    spoil(m);
    deliver(m, 6);
    expect(m.eip).toBe(0x10000 + vector);
    expect(stack(m, 2)).toEqual([error, 0x5000]);
  });
  it('make a double fault of two contributory exceptions', () => {
    const m = protectedMachine(module);
    m.gate(IDT, 13, KCODE, 0, 0x0e00);
    deliver(m, 13, 0x10);
    expect(m.eip).toBe(0x10008);
    expect(stack(m, 2)).toEqual([0, 0x5000]);
  });
  it('deliver a page fault that follows a general protection fault one after the other', () => {
    const m = protectedMachine(module);
    m.gate(IDT, 14, KCODE, 0, 0x0e00); // #NP in delivering #PF: double fault
    deliver(m, 14, 0, 0x1000);
    expect(m.eip).toBe(0x10008);
  });
  it('shut down on a triple fault, the state as it was', () => {
    const m = protectedMachine(module);
    m.set(F_IDT_LIMIT, 0);
    deliver(m, 6);
    expect(m.get(F_SHUTDOWN)).toBe(1);
    expect(m.eip).toBe(0x5000);
    expect(m.fault()).toBeUndefined();
  });
  it.each([
    ['null', 0, 0],
    ['of the wrong RPL', 0x11, 0x10],
    ['beyond the GDT', 0x2000, 0x2000],
    ['to code', KCODE, KCODE],
  ])('raise #TS for a ring-0 stack selector that is %s', (_, selector, error) => {
    const m = protectedMachine(module, 3);
    m.write(0x3008, selector);
    m.gate(IDT, 0x80, KCODE, 0, 0xee00);
    m.call('int_n', 0x80, 0x5002, 0);
    expect(m.fault()).toEqual({ vector: 10, error });
    expect(m.get(C_PC)).toBe(0x5000);
    expect(m.reg(4)).toBe(STACK3);
  });
});

describe('software interrupts', () => {
  it("push the next EIP and need the gate's DPL", () => {
    const m = protectedMachine(module, 3);
    m.call('int_n', 0x80, 0x5002, 0);
    expect(m.fault()).toBeUndefined();
    expect(stack(m, 3)).toEqual([0x5002, UCODE, 2]);
    const n = protectedMachine(module, 3);
    n.call('int_n', 0x81, 0x5002, 0);
    expect(n.fault()).toEqual({ vector: 13, error: 0x81 * 8 + 2 });
  });
  it('INTO goes on without OF', () => {
    const m = protectedMachine(module);
    m.call('into', 0x5001);
    expect(m.eip).toBe(0x5001);
    m.call('set_eflags', 0x802);
    m.call('into', 0x5001);
    expect(m.eip).toBe(0x10004);
    expect(stack(m, 1)).toEqual([0x5001]);
  });
});

describe('IRET', () => {
  it('undoes an interrupt from ring 3', () => {
    const m = protectedMachine(module, 3);
    m.set(F_EFLAGS, 2 | IF);
    m.call('deliver_interrupt', 0x30);
    expect(m.get(C_INTR_ENABLED)).toBe(0);
    m.call('iret', 4, 0);
    expect(m.fault()).toBeUndefined();
    expect([m.eip, m.selector(CS), m.selector(SS), m.reg(4), m.get(F_CPL)]).toEqual([0x5000, UCODE, UDATA, STACK3, 3]);
    expect(m.get(F_EFLAGS)).toBe(2 | IF);
    expect(m.get(C_INTR_ENABLED)).toBe(1);
  });
  it('nulls segments that ring 3 may not use', () => {
    const m = protectedMachine(module, 0);
    const frame = [0x1234, UCODE, 2, STACK3, UDATA];
    m.setReg(4, 0x7000);
    m.writeWords(0x7000, frame);
    m.segment(0, UDATA, 0, 0xffffffff, 0xc0f300);
    m.call('iret', 4, 0);
    expect(m.fault()).toBeUndefined();
    expect([0, 3, 4, 5].map((s) => m.selector(s))).toEqual([UDATA, 0, 0, 0]);
  });
  it.each([
    ['a null CS', [0, 0, 2], 0],
    ['a data segment', [0, KDATA, 2], KDATA],
    ['a conforming mismatch', [0, 0x1a, 2], 0x18],
    ['a null SS', [0, UCODE, 2, 0, 0], 0],
    ['SS of another RPL', [0, UCODE, 2, 0, KDATA], KDATA],
    ['SS that is code', [0, UCODE, 2, 0, UCODE], UCODE & ~3],
  ])('raises #GP for %s and changes nothing', (_, frame, error) => {
    const m = protectedMachine(module, 0);
    m.setReg(4, 0x7000);
    m.writeWords(0x7000, frame);
    m.call('iret', 4, 0);
    expect(m.fault()).toEqual({ vector: 13, error });
    expect([m.reg(4), m.eip, m.selector(CS)]).toEqual([0x7000, 0x5000, KCODE]);
  });
  it('of ring 3 changes neither IOPL nor, above it, IF', () => {
    const m = protectedMachine(module, 3);
    m.writeWords(STACK3 - 12, [0x5100, UCODE, 0x3202]);
    m.setReg(4, STACK3 - 12);
    m.call('iret', 4, 0);
    expect(m.eflags).toBe(2);
  });
});

describe('virtual-8086 mode', () => {
  function enter(): Machine {
    const m = protectedMachine(module, 0);
    const frame = [0x10, 0x1000, VM | IF | 2, 0x200, 0x2000, 0x3000, 0x4000, 0x5000, 0x6000];
    m.setReg(4, 0x7000);
    m.writeWords(0x7000, frame);
    m.call('iret', 4, 0);
    expect(m.fault()).toBeUndefined();
    return m;
  }
  it('is entered by IRET and left by an interrupt', () => {
    const m = enter();
    expect([0, 1, 2, 3, 4, 5].map((s) => m.selector(s))).toEqual([0x3000, 0x1000, 0x2000, 0x4000, 0x5000, 0x6000]);
    expect([m.get(C_PC), m.reg(4), m.get(F_CPL)]).toEqual([0x10010, 0x200, 3]);
    m.call('deliver_interrupt', 0x20);
    expect(stack(m, 9)).toEqual([0x10, 0x1000, VM | IF | 2, 0x200, 0x2000, 0x3000, 0x4000, 0x5000, 0x6000]);
    expect([0, 3, 4, 5].map((s) => m.selector(s))).toEqual([0, 0, 0, 0]);
    expect([m.get(F_CPL), m.get(F_EFLAGS)]).toEqual([0, 2]);
  });
  it('makes INT n, CLI, PUSHF, POPF and IRET depend on IOPL', () => {
    const gp = { vector: 13, error: 0 };
    const tries: [string, ...number[]][] = [
      ['int_n', 0x80, 0, 0],
      ['cli'],
      ['sti'],
      ['pushf_image'],
      ['popf', 2, 2],
      ['iret', 2, 0],
    ];
    for (const [name, ...args] of tries) {
      const m = enter();
      m.call(name, ...args);
      expect([name, m.fault()]).toEqual([name, gp]);
    }
  });
});

describe('real mode', () => {
  it('takes interrupts through the vector table', () => {
    const m = new NewMachine(module);
    m.segment(CS, 0x100, 0x1000, 0xffff, 0x9b00);
    m.set(C_PC, 0x1234);
    m.setReg(4, 0x100);
    m.set(F_EFLAGS, IF | 2);
    m.write(0x21 * 4, 0x20003000);
    m.call('update_mode');
    m.call('deliver_interrupt', 0x21);
    expect([m.selector(CS), m.eip, m.get(C_PC)]).toEqual([0x2000, 0x3000, 0x23000]);
    expect([0, 2, 4].map((o) => m.read(0xfa + o, 2))).toEqual([0x234, 0x100, IF | 2]);
    m.call('iret', 2, 0);
    expect([m.selector(CS), m.eip, m.eflags]).toEqual([0x100, 0x234, IF | 2]);
  });
});

describe('debug exceptions', () => {
  it('single step is a trap: BS in DR6, RF clear, TF clear in the handler', () => {
    const m = protectedMachine(module);
    m.set(F_EFLAGS, 2 | TF);
    m.call('update_mode');
    m.set(C_PC, 0x5003);
    m.call('single_step');
    expect(stack(m, 3)).toEqual([0x5003, KCODE, 2 | TF]);
    expect(m.get(F_DR6)).toBe(0xffff4ff0);
    expect(m.get(F_EFLAGS) & TF).toBe(0);
  });
  it('instruction breakpoints strike once per RF', () => {
    const m = protectedMachine(module);
    m.call('mov_to_dr', 1, 0x5000);
    m.call('mov_to_dr', 7, 1 << 2);
    expect(m.mode & 0x40000).not.toBe(0);
    m.call('code_breakpoint', 0x5004);
    expect(m.fault()).toBeUndefined();
    m.call('code_breakpoint', 0x5000);
    expect(m.fault()).toEqual({ vector: 1, error: 0 });
    expect(m.get(F_DR6) & 0xf).toBe(2);
    m.set(F_EFLAGS, 2 | RF);
    m.call('code_breakpoint', 0x5000);
    expect(m.fault()).toBeUndefined();
    expect(m.get(F_EFLAGS)).toBe(2);
  });
  it('DR7.GD guards the debug registers', () => {
    const m = protectedMachine(module);
    m.call('mov_to_dr', 7, 0x2000);
    m.call('mov_from_dr', 0);
    expect(m.fault()).toEqual({ vector: 1, error: 0 });
    expect(m.get(F_DR6) & 0x2000).toBe(0x2000);
    deliver(m, 1);
    expect(m.get(F_DR7)).toBe(0x400);
  });
});

describe('the interrupt shadow', () => {
  it('of STI lasts one instruction, and none begins when IF was set', () => {
    const m = protectedMachine(module);
    m.call('sti');
    expect([m.get(C_INTR_ENABLED), m.mode & 0x80]).toEqual([0, 0x80]);
    m.call('end_shadow');
    expect([m.get(C_INTR_ENABLED), m.mode & 0x80]).toEqual([1, 0]);
    m.call('sti');
    expect(m.mode & 0x80).toBe(0);
  });
  it('is not prolonged by a load of SS in it', () => {
    const m = protectedMachine(module);
    m.call('sti');
    m.call('load_seg', SS | 0x10, KDATA);
    m.call('end_shadow');
    expect(m.mode & 0x80).toBe(0);
  });
});

describe('reaching into pages that are not plain RAM', () => {
  it('a software interrupt with its stack beside code is started again, an exception is delivered', () => {
    const m = protectedMachine(module);
    m.codePages.add(STACK0 - 0x1000);
    m.call('int_n', 0x80, 0x5002, 0);
    expect(m.fault()).toEqual({ vector: -2, error: 0 });
    expect([m.reg(4), m.eip]).toEqual([STACK0, 0x5000]);
    deliver(m, 13, 0);
    expect(m.eip).toBe(0x1000d);
  });
});

describe('tables', () => {
  it('are read with privilege, their limits are exact', () => {
    const m = protectedMachine(module, 3);
    m.descriptor(GDT, FIRST_FREE, 0, 0xfffff, CODE3);
    m.set(F_GDT_LIMIT, FIRST_FREE * 8 + 6);
    m.call('load_seg', 3, FIRST_FREE * 8);
    expect(m.fault()).toEqual({ vector: 13, error: FIRST_FREE * 8 });
    m.set(F_GDT_LIMIT, FIRST_FREE * 8 + 7);
    m.call('load_seg', 3, FIRST_FREE * 8);
    expect(m.fault()).toBeUndefined();
    expect(m.get(F_CR0)).toBe(0x11);
  });
});
