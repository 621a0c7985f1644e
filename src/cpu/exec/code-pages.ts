/** Which pages of the shared memory, and which 64-byte granules of them, translated code was made from. */
import { CODE_GRANULES, CODE_PAGES } from '../ir/layout.ts';
import type { Block } from './blocks.ts';
import type { SharedMemory } from './memory.ts';

export class CodePages {
  readonly #m: SharedMemory;
  readonly #protect: (host: number) => void;
  readonly #onPage = new Map<number, Block[]>();

  /** `protect`: stores to the page at this address of the shared memory have to be looked at from now on. */
  constructor(m: SharedMemory, protect: (host: number) => void) {
    this.#m = m;
    this.#protect = protect;
  }

  /** Blocks of a page that are alive. */
  blocks(page: number): readonly Block[] {
    return this.#onPage.get(page) ?? [];
  }
  holdsCode(page: number): boolean {
    return this.#m.u8[CODE_PAGES + page] !== 0;
  }

  add(b: Block): void {
    const first = Math.min(b.bytes, 0x1000 - (b.pcLo & 0xfff));
    this.#own(b, b.page, b.pcLo & 0xfff, first);
    if (b.page2) this.#own(b, b.page2, 0, b.bytes - first);
  }
  remove(b: Block): void {
    this.#disown(b, b.page);
    if (b.page2) this.#disown(b, b.page2);
  }
  clear(): void {
    const { u8 } = this.#m;
    for (const page of this.#onPage.keys()) {
      u8[CODE_PAGES + page] = 0;
      u8.fill(0, CODE_GRANULES + page * 8, CODE_GRANULES + page * 8 + 8);
    }
    this.#onPage.clear();
  }

  /** Blocks of which bytes [host, host + size) of the shared memory are a part. */
  *madeFrom(host: number, size: number): Iterable<Block> {
    for (let page = host >>> 12; page <= (host + size - 1) >>> 12; page++) {
      const lo = Math.max(0, host - page * 4096);
      const hi = Math.min(4096, host + size - page * 4096);
      for (const b of [...this.blocks(page)]) {
        const from = b.page === page ? b.pcLo & 0xfff : 0;
        const to = b.page === page ? Math.min(4096, from + b.bytes) : (b.pcLo & 0xfff) + b.bytes - 4096;
        if (from < hi && lo < to) yield b;
      }
    }
  }

  #own(b: Block, page: number, offset: number, size: number): void {
    const list = this.#onPage.get(page);
    if (list) list.push(b);
    else this.#onPage.set(page, [b]);
    if (!this.holdsCode(page)) {
      this.#m.u8[CODE_PAGES + page] = 1;
      this.#protect(page << 12);
    }
    this.#setGranules(page, offset, size);
  }
  #disown(b: Block, page: number): void {
    const left = this.blocks(page).filter((o) => o !== b);
    this.#m.u8.fill(0, CODE_GRANULES + page * 8, CODE_GRANULES + page * 8 + 8);
    if (left.length === 0) {
      this.#onPage.delete(page);
      this.#m.u8[CODE_PAGES + page] = 0;
      return;
    }
    this.#onPage.set(page, left);
    for (const o of left) {
      const inFirst = Math.min(o.bytes, 0x1000 - (o.pcLo & 0xfff));
      if (o.page === page) this.#setGranules(page, o.pcLo & 0xfff, inFirst);
      if (o.page2 === page) this.#setGranules(page, 0, o.bytes - inFirst);
    }
  }
  #setGranules(page: number, offset: number, size: number): void {
    const last = (offset + size - 1) >> 6;
    for (let g = offset >> 6; g <= last; g++) {
      const at = CODE_GRANULES + page * 8 + (g >> 3);
      this.#m.u8[at] = (this.#m.u8[at] as number) | (1 << (g & 7));
    }
  }
}
