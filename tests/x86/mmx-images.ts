/** Images for FRSTOR, and operands, in which MMX's lanes have corner cases and its shift counts are small. */
import { FPU_BYTES } from './layout.ts';
import type { Random } from './random.ts';

const lanes = (random: Random, bits: bigint, corners: readonly bigint[]): bigint => {
  let value = 0n;
  for (let at = 0n; at < 64n; at += bits) {
    const lane = random.oneIn(3) ? BigInt(random.word()) : random.pick(corners);
    value |= BigInt.asUintN(Number(bits), lane) << at;
  }
  return value;
};
const CORNERS8 = [0n, 1n, 0x7en, 0x7fn, 0x80n, 0x81n, 0xfen, 0xffn];
const CORNERS16 = [0n, 1n, 0x7fn, 0x80n, 0xffn, 0x100n, 0x7fffn, 0x8000n, 0x8001n, 0xff7fn, 0xff80n, 0xffffn];
const CORNERS32 = [0n, 1n, 0x7fffn, 0x8000n, 0x7fffffffn, 0x80000000n, 0xffff7fffn, 0xffff8000n, 0xffffffffn];

export function mmxValue(random: Random): bigint {
  switch (random.below(5)) {
    case 0:
      return BigInt(random.below(70)); // a shift count
    case 1:
      return lanes(random, 8n, CORNERS8);
    case 2:
      return lanes(random, 32n, CORNERS32);
    case 3:
      return (BigInt(random.word()) << 32n) | BigInt(random.word());
    default:
      return lanes(random, 16n, CORNERS16);
  }
}

/** Exceptions are masked: TCG raises none that are pending. Tags, TOP and exponents are anything. */
export function mmxImage(random: Random): Uint8Array {
  const bytes = new Uint8Array(FPU_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0xffff037f, true);
  view.setUint32(4, 0xffff0000 | (random.word() & 0x7f3f), true);
  view.setUint32(8, 0xffff0000 | random.word(), true);
  for (let i = 0; i < 8; i++) {
    view.setBigUint64(28 + 10 * i, mmxValue(random), true);
    view.setUint16(36 + 10 * i, random.word() & 0xffff, true);
  }
  return bytes;
}
