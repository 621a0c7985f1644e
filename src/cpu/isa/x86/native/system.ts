/** Control and debug registers, model-specific registers, CPUID. AssemblyScript. */
import {
  CPUID_BASIC,
  CPUID_CACHES,
  CPUID_CACHES_COUNT,
  CPUID_EXTENDED,
  CR0_AM,
  CR0_CD,
  CR0_EM,
  CR0_ET,
  CR0_MP,
  CR0_NE,
  CR0_NW,
  CR0_PE,
  CR0_PG,
  CR0_TS,
  CR0_WP,
  CR4_DE,
  CR4_PAE,
  CR4_PGE,
  CR4_PSE,
  EAX,
  EBX,
  ECX,
  EDX,
  F_CPUID_EXT_MAX,
  F_CPUID_MAX,
  F_CR0,
  F_CR2,
  F_CR3,
  F_CR4,
  F_CR4_VALID,
  F_DR,
  F_DR6,
  F_DR7,
  F_TSC_OFFSET,
  F_WATCHING,
  V_DB,
  V_GP,
  V_UD,
} from '../layout';
import { C_BUDGET, C_CLOCK, C_CLOCK_RATE } from '../../../ir/layout';
import { faulted, raise } from './cpu';
import { tlb_flush, tlb_flush_local, tlb_flush_page } from './exec';
import { update_mode } from './mode';
import { loadPdptes } from './paging';

const CR0_VALID: u32 = CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD | CR0_PG;

/** Does PAE paging begin, or go on with other tables, when CR0 and CR4 get these values? */
// @ts-ignore: decorator
@inline
function usesPdptes(cr0: u32, cr4: u32): bool {
  return (cr0 & CR0_PG) != 0 && (cr4 & CR4_PAE) != 0;
}

function writeCr0(value: u32): void {
  const old = load<u32>(F_CR0);
  const cr0 = (value & CR0_VALID) | CR0_ET;
  if ((cr0 & (CR0_PG | CR0_PE)) == CR0_PG || (cr0 & (CR0_NW | CR0_CD)) == CR0_NW) return raise(V_GP, 0);
  // PDPTEs are read when PG, CD or NW change (SDM volume 3, 4.4.1).
  if (usesPdptes(cr0, load<u32>(F_CR4)) && ((old ^ cr0) & (CR0_PG | CR0_CD | CR0_NW)) != 0) {
    if (!loadPdptes(load<u32>(F_CR3))) return;
  }
  store<u32>(F_CR0, cr0);
  // Without paging a linear address is a physical one, in real mode and in protected mode: firmware goes to and fro.
  const mapping = CR0_PG | (old & cr0 & CR0_PG ? CR0_WP : 0);
  if (((old ^ cr0) & mapping) != 0) tlb_flush();
  update_mode();
}

function writeCr3(value: u32): void {
  if (usesPdptes(load<u32>(F_CR0), load<u32>(F_CR4)) && !loadPdptes(value)) return;
  store<u32>(F_CR3, value);
  tlb_flush_local();
}

function writeCr4(value: u32): void {
  const old = load<u32>(F_CR4);
  if ((value & ~load<u32>(F_CR4_VALID)) != 0) return raise(V_GP, 0);
  const changed = old ^ value;
  if (usesPdptes(load<u32>(F_CR0), value) && (changed & (CR4_PAE | CR4_PGE | CR4_PSE)) != 0) {
    if (!loadPdptes(load<u32>(F_CR3))) return;
  }
  store<u32>(F_CR4, value);
  if ((changed & (CR4_PAE | CR4_PGE | CR4_PSE)) != 0) tlb_flush();
}

export function mov_to_cr(number: u32, value: u32): void {
  switch (number) {
    case 0:
      return writeCr0(value);
    case 2:
      store<u32>(F_CR2, value);
      return;
    case 3:
      return writeCr3(value);
    case 4:
      return writeCr4(value);
    default:
      raise(V_UD, 0);
  }
}

export function mov_from_cr(number: u32): u32 {
  switch (number) {
    case 0:
      return load<u32>(F_CR0);
    case 2:
      return load<u32>(F_CR2);
    case 3:
      return load<u32>(F_CR3);
    case 4:
      return load<u32>(F_CR4);
    default:
      raise(V_UD, 0);
      return 0;
  }
}

/** LMSW changes PE, MP, EM and TS, and can't clear PE. */
export function lmsw(value: u32): void {
  const cr0 = load<u32>(F_CR0);
  writeCr0((cr0 & ~(CR0_MP | CR0_EM | CR0_TS)) | (value & 0xf));
}

export function clts(): void {
  store<u32>(F_CR0, load<u32>(F_CR0) & ~CR0_TS);
  update_mode();
}

export function invlpg(va: u32): void {
  tlb_flush_page(va);
}

const DR6_BD: u32 = 0x2000;
const DR7_GD: u32 = 0x2000;
const DR6_ONES: u32 = 0xffff0ff0;
const DR7_ONES: u32 = 0x400;

/** Number with DR4 and DR5 taken as DR6 and DR7; raises #DB (DR7.GD) or #UD (DR4, DR5 with CR4.DE). */
function debugRegister(number: u32): u32 {
  if ((number & 6) == 4 && (load<u32>(F_CR4) & CR4_DE) != 0) raise(V_UD, 0);
  else if ((load<u32>(F_DR7) & DR7_GD) != 0) {
    store<u32>(F_DR6, load<u32>(F_DR6) | DR6_BD);
    raise(V_DB, 0);
  }
  return (number & 6) == 4 ? number + 2 : number;
}

export function mov_to_dr(number: u32, value: u32): void {
  const n = debugRegister(number & 7);
  if (faulted()) return;
  if (n < 4) {
    store<u32>(F_DR + (n << 2), value);
    if (load<u32>(F_WATCHING) != 0) tlb_flush();
  } else if (n == 6) store<u32>(F_DR6, (value & ~0x1000) | DR6_ONES);
  else {
    store<u32>(F_DR7, (value & ~0xd000) | DR7_ONES);
    if (load<u32>(F_WATCHING) != 0) tlb_flush();
    update_mode();
  }
}

export function mov_from_dr(number: u32): u32 {
  const n = debugRegister(number & 7);
  if (faulted()) return 0;
  return n < 4 ? load<u32>(F_DR + (n << 2)) : n == 6 ? load<u32>(F_DR6) : load<u32>(F_DR7);
}

function answerCpuid(a: u32, b: u32, c: u32, d: u32): void {
  store<u32>(EAX, a);
  store<u32>(EBX, b);
  store<u32>(ECX, c);
  store<u32>(EDX, d);
}

/** Leaf 40000000H as QEMU's TCG has it: the last leaf of its kind and a signature, 'TCGTCGTCGTCG'. */
const HYPERVISOR: u32 = 0x40000000;
const EXTENDED: u32 = 0x80000000;

export function cpuid(): void {
  const leaf = load<u32>(EAX);
  if (leaf == HYPERVISOR) return answerCpuid(HYPERVISOR + 1, 0x54474354, 0x43544743, 0x47435447);
  if (leaf == HYPERVISOR + 1) return answerCpuid(0, 0, 0, 0);
  let at: u32 = 0;
  if (leaf >= EXTENDED && leaf - EXTENDED < load<u32>(F_CPUID_EXT_MAX)) at = CPUID_EXTENDED + ((leaf - EXTENDED) << 4);
  else at = CPUID_BASIC + (min(leaf, load<u32>(F_CPUID_MAX) - 1) << 4); // beyond the last leaf: the last basic one
  const subleaf = load<u32>(ECX);
  if (at == CPUID_BASIC + (4 << 4) && subleaf != 0) {
    // One subleaf a cache; zeros end the list, or a guest asks for ever.
    if (subleaf > <u32>CPUID_CACHES_COUNT) return answerCpuid(0, 0, 0, 0);
    at = CPUID_CACHES + ((subleaf - 1) << 4);
  }
  answerCpuid(load<u32>(at), load<u32>(at, 4), load<u32>(at, 8), load<u32>(at, 12));
}

/** Counts nanoseconds of guest time: a processor of 1 GHz, as QEMU's under -icount. */
export function timeStampCounter(): u64 {
  const ns = (load<i64>(C_CLOCK) - <i64>load<i32>(C_BUDGET) * <i64>load<u32>(C_CLOCK_RATE)) >> 10;
  return <u64>ns + load<u64>(F_TSC_OFFSET);
}

export function rdtsc(): void {
  const tsc = timeStampCounter();
  store<u32>(EAX, <u32>tsc);
  store<u32>(EDX, <u32>(tsc >> 32));
}
