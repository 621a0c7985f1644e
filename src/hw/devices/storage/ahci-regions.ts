/** The physical region descriptor table of an AHCI command (AHCI 1.3 §4.2.3.3): memory that its data go to or come from. */
import type { Dma } from '../../core/dma.ts';
import { REGION_BYTES } from './ahci-state.ts';

const COUNT_MASK = 0x3f_ffff;

export class RegionTable {
  private readonly memory: Dma;
  private readonly at: number;
  private readonly count: number;

  constructor(memory: Dma, at: number, count: number) {
    this.memory = memory;
    this.at = at;
    this.count = count;
  }

  get capacity(): number {
    let bytes = 0;
    for (let n = 0; n < this.count; n++) bytes += this.lengthOf(n);
    return bytes;
  }
  write(position: number, bytes: Uint8Array): void {
    this.eachPiece(position, bytes, (gpa, piece) => this.memory.write(gpa, piece));
  }
  read(position: number, into: Uint8Array): void {
    this.eachPiece(position, into, (gpa, piece) => this.memory.read(gpa, piece));
  }

  private lengthOf(n: number): number {
    return (this.memory.readU32(this.at + n * REGION_BYTES + 12) & COUNT_MASK) + 1;
  }
  private eachPiece(position: number, bytes: Uint8Array, move: (gpa: number, piece: Uint8Array) => void): void {
    let skip = position;
    let done = 0;
    for (let n = 0; n < this.count && done < bytes.length; n++) {
      const length = this.lengthOf(n);
      if (skip >= length) {
        skip -= length;
        continue;
      }
      const entry = this.at + n * REGION_BYTES;
      const gpa = this.memory.readU32(entry + 4) * 2 ** 32 + this.memory.readU32(entry);
      const piece = bytes.subarray(done, done + Math.min(length - skip, bytes.length - done));
      move(gpa + skip, piece);
      done += piece.length;
      skip = 0;
    }
  }
}
