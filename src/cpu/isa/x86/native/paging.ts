/**
 * Linear to physical addresses: two-level tables with 4-MiB pages, and PAE (SDM volume 3, chapter 4). None of the
 * modelled processors has the execute-disable bit. AssemblyScript.
 */
import { C_ACCESS_SIZE, C_FAULT_ADDR, WALK_GLOBAL, WALK_LARGE, WALK_WATCHED, WALK_WRITABLE } from '../../../ir/layout';
import {
  CR0_PG,
  CR0_WP,
  CR4_PAE,
  CR4_PGE,
  CR4_PSE,
  F_A20_MASK,
  F_BREAKPOINT_HITS,
  F_CR0,
  F_CR3,
  F_CR4,
  F_DR,
  F_DR7,
  F_PDPTE,
  F_PHYS_BITS,
  F_WATCHING,
  V_GP,
  V_PF,
} from '../layout';
import { raise } from './cpu';
import { ldp, stp, tlb_flush } from './exec';

export const NO_PAGE: u64 = u64.MAX_VALUE;

// Bits of entries.
const P: u32 = 0x01;
const RW: u32 = 0x02;
const US: u32 = 0x04;
const A: u32 = 0x20;
const D: u32 = 0x40;
const PS: u32 = 0x80;
const G: u32 = 0x100;

// Bits of the error code.
const ERR_P: u32 = 1;
const ERR_RSVD: u32 = 8;

const LOAD: i32 = 0;
const STORE: i32 = 1;
// R/W fields of DR7.
const WRITE: u32 = 1;
const READ_WRITE: u32 = 3;

/** Nothing is changed and no fault raised: a debugger asks. */
const PROBE: i32 = 3;

// @ts-ignore: decorator
@inline
function a20(pa: u64): u64 {
  // The gate masks bit 20; the mask's upper half is all ones.
  return pa & (<u64>0xffffffff00000000 | <u64>load<u32>(F_A20_MASK));
}

function pageFault(va: u32, access: i32, mmu: i32, cause: u32): u64 {
  if (access == PROBE) return NO_PAGE;
  store<u64>(C_FAULT_ADDR, <u64>va);
  raise(V_PF, cause | (u32(access == STORE) << 1) | (<u32>mmu << 2));
  return NO_PAGE;
}

/** Do the combined rights of all levels allow it? */
// @ts-ignore: decorator
@inline
function permits(rights: u32, access: i32, mmu: i32): bool {
  if (access == PROBE) return true;
  if (mmu != 0 && (rights & US) == 0) return false;
  if (access != STORE || (rights & RW) != 0) return true;
  return mmu == 0 && (load<u32>(F_CR0) & CR0_WP) == 0;
}

/** Sets A, and D for a store, in the low word of the last level's entry; returns it as it is then. */
// @ts-ignore: decorator
@inline
function touch(address: u64, entry: u32, access: i32): u32 {
  if (access == PROBE) return entry;
  const marked = entry | A | (access == STORE ? D : 0);
  if (marked != entry) stp(address, marked, 4);
  return marked;
}

/** Low bits of walk's answer. */
// @ts-ignore: decorator
@inline
function answer(entry: u32, rights: u32, mmu: i32): u64 {
  const global: u64 = (entry & G) != 0 && (load<u32>(F_CR4) & CR4_PGE) != 0 ? WALK_GLOBAL : 0;
  return (entry & D) != 0 && permits(rights, STORE, mmu) ? global | WALK_WRITABLE : global;
}

function walkTwoLevel(va: u32, access: i32, mmu: i32): u64 {
  const pdeAddress = a20(<u64>((load<u32>(F_CR3) & 0xfffff000) | ((va >> 20) & 0xffc)));
  let pde = ldp(pdeAddress, 4);
  if ((pde & P) == 0) return pageFault(va, access, mmu, 0);
  if ((pde & PS) != 0 && (load<u32>(F_CR4) & CR4_PSE) != 0) {
    // PSE-36: bits 13 to 20 are address bits 32 to 39, bit 21 is reserved.
    if ((pde & 0x200000) != 0) return pageFault(va, access, mmu, ERR_P | ERR_RSVD);
    if (!permits(pde, access, mmu)) return pageFault(va, access, mmu, ERR_P);
    pde = touch(pdeAddress, pde, access);
    const high = <u64>(pde & 0x1fe000) << 19;
    return a20(high | <u64>((pde & 0xffc00000) | (va & 0x3ff000))) | WALK_LARGE | answer(pde, pde, mmu);
  }
  if ((pde & A) == 0 && access != PROBE) stp(pdeAddress, pde | A, 4);
  const pteAddress = a20(<u64>((pde & 0xfffff000) | ((va >> 10) & 0xffc)));
  const pte = ldp(pteAddress, 4);
  if ((pte & P) == 0) return pageFault(va, access, mmu, 0);
  const rights = pde & pte;
  if (!permits(rights, access, mmu)) return pageFault(va, access, mmu, ERR_P);
  const marked = touch(pteAddress, pte, access);
  return a20(<u64>(marked & 0xfffff000)) | answer(marked, rights, mmu);
}

/** Bits above the physical address width, up to bit 63, that have to be zero in a PAE entry. */
// @ts-ignore: decorator
@inline
function reservedHigh(): u64 {
  return ~(((<u64>1) << load<u32>(F_PHYS_BITS)) - 1);
}

function walkPae(va: u32, access: i32, mmu: i32): u64 {
  const pdpte = load<u64>(F_PDPTE + ((va >> 30) << 3));
  if ((<u32>pdpte & P) == 0) return pageFault(va, access, mmu, 0);
  const reserved = reservedHigh();
  const frame = ~reserved & ~(<u64>0xfff);
  const pdeAddress = a20((pdpte & frame) | <u64>((va >> 18) & 0xff8));
  let low = ldp(pdeAddress, 4);
  let entry = (<u64>ldp(pdeAddress + 4, 4) << 32) | <u64>low;
  if ((low & P) == 0) return pageFault(va, access, mmu, 0);
  if ((low & PS) != 0) {
    if ((entry & (reserved | 0x1fe000)) != 0) return pageFault(va, access, mmu, ERR_P | ERR_RSVD);
    if (!permits(low, access, mmu)) return pageFault(va, access, mmu, ERR_P);
    const marked = touch(pdeAddress, low, access);
    return a20((entry & frame & ~(<u64>0x1fffff)) | <u64>(va & 0x1ff000)) | WALK_LARGE | answer(marked, low, mmu);
  }
  if ((entry & reserved) != 0) return pageFault(va, access, mmu, ERR_P | ERR_RSVD);
  if ((low & A) == 0 && access != PROBE) stp(pdeAddress, low | A, 4);
  let rights = low;
  const pteAddress = a20((entry & frame) | <u64>((va >> 9) & 0xff8));
  low = ldp(pteAddress, 4);
  entry = (<u64>ldp(pteAddress + 4, 4) << 32) | <u64>low;
  if ((low & P) == 0) return pageFault(va, access, mmu, 0);
  if ((entry & reserved) != 0) return pageFault(va, access, mmu, ERR_P | ERR_RSVD);
  rights &= low;
  if (!permits(rights, access, mmu)) return pageFault(va, access, mmu, ERR_P);
  const marked = touch(pteAddress, low, access);
  return a20(entry & frame) | answer(marked, rights, mmu);
}

/**
 * Physical page address of `va` | WALK_*; NO_PAGE with the page fault in C_FAULT… if it may not be accessed.
 * `access` 0 load, 1 store, 2 fetch; `mmu` 0 privileged, 1 user.
 */
export function walk(va: u32, access: i32, mmu: i32): u64 {
  const found = translate(va, access, mmu);
  return load<u32>(F_WATCHING) == 0 || found == NO_PAGE ? found : found | watch(va, access);
}

/**
 * Data breakpoints (SDM volume 3, 17.2.4): WALK_WATCHED if one lies in the page of `va`; those that the access hits
 * are noted, for a trap when its instruction is through.
 */
function watch(va: u32, access: i32): u64 {
  const dr7 = load<u32>(F_DR7);
  let watched: u64 = 0;
  for (let i = 0; i < 4; i++) {
    const kind = (dr7 >> (16 + 4 * i)) & 3;
    if (((dr7 >> (2 * i)) & 3) == 0 || !isDataBreakpoint(kind)) continue;
    const last = (dr7 >> (18 + 4 * i)) & 3; // LEN: 1, 2, (8) or 4 bytes, at a multiple of as many
    const first = load<u32>(F_DR + (i << 2)) & ~last;
    if ((first ^ va) >> 12 != 0) continue;
    watched = WALK_WATCHED;
    const size = load<u32>(C_ACCESS_SIZE);
    const hits = access == STORE || (access == LOAD && kind == READ_WRITE);
    if (hits && va <= first + last && first < va + size) {
      store<u32>(F_BREAKPOINT_HITS, load<u32>(F_BREAKPOINT_HITS) | (1 << i));
    }
  }
  return watched;
}

/** Is this R/W field of DR7 that of data writes, or of reads and writes? */
export function isDataBreakpoint(kind: u32): bool {
  return kind == WRITE || kind == READ_WRITE;
}

function translate(va: u32, access: i32, mmu: i32): u64 {
  if ((load<u32>(F_CR0) & CR0_PG) == 0) return a20(<u64>(va & 0xfffff000)) | WALK_WRITABLE | WALK_GLOBAL;
  return (load<u32>(F_CR4) & CR4_PAE) != 0 ? walkPae(va, access, mmu) : walkTwoLevel(va, access, mmu);
}

/** The same translation for a debugger: no rights looked at, nothing changed; NO_PAGE if not mapped. */
export function probe(va: u32): u64 {
  const found = translate(va, PROBE, 0);
  return found == NO_PAGE ? found : found & ~(<u64>0xfff);
}

/**
 * Loads the PDPTEs as a write of CR3 (or of CR0 and CR4 that turns PAE paging on) does. False, with #GP(0) raised,
 * if a present one has reserved bits set: then none is loaded (SDM volume 3, 4.4.1).
 */
export function loadPdptes(cr3: u32): bool {
  const table = <u64>(cr3 & 0xffffffe0);
  const reserved = reservedHigh() | 0x1e6;
  for (let i: u64 = 0; i < 4; i++) {
    const entry = readPdpte(table + (i << 3));
    if ((<u32>entry & P) != 0 && (entry & reserved) != 0) {
      raise(V_GP, 0);
      return false;
    }
  }
  for (let i: u32 = 0; i < 4; i++) store<u64>(F_PDPTE + (i << 3), readPdpte(table + <u64>(i << 3)));
  return true;
}

function readPdpte(address: u64): u64 {
  return (<u64>ldp(a20(address + 4), 4) << 32) | <u64>ldp(a20(address), 4);
}

/** Opens (1) or closes (0) the A20 gate. */
export function set_a20(open: i32): void {
  const mask: u32 = open != 0 ? 0xffffffff : 0xffefffff;
  if (mask == load<u32>(F_A20_MASK)) return;
  store<u32>(F_A20_MASK, mask);
  tlb_flush();
}
