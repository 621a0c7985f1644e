/** Puts the processor where a boot loader would have left it: flat 32-bit protected mode, at the kernel's entry. */
import { C_PC } from '../../cpu/ir/layout.ts';
import type { X86Native } from '../../cpu/isa/x86/cpu.ts';
import {
  ATTR_ACCESSED,
  ATTR_BIG,
  ATTR_CODE,
  ATTR_G,
  ATTR_P,
  ATTR_READABLE,
  ATTR_S,
  ATTR_WRITABLE,
  BASES,
  CR0_ET,
  CR0_PE,
  CS,
  EAX,
  EBP,
  EBX,
  ECX,
  EDI,
  EDX,
  ESI,
  ESP,
  F_CR0,
  F_GDT_BASE,
  F_GDT_LIMIT,
  GS,
  SEG_ATTR,
  SEG_LIMIT,
  SEG_SELECTOR,
  SEG_SIZE,
  SEGS,
} from '../../cpu/isa/x86/layout.ts';
import type { BootRegister, BootState } from '../../hw/machines/loaders/direct-boot.ts';

const REGISTERS: Readonly<Record<BootRegister, number>> = {
  eax: EAX,
  ebx: EBX,
  ecx: ECX,
  edx: EDX,
  esi: ESI,
  edi: EDI,
  ebp: EBP,
  esp: ESP,
};

const FLAT = ATTR_P | ATTR_S | ATTR_ACCESSED | ATTR_BIG | ATTR_G;
const FLAT_CODE = FLAT | ATTR_CODE | ATTR_READABLE;
const FLAT_DATA = FLAT | ATTR_WRITABLE;
const FOUR_GIB_LIMIT = 0xffffffff;

/** Call right after the processor's own reset. */
export function applyBootState(memory: DataView, native: X86Native, boot: BootState): void {
  const set = (address: number, value: number): void => memory.setUint32(address, value >>> 0, true);
  for (const [name, address] of Object.entries(REGISTERS)) set(address, boot.regs[name as BootRegister] ?? 0);
  for (let segment = 0; segment <= GS; segment++) {
    const at = SEGS + SEG_SIZE * segment;
    set(at + SEG_SELECTOR, segment === CS ? boot.codeSelector : boot.dataSelector);
    set(at + SEG_LIMIT, FOUR_GIB_LIMIT);
    set(at + SEG_ATTR, segment === CS ? FLAT_CODE : FLAT_DATA);
    set(BASES + 8 * segment, 0);
  }
  set(F_GDT_BASE, boot.gdt.base);
  set(F_GDT_LIMIT, boot.gdt.limit);
  set(F_CR0, CR0_PE | CR0_ET);
  set(C_PC, boot.eip);
  set(C_PC + 4, 0);
  native.update_mode();
}
