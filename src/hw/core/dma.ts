/** What a bus master sees of guest-physical memory: bytes and little-endian integers. */
import type { AddressSpace } from './memory.ts';

export interface Dma {
  read(gpa: number, into: Uint8Array): void;
  write(gpa: number, from: Uint8Array): void;
  /** Whether there is RAM or ROM, and nothing else, in the whole range. */
  isRam(gpa: number, length: number): boolean;
  readU8(gpa: number): number;
  readU16(gpa: number): number;
  readU32(gpa: number): number;
  readU64(gpa: number): bigint;
  writeU8(gpa: number, value: number): void;
  writeU16(gpa: number, value: number): void;
  writeU32(gpa: number, value: number): void;
  writeU64(gpa: number, value: bigint): void;
}

export function createDma(space: Pick<AddressSpace, 'readBytes' | 'writeBytes' | 'isRam'>): Dma {
  const buffer = new Uint8Array(8);
  const view = new DataView(buffer.buffer);
  const fetch = (gpa: number, size: number): DataView => {
    space.readBytes(gpa, buffer.subarray(0, size));
    return view;
  };
  const store = (gpa: number, size: number): void => space.writeBytes(gpa, buffer.subarray(0, size));
  return {
    read: (gpa, into) => space.readBytes(gpa, into),
    write: (gpa, from) => space.writeBytes(gpa, from),
    isRam: (gpa, length) => space.isRam(gpa, length),
    readU8: (gpa) => fetch(gpa, 1).getUint8(0),
    readU16: (gpa) => fetch(gpa, 2).getUint16(0, true),
    readU32: (gpa) => fetch(gpa, 4).getUint32(0, true),
    readU64: (gpa) => fetch(gpa, 8).getBigUint64(0, true),
    writeU8(gpa, value) {
      view.setUint8(0, value);
      store(gpa, 1);
    },
    writeU16(gpa, value) {
      view.setUint16(0, value, true);
      store(gpa, 2);
    },
    writeU32(gpa, value) {
      view.setUint32(0, value, true);
      store(gpa, 4);
    },
    writeU64(gpa, value) {
      view.setBigUint64(0, value, true);
      store(gpa, 8);
    },
  };
}
