/** Physical region pages (NVM Express 1.2 §4.3): two entries in the command, or one and a list, or lists of lists. */
import type { Dma } from '../../core/dma.ts';
import { STATUS } from './nvme-state.ts';

interface Piece {
  readonly gpa: number;
  readonly length: number;
}

/** A 64-bit address as a number; a PC's have 52 bits, and where the others are set there is no memory either way. */
export const wide = (low: number, high: number): number => Math.min(high, 0x000f_ffff) * 2 ** 32 + low;

export class PrpMemory {
  private readonly memory: Dma;
  private readonly pageBytes: number;

  constructor(memory: Dma, pageBytes: number) {
    this.memory = memory;
    this.pageBytes = pageBytes;
  }

  /** Where `length` bytes of a command lie; a number is the status of a command whose entries are wrong. */
  pieces(prp1: number, prp2: number, length: number): readonly Piece[] | number {
    const first = Math.min(length, this.pageBytes - (prp1 % this.pageBytes));
    const pieces: Piece[] = [{ gpa: prp1, length: first }];
    let left = length - first;
    if (left === 0) return pieces;
    if (left <= this.pageBytes) {
      if (prp2 % this.pageBytes !== 0) return STATUS.INVALID_PRP_OFFSET;
      return [...pieces, { gpa: prp2, length: left }];
    }
    if (prp2 % 8 !== 0) return STATUS.INVALID_PRP_OFFSET;
    for (let list = prp2; left > 0; list += 8) {
      // The last entry of a list's page points to the next list if there is more than a page left.
      const isLast = list % this.pageBytes === this.pageBytes - 8;
      if (isLast && left > this.pageBytes) {
        list = this.entry(list);
        if (list % this.pageBytes !== 0) return STATUS.INVALID_PRP_OFFSET;
      }
      const gpa = this.entry(list);
      if (gpa % this.pageBytes !== 0) return STATUS.INVALID_PRP_OFFSET;
      const bytes = Math.min(left, this.pageBytes);
      pieces.push({ gpa, length: bytes });
      left -= bytes;
    }
    return pieces;
  }

  /** Controller to memory; the status. */
  write(prp1: number, prp2: number, data: Uint8Array): number {
    return this.move(prp1, prp2, data, (gpa, piece) => this.memory.write(gpa, piece));
  }
  read(prp1: number, prp2: number, into: Uint8Array): number {
    return this.move(prp1, prp2, into, (gpa, piece) => this.memory.read(gpa, piece));
  }

  private move(prp1: number, prp2: number, data: Uint8Array, each: (gpa: number, piece: Uint8Array) => void): number {
    const pieces = this.pieces(prp1, prp2, data.length);
    if (typeof pieces === 'number') return pieces;
    let at = 0;
    for (const { gpa, length } of pieces) {
      each(gpa, data.subarray(at, at + length));
      at += length;
    }
    return STATUS.SUCCESS;
  }
  private entry(at: number): number {
    return wide(this.memory.readU32(at), this.memory.readU32(at + 4));
  }
}
