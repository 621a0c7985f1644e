/** What VHDX's structures have in common: GUIDs, and a signature with a checksum (CRC-32C). */
import { viewOf } from '../fields.ts';

export function guidAt(view: DataView, at: number): string {
  const part = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');
  const bytes = Array.from({ length: 8 }, (_, i) => part(view.getUint8(at + 8 + i), 2)).join('');
  const fields = [
    part(view.getUint32(at, true), 8),
    part(view.getUint16(at + 4, true), 4),
    part(view.getUint16(at + 6, true), 4),
  ];
  return [...fields, bytes.slice(0, 4), bytes.slice(4)].join('-');
}

export function setGuid(view: DataView, at: number, guid: string): void {
  const digits = guid.replaceAll('-', '');
  const part = (start: number, length: number): number => Number.parseInt(digits.slice(start, start + length), 16);
  view.setUint32(at, part(0, 8), true);
  view.setUint16(at + 4, part(8, 4), true);
  view.setUint16(at + 6, part(12, 4), true);
  for (let i = 0; i < 8; i++) view.setUint8(at + 8 + i, part(16 + i * 2, 2));
}

export function randomGuid(): string {
  const digits = Array.from({ length: 32 }, () => Math.floor(Math.random() * 16).toString(16)).join('');
  // Version 4, RFC 4122.
  const set = `${digits.slice(0, 12)}4${digits.slice(13, 16)}a${digits.slice(17)}`;
  return [set.slice(0, 8), set.slice(8, 12), set.slice(12, 16), set.slice(16, 20), set.slice(20)].join('-');
}

export const NO_GUID = '00000000-0000-0000-0000-000000000000';

/** The signature, and a checksum over the whole structure with the checksum's field as zeros. */
export function isSigned(bytes: Uint8Array, signature: string): boolean {
  if (new TextDecoder().decode(bytes.subarray(0, 4)) !== signature) return false;
  return checksumOf(bytes) === viewOf(bytes).getUint32(4, true);
}

export function sign(bytes: Uint8Array, signature: string): void {
  bytes.set(new TextEncoder().encode(signature));
  viewOf(bytes).setUint32(4, checksumOf(bytes), true);
}

function checksumOf(bytes: Uint8Array): number {
  const without = bytes.slice();
  without.fill(0, 4, 8);
  return crc32c(without);
}

/** Castagnoli's polynomial, reflected. */
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});

function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = CRC_TABLE[(crc ^ byte) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}
