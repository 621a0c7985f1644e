/** One piece of code under test with the states it is started in. */
import type { Mode } from './modes.ts';

export interface Input {
  /** Contents of the window of memory. */
  readonly window: Uint8Array;
  /** Where in it the memory operand lies, if there is one and its address can be chosen. */
  readonly at: number;
  /** Image for FRSTOR. */
  readonly fpu: Uint8Array | undefined;
  /** gs fs es ds, edi esi ebp - ebx edx ecx eax, eip cs eflags esp ss, es ds fs gs. */
  readonly frame: readonly number[];
}

export interface Instance {
  /** Forms of the instructions in it, as the tables of src/cpu/isa/x86/insn name them: for the account of what was tested. */
  readonly forms: readonly string[];
  readonly mode: Mode;
  readonly bytes: readonly number[];
  /** Code page and distance from its start. */
  readonly page: number;
  readonly offset: number;
  readonly x87: boolean;
  readonly inputs: Input[];
}

const SLOT = 64;
/** What lies before the code: room for jumps backwards. */
const BEFORE = 16;

/** Hands out places for code; the last of each page runs over its end. The first place of a page belongs to that one. */
export class CodePlaces {
  #slot = 0;
  readonly #size: number;

  constructor(size: number = SLOT) {
    this.#size = size;
  }
  next(length: number): { page: number; offset: number } {
    const perPage = 4096 / this.#size - 1;
    const page = Math.floor(this.#slot / perPage);
    const slot = (this.#slot++ % perPage) + 1;
    if (slot < perPage || length < 2) return { page, offset: slot * this.#size + BEFORE };
    return { page, offset: 4096 - 1 - (page % (length - 1)) };
  }
}
