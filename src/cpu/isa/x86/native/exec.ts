/** What the engine provides to native target code (exec/native). AssemblyScript. */

/** Virtual memory, bank C_MMU, any alignment; C_FAULT is set on a fault (loads return 0). Size 1, 2 or 4. */
@external('exec', 'ld')
export declare function ld(va: u32, size: i32): u32;
@external('exec', 'ld64')
export declare function ld64(va: u32): u64;
@external('exec', 'st')
export declare function st(va: u32, value: u32, size: i32): void;
@external('exec', 'st64')
export declare function st64(va: u32, value: u64): void;
/** Where the byte lies in this memory, if its page can be read (written) directly; else 0 with C_FAULT set. */
@external('exec', 'xlat')
export declare function xlat(va: u32, store: i32): u32;
/** Physical memory; what is unassigned reads as ones. */
@external('exec', 'ldp')
export declare function ldp(pa: u64, size: i32): u32;
@external('exec', 'stp')
export declare function stp(pa: u64, value: u32, size: i32): void;
@external('exec', 'tlb_flush')
export declare function tlb_flush(): void;
/** All but what `walk` said is global. */
@external('exec', 'tlb_flush_local')
export declare function tlb_flush_local(): void;
@external('exec', 'tlb_flush_page')
export declare function tlb_flush_page(va: u32): void;
