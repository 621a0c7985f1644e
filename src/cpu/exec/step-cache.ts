/**
 * Bytecode of the single instructions that were stepped last. An instruction that does memory-mapped I/O is stepped each
 * time it runs, and a driver's loop runs it often. An entry is good as long as the bytes it was made from are the same,
 * which is looked at each time; so nobody needs to tell the cache about writes.
 */
import { HEAD } from './interp/context.ts';
import type { SharedMemory } from './memory.ts';

export const STEP_SLOTS = 256;
/** Room of one instruction's bytecode. */
export const STEP_BYTES = 512;
/** Longest instruction of any target. */
const MAX_INSN_BYTES = 16;
/** Words of a key: pc, mode, context, number of bytes, then the bytes themselves. */
const KEY_WORDS = 5;
/** Runs until the bytecode would report itself hot: set anew before each. */
const NEVER_HOT = 0x7fff_ffff;

export class StepCache {
  readonly #m: SharedMemory;
  readonly #base: number;
  readonly #keys = new Int32Array(STEP_SLOTS * KEY_WORDS);
  readonly #bytes = new Uint8Array(STEP_SLOTS * MAX_INSN_BYTES);

  /** Bytecode goes to `STEP_SLOTS * STEP_BYTES` bytes from `base` on. */
  constructor(m: SharedMemory, base: number) {
    this.#m = m;
    this.#base = base;
  }

  /** Can an instruction of so many bytes, all in one page, and so much bytecode be kept? */
  fits(pcLo: number, bytes: number, bytecode: number): boolean {
    return bytecode <= STEP_BYTES && bytes <= MAX_INSN_BYTES && (pcLo & 0xfff) + bytes <= 0x1000;
  }

  /** Bytecode address for the instruction at `pc`, whose bytes lie in `page` of this memory; 0 if it is not kept. */
  find(pcLo: number, pcHi: number, mode: number, context: number, page: number): number {
    const slot = slotOf(pcLo);
    const keys = this.#keys;
    const k = slot * KEY_WORDS;
    if (keys[k] !== pcLo || keys[k + 1] !== pcHi || keys[k + 2] !== mode || keys[k + 3] !== context) return 0;
    const length = keys[k + 4] as number;
    if (length === 0) return 0;
    const { u8, i32 } = this.#m;
    const from = ((page << 12) >>> 0) + (pcLo & 0xfff);
    const kept = slot * MAX_INSN_BYTES;
    for (let i = 0; i < length; i++) if (u8[from + i] !== this.#bytes[kept + i]) return 0;
    const code = this.#base + slot * STEP_BYTES;
    i32[(code + HEAD.heat) >> 2] = NEVER_HOT;
    return code;
  }

  /** Takes the slot for an instruction; where its bytecode goes. */
  claim(pcLo: number, pcHi: number, mode: number, context: number, page: number, length: number): number {
    const slot = slotOf(pcLo);
    this.#keys.set([pcLo, pcHi, mode, context, length], slot * KEY_WORDS);
    const from = ((page << 12) >>> 0) + (pcLo & 0xfff);
    this.#bytes.set(this.#m.u8.subarray(from, from + length), slot * MAX_INSN_BYTES);
    return this.#base + slot * STEP_BYTES;
  }
}

const slotOf = (pcLo: number): number => (pcLo ^ (pcLo >>> 8)) & (STEP_SLOTS - 1);
