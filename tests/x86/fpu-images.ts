/** Images for FRSTOR: control words of all kinds, corner cases of the extended format in the registers. */
import { FPU_BYTES } from './layout.ts';
import type { Random } from './random.ts';

/** Sign and exponent, and fraction with the integer bit, of values that are special somewhere. */
function extended(random: Random): readonly [number, bigint] {
  const sign = random.oneIn(2) ? 0x8000 : 0;
  const fraction = (BigInt(random.word()) << 32n) | BigInt(random.word());
  const normal = fraction | (1n << 63n);
  switch (random.below(12)) {
    case 0:
      return [sign, 0n];
    case 1:
      return [sign | 0x7fff, 1n << 63n]; // infinity
    case 2:
      return [sign | 0x7fff, normal | (1n << 62n)]; // quiet NaN
    case 3:
      return [sign | 0x7fff, (normal & ~(1n << 62n)) | 1n]; // signalling NaN
    case 4:
      return [sign, fraction & ~(1n << 63n)]; // denormal
    case 5:
      return [sign | (1 + random.below(0x7ffe)), fraction & ~(1n << 63n)]; // unnormal: not supported
    case 6:
      return [sign | (0x3fff + random.below(70) - 3), normal & -(1n << BigInt(random.below(64)))]; // few bits
    case 7:
      return [sign | random.below(0x7fff), normal];
    default:
      return [sign | (0x3fff + random.below(40) - 20), normal];
  }
}

/** Exceptions are masked: TCG delivers results even so (the x87 tests beside the front end have unmasked ones). */
export function fpuImage(random: Random): Uint8Array {
  const bytes = new Uint8Array(FPU_BYTES);
  const view = new DataView(bytes.buffer);
  const control = 0x7f | (random.pick([0, 2, 3, 3]) << 8) | (random.below(4) << 10);
  const status = random.word() & 0x7f3f;
  view.setUint32(0, 0xffff0000 | control, true);
  view.setUint32(4, 0xffff0000 | status, true);
  // TCG ignores tags: only the register that a load would fill is empty.
  const top = (status >> 11) & 7;
  view.setUint32(8, 0xffff0000 | (3 << (2 * ((top + 7) & 7))), true);
  for (let i = 0; i < 8; i++) {
    const [exponent, fraction] = extended(random);
    view.setBigUint64(28 + 10 * i, fraction, true);
    view.setUint16(36 + 10 * i, exponent, true);
  }
  return bytes;
}

/** Operands in memory: values of the three real formats, decimal digits, integers. */
export function fpuOperand(random: Random, size: number, window: DataView, at: number): void {
  for (let i = 0; i < 3; i++) window.setUint32(at + 4 * i, random.value(), true);
  const [exponent, fraction] = extended(random);
  switch (random.below(4)) {
    case 0:
      window.setBigUint64(at, fraction, true);
      window.setUint16(at + 8, exponent, true);
      break;
    case 1:
      if (size === 4) window.setFloat32(at, random.pick([0, -0, 1, -1.5, 3.1e38, 1e-40, 65536.5, Infinity]), true);
      else window.setFloat64(at, random.pick([0, -0, 1, -1.5, 1e300, 1e-310, 65536.5, 9.3e18, Infinity]), true);
      break;
    case 2:
      for (let i = 0; i < 9; i++) window.setUint8(at + i, random.below(10) * 16 + random.below(10));
      window.setUint8(at + 9, random.oneIn(2) ? 0x80 : 0);
      break;
    default:
  }
}
