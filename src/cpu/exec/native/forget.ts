/** What makes soft TLBs and jump cache forget: loads of CR3, INVLPG, pages that come to hold code. AssemblyScript. */
import {
  C_GENERATIONS,
  C_LARGE_ADDR,
  C_LARGE_MASK,
  C_LOCAL_CODE,
  C_MMU,
  C_TAG,
  C_TLB_LOCAL,
  CODE_SEEN,
  CODE_SEEN_BANK_SHIFT,
  CODE_SEEN_ENTRIES,
  CODE_SEEN_SEVERAL,
  CODE_TLB,
  CODE_TLB_BANK_SHIFT,
  CODE_TLB_ENTRIES,
  JUMP_CACHE,
  JUMP_CACHE_BITS,
  TLB,
  TLB_BANK_SHIFT,
  TLB_ENTRIES,
  TLB_LOCALS,
  TLB_LOCALS_MAX,
} from '../../ir/layout';

// @ts-ignore: decorator
@inline
function seenEntry(bank: u32, page: u32): u32 {
  return CODE_SEEN + (bank << CODE_SEEN_BANK_SHIFT) + ((page & (CODE_SEEN_ENTRIES - 1)) << 2);
}

/** Code of this virtual page (low half of its number) was looked up. */
export function noteCode(page: u32): void {
  const entry = seenEntry(load<u32>(C_MMU), page);
  const seen = load<u32>(entry);
  if (seen != page + 1) store<u32>(entry, seen == 0 ? page + 1 : CODE_SEEN_SEVERAL);
}

/** A new generation of a bank's address mapping: its jump-cache entries are stale. The mode in a tag decides the bank. */
function newGeneration(bank: u32): void {
  const generation = load<u32>(C_GENERATIONS + (bank << 2)) + (1 << 20);
  store<u32>(C_GENERATIONS + (bank << 2), generation);
  if (generation == 0) memory.fill(JUMP_CACHE, 0xff, (<u32>32) << JUMP_CACHE_BITS);
  if (bank == load<u32>(C_MMU)) store<u32>(C_TAG, (load<u32>(C_TAG) & 0xfffff) | generation);
}

// Fill bytes: 0x01 makes tags that no page-aligned address equals; 0xff page numbers that no address has.
function flushData<VA>(): void {
  const bytes: u32 = TLB_ENTRIES << (sizeof<VA>() == 8 ? 5 : 4);
  for (let bank: u32 = 0; bank < 2; bank++) memory.fill(TLB + (bank << TLB_BANK_SHIFT), 1, bytes);
  store<u32>(C_TLB_LOCAL, 0);
}

function flushCode(bank: u32): void {
  memory.fill(CODE_TLB + (bank << CODE_TLB_BANK_SHIFT), 0xff, <u32>1 << CODE_TLB_BANK_SHIFT);
  memory.fill(CODE_SEEN + (bank << CODE_SEEN_BANK_SHIFT), 0, CODE_SEEN_ENTRIES << 2);
  store<u32>(C_LOCAL_CODE + (bank << 2), 0);
  newGeneration(bank);
}

/** Drop all that is known of the address mapping. */
export function flushAll<VA>(): void {
  flushData<VA>();
  store<u64>(C_LARGE_MASK, 0);
  for (let bank: u32 = 0; bank < 2; bank++) flushCode(bank);
}

/** Drop what is not global: the tables have changed, but for the global pages (SDM volume 3, 4.10.2.4). */
export function flushLocal<VA>(): void {
  const n = load<u32>(C_TLB_LOCAL);
  if (n > <u32>TLB_LOCALS_MAX) flushData<VA>();
  else {
    for (let i: u32 = 0; i < n; i++) invalidate<VA>(load<u32>(TLB_LOCALS + (i << 2)));
    store<u32>(C_TLB_LOCAL, 0);
  }
  for (let bank: u32 = 0; bank < 2; bank++) if (load<u32>(C_LOCAL_CODE + (bank << 2)) != 0) flushCode(bank);
}

// @ts-ignore: decorator
@inline
function invalidate<VA>(entry: u32): void {
  if (sizeof<VA>() == 8) {
    store<u64>(entry, 1);
    store<u64>(entry, 1, 8);
  } else store<u64>(entry, 0x0000000100000001);
}

/** Drop what is known of the page of `va`, in both banks. */
export function flushPage<VA>(va: VA): void {
  const mask = load<u64>(C_LARGE_MASK);
  if (mask != 0 && ((<u64>va ^ load<u64>(C_LARGE_ADDR)) & mask) == 0) {
    flushAll<VA>();
    return;
  }
  const shift = sizeof<VA>() == 8 ? 5 : 4;
  const page = <u32>(va >> 12);
  const entry = TLB + ((page & (TLB_ENTRIES - 1)) << shift);
  const code = CODE_TLB + ((page & (CODE_TLB_ENTRIES - 1)) << (sizeof<VA>() == 8 ? 4 : 3));
  for (let bank: u32 = 0; bank < 2; bank++) {
    invalidate<VA>(entry + (bank << TLB_BANK_SHIFT));
    store<u64>(code + (bank << CODE_TLB_BANK_SHIFT), u64.MAX_VALUE);
    const seen = load<u32>(seenEntry(bank, page));
    if (seen == page + 1 || seen == CODE_SEEN_SEVERAL) newGeneration(bank);
  }
}

/** Take away the right to store without asking from every entry that maps this page of backing store. */
export function protectPage<VA>(host: u32): void {
  const stride: u32 = sizeof<VA>() == 8 ? 32 : 16;
  for (let bank: u32 = 0; bank < 2; bank++) {
    let entry = TLB + (bank << TLB_BANK_SHIFT);
    for (let i = 0; i < TLB_ENTRIES; i++, entry += stride) {
      if (sizeof<VA>() == 8) {
        const tag = load<u64>(entry, 8);
        if (tag != 0x0101010101010101 && tag != 1 && load<u32>(entry, 16) + <u32>tag == host) store<u64>(entry, 1, 8);
      } else {
        const tag = load<u32>(entry, 4);
        if (tag != 0x01010101 && tag != 1 && load<u32>(entry, 8) + tag == host) store<u32>(entry, 1, 4);
      }
    }
  }
}
