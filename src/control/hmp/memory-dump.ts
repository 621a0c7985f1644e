/** The tables that `x` and `xp` print. */
import type { CpuView, VmControl } from '../vm-control.ts';
import { type Format, formatItem } from './format.ts';

/** Bytes of one instruction that stand on a line. */
const BYTES_PER_LINE = 8;
/** More would only freeze the monitor. */
const MAX_BYTES = 1 << 20;

export function dumpMemory(vm: VmControl, cpu: CpuView, address: bigint, physical: boolean, format: Format): string {
  if (format.notation === 'i') return dumpInstructions(cpu, address, physical, Math.min(format.count, MAX_BYTES));
  // QEMU takes the length from the size letter, and then prints bytes.
  const item: Format = format.notation === 'c' ? { ...format, size: 1 } : format;
  const digits = physical ? 16 : cpu.addressDigits;
  const lineBytes = format.size === 1 ? 8 : 16;
  const total = Math.min(format.count * format.size, MAX_BYTES);
  let text = '';
  for (let done = 0; done < total; done += lineBytes) {
    const at = BigInt.asUintN(digits * 4, address + BigInt(done));
    const bytes = new Uint8Array(Math.min(lineBytes, total - done));
    const readable = physical ? vm.readPhysical(at, bytes) : cpu.readVirtual(at, bytes);
    text += `${at.toString(16).padStart(digits, '0')}:`;
    if (!readable) return `${text} Cannot access memory\n`;
    for (let i = 0; i < bytes.length; i += item.size) text += ` ${formatItem(littleEndian(bytes, i, item.size), item)}`;
    text += '\n';
  }
  return text;
}

function littleEndian(bytes: Uint8Array, at: number, size: number): bigint {
  let value = 0n;
  for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[at + i] ?? 0);
  return value;
}

function dumpInstructions(cpu: CpuView, start: bigint, physical: boolean, count: number): string {
  let text = '';
  let at = BigInt.asUintN(cpu.addressDigits * 4, start);
  for (let i = 0; i < count; i++) {
    const instruction = cpu.disassemble(at, physical);
    if (instruction === undefined) return `${text}${addressText(at)}: unable to read memory\n`;
    text += instructionLines(at, instruction.bytes, instruction.text);
    at = BigInt.asUintN(cpu.addressDigits * 4, at + BigInt(instruction.bytes.length));
  }
  return text;
}

/** An instruction with its bytes, as `x/i` and `-d in_asm` print it. */
export function instructionLines(address: bigint, bytes: Uint8Array, text: string): string {
  const [, mnemonic = '', operands = ''] = /^(\S*)\s*(.*)$/.exec(text) ?? [];
  const hex = Array.from(bytes, (byte) => ` ${byte.toString(16).padStart(2, '0')}`);
  const first = hex
    .slice(0, BYTES_PER_LINE)
    .join('')
    .padEnd(BYTES_PER_LINE * 3);
  let lines = `${addressText(address)}: ${first}  ${`${mnemonic.padEnd(8)} ${operands}`.trimEnd()}\n`;
  for (let i = BYTES_PER_LINE; i < bytes.length; i += BYTES_PER_LINE) {
    lines += `${addressText(address + BigInt(i))}: ${hex.slice(i, i + BYTES_PER_LINE).join('')}\n`;
  }
  return lines;
}

const addressText = (address: bigint): string => `0x${address.toString(16).padStart(8, '0')}`;
