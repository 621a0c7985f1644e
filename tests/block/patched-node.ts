/** A file that differs from an unchanging one in a few places: a damaged image costs no copy. */
import { BlockFailure, type BlockNode } from '../../src/block/api.ts';

const PAGE = 4096;
/** No format may ask for more at once. */
const MAX_READ = 64 << 20;
const MAX_SIZE = 1 << 30;

export class PatchedNode implements BlockNode {
  readonly driver = 'patched';
  readonly readonly: boolean;
  private readonly base: Uint8Array;
  private readonly pages = new Map<number, Uint8Array>();
  private size: number;

  constructor(base: Uint8Array, { sizeBytes = base.length, readonly = false } = {}) {
    this.base = base;
    this.size = sizeBytes;
    this.readonly = readonly;
  }

  get sizeBytes(): number {
    return this.size;
  }

  private check(offset: number, length: number): void {
    if (length > MAX_READ) throw new Error(`BUG: a request of ${length} bytes`);
    if (Number.isInteger(offset) && offset >= 0 && offset + length <= this.size) return;
    throw new Error(`BUG: ${length} bytes at ${offset} exceed the file's ${this.size}`);
  }

  private page(index: number): Uint8Array {
    const there = this.pages.get(index);
    if (there !== undefined) return there;
    const page = new Uint8Array(PAGE);
    page.set(this.base.subarray(index * PAGE, (index + 1) * PAGE));
    this.pages.set(index, page);
    return page;
  }

  patch(offset: number, bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; i++) this.page(Math.floor((offset + i) / PAGE))[(offset + i) % PAGE] = bytes[i]!;
  }

  byteAt(offset: number): number {
    return this.pages.get(Math.floor(offset / PAGE))?.[offset % PAGE] ?? this.base[offset] ?? 0;
  }

  async read(offset: number, into: Uint8Array): Promise<void> {
    this.check(offset, into.length);
    for (let at = 0; at < into.length; ) {
      const index = Math.floor((offset + at) / PAGE);
      const within = (offset + at) % PAGE;
      const part = into.subarray(at, at + PAGE - within);
      const page = this.pages.get(index);
      const from =
        page?.subarray(within, within + part.length) ?? this.base.subarray(offset + at, offset + at + part.length);
      part.fill(0);
      part.set(from);
      at += part.length;
    }
  }

  async write(offset: number, from: Uint8Array): Promise<void> {
    this.check(offset, from.length);
    if (this.readonly) throw new Error('BUG: a read-only file is written');
    for (let at = 0; at < from.length; ) {
      const within = (offset + at) % PAGE;
      const part = from.subarray(at, at + PAGE - within);
      this.page(Math.floor((offset + at) / PAGE)).set(part, within);
      at += part.length;
    }
  }

  async writeZeroes(offset: number, length: number): Promise<void> {
    await this.write(offset, new Uint8Array(Math.min(length, MAX_READ)));
  }

  async discard(): Promise<void> {}

  async flush(): Promise<void> {}

  async extentAt(offset: number): Promise<{ length: number; zero: boolean; allocated: boolean }> {
    return { length: this.size - offset, zero: false, allocated: true };
  }

  async resize(sizeBytes: number): Promise<void> {
    if (this.readonly) throw new Error('BUG: a read-only file is resized');
    if (sizeBytes > MAX_SIZE) throw new BlockFailure('ENOSPC', `'file': no space for ${sizeBytes} bytes`);
    this.size = sizeBytes;
  }

  async close(): Promise<void> {}
}
