/** State after power-on and INIT by the reset line (SDM volume 3, table 9-1). AssemblyScript. */
import { C_DELIVERED_AT, C_DELIVERIES, C_FAULT, C_PC, CPU_FIELDS, STATE, TEMP0 } from '../../../ir/layout';
import { FPU_END } from '../fpu-layout';
import {
  ATTR_CODE,
  ATTR_P,
  CR0_CD,
  CR0_ET,
  CR0_NW,
  CS,
  DF,
  EDX,
  F_A20_MASK,
  F_CPUID_MAX,
  F_CPUID_SIGNATURE,
  F_CR0,
  F_DR6,
  F_DR7,
  F_EFLAGS,
  F_GDT_LIMIT,
  F_IDT_LIMIT,
  LDTR,
  SYSTEM_END,
  TR,
} from '../layout';
import { setSegment } from './cpu';
import { tlb_flush } from './exec';
import { fninit } from './fpu/control';
import { update_mode } from './mode';
import { REAL_ATTR, setSystem } from './segment';

export function reset(): void {
  memory.fill(STATE, 0, TEMP0 << 3);
  memory.fill(CPU_FIELDS, 0, F_CPUID_MAX - CPU_FIELDS); // what cpuid.ts set stays
  memory.fill(SYSTEM_END, 0, FPU_END - SYSTEM_END);
  for (let seg: u32 = 0; seg < 6; seg++) setSegment(seg, 0, 0, 0xffff, REAL_ATTR);
  setSegment(CS, 0xf000, 0xffff0000, 0xffff, REAL_ATTR | ATTR_CODE);
  setSystem(LDTR, 0, 0, 0xffff, ATTR_P | 0x200);
  setSystem(TR, 0, 0, 0xffff, ATTR_P | 0xb00);
  store<u32>(F_GDT_LIMIT, 0xffff);
  store<u32>(F_IDT_LIMIT, 0xffff);
  store<u32>(F_EFLAGS, 2);
  store<i32>(DF, 1);
  store<u32>(EDX, load<u32>(F_CPUID_SIGNATURE));
  store<u32>(F_CR0, CR0_CD | CR0_NW | CR0_ET);
  store<u32>(F_DR6, 0xffff0ff0);
  store<u32>(F_DR7, 0x400);
  store<u32>(F_A20_MASK, 0xffffffff);
  fninit();
  store<i32>(C_FAULT, 0);
  store<u32>(C_DELIVERIES, 0);
  store<u64>(C_DELIVERED_AT, 0);
  store<u64>(C_PC, 0xfffffff0);
  tlb_flush();
  update_mode();
}
