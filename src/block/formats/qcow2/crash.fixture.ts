/** A file that can lose what was not flushed: any part of it, in any order, as a power cut does. */
import type { BlockNode } from '../../api.ts';
import { MemoryNode } from '../memory-node.fixture.ts';

export class CrashingNode implements BlockNode {
  readonly driver = 'crashing';
  readonly readonly = false;
  private readonly now = new MemoryNode();
  private safe = new Uint8Array();
  private pending: { offset: number; bytes: Uint8Array }[] = [];

  get sizeBytes(): number {
    return this.now.sizeBytes;
  }

  read(offset: number, into: Uint8Array): Promise<void> {
    return this.now.read(offset, into);
  }

  async write(offset: number, from: Uint8Array): Promise<void> {
    await this.now.write(offset, from);
    // A sector is written or not.
    for (let at = 0; at < from.length; ) {
      const end = Math.min(from.length, at + 512 - ((offset + at) % 512));
      this.pending.push({ offset: offset + at, bytes: from.slice(at, end) });
      at = end;
    }
  }

  async writeZeroes(offset: number, length: number): Promise<void> {
    await this.write(offset, new Uint8Array(length));
  }

  async discard(): Promise<void> {}

  async flush(): Promise<void> {
    this.safe = this.now.contents();
    this.pending = [];
  }

  extentAt(offset: number): ReturnType<BlockNode['extentAt']> {
    return this.now.extentAt(offset);
  }

  resize(sizeBytes: number): Promise<void> {
    return this.now.resize(sizeBytes);
  }

  async close(): Promise<void> {}

  /** What is there after the power is back; `survives` decides for each sector that was not flushed. */
  afterCrash(survives: () => boolean): MemoryNode {
    const bytes = new Uint8Array(this.now.sizeBytes);
    bytes.set(this.safe.subarray(0, bytes.length));
    for (const { offset, bytes: sector } of this.pending) if (survives()) bytes.set(sector, offset);
    return new MemoryNode(bytes);
  }
}
