/** Values of options, read as QEMU reads them and refused in QEMU's words. */
import { VmError } from '../../util/errors.ts';

export const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const SUFFIXES = 'bkmgtpe';

/**
 * A size in bytes: a decimal number with an optional fraction and suffix, or a hexadecimal one. Without a suffix it
 * counts units of `unit` bytes.
 */
export function parseSize(text: string, name: string, unit = 1): number {
  const match = /^\s*(?:(0[xX][0-9a-fA-F]+)|(\d+(?:\.\d*)?|\.\d+))([bkmgtpe]?)$/i.exec(text);
  const suffix = match?.[3]?.toLowerCase() ?? '';
  const hex = match?.[1];
  const number = Number(hex ?? match?.[2]);
  const scale = suffix === '' ? unit : 1024 ** SUFFIXES.indexOf(suffix);
  const bytes = number * scale;
  // A byte count can't have a fraction ('1.5b'), and a hexadecimal number no suffix of its own digits ('0x1b' is 27).
  if (match === null || !(bytes < 2 ** 64) || (scale === 1 && !Number.isInteger(number))) {
    throw new VmError(`Parameter '${name}' expects a non-negative number below 2^64`, {
      hint: 'Optional suffix k, M, G, T, P or E means kilo-, mega-, giga-, tera-, peta-\nand exabytes, respectively.',
    });
  }
  return Math.floor(bytes);
}

export function parseOnOff(text: string, name: string): boolean {
  if (text === 'on' || text === 'yes' || text === 'true' || text === 'y') return true;
  if (text === 'off' || text === 'no' || text === 'false' || text === 'n') return false;
  throw new VmError(`Parameter '${name}' expects 'on' or 'off'`);
}

/** An unsigned integer of 8, 16, 32 or 64 bits in C's notation (0x: hexadecimal, 0: octal). */
export function parseUint(text: string, name: string, bits: 8 | 16 | 32 | 64 = 32): number {
  const value = parseInteger(text);
  if (value === undefined) throw new VmError(`Parameter '${name}' expects integer`);
  if (value < 0 || value >= 2 ** bits) throw new VmError(`Parameter '${name}' expects uint${bits}_t`);
  return value;
}

/** An integer in C's notation; undefined if `text` is none. */
export function parseInteger(text: string): number | undefined {
  const match = /^\s*([+-]?)(?:0[xX]([0-9a-fA-F]+)|(0[0-7]*)|([1-9]\d*))$/.exec(text);
  if (match === null) return undefined;
  const [, sign, hex, octal, decimal] = match;
  const magnitude = hex !== undefined ? Number.parseInt(hex, 16) : octal !== undefined ? Number.parseInt(octal, 8) : 0;
  const value = decimal !== undefined ? Number(decimal) : magnitude;
  return sign === '-' ? -value : value;
}
