/** Views of the one shared memory, and the guest-physical map that translated code reads. */
import { C_PMAP_PAGES, PMAP, PMAP_MAX_PAGES, PMAP_READONLY, RAM_BASE } from '../ir/layout.ts';

const PAGE = 4096;

export class SharedMemory {
  readonly memory: WebAssembly.Memory;
  readonly u8: Uint8Array;
  readonly u16: Uint16Array;
  readonly i32: Int32Array;
  /** RAM, ROM and video memory: backing store. */
  readonly backing: Uint8Array;

  /** `backingBytes` of backing store follow the engine's own tables. */
  constructor(backingBytes: number) {
    const pages = Math.ceil((RAM_BASE + backingBytes) / 65536);
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    const buffer = this.memory.buffer;
    this.u8 = new Uint8Array(buffer);
    this.u16 = new Uint16Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.backing = new Uint8Array(buffer, RAM_BASE, backingBytes);
  }
  get(word: number): number {
    return this.i32[word >> 2] as number;
  }
  set(word: number, value: number): void {
    this.i32[word >> 2] = value;
  }

  /** Guest-physical [gpa, gpa + size) is backing store from `offset` on. Whole pages. */
  mapRam(gpa: number, size: number, offset: number, readonly: boolean): void {
    const last = this.#pages(gpa, size);
    for (let page = gpa / PAGE, host = RAM_BASE + offset; page < last; page++, host += PAGE) {
      this.set(PMAP + page * 4, host | (readonly ? PMAP_READONLY : 0));
    }
  }
  /** Where the backing store has the guest-physical page at `gpa`; -1: it is no RAM or ROM. */
  backingOffset(gpa: number): number {
    const page = gpa / PAGE;
    const entry = page < this.get(C_PMAP_PAGES) ? this.get(PMAP + page * 4) : 0;
    return entry === 0 ? -1 : ((entry & ~(PAGE - 1)) >>> 0) - RAM_BASE;
  }

  /** Guest-physical [gpa, gpa + size) is I/O or nothing. */
  mapIo(gpa: number, size: number): void {
    const last = Math.min(this.get(C_PMAP_PAGES), Math.ceil((gpa + size) / PAGE));
    for (let page = Math.floor(gpa / PAGE); page < last; page++) this.set(PMAP + page * 4, 0);
  }
  #pages(gpa: number, size: number): number {
    const last = (gpa + size) / PAGE;
    if (gpa % PAGE !== 0 || size % PAGE !== 0)
      throw new Error(`BUG: RAM mapped at ${gpa.toString(16)} + ${size.toString(16)} is not whole pages`);
    if (last > PMAP_MAX_PAGES) throw new Error(`BUG: RAM mapped above ${PMAP_MAX_PAGES} pages`);
    if (last > this.get(C_PMAP_PAGES)) this.set(C_PMAP_PAGES, last);
    return last;
  }
}
