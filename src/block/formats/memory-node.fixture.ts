/** A file in memory for tests of formats, which can be made to fail and says what was safe at each flush. */
import { BlockFailure, type BlockNode } from '../api.ts';

export class MemoryNode implements BlockNode {
  readonly driver = 'memory';
  readonly readonly: boolean;
  bytes: Uint8Array<ArrayBuffer>;
  /** Writes and changes of size so far. */
  writes = 0;
  /** Called after each flush and before each write: a crash may come here. */
  onStep: ((what: 'write' | 'flush') => void) | undefined;
  private size: number;

  constructor(bytes: Uint8Array = new Uint8Array(), { readonly = false } = {}) {
    this.bytes = new Uint8Array(bytes);
    this.size = bytes.length;
    this.readonly = readonly;
  }

  get sizeBytes(): number {
    return this.size;
  }

  /** The file's contents. */
  contents(): Uint8Array<ArrayBuffer> {
    return this.bytes.slice(0, this.size);
  }

  private check(offset: number, length: number): void {
    if (offset >= 0 && offset + length <= this.size) return;
    throw new BlockFailure('EIO', `memory: ${length} bytes at ${offset} exceed ${this.size}`);
  }

  async read(offset: number, into: Uint8Array): Promise<void> {
    this.check(offset, into.length);
    into.set(this.bytes.subarray(offset, offset + into.length));
  }

  async write(offset: number, from: Uint8Array): Promise<void> {
    this.check(offset, from.length);
    if (this.readonly) throw new BlockFailure('EROFS', 'memory: read-only');
    this.writes++;
    this.onStep?.('write');
    this.bytes.set(from, offset);
  }

  async writeZeroes(offset: number, length: number): Promise<void> {
    this.check(offset, length);
    this.writes++;
    this.bytes.fill(0, offset, offset + length);
  }

  async discard(): Promise<void> {}

  async flush(): Promise<void> {
    this.onStep?.('flush');
  }

  async extentAt(offset: number): Promise<{ length: number; zero: boolean; allocated: boolean }> {
    return { length: this.size - offset, zero: false, allocated: true };
  }

  async resize(sizeBytes: number): Promise<void> {
    if (sizeBytes > this.bytes.length) {
      const bytes = new Uint8Array(Math.max(sizeBytes, this.bytes.length * 2));
      bytes.set(this.bytes.subarray(0, this.size));
      this.bytes = bytes;
    }
    if (sizeBytes < this.size) this.bytes.fill(0, sizeBytes, this.size);
    this.size = sizeBytes;
  }

  async close(): Promise<void> {}
}
