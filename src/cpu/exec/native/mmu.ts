/**
 * Soft MMU, slow paths: what translated code calls when its inline TLB compare fails. AssemblyScript, generic over the
 * width of guest virtual addresses; va32.ts and va64.ts export it for one width. No static data, no heap.
 */
import {
  C_ACCESS_SIZE,
  C_FAULT,
  C_FAULT_ADDR,
  C_LARGE_ADDR,
  C_LARGE_MASK,
  C_LOCAL_CODE,
  C_MMU,
  C_N_FILL,
  C_N_SLOW,
  C_PMAP_PAGES,
  C_STEPPING,
  C_TLB_LOCAL,
  C_WATCH,
  C_WATCH_HITS,
  C_WATCHES,
  CODE_GRANULES,
  CODE_PAGES,
  DIRTY_ALL,
  DIRTY_PAGES,
  FAULT_MMIO,
  FAULT_SMC,
  PMAP,
  PMAP_READONLY,
  TLB,
  TLB_BANK_SHIFT,
  TLB_ENTRIES,
  TLB_LOCALS,
  TLB_LOCALS_MAX,
  WALK_GLOBAL,
  WALK_LARGE,
  WALK_WATCHED,
  WALK_WRITABLE,
  WATCH_READS,
  WATCH_SIZE,
  WATCH_WRITES,
} from '../../ir/layout';

@external('isa', 'walk')
declare function walk32(va: u32, access: i32, mmu: i32): u64;
@external('isa', 'walk64')
declare function walk64(va: u64, access: i32, mmu: i32): u64;
/** I/O at a guest-physical address: size 1, 2 or 4. Only called while stepping, so the instruction count is exact. */
@external('host', 'mmioRead')
declare function mmioRead(pa: f64, size: i32): u32;
@external('host', 'mmioWrite')
declare function mmioWrite(pa: f64, size: i32, value: u32): void;
/** Backing store [host, host + size) with translated code in it is about to change. */
@external('host', 'codeWritten')
declare function codeWritten(host: u32, size: i32): void;

export const ACCESS_LOAD = 0;
export const ACCESS_STORE = 1;
export const ACCESS_FETCH = 2;
const NO_PAGE = u64.MAX_VALUE;

// @ts-ignore: decorator
@inline
function walk<VA>(va: VA, access: i32): u64 {
  if (sizeof<VA>() == 8) return walk64(<u64>va, access, load<i32>(C_MMU));
  return walk32(<u32>va, access, load<i32>(C_MMU));
}

// @ts-ignore: decorator
@inline
function count(word: u32): void {
  store<u32>(word, load<u32>(word) + 1);
}

export function fault<VA>(kind: i32, va: VA): void {
  store<i32>(C_FAULT, kind);
  store<u64>(C_FAULT_ADDR, <u64>va);
}

/** PMAP entry of a physical page: 0 when it is not backed. */
export function backing(pa: u64): u32 {
  const page = pa >> 12;
  return page < <u64>load<u32>(C_PMAP_PAGES) ? load<u32>(PMAP + (<u32>page << 2)) : 0;
}

// @ts-ignore: decorator
@inline
function entryOf<VA>(va: VA): u32 {
  const index = (<u32>(va >> 12) & (TLB_ENTRIES - 1)) << (sizeof<VA>() == 8 ? 5 : 4);
  return TLB + (load<u32>(C_MMU) << TLB_BANK_SHIFT) + index;
}

/** Widen the recorded extent of large pages: any INVLPG inside it flushes everything, as entries are kept by 4 KiB. */
function noteLarge(va: u64): void {
  let mask = load<u64>(C_LARGE_MASK);
  if (mask == 0) {
    store<u64>(C_LARGE_ADDR, va & ~0x3fffff);
    store<u64>(C_LARGE_MASK, ~0x3fffff);
    return;
  }
  const first = load<u64>(C_LARGE_ADDR);
  while (((first ^ va) & mask) != 0) mask <<= 1;
  store<u64>(C_LARGE_MASK, mask);
  store<u64>(C_LARGE_ADDR, first & mask);
}

/** This entry of the data TLB goes when CR3 is loaded. */
// @ts-ignore: decorator
@inline
function noteLocal(entry: u32): void {
  const n = load<u32>(C_TLB_LOCAL);
  if (n < <u32>TLB_LOCALS_MAX) store<u32>(TLB_LOCALS + (n << 2), entry);
  if (n <= <u32>TLB_LOCALS_MAX) store<u32>(C_TLB_LOCAL, n + 1);
}

/** Does the debugger watch something in the page of `va`? Ranges that the access touches are noted. */
function noteWatched(va: u64, access: i32): bool {
  const kind: u32 = access == ACCESS_STORE ? WATCH_WRITES : WATCH_READS;
  const last = va + <u64>load<u32>(C_ACCESS_SIZE) - 1;
  let inPage = false;
  for (let i: u32 = 0; i < load<u32>(C_WATCHES); i++) {
    const at = C_WATCH + i * WATCH_SIZE;
    const from = load<u64>(at);
    const to = load<u64>(at, 8);
    if (from >> 12 > va >> 12 || to >> 12 < va >> 12) continue;
    inPage = true;
    if (load<u32>(C_ACCESS_SIZE) == 0 || (load<u32>(at, 16) & kind) == 0) continue;
    if (va <= to && from <= last) store<u32>(C_WATCH_HITS, load<u32>(C_WATCH_HITS) | (1 << i));
  }
  return inPage;
}

/** Pages of a physical address, with the permission the walk found: the address of the byte, or 0 with C_FAULT set. */
export function translate<VA>(va: VA, access: i32): u32 {
  count(C_N_FILL);
  let found = walk<VA>(va, access);
  if (found == NO_PAGE) return 0;
  if (load<u32>(C_WATCHES) != 0 && access != ACCESS_FETCH && noteWatched(<u64>va, access)) found |= WALK_WATCHED;
  if ((found & WALK_WATCHED) != 0 && access != ACCESS_FETCH) {
    if (load<i32>(C_STEPPING) == 0 || load<i32>(C_ACCESS_SIZE) == 0) {
      fault<VA>(FAULT_MMIO, va);
      return 0;
    }
  }
  const entry = backing(found);
  if (entry == 0 || (access == ACCESS_STORE && (entry & PMAP_READONLY) != 0)) {
    fault<VA>(FAULT_MMIO, va);
    return 0;
  }
  if ((found & WALK_LARGE) != 0) noteLarge(<u64>va);
  const host = entry & ~0xfff;
  const page = <u32>host >> 12;
  if (access == ACCESS_FETCH) {
    if ((found & WALK_GLOBAL) == 0) store<u32>(C_LOCAL_CODE + (load<u32>(C_MMU) << 2), 1);
    return host + (<u32>va & 0xfff);
  }
  if (access == ACCESS_STORE) store<u8>(DIRTY_PAGES + page, DIRTY_ALL);
  const writable =
    (found & WALK_WRITABLE) != 0 &&
    (entry & PMAP_READONLY) == 0 &&
    load<u8>(CODE_PAGES + page) == 0 &&
    load<u8>(DIRTY_PAGES + page) == DIRTY_ALL;
  if ((found & WALK_WATCHED) != 0) return host + (<u32>va & 0xfff);
  const tlb = entryOf<VA>(va);
  if ((found & WALK_GLOBAL) == 0) noteLocal(tlb);
  const tag = va & ~(<VA>0xfff);
  if (sizeof<VA>() == 8) {
    store<u64>(tlb, <u64>tag);
    store<u64>(tlb, writable ? <u64>tag : 1, 8);
    store<u32>(tlb, host - <u32>tag, 16);
  } else {
    store<u32>(tlb, <u32>tag);
    store<u32>(tlb, writable ? <u32>tag : 1, 4);
    store<u32>(tlb, host - <u32>tag, 8);
  }
  return host + (<u32>va & 0xfff);
}

/** Guest-physical address of `va` for I/O while stepping; only called after `translate` said FAULT_MMIO. */
function physical<VA>(va: VA, access: i32): f64 {
  return <f64>((walk<VA>(va, access) & ~(<u64>0xfff)) | (<u64>va & 0xfff));
}

/** Does code lie in these bytes (inside one page)? */
export function holdsCode(host: u32, size: i32): bool {
  if (load<u8>(CODE_PAGES + (<u32>host >> 12)) == 0) return false;
  const last = (host + size - 1) >> 6;
  for (let g = host >> 6; g <= last; g++) {
    if ((load<u8>(CODE_GRANULES + <u32>(g >> 3)) & (1 << (g & 7))) != 0) return true;
  }
  return false;
}

/** True if the store may not go on: C_FAULT says so. While stepping the code is dropped and the store goes on. */
// @ts-ignore: decorator
@inline
function mustNotStore<VA>(va: VA, host: u32, size: i32): bool {
  if (!holdsCode(host, size)) return false;
  if (load<i32>(C_STEPPING) != 0) {
    codeWritten(host, size);
    return false;
  }
  fault<VA>(FAULT_SMC, va);
  return true;
}

// @ts-ignore: decorator
@inline
function crosses<VA>(va: VA, size: i32): bool {
  return (<u32>va & 0xfff) + size > 0x1000;
}

/** Address of a byte if the soft TLB holds its page for loads (stores), else 0. */
// @ts-ignore: decorator
@inline
function cached<VA>(va: VA, isStore: i32): u32 {
  const tlb = entryOf<VA>(va);
  const page = va & ~(<VA>0xfff);
  if (sizeof<VA>() == 8) return load<u64>(tlb + (isStore << 3)) == <u64>page ? load<u32>(tlb, 16) + <u32>va : 0;
  return load<u32>(tlb + (isStore << 2)) == <u32>page ? load<u32>(tlb, 8) + <u32>va : 0;
}

/** One byte by the slow way, with I/O. */
function loadByte<VA>(va: VA): u32 {
  const known = cached<VA>(va, 0);
  if (known != 0) return load<u8>(known);
  store<i32>(C_ACCESS_SIZE, 1);
  const host = translate<VA>(va, ACCESS_LOAD);
  if (host != 0) return load<u8>(host);
  if (load<i32>(C_FAULT) == FAULT_MMIO && load<i32>(C_STEPPING) != 0) {
    store<i32>(C_FAULT, 0);
    return mmioRead(physical<VA>(va, ACCESS_LOAD), 1) & 0xff;
  }
  return 0;
}

/** Slow load of 1, 2 or 4 bytes, zero-extended. */
export function slowLoad<VA>(va: VA, size: i32): u32 {
  count(C_N_SLOW);
  if (crosses<VA>(va, size)) {
    let value: u32 = 0;
    for (let k = 0; k < size; k++) {
      value |= loadByte<VA>(va + <VA>k) << (k << 3);
      if (load<i32>(C_FAULT) != 0) return 0;
    }
    return value;
  }
  store<i32>(C_ACCESS_SIZE, size);
  const host = translate<VA>(va, ACCESS_LOAD);
  if (host == 0) {
    if (load<i32>(C_FAULT) != FAULT_MMIO || load<i32>(C_STEPPING) == 0) return 0;
    store<i32>(C_FAULT, 0);
    return mmioRead(physical<VA>(va, ACCESS_LOAD), size);
  }
  if (size == 4) return load<u32>(host);
  return size == 2 ? load<u16>(host) : load<u8>(host);
}

export function slowLoad64<VA>(va: VA): u64 {
  if (!crosses<VA>(va, 8)) {
    store<i32>(C_ACCESS_SIZE, 8);
    const host = translate<VA>(va, ACCESS_LOAD);
    if (host != 0) {
      count(C_N_SLOW);
      return load<u64>(host);
    }
    if (load<i32>(C_FAULT) != FAULT_MMIO || load<i32>(C_STEPPING) == 0) return 0;
    store<i32>(C_FAULT, 0);
  }
  const low = slowLoad<VA>(va, 4);
  if (load<i32>(C_FAULT) != 0) return 0;
  return <u64>low | (<u64>slowLoad<VA>(va + 4, 4) << 32);
}

/** Both pages of a store that crosses a page end must take it before a byte of it is written. */
function bothPagesTake<VA>(va: VA, size: i32): bool {
  const last = va + <VA>(size - 1);
  store<i32>(C_ACCESS_SIZE, 1); // one at a time, by storeByte
  for (let k = 0; k < 2; k++) {
    const at = k == 0 ? va : last;
    const host = translate<VA>(at, ACCESS_STORE);
    if (host == 0) {
      if (load<i32>(C_FAULT) != FAULT_MMIO || load<i32>(C_STEPPING) == 0) {
        // The fault is about the first byte of the page (SDM vol. 3, 4.7).
        if (k == 1 && load<i32>(C_FAULT) == 1) store<u64>(C_FAULT_ADDR, <u64>(last & ~(<VA>0xfff)));
        return false;
      }
      store<i32>(C_FAULT, 0);
      continue;
    }
    const inPage = k == 0 ? 0x1000 - <i32>(<u32>va & 0xfff) : <i32>(<u32>last & 0xfff) + 1;
    if (mustNotStore<VA>(at, k == 0 ? host : host & ~0xfff, inPage)) return false;
  }
  return true;
}

function storeByte<VA>(va: VA, value: u32): void {
  store<i32>(C_ACCESS_SIZE, 1);
  const host = translate<VA>(va, ACCESS_STORE);
  if (host != 0) {
    store<u8>(host, value);
    return;
  }
  if (load<i32>(C_FAULT) != FAULT_MMIO) return;
  store<i32>(C_FAULT, 0);
  mmioWrite(physical<VA>(va, ACCESS_STORE), 1, value & 0xff);
}

export function slowStore<VA>(va: VA, value: u32, size: i32): void {
  count(C_N_SLOW);
  if (crosses<VA>(va, size)) {
    if (!bothPagesTake<VA>(va, size)) return;
    for (let k = 0; k < size; k++) storeByte<VA>(va + <VA>k, value >> (k << 3));
    return;
  }
  store<i32>(C_ACCESS_SIZE, size);
  const host = translate<VA>(va, ACCESS_STORE);
  if (host == 0) {
    if (load<i32>(C_FAULT) != FAULT_MMIO || load<i32>(C_STEPPING) == 0) return;
    store<i32>(C_FAULT, 0);
    mmioWrite(physical<VA>(va, ACCESS_STORE), size, value);
    return;
  }
  if (mustNotStore<VA>(va, host, size)) return;
  if (size == 4) store<u32>(host, value);
  else if (size == 2) store<u16>(host, value);
  else store<u8>(host, value);
}

export function slowStore64<VA>(va: VA, value: u64): void {
  if (crosses<VA>(va, 8)) {
    if (!bothPagesTake<VA>(va, 8)) return;
    for (let k = 0; k < 8; k++) storeByte<VA>(va + <VA>k, <u32>(value >> (k << 3)));
    return;
  }
  store<i32>(C_ACCESS_SIZE, 8);
  const host = translate<VA>(va, ACCESS_STORE);
  if (host == 0) {
    if (load<i32>(C_FAULT) != FAULT_MMIO || load<i32>(C_STEPPING) == 0) return;
    store<i32>(C_FAULT, 0);
    const pa = physical<VA>(va, ACCESS_STORE);
    mmioWrite(pa, 4, <u32>value);
    mmioWrite(pa + 4, 4, <u32>(value >> 32));
    return;
  }
  if (mustNotStore<VA>(va, host, 8)) return;
  store<u64>(host, value);
}

/**
 * Address in this memory of a byte that native code means to read or write directly, or 0 with C_FAULT set
 * (FAULT_SMC: its page holds code; go through the slow store).
 */
export function direct<VA>(va: VA, isStore: i32): u32 {
  const known = cached<VA>(va, isStore);
  if (known != 0) return known;
  store<i32>(C_ACCESS_SIZE, 0);
  const host = translate<VA>(va, isStore);
  if (host != 0 && isStore != 0 && load<u8>(CODE_PAGES + (<u32>host >> 12)) != 0) {
    fault<VA>(FAULT_SMC, va);
    return 0;
  }
  return host;
}

/** Physical load for page walks and descriptor caches: all ones where nothing is. */
export function physicalLoad(pa: u64, size: i32): u32 {
  const entry = backing(pa);
  if (entry == 0) return u32.MAX_VALUE;
  const host = <u32>((entry & ~0xfff) + (<u32>pa & 0xfff));
  if (size == 4) return load<u32>(host);
  return size == 2 ? load<u16>(host) : load<u8>(host);
}

export function physicalStore(pa: u64, value: u32, size: i32): void {
  const entry = backing(pa);
  if (entry == 0 || (entry & PMAP_READONLY) != 0) return;
  const host = (entry & ~0xfff) + (<u32>pa & 0xfff);
  store<u8>(DIRTY_PAGES + (<u32>host >> 12), DIRTY_ALL);
  if (holdsCode(host, size)) codeWritten(host, size);
  if (size == 4) store<u32>(host, value);
  else if (size == 2) store<u16>(host, value);
  else store<u8>(host, value);
}
