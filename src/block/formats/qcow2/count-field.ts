/** One reference count in a block: 1 to 64 bits wide. */
import { getU64BE, setU64BE } from '../fields.ts';

/** Counts beyond are not told apart; nothing comes near them but a damaged image. */
export const MAX_EXACT = Number.MAX_SAFE_INTEGER;

/** `at`: the byte that the count begins in; `index` tells which of several in it. */
export function countAt(view: DataView, at: number, bits: number, index: number): number {
  switch (bits) {
    case 8:
      return view.getUint8(at);
    case 16:
      return view.getUint16(at);
    case 32:
      return view.getUint32(at);
    case 64:
      return Math.min(getU64BE(view, at), MAX_EXACT);
    default:
      // Bit 0 is the least significant one of a byte.
      return (view.getUint8(at) >> ((index * bits) % 8)) & (2 ** bits - 1);
  }
}

export function setCountAt(
  view: DataView,
  at: number,
  { bits, index, count }: { bits: number; index: number; count: number },
): void {
  switch (bits) {
    case 8:
      view.setUint8(at, count);
      break;
    case 16:
      view.setUint16(at, count);
      break;
    case 32:
      view.setUint32(at, count);
      break;
    case 64:
      setU64BE(view, at, count);
      break;
    default: {
      const shift = (index * bits) % 8;
      view.setUint8(at, (view.getUint8(at) & ~((2 ** bits - 1) << shift)) | (count << shift));
    }
  }
}
