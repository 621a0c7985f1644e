/**
 * QEMU's qtest protocol: a line in, a line out, and lines of their own for interrupts that are watched. A test drives a
 * machine's ports, memory and clock with it. Malformed lines are answered with FAIL, where QEMU gives up.
 */
import { base64OfBytes, bytesOfBase64 } from '../util/base64.ts';
import { VmError } from '../util/errors.ts';

export interface QtestTarget {
  /** What is pending from outside (reports of disks) reaches the devices before each command. */
  settle(): void;
  readPort(port: number, size: number): number;
  writePort(port: number, value: number, size: number): void;
  readMemory(address: number, into: Uint8Array): void;
  writeMemory(address: number, bytes: Uint8Array): void;
  readonly nowNs: number;
  /** The next timer; Infinity: none. */
  readonly nextDeadlineNs: number;
  /** Throws a VmError if the clock is not the test's. */
  advanceTo(ns: number): void;
  /** Watches the inputs of the interrupt controller or the outputs of a device; false: there is none of this name. */
  intercept(ends: 'in' | 'out', path: string, changed: (n: number, level: boolean) => void): boolean;
}

export interface Qtest {
  /** The answer to a line, without its end. */
  execute(line: string): string;
}

/** What one command may move. */
const MAX_BYTES = 1 << 28;
const SIZES: Readonly<Record<string, 1 | 2 | 4 | 8>> = { b: 1, w: 2, l: 4, q: 8 };

type Run = (words: readonly string[], target: QtestTarget) => string;

/** A 64-bit number as C's strtoull reads it with base 0. */
function number(text: string | undefined, what: string): bigint {
  if (text === undefined) throw new VmError(`${what} is missing`);
  const digits = /^0[0-7]+$/.test(text) ? `0o${text.slice(1)}` : text;
  if (!/^(0x[0-9a-f]{1,16}|0o[0-7]{1,21}|\d{1,19})$/i.test(digits)) throw new VmError(`invalid ${what} '${text}'`);
  return BigInt(digits);
}
function address(text: string | undefined): number {
  const value = number(text, 'address');
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new VmError(`invalid address '${text}'`);
  return Number(value);
}
function size(text: string | undefined): number {
  const value = number(text, 'size');
  if (value > BigInt(MAX_BYTES)) throw new VmError(`invalid size '${text}'`);
  return Number(value);
}
function noMore(words: readonly string[], count: number): void {
  if (words.length > count) throw new VmError(`unexpected '${words[count]}'`);
}
const hex = (value: bigint | number, digits: number): string => `0x${value.toString(16).padStart(digits, '0')}`;
const hexOfBytes = (bytes: Uint8Array): string =>
  `0x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`;

function bytesOfHex(text: string | undefined, length: number): Uint8Array {
  const digits = /^0x((?:[0-9a-f]{2})*)$/i.exec(text ?? '')?.[1];
  if (digits === undefined) throw new VmError(`invalid data '${text ?? ''}'`);
  // As QEMU: what is missing is 0.
  const bytes = new Uint8Array(length);
  for (let i = 0; i < Math.min(length, digits.length / 2); i++)
    bytes[i] = Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

/** inb, outw, readl, writeq and their kin, from the table of sizes. */
function accesses(): Record<string, Run> {
  const runs: Record<string, Run> = {};
  for (const [letter, bytes] of Object.entries(SIZES)) {
    runs[`read${letter}`] = ([at, ...rest], target) => {
      noMore(rest, 0);
      const data = new Uint8Array(8);
      target.readMemory(address(at), data.subarray(0, bytes));
      return `OK ${hex(new DataView(data.buffer).getBigUint64(0, true), 16)}`;
    };
    runs[`write${letter}`] = ([at, value, ...rest], target) => {
      noMore(rest, 0);
      const data = new Uint8Array(8);
      new DataView(data.buffer).setBigUint64(0, number(value, 'value'), true);
      target.writeMemory(address(at), data.subarray(0, bytes));
      return 'OK';
    };
    if (bytes === 8) continue;
    runs[`in${letter}`] = ([port, ...rest], target) => {
      noMore(rest, 0);
      return `OK ${hex(target.readPort(portOf(port), bytes), 4)}`;
    };
    runs[`out${letter}`] = ([port, value, ...rest], target) => {
      noMore(rest, 0);
      target.writePort(portOf(port), Number(BigInt.asUintN(bytes * 8, number(value, 'value'))), bytes);
      return 'OK';
    };
  }
  return runs;
}
function portOf(text: string | undefined): number {
  const value = address(text);
  if (value > 0xffff) throw new VmError(`invalid port '${text}'`);
  return value;
}

/** Pieces in which memory is read, filled and written. */
const PIECE = 0x10000;
function inPieces(at: number, length: number, move: (at: number, offset: number, length: number) => void): void {
  for (let offset = 0; offset < length; offset += PIECE) move(at + offset, offset, Math.min(PIECE, length - offset));
}

function readAll(target: QtestTarget, at: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  inPieces(at, length, (from, offset, count) => target.readMemory(from, bytes.subarray(offset, offset + count)));
  return bytes;
}
function writeAll(target: QtestTarget, at: number, bytes: Uint8Array): void {
  inPieces(at, bytes.length, (to, offset, count) => target.writeMemory(to, bytes.subarray(offset, offset + count)));
}

const commands: Readonly<Record<string, Run>> = {
  ...accesses(),
  read([at, length, ...rest], target) {
    noMore(rest, 0);
    const count = size(length);
    if (count === 0) throw new VmError('invalid argument size');
    return `OK ${hexOfBytes(readAll(target, address(at), count))}`;
  },
  write([at, length, data, ...rest], target) {
    noMore(rest, 0);
    writeAll(target, address(at), bytesOfHex(data, size(length)));
    return 'OK';
  },
  b64read([at, length, ...rest], target) {
    noMore(rest, 0);
    return `OK ${base64OfBytes(readAll(target, address(at), size(length)))}`;
  },
  b64write([at, length, data, ...rest], target) {
    noMore(rest, 0);
    const count = size(length);
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(data ?? '') || (data ?? '').length % 4 !== 0)
      throw new VmError(`invalid data '${data}'`);
    writeAll(target, address(at), bytesOfBase64(data ?? '').subarray(0, count));
    return 'OK';
  },
  memset([at, length, pattern, ...rest], target) {
    noMore(rest, 0);
    const byte = Number(number(pattern, 'pattern') & 0xffn);
    const piece = new Uint8Array(PIECE).fill(byte);
    inPieces(address(at), size(length), (to, _offset, count) => target.writeMemory(to, piece.subarray(0, count)));
    return 'OK';
  },
  endianness: () => 'OK little',
  clock_step([step, ...rest], target) {
    noMore(rest, 0);
    const { nowNs, nextDeadlineNs } = target;
    const to = step === undefined ? nextDeadlineNs : nowNs + address(step);
    if (Number.isSafeInteger(to)) target.advanceTo(to);
    return `OK ${target.nowNs}`;
  },
  clock_set([time, ...rest], target) {
    noMore(rest, 0);
    target.advanceTo(Math.max(target.nowNs, address(time)));
    return `OK ${target.nowNs}`;
  },
};

/** `onInterrupt` gets the lines that are no answers. */
export function createQtest(target: QtestTarget, onInterrupt: (line: string) => void): Qtest {
  let intercepting: string | undefined;
  function intercept(ends: 'in' | 'out', path: string | undefined): string {
    if (path === undefined) throw new VmError('path is missing');
    if (intercepting !== undefined) {
      if (intercepting !== path) throw new VmError('IRQ intercept already enabled');
      return 'OK';
    }
    const levels = new Map<number, boolean>();
    const changed = (n: number, level: boolean): void => {
      if ((levels.get(n) ?? false) === level) return;
      levels.set(n, level);
      onInterrupt(`IRQ ${level ? 'raise' : 'lower'} ${n}`);
    };
    if (!target.intercept(ends, path, changed)) throw new VmError('Unknown device');
    intercepting = path;
    return 'OK';
  }
  return {
    execute(line) {
      const [name = '', ...words] = line.trim().split(/\s+/);
      try {
        target.settle();
        if (name === 'irq_intercept_in') return intercept('in', words[0]);
        if (name === 'irq_intercept_out') return intercept('out', words[0]);
        const run = Object.hasOwn(commands, name) ? commands[name] : undefined;
        if (run === undefined) return `FAIL Unknown command '${name}'`;
        return run(words, target);
      } catch (error) {
        if (error instanceof VmError) return `FAIL ${name}: ${error.message}`;
        throw error;
      }
    },
  };
}
