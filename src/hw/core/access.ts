/** How accesses of any size reach an I/O region that takes only some sizes: QEMU's rules for memory and port I/O. */
import type { IoRegion } from './region.ts';

/** Whether the region accepts an access of this size at this offset. */
export function isValidAccess(region: IoRegion, offset: number, size: number): boolean {
  const { min, max, unaligned } = region.valid;
  if (!unaligned && (offset & (size - 1)) !== 0) return false;
  return max === 0 || (size >= min && size <= max);
}

/**
 * The largest part, at `offset`, of a bus access of `length` bytes that the region takes at once. It may reach beyond
 * the region's end: the device that decodes the first byte gets the full width.
 */
export function partSize(region: IoRegion, offset: number, length: number): number {
  let size = Math.min(length, region.valid.max || 4);
  if (!region.impl.unaligned && offset !== 0) size = Math.min(size, lowestBit(offset));
  return size >= 4 ? 4 : size >= 2 ? 2 : 1;
}

/** The alignment of an offset that may exceed 32 bits. */
export function lowestBit(offset: number): number {
  const low = (offset % 2 ** 31) | 0;
  return low === 0 ? 4 : low & -low;
}

/** Reads `size` bytes, of which the region's operations may take only a part at a time. Little-endian. */
export function readAdjusted(region: IoRegion, offset: number, size: number): number {
  const { ops, impl } = region;
  if (size >= impl.min && size <= impl.max) return trim(ops.read(offset, size), size);
  if (size < impl.min) return trim(ops.read(offset, impl.min), size);
  let value = 0;
  for (let i = 0; i < size; i += impl.max) value |= trim(ops.read(offset + i, impl.max), impl.max) << (i * 8);
  return value >>> 0;
}

/** Writes `size` bytes in parts that the region's operations take. Little-endian. */
export function writeAdjusted(region: IoRegion, offset: number, value: number, size: number): void {
  const { ops, impl } = region;
  if (size >= impl.min && size <= impl.max) ops.write(offset, value, size);
  else if (size < impl.min) ops.write(offset, value, impl.min);
  else for (let i = 0; i < size; i += impl.max) ops.write(offset + i, trim(value >>> (i * 8), impl.max), impl.max);
}

/** The low `size` bytes, unsigned. */
export const trim = (value: number, size: number): number =>
  size === 1 ? value & 0xff : size === 2 ? value & 0xffff : value >>> 0;
