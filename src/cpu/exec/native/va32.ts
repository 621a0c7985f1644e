/** The soft MMU and code lookup for targets with 32-bit virtual addresses: names as the engine's contract has them. */
import { blockHash, codePage, lookupBlock } from './lookup';
import { flushAll, flushLocal, flushPage, protectPage } from './forget';
import {
  direct,
  physicalLoad,
  physicalStore,
  slowLoad,
  slowLoad64,
  slowStore,
  slowStore64,
} from './mmu';

export function ld(va: u32, size: i32): u32 {
  return slowLoad<u32>(va, size);
}
export function ld64(va: u32): u64 {
  return slowLoad64<u32>(va);
}
export function st(va: u32, value: u32, size: i32): void {
  slowStore<u32>(va, value, size);
}
export function st64(va: u32, value: u64): void {
  slowStore64<u32>(va, value);
}
export function xlat(va: u32, isStore: i32): u32 {
  return direct<u32>(va, isStore);
}
export function ldp(pa: u64, size: i32): u32 {
  return physicalLoad(pa, size);
}
export function stp(pa: u64, value: u32, size: i32): void {
  physicalStore(pa, value, size);
}
export function tlb_flush(): void {
  flushAll<u32>();
}
export function tlb_flush_local(): void {
  flushLocal<u32>();
}
export function tlb_flush_page(va: u32): void {
  flushPage<u32>(va);
}
/** Page (of this memory) with the code at `va`, or 0 and C_FAULT. */
export function code_page(va: u32): u32 {
  return codePage<u32>(va);
}
/** T1 address of the block at C_PC, or 0. */
export function lookup(): u32 {
  return lookupBlock<u32>();
}
/** Start of the block table's probe sequence. */
export function block_hash(pc: u32, mode: u32, page: u32): u32 {
  return blockHash(pc, mode, page);
}
/** A page of backing store now holds code: stores to it must ask. */
export function protect_page(host: u32): void {
  protectPage<u32>(host);
}
