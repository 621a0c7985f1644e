/**
 * The processor's state, field by field: what a snapshot holds, a hash covers and the debugger shows. Values after
 * reset are what the native `reset` makes them. What follows from these fields (mode, context, TLBs) is not listed:
 * `update_mode` and a TLB flush derive it after a load.
 */
import { C_PC } from '../../ir/layout.ts';
import { ENGINE_STATE, type StateField } from '../front-end.ts';
import { CC_EFLAGS } from './cc.ts';
import {
  FPU_CONTROL,
  FPU_CS,
  FPU_DP,
  FPU_DS,
  FPU_FERR,
  FPU_IP,
  FPU_OPCODE,
  FPU_REG_EMPTY,
  FPU_REG_META,
  FPU_REG_SIZE,
  FPU_REGS,
  FPU_STATUS,
  FPU_TOP,
} from './fpu-layout.ts';
import {
  BASES,
  CC_DST,
  CC_OP,
  CC_SRC,
  DF,
  EAX,
  F_A20_MASK,
  F_BBL_CR_CTL,
  F_CPL,
  F_CR0,
  F_CR2,
  F_CR3,
  F_CR4,
  F_DEBUGCTL,
  F_DR,
  F_DR6,
  F_DR7,
  F_EBL_CR_POWERON,
  F_EFLAGS,
  F_GDT_BASE,
  F_GDT_LIMIT,
  F_HALTED,
  F_IDT_BASE,
  F_IDT_LIMIT,
  F_INHIBIT,
  F_NMI,
  F_PDPTE,
  F_SHUTDOWN,
  F_SYSENTER_CS,
  F_SYSENTER_EIP,
  F_SYSENTER_ESP,
  F_TSC_OFFSET,
  F_UCODE_REVISION,
  LDTR,
  SEG_ATTR,
  SEG_LIMIT,
  SEG_SELECTOR,
  SEG_SIZE,
  SEG_SYSTEM_BASE,
  SEGS,
} from './layout.ts';

const word = (name: string, address: number): StateField => ({ name, address, bytes: 4 });
const limited = (name: string, address: number, oneOf: readonly number[]): StateField => ({
  ...word(name, address),
  oneOf,
});
const long = (name: string, address: number): StateField => ({ name, address, bytes: 8 });

export const REGISTER_NAMES = ['eax', 'ecx', 'edx', 'ebx', 'esp', 'ebp', 'esi', 'edi'] as const;
export const SEGMENT_NAMES = ['es', 'cs', 'ss', 'ds', 'fs', 'gs', 'ldt', 'tr'] as const;

const segment = (name: string, i: number): readonly StateField[] => {
  const at = SEGS + SEG_SIZE * i;
  return [
    word(name, at + SEG_SELECTOR),
    word(`${name}.base`, i < LDTR ? BASES + 8 * i : at + SEG_SYSTEM_BASE),
    word(`${name}.limit`, at + SEG_LIMIT),
    word(`${name}.attr`, at + SEG_ATTR),
  ];
};

const fpuRegister = (i: number): readonly StateField[] => {
  const at = FPU_REGS + FPU_REG_SIZE * i;
  return [
    long(`fpr${i}`, at),
    word(`fpr${i}.high`, at + FPU_REG_META),
    limited(`fpr${i}.empty`, at + FPU_REG_EMPTY, [0, 1]),
  ];
};

const indices = (n: number): readonly number[] => Array.from({ length: n }, (_, i) => i);

export const STATE_FIELDS: readonly StateField[] = [
  long('pc', C_PC),
  ...REGISTER_NAMES.map((name, i) => word(name, EAX + 8 * i)),
  /** The arithmetic flags, lazily: a saved machine has them evaluated, in `cc_src`. */
  limited('cc_op', CC_OP, [CC_EFLAGS]),
  word('cc_dst', CC_DST),
  word('cc_src', CC_SRC),
  limited('df', DF, [1, 0xffff_ffff]),
  word('eflags', F_EFLAGS),
  ...SEGMENT_NAMES.flatMap(segment),
  word('gdt.base', F_GDT_BASE),
  word('gdt.limit', F_GDT_LIMIT),
  word('idt.base', F_IDT_BASE),
  word('idt.limit', F_IDT_LIMIT),
  limited('cpl', F_CPL, indices(4)),
  word('cr0', F_CR0),
  word('cr2', F_CR2),
  word('cr3', F_CR3),
  word('cr4', F_CR4),
  ...indices(4).map((i) => word(`dr${i}`, F_DR + 4 * i)),
  word('dr6', F_DR6),
  word('dr7', F_DR7),
  ...indices(4).map((i) => long(`pdpte${i}`, F_PDPTE + 8 * i)),
  word('sysenter_cs', F_SYSENTER_CS),
  word('sysenter_esp', F_SYSENTER_ESP),
  word('sysenter_eip', F_SYSENTER_EIP),
  word('debugctl', F_DEBUGCTL),
  word('ebl_cr_poweron', F_EBL_CR_POWERON),
  word('bbl_cr_ctl', F_BBL_CR_CTL),
  word('ucode_revision', F_UCODE_REVISION),
  long('tsc_offset', F_TSC_OFFSET),
  limited('a20_mask', F_A20_MASK, [0xffff_ffff, 0xffef_ffff]),
  limited('halted', F_HALTED, [0, 1]),
  limited('shutdown', F_SHUTDOWN, [0, 1]),
  limited('inhibit', F_INHIBIT, indices(4)),
  limited('nmi', F_NMI, indices(4)),
  word('fcw', FPU_CONTROL),
  word('fsw', FPU_STATUS),
  limited('ftop', FPU_TOP, indices(8)),
  word('fip', FPU_IP),
  word('fcs', FPU_CS),
  word('fop', FPU_OPCODE),
  word('fdp', FPU_DP),
  word('fds', FPU_DS),
  limited('ferr', FPU_FERR, indices(4)),
  ...indices(8).flatMap(fpuRegister),
  ...ENGINE_STATE,
];

/** Reads a field as a number (8-byte fields as a bigint). */
export function readField(memory: DataView, field: StateField): number | bigint {
  return field.bytes === 8 ? memory.getBigUint64(field.address, true) : memory.getUint32(field.address, true);
}

export function writeField(memory: DataView, field: StateField, value: number | bigint): void {
  if (field.bytes === 8) memory.setBigUint64(field.address, BigInt(value), true);
  else memory.setUint32(field.address, Number(value), true);
}
