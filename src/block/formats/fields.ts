/**
 * Fields of on-disk structures. 64-bit numbers are read as doubles: exact up to 2^53, which no file reaches; beyond,
 * only their size matters, and they fail the check that every offset gets.
 */

const TWO_32 = 2 ** 32;

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function getU64BE(view: DataView, at: number): number {
  return view.getUint32(at) * TWO_32 + view.getUint32(at + 4);
}

export function setU64BE(view: DataView, at: number, value: number): void {
  view.setUint32(at, Math.floor(value / TWO_32));
  view.setUint32(at + 4, value % TWO_32);
}

export function getU64LE(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * TWO_32 + view.getUint32(at, true);
}

export function setU64LE(view: DataView, at: number, value: number): void {
  view.setUint32(at + 4, Math.floor(value / TWO_32), true);
  view.setUint32(at, value % TWO_32, true);
}

export function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}

export function isZero(bytes: Uint8Array): boolean {
  const words = bytes.byteOffset % 4 === 0 ? bytes.length >> 2 : 0;
  const fast = new Uint32Array(bytes.buffer, words === 0 ? 0 : bytes.byteOffset, words);
  for (let i = 0; i < words; i++) if (fast[i] !== 0) return false;
  for (let i = words * 4; i < bytes.length; i++) if (bytes[i] !== 0) return false;
  return true;
}

/** Text of a field of fixed length, which ends at the first NUL. */
export function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

export function hex(value: number): string {
  return `0x${value.toString(16)}`;
}

const SUFFIXES = 'BKMGTPE';

/** A size as QEMU writes it, `64k`, `1.5G`: in bytes; undefined if it is none. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d+|\d*\.\d+)([bkmgtpe]?)$/i.exec(text);
  if (match === null) return undefined;
  const power = SUFFIXES.indexOf((match[2] || 'B').toUpperCase());
  const bytes = Number(match[1]) * 1024 ** power;
  return bytes <= Number.MAX_SAFE_INTEGER ? Math.floor(bytes) : undefined;
}
