/** Pieces of guest memory that together are one buffer: half of a descriptor chain. Offsets count from its first byte. */
import type { Dma } from '../../core/dma.ts';

export class GuestBuffers {
  private readonly dma: Dma;
  private readonly pieces: { readonly gpa: number; readonly length: number }[] = [];
  private total = 0;

  constructor(dma: Dma) {
    this.dma = dma;
  }

  get length(): number {
    return this.total;
  }

  append(gpa: number, length: number): void {
    this.pieces.push({ gpa, length });
    this.total += length;
  }

  /** Fills `into` from `offset` on; what lies beyond the end is left as it was. The number of bytes read. */
  read(offset: number, into: Uint8Array): number {
    return this.visit(offset, into.length, (gpa, from, length) =>
      this.dma.read(gpa, into.subarray(from, from + length)),
    );
  }

  /** Stores `bytes` at `offset`, as far as they fit. The number of bytes written. */
  write(offset: number, bytes: Uint8Array): number {
    return this.visit(offset, bytes.length, (gpa, from, length) =>
      this.dma.write(gpa, bytes.subarray(from, from + length)),
    );
  }

  /** A copy of `length` bytes from `offset` on, fewer where the buffer ends. */
  bytes(offset = 0, length = this.total - offset): Uint8Array {
    const copy = new Uint8Array(Math.max(0, Math.min(length, this.total - offset)));
    this.read(offset, copy);
    return copy;
  }

  /** A view of a copy, for structures. Bytes beyond the buffer's end read as 0. */
  view(offset: number, length: number): DataView {
    const copy = new Uint8Array(length);
    this.read(offset, copy);
    return new DataView(copy.buffer);
  }

  private visit(offset: number, length: number, piece: (gpa: number, from: number, length: number) => void): number {
    let start = 0;
    let done = 0;
    for (const { gpa, length: size } of this.pieces) {
      if (done === length) break;
      const skip = offset + done - start;
      if (skip < size) {
        const part = Math.min(size - skip, length - done);
        piece(gpa + skip, done, part);
        done += part;
      }
      start += size;
    }
    return done;
  }
}
