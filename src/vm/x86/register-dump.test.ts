import { expect, test } from 'vitest';
import { C_PC } from '../../cpu/ir/layout.ts';
import { FPU_CONTROL, FPU_REG_EMPTY, FPU_REG_SIZE, FPU_REGS } from '../../cpu/isa/x86/fpu-layout.ts';
import * as L from '../../cpu/isa/x86/layout.ts';
import { dumpFpuRegisters, dumpIntegerRegisters, registerByName, type X86State } from './register-dump.ts';

function state(words: Readonly<Record<number, number>>, eflags: number): X86State {
  return { read32: (address) => (words[address] ?? 0) | 0, eflags: () => eflags };
}
const segment = (n: number, selector: number, limit: number, attributes: number) => ({
  [L.SEGS + L.SEG_SIZE * n + L.SEG_SELECTOR]: selector,
  [L.SEGS + L.SEG_SIZE * n + L.SEG_LIMIT]: limit,
  [L.SEGS + L.SEG_SIZE * n + L.SEG_ATTR]: attributes,
});

/** The processor after a reset, as qemu-system-i386 7.2 -cpu pentium2 -M isapc -S shows it. */
const afterReset = state(
  {
    [C_PC]: 0xfffffff0,
    [L.EDX]: 0x652,
    [L.CS_BASE]: 0xffff0000,
    [L.F_A20_MASK]: -1,
    ...segment(L.ES, 0, 0xffff, 0x9300),
    ...segment(L.CS, 0xf000, 0xffff, 0x9b00),
    ...segment(L.SS, 0, 0xffff, 0x9300),
    ...segment(L.DS, 0, 0xffff, 0x9300),
    ...segment(L.FS, 0, 0xffff, 0x9300),
    ...segment(L.GS, 0, 0xffff, 0x9300),
    ...segment(L.LDTR, 0, 0xffff, 0x8200),
    ...segment(L.TR, 0, 0xffff, 0x8b00),
    [L.F_GDT_LIMIT]: 0xffff,
    [L.F_IDT_LIMIT]: 0xffff,
    [L.F_CR0]: 0x60000010,
    [L.F_DR6]: 0xffff0ff0,
    [L.F_DR7]: 0x400,
    [FPU_CONTROL]: 0x37f,
    ...Object.fromEntries(Array.from({ length: 8 }, (_, i) => [FPU_REGS + FPU_REG_SIZE * i + FPU_REG_EMPTY, 1])),
  },
  2,
);

test('the registers after a reset look as QEMU shows them', () => {
  expect(dumpIntegerRegisters(afterReset)).toBe(`\
EAX=00000000 EBX=00000000 ECX=00000000 EDX=00000652
ESI=00000000 EDI=00000000 EBP=00000000 ESP=00000000
EIP=0000fff0 EFL=00000002 [-------] CPL=0 II=0 A20=1 SMM=0 HLT=0
ES =0000 00000000 0000ffff 00009300
CS =f000 ffff0000 0000ffff 00009b00
SS =0000 00000000 0000ffff 00009300
DS =0000 00000000 0000ffff 00009300
FS =0000 00000000 0000ffff 00009300
GS =0000 00000000 0000ffff 00009300
LDT=0000 00000000 0000ffff 00008200
TR =0000 00000000 0000ffff 00008b00
GDT=     00000000 0000ffff
IDT=     00000000 0000ffff
CR0=60000010 CR2=00000000 CR3=00000000 CR4=00000000
DR0=00000000 DR1=00000000 DR2=00000000 DR3=00000000 
DR6=ffff0ff0 DR7=00000400
EFER=0000000000000000
`);
});

test('the x87 state after a reset looks as QEMU shows it', () => {
  expect(dumpFpuRegisters(afterReset)).toBe(`\
FCW=037f FSW=0000 [ST=0] FTW=00 MXCSR=00001f80
FPR0=0000000000000000 0000 FPR1=0000000000000000 0000
FPR2=0000000000000000 0000 FPR3=0000000000000000 0000
FPR4=0000000000000000 0000 FPR5=0000000000000000 0000
FPR6=0000000000000000 0000 FPR7=0000000000000000 0000
XMM00=0000000000000000 0000000000000000 XMM01=0000000000000000 0000000000000000
XMM02=0000000000000000 0000000000000000 XMM03=0000000000000000 0000000000000000
XMM04=0000000000000000 0000000000000000 XMM05=0000000000000000 0000000000000000
XMM06=0000000000000000 0000000000000000 XMM07=0000000000000000 0000000000000000
`);
});

test('in protected mode segments show privilege, size and type', () => {
  const protectedMode = state(
    {
      [L.F_CR0]: L.CR0_PE,
      ...segment(L.CS, 0x60, 0xffffffff, 0xc09a00),
      ...segment(L.DS, 0x7b, 0xffffffff, 0xc0f300),
      ...segment(L.SS, 0x68, 0xfffff, 0x009700),
      ...segment(L.TR, 0x80, 0x206b, 0x008b00),
    },
    L.CF | L.ZF | L.DF_BIT | L.OF,
  );
  const dump = dumpIntegerRegisters(protectedMode);
  expect(dump).toContain('EFL=00000c41 [DO-Z--C]');
  expect(dump).toContain('CS =0060 00000000 ffffffff 00cf9a00 DPL=0 CS32 [-R-]\n');
  expect(dump).toContain('DS =007b 00000000 ffffffff 00cff300 DPL=3 DS   [-WA]\n');
  expect(dump).toContain('SS =0068 00000000 000fffff 000f9700 DPL=0 DS16 [EWA]\n');
  expect(dump).toContain('TR =0080 00000000 0000206b 00008b00 DPL=0 TSS32-busy\n');
  expect(dump).toContain('FS =0000 00000000 00000000 00000000\n');
});

test('registers by name', () => {
  const value = (name: string) => registerByName(afterReset, name);
  expect(value('edx')).toBe(0x652);
  expect(value('eip')).toBe(0xfff0);
  expect(value('pc')).toBe(0xfffffff0);
  expect(value('cs')).toBe(0xf000);
  expect(value('cs.base')).toBe(0xffff0000);
  expect(value('cs.limit')).toBe(0xffff);
  expect(value('eflags')).toBe(2);
  for (const unknown of ['foo', 'cs.foo', 'toString', 'ax', '']) expect(value(unknown)).toBeUndefined();
});
