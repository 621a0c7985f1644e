import { describe, expect, it } from 'vitest';
import { C_PC } from '../../ir/layout.ts';
import { SEG_WRITE } from './helpers.ts';
import { CS, DS, F_CPL, F_CR0, F_EFLAGS, FS, IF, LDTR, NT, SEG_ATTR, SEG_SIZE, SEGS, SS, TR, VM } from './layout.ts';
import {
  CODE0,
  CODE3,
  compileNative,
  DATA0,
  DATA3,
  type Fault,
  FIRST_FREE,
  GDT,
  IDT,
  KCODE,
  KDATA,
  Machine,
  protectedMachine,
  STACK0,
  STACK3,
  TSS,
  TSS_SELECTOR,
  UCODE,
  UDATA,
} from './system-machine.fixture.ts';

const module = compileNative();

const FREE = FIRST_FREE * 8;
const gp = (error: number): Fault => ({ vector: 13, error });
/** Attributes by type (4 bits with S above), DPL and presence. */
const attr = (type: number, dpl: number, present = true): number =>
  (type << 8) | (dpl << 13) | (present ? 0x8000 : 0) | 0xc00000;

describe('loading segment registers', () => {
  /** SDM volume 3, 5.5 to 5.7, written down as one rule each. */
  function expected(
    seg: number,
    type: number,
    dpl: number,
    present: boolean,
    cpl: number,
    rpl: number,
  ): number | undefined {
    const data = type >= 0x10 && type < 0x18;
    const code = type >= 0x18;
    if (seg === SS) {
      if (!data || (type & 2) === 0 || rpl !== cpl || dpl !== cpl) return 13;
      return present ? undefined : 12;
    }
    if (!data && !(code && (type & 2) !== 0)) return 13;
    const conforming = code && (type & 4) !== 0;
    if (!conforming && dpl < Math.max(cpl, rpl)) return 13;
    return present ? undefined : 11;
  }
  it('checks type, privilege and presence in this order, for every combination', () => {
    for (const cpl of [0, 3] as const) {
      const m = protectedMachine(module, cpl);
      for (const seg of [DS, SS]) {
        for (let type = 0; type < 32; type++) {
          for (const present of [true, false]) {
            for (let levels = 0; levels < 16; levels++) {
              const [dpl, rpl] = [levels >> 2, levels & 3];
              m.descriptor(GDT, FIRST_FREE, 0x12345000, 0xfffff, attr(type, dpl, present));
              m.call('load_seg', seg, FREE | rpl);
              const fault = m.fault();
              const vector = expected(seg, type, dpl, present, cpl, rpl);
              const what = { cpl, seg, type, dpl, rpl, present };
              expect([what, fault]).toEqual([what, vector === undefined ? undefined : { vector, error: FREE }]);
              if (!fault) {
                expect(m.selector(seg)).toBe(FREE | rpl);
                expect(m.read(GDT + FREE + 5, 1) & 1).toBe(1);
              } else expect(m.read(GDT + FREE + 5, 1) & 0x1f).toBe(type);
            }
          }
        }
      }
    }
  });
  it('takes null for data and refuses it for the stack', () => {
    const m = protectedMachine(module, 0);
    m.call('load_seg', FS, 3);
    expect([m.fault(), m.selector(FS), m.get(SEGS + SEG_SIZE * FS + SEG_ATTR)]).toEqual([undefined, 3, 0]);
    m.call('load_seg', SS, 0);
    expect(m.fault()).toEqual(gp(0));
    m.call('seg_check', FS, 0, 1);
    expect(m.fault()).toEqual(gp(0));
  });
  it('reads base and scaled limit, and clears the flat mode bits', () => {
    const m = protectedMachine(module, 0);
    expect(m.mode & 0x2000).toBe(0x2000);
    m.descriptor(GDT, FIRST_FREE, 0xfedcba98, 0x12345, 0xc09200);
    m.call('load_seg', DS, FREE);
    expect(m.get(0x460 + 8 * DS)).toBe(0xfedcba98);
    expect(m.get(SEGS + SEG_SIZE * DS + 4)).toBe(0x12345fff);
    expect(m.mode & 0x2400).toBe(0);
  });
  it('in real mode sets the base and leaves the limit ("unreal mode")', () => {
    const m = new Machine(module);
    m.segment(DS, 0, 0, 0xffffffff, 0xc09300);
    m.call('load_seg', DS, 0x1234);
    expect([m.get(0x460 + 8 * DS), m.get(SEGS + SEG_SIZE * DS + 4)]).toEqual([0x12340, 0xffffffff]);
  });
  it('uses the LDT for selectors with TI', () => {
    const m = protectedMachine(module, 0);
    m.descriptor(GDT, FIRST_FREE, 0x30000, 0xf, 0x8200);
    m.descriptor(0x30000, 1, 0x7000, 0xfff, 0x40f200);
    m.call('load_seg', DS, 0xc);
    expect(m.fault()).toEqual(gp(0xc));
    m.call('lldt', FREE);
    m.call('load_seg', DS, 0xc);
    expect([m.fault(), m.get(0x460 + 8 * DS)]).toEqual([undefined, 0x7000]);
    m.call('load_seg', DS, 0x14);
    expect(m.fault()).toEqual(gp(0x14));
  });
});

describe('limits', () => {
  it.each([
    ['the last byte', 0x40f300, 0xfff, 0xfff, 1, undefined],
    ['one beyond', 0x40f300, 0xfff, 0x1000, 1, 13],
    ['across the end', 0x40f300, 0xfff, 0xffd, 4, 13],
    ['wrapping around', 0x40f300, 0xfffff, 0xffffffff, 2, 13],
    ['at the limit of an expand-down segment', 0x40f700, 0xfff, 0xfff, 1, 13],
    ['above it', 0x40f700, 0xfff, 0x1000, 4, undefined],
    ['at its 32-bit end', 0x40f700, 0xfff, 0xfffffffd, 4, 13],
    ['at its 16-bit end', 0x00f700, 0xfff, 0xffff, 2, 13],
    ['a store to read-only data', 0x40f100, 0xfff, 0, 1 | SEG_WRITE, 13],
    ['a store to code', 0x40fb00, 0xfff, 0, 1 | SEG_WRITE, 13],
    ['a load from execute-only code', 0x40f900, 0xfff, 0, 1, 13],
    ['a load from readable code', 0x40fb00, 0xfff, 0, 1, undefined],
  ])('%s', (_, attributes, limit, offset, access, vector) => {
    const m = protectedMachine(module, 3);
    m.segment(DS, UDATA, 0, limit, attributes);
    m.call('seg_check', DS, offset | 0, access);
    expect(m.fault()).toEqual(vector === undefined ? undefined : gp(0));
    m.segment(SS, UDATA, 0, limit, attributes);
    m.call('seg_check', SS, offset | 0, access);
    expect(m.fault()).toEqual(vector === undefined ? undefined : { vector: 12, error: 0 });
  });
});

describe('LAR, LSL, VERR, VERW, ARPL', () => {
  const low = (x: unknown): number => Number((x as bigint) & 0xffffffffn);
  const zf = (x: unknown): number => Number(BigInt.asUintN(64, x as bigint) >> 32n);
  it('LAR and LSL know the same types but gates', () => {
    const m = protectedMachine(module, 0);
    const known: Record<'lar' | 'lsl', number[]> = { lar: [], lsl: [] };
    for (let type = 0; type < 16; type++) {
      m.descriptor(GDT, FIRST_FREE, 0, 0x12345, attr(type, 0, false));
      for (const name of ['lar', 'lsl'] as const) {
        const got = m.call(name, FREE);
        if (zf(got)) {
          known[name].push(type);
          expect(low(got)).toBe(name === 'lar' ? attr(type, 0, false) : 0x12345fff);
        }
      }
    }
    expect(known).toEqual({ lar: [1, 2, 3, 4, 5, 9, 11, 12], lsl: [1, 2, 3, 9, 11] });
  });
  it('honour privilege, conforming code excepted', () => {
    const m = protectedMachine(module, 3);
    expect(zf(m.call('lar', KDATA))).toBe(0);
    expect(zf(m.call('lar', UDATA))).toBe(1);
    m.descriptor(GDT, FIRST_FREE, 0, 0xfffff, attr(0x1e, 0));
    expect(m.int('verr', FREE)).toBe(1);
    expect([m.int('verr', UCODE), m.int('verw', UCODE), m.int('verr', UDATA), m.int('verw', UDATA)]).toEqual([
      1, 0, 1, 1,
    ]);
    expect([m.int('verr', 0), m.int('verr', 0x2000), m.fault()]).toEqual([0, 0, undefined]);
  });
  it('ARPL raises the RPL', () => {
    const m = protectedMachine(module, 0);
    expect(low(m.call('arpl', 0x1234, 0x1))).toBe(0x1235);
    expect(zf(m.call('arpl', 0x1234, 0x1))).toBe(1);
    expect(m.call('arpl', 0x1236, 0x1)).toBe(0x1236n);
  });
});

describe('far jumps and calls', () => {
  const target = (m: Machine) => [m.selector(CS), m.eip, m.get(F_CPL)];
  it('go to code of the same privilege, and to conforming code of a more privileged one', () => {
    const m = protectedMachine(module, 3);
    m.call('far_jmp', UCODE & ~3, 0x1234, 0, 4);
    expect([m.fault(), ...target(m)]).toEqual([undefined, UCODE, 0x1234, 3]);
    m.descriptor(GDT, FIRST_FREE, 0, 0xfffff, attr(0x1e, 0));
    m.call('far_call', FREE | 3, 0x4321, 0x5007, 4);
    expect([m.fault(), ...target(m)]).toEqual([undefined, FREE | 3, 0x4321, 3]);
    expect([m.read(STACK3 - 4), m.read(STACK3 - 8)]).toEqual([UCODE, 0x5007]);
  });
  it.each([
    ['null', 0, () => {}, gp(0)],
    ['data', UDATA, () => {}, gp(UDATA & ~3)],
    ['kernel code', KCODE, () => {}, gp(KCODE)],
    [
      'absent code',
      FREE,
      (m: Machine) => m.descriptor(GDT, FIRST_FREE, 0, 0xfffff, attr(0x1b, 3, false)),
      { vector: 11, error: FREE },
    ],
    ['code that ends before', FREE, (m: Machine) => m.descriptor(GDT, FIRST_FREE, 0, 0x0, attr(0x1b, 3)), gp(0)],
    ['an absent gate', FREE, (m: Machine) => m.gate(GDT, FIRST_FREE, KCODE, 0, 0x6c00), { vector: 11, error: FREE }],
    ['a gate of lower DPL', FREE | 3, (m: Machine) => m.gate(GDT, FIRST_FREE, KCODE, 0, 0xcc00), gp(FREE)],
    ['a gate to null', FREE, (m: Machine) => m.gate(GDT, FIRST_FREE, 0, 0, 0xec00), gp(0)],
    ['a gate to data', FREE, (m: Machine) => m.gate(GDT, FIRST_FREE, KDATA, 0, 0xec00), gp(KDATA)],
    ['a busy TSS', FREE, (m: Machine) => m.descriptor(GDT, FIRST_FREE, 0x31000, 0x67, attr(11, 3)), gp(FREE)],
  ] as const)('to %s fault and change nothing', (_, selector, prepare, fault) => {
    for (const name of ['far_jmp', 'far_call']) {
      const m = protectedMachine(module, 3);
      prepare(m);
      m.call(name, selector, 0x100000, 0x5007, 4);
      expect([name, m.fault()]).toEqual([name, fault]);
      expect([...target(m), m.reg(4)]).toEqual([UCODE, 0x5000, 3, STACK3]);
    }
  });
  it('a call gate changes the stack, copies parameters; RETF n undoes it', () => {
    const m = protectedMachine(module, 3);
    m.gate(GDT, FIRST_FREE, KCODE, 0x12340000, 0xec00, 3);
    m.writeWords(STACK3, [0xa, 0xb, 0xc]);
    m.call('far_call', FREE | 3, 0xffff, 0x5007, 4);
    expect([m.fault(), ...target(m)]).toEqual([undefined, KCODE, 0x12340000, 0]);
    const frame = Array.from({ length: 7 }, (_, i) => m.read(m.reg(4) + 4 * i));
    expect(frame).toEqual([0x5007, UCODE, 0xa, 0xb, 0xc, STACK3, UDATA]);
    m.call('far_ret', 4, 12);
    expect([m.fault(), ...target(m)]).toEqual([undefined, UCODE, 0x5007, 3]);
    expect([m.reg(4), m.selector(SS)]).toEqual([STACK3 + 12, UDATA]);
  });
  it('a 16-bit call gate pushes words', () => {
    const m = protectedMachine(module, 3);
    m.gate(GDT, FIRST_FREE, KCODE, 0xabcd1234, 0xe400, 1);
    m.write(STACK3, 0x5555, 2);
    m.call('far_call', FREE | 3, 0, 0x5007, 4);
    expect(m.eip).toBe(0x1234);
    expect([0, 2, 4, 6, 8].map((o) => m.read(m.reg(4) + o, 2))).toEqual([0x5007, UCODE, 0x5555, STACK3, UDATA]);
  });
  it('a jump through a gate cannot change privilege', () => {
    const m = protectedMachine(module, 3);
    m.gate(GDT, FIRST_FREE, KCODE, 0, 0xec00);
    m.call('far_jmp', FREE | 3, 0, 0, 4);
    expect(m.fault()).toEqual(gp(KCODE));
    m.gate(GDT, FIRST_FREE, UCODE, 0x77, 0xec00);
    m.call('far_jmp', FREE | 3, 0, 0, 4);
    expect([m.fault(), ...target(m)]).toEqual([undefined, UCODE, 0x77, 3]);
  });
  it('a stack that is too small is #SS, of the inner stack by its selector', () => {
    const m = protectedMachine(module, 3);
    m.segment(SS, UDATA, 0, 0x8ffa, 0x40f300);
    m.call('far_call', UCODE, 0x100, 0x5007, 4);
    expect(m.fault()).toEqual({ vector: 12, error: 0 });
    m.descriptor(GDT, FIRST_FREE, 0, STACK0 - 8, 0x409300);
    m.write(TSS + 8, FREE);
    m.call('int_n', 0x80, 0x5002, 0);
    expect(m.fault()).toEqual({ vector: 12, error: FREE });
  });
  it('in real mode load CS and check the limit', () => {
    const m = new Machine(module);
    m.setReg(4, 0x100);
    m.call('far_jmp', 0x1000, 0x20, 0, 2);
    m.call('far_call', 0x2000, 0x40, 0x25, 2);
    expect(m.get(C_PC)).toBe(0x20040);
    m.call('far_ret', 2, 2);
    expect([m.get(C_PC), m.reg(4)]).toEqual([0x10025, 0x102]);
    m.call('far_jmp', 0, 0x10000, 0, 4);
    expect(m.fault()).toEqual(gp(0));
  });
});

describe('task switches', () => {
  const NEW = 0x31000;
  const OLD = TSS_SELECTOR;
  const busy = (m: Machine, selector: number): number => (m.read(GDT + selector + 5, 1) >> 1) & 1;
  /** A 32-bit TSS of a ring-3 task at 0x6000, available. */
  function tasks(): Machine {
    const m = protectedMachine(module, 0);
    m.descriptor(GDT, FIRST_FREE, NEW, 0x67, attr(9, 0) & ~0x800000);
    m.writeWords(NEW + 0x1c, [
      0,
      0x6000,
      2 | IF,
      1,
      2,
      3,
      4,
      STACK3,
      6,
      7,
      8,
      UDATA,
      UCODE,
      UDATA,
      UDATA,
      0,
      UDATA,
      0,
      0,
    ]);
    m.writeWords(NEW + 4, [STACK0 - 0x100, KDATA]);
    for (let r = 0; r < 8; r++) if (r !== 4) m.setReg(r, 0x100 + r);
    return m;
  }
  it('CALL links back, IRET returns', () => {
    const m = tasks();
    m.call('far_call', FREE, 0, 0x5007, 4);
    expect(m.fault()).toBeUndefined();
    expect([m.eip, m.selector(CS), m.get(F_CPL), m.reg(4), m.reg(0), m.reg(7), m.selector(FS)]).toEqual([
      0x6000,
      UCODE,
      3,
      STACK3,
      1,
      8,
      0,
    ]);
    expect(m.eflags).toBe(2 | IF | NT);
    expect([busy(m, FREE), busy(m, OLD), m.read(NEW, 2), m.selector(TR)]).toEqual([1, 1, OLD, FREE]);
    expect([m.read(TSS + 0x20), m.read(TSS + 0x28), m.read(TSS + 0x38)]).toEqual([0x5007, 0x100, STACK0]);
    expect(m.get(F_CR0) & 8).toBe(8);
    m.call('iret', 4, 0x6001);
    expect(m.fault()).toBeUndefined();
    expect([m.eip, m.selector(CS), m.reg(0), m.reg(4)]).toEqual([0x5007, KCODE, 0x100, STACK0]);
    expect([busy(m, FREE), busy(m, OLD), m.selector(TR), m.read(NEW + 0x20), m.read(NEW + 0x24)]).toEqual([
      0,
      1,
      OLD,
      0x6001,
      2 | IF,
    ]);
  });
  it('JMP leaves no link', () => {
    const m = tasks();
    m.call('far_jmp', FREE, 0, 0x5007, 4);
    expect([m.eflags, busy(m, FREE), busy(m, OLD), m.read(NEW, 2)]).toEqual([2 | IF, 1, 0, 0]);
  });
  it('an exception through a task gate pushes its error code in the new task', () => {
    const m = tasks();
    m.gate(IDT, 13, FREE, 0, 0x8500);
    m.set(0x100, 1);
    m.set(0x104, 13);
    m.set(0x108, 0x77);
    m.call('deliver_exception');
    expect([m.eip, m.reg(4), m.read(STACK3 - 4)]).toEqual([0x6000, STACK3 - 4, 0x77]);
    expect(m.read(TSS + 0x20)).toBe(0x5000);
  });
  it('a bad segment of the new task is #TS in the new task', () => {
    const m = tasks();
    m.write(NEW + 0x54, KDATA + 0x2000); // DS beyond the GDT
    m.call('far_jmp', FREE, 0, 0x5007, 4);
    expect(m.fault()).toBeUndefined();
    expect([m.eip, m.selector(TR), m.selector(SS)]).toEqual([0x1000a, FREE, KDATA]);
    const frame = Array.from({ length: 6 }, (_, i) => m.read(m.reg(4) + 4 * i));
    expect(frame.slice(0, 3)).toEqual([(KDATA + 0x2000) & ~3, 0x6000, UCODE]);
  });
  it('the T bit gives a debug trap before the first instruction', () => {
    const m = tasks();
    m.write(NEW + 0x64, 1, 2);
    m.call('far_jmp', FREE, 0, 0x5007, 4);
    expect([m.eip, m.get(0x10a8) & 0x8000]).toEqual([0x10001, 0x8000]);
  });
  it.each([
    ['an LDT selector', 0xc, 13],
    ['a TSS that is too short', FREE, 10],
    ['an absent one', FREE, 11],
  ])('%s faults in the old task', (what, selector, vector) => {
    const m = tasks();
    if (what.includes('short')) m.descriptor(GDT, FIRST_FREE, NEW, 0x66, attr(9, 0) & ~0x800000);
    if (what.includes('absent')) m.descriptor(GDT, FIRST_FREE, NEW, 0x67, attr(9, 0, false) & ~0x800000);
    m.call('far_jmp', selector, 0, 0x5007, 4);
    expect([m.fault(), m.eip, m.selector(TR), busy(m, OLD)]).toEqual([
      { vector, error: selector & ~3 },
      0x5000,
      OLD,
      1,
    ]);
  });
  it('16-bit tasks have word registers', () => {
    const m = tasks();
    m.descriptor(GDT, FIRST_FREE, NEW, 0x2b, attr(1, 0) & ~0x800000);
    const words = [0x6000, 2, 1, 2, 3, 4, 0x9000, 6, 7, 8, UDATA, UCODE, UDATA, UDATA, 0];
    for (const [i, w] of words.entries()) m.write(NEW + 0xe + 2 * i, w, 2);
    m.call('far_call', FREE, 0, 0x5007, 4);
    expect([m.fault(), m.eip, m.reg(0) & 0xffff, m.reg(4) & 0xffff, m.selector(DS), m.selector(LDTR)]).toEqual([
      undefined,
      0x6000,
      1,
      0x9000,
      UDATA,
      0,
    ]);
    m.call('iret', 2, 0x6003);
    expect([m.fault(), m.eip, m.reg(0), m.read(NEW + 0xe, 2)]).toEqual([undefined, 0x5007, 0x100, 0x6003]);
  });
  it('a task may be in virtual-8086 mode', () => {
    const m = tasks();
    m.write(NEW + 0x24, VM | 2);
    m.writeWords(NEW + 0x48, [0x1000, 0x2000, 0x3000, 0x4000, 0x5000, 0x6000]);
    m.write(NEW + 0x20, 0x10);
    m.call('far_jmp', FREE, 0, 0x5007, 4);
    expect([m.fault(), m.get(C_PC), m.get(F_CPL), m.get(F_EFLAGS) & VM]).toEqual([undefined, 0x20010, 3, VM]);
  });
});

describe('SYSENTER and SYSEXIT', () => {
  it('go to flat segments next to SYSENTER_CS', () => {
    const m = protectedMachine(module, 3);
    m.call('sysenter');
    expect(m.fault()).toEqual(gp(0));
    m.set(0x408, 0x174);
    for (const [i, value] of [KCODE, STACK0, 0x7777].entries()) {
      m.set(0x408, 0x174 + i);
      m.set(0x400, value);
      m.call('wrmsr');
    }
    m.set(F_EFLAGS, 2 | IF);
    m.call('sysenter');
    expect([m.fault(), m.selector(CS), m.selector(SS), m.eip, m.reg(4), m.get(F_CPL)]).toEqual([
      undefined,
      KCODE,
      KDATA,
      0x7777,
      STACK0,
      0,
    ]);
    expect([m.get(F_EFLAGS), m.get(SEGS + SEG_SIZE * CS + SEG_ATTR), CODE0, DATA0]).toEqual([2, CODE0, CODE0, DATA0]);
    m.setReg(1, STACK3);
    m.setReg(2, 0x5555);
    m.call('sysexit');
    expect([m.selector(CS), m.selector(SS), m.eip, m.reg(4), m.get(F_CPL)]).toEqual([UCODE, UDATA, 0x5555, STACK3, 3]);
    expect([m.get(SEGS + SEG_SIZE * CS + SEG_ATTR), m.get(SEGS + SEG_SIZE * SS + SEG_ATTR)]).toEqual([CODE3, DATA3]);
    m.call('sysexit');
    expect(m.fault()).toEqual(gp(0));
  });
});

describe('ENTER', () => {
  it('pushes EBP, copies outer frames, makes room', () => {
    const m = protectedMachine(module, 0);
    m.setReg(5, 0x7800);
    m.writeWords(0x77f8, [0xbbbb, 0xaaaa]);
    m.call('enter', 0x20, 3, 4);
    expect([m.reg(5), m.reg(4)]).toEqual([STACK0 - 4, STACK0 - 16 - 0x20]);
    expect([1, 2, 3, 4].map((i) => m.read(STACK0 - 4 * i))).toEqual([0x7800, 0xaaaa, 0xbbbb, STACK0 - 4]);
  });
});

describe('the I/O permission bitmap', () => {
  it('decides bit by bit; what lies beyond the limit is denied', () => {
    const m = protectedMachine(module, 3);
    m.segment(TR, TSS_SELECTOR, TSS, 0x6b, 0x8b00);
    m.write(TSS + 0x66, 0x68, 2);
    m.writeWords(TSS + 0x68, [0xfffffff1]);
    const allowed = (port: number, size: number): boolean => {
      m.call('io_check', port, size);
      return m.fault() === undefined;
    };
    expect([0, 1, 3, 4].map((p) => allowed(p, 1))).toEqual([false, true, true, false]);
    expect([allowed(1, 2), allowed(3, 2), allowed(24, 1), allowed(1000, 1)]).toEqual([true, false, false, false]);
  });
});
