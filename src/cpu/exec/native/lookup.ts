/** From a program counter to translated code, in wasm: code TLB, block table, jump cache. AssemblyScript. */
import {
  BLOCK_TABLE,
  BLOCK_TABLE_BITS,
  BLOCK_TABLE_ENTRY,
  C_CONTEXT,
  C_MMU,
  C_N_LOOKUP,
  C_PC,
  C_TAG,
  CODE_TLB,
  CODE_TLB_BANK_SHIFT,
  CODE_TLB_ENTRIES,
  HEAD_PAGE,
  JUMP_CACHE,
  JUMP_CACHE_BITS,
} from '../../ir/layout';
import { noteCode } from './forget';
import { ACCESS_FETCH, translate } from './mmu';

/** Page number (in this memory) that holds the code at `va`, or 0 with C_FAULT set. */
export function codePage<VA>(va: VA): u32 {
  const page = <u32>(va >> 12);
  const bank = CODE_TLB + (load<u32>(C_MMU) << CODE_TLB_BANK_SHIFT);
  const entry = bank + ((page & (CODE_TLB_ENTRIES - 1)) << (sizeof<VA>() == 8 ? 4 : 3));
  if (sizeof<VA>() == 8) {
    if (load<u64>(entry) == <u64>(va >> 12)) return load<u32>(entry, 8);
  } else if (load<u32>(entry) == <u32>page) return load<u32>(entry, 4);
  const host = translate<VA>(va, ACCESS_FETCH);
  if (host == 0) return 0;
  if (sizeof<VA>() == 8) {
    store<u64>(entry, <u64>(va >> 12));
    store<u64>(entry, host >> 12, 8);
  } else {
    store<u32>(entry, <u32>page);
    store<u32>(entry, host >> 12, 4);
  }
  noteCode(page);
  return host >> 12;
}

/** Start of the probe sequence for a block; exec/blocks.ts calls it too. */
export function blockHash(pc: u32, mode: u32, page: u32): u32 {
  let h = pc * 0x9e3779b1;
  h ^= (mode * 0x85ebca6b) ^ (page * 0xc2b2ae35);
  return (h ^ (h >> 15)) & ((1 << BLOCK_TABLE_BITS) - 1);
}

/** T1 address of the block at C_PC in the current mode and context; 0 if there is none, or on a fetch fault (C_FAULT set). */
export function lookupBlock<VA>(): u32 {
  store<u32>(C_N_LOOKUP, load<u32>(C_N_LOOKUP) + 1);
  const pc = load<VA>(C_PC);
  const tag = load<u32>(C_TAG);
  const page = codePage<VA>(pc);
  if (page == 0) return 0;
  const mode = tag & 0xfffff;
  const context = load<u32>(C_CONTEXT);
  // Of another generation, but still right? (The mode tells whether there is a context.)
  const known = JUMP_CACHE + (jumpCacheEntry(<u32>pc) << (sizeof<VA>() == 8 ? 5 : 4));
  const knownTag = sizeof<VA>() == 8 ? load<u32>(known, 8) : load<u32>(known, 4);
  if (load<VA>(known) == pc && ((knownTag ^ tag) & 0xfffff) == 0 && context == 0) {
    const code0 = sizeof<VA>() == 8 ? load<u32>(known, 12) : load<u32>(known, 8);
    if (load<u32>(code0 + HEAD_PAGE) == page) {
      if (sizeof<VA>() == 8) store<u32>(known, tag, 8);
      else store<u32>(known, tag, 4);
      return code0;
    }
  }
  let i = blockHash(<u32>pc, mode, page);
  let e: u32 = BLOCK_TABLE + i * BLOCK_TABLE_ENTRY;
  let code = load<u32>(e, 20);
  while (code != 0) {
    if (
      load<u32>(e) == <u32>pc &&
      load<u32>(e, 8) == mode &&
      load<u32>(e, 12) == page &&
      load<u32>(e, 16) == context &&
      code != 1 &&
      (sizeof<VA>() == 4 || load<u32>(e, 4) == <u32>(<u64>pc >> 32))
    ) {
      fillJumpCache<VA>(pc, tag, code, load<u32>(e, 24));
      return code;
    }
    i = (i + 1) & ((1 << BLOCK_TABLE_BITS) - 1);
    e = BLOCK_TABLE + i * BLOCK_TABLE_ENTRY;
    code = load<u32>(e, 20);
  }
  return 0;
}

/** Where the jump cache keeps a program counter. The same hash is emitted inline by exec/jump-cache.ts. */
export function jumpCacheEntry(pc: u32): u32 {
  return <u32>((pc ^ (pc >> 10)) & ((1 << JUMP_CACHE_BITS) - 1));
}

// @ts-ignore: decorator
@inline
function fillJumpCache<VA>(pc: VA, tag: u32, code: u32, region: u32): void {
  const e = JUMP_CACHE + (jumpCacheEntry(<u32>pc) << (sizeof<VA>() == 8 ? 5 : 4));
  if (sizeof<VA>() == 8) {
    store<u64>(e, <u64>pc);
    store<u32>(e, tag, 8);
    store<u32>(e, code, 12);
    store<u32>(e, region, 16);
  } else {
    store<u32>(e, <u32>pc);
    store<u32>(e, tag, 4);
    store<u32>(e, code, 8);
    store<u32>(e, region, 12);
  }
}
