/** A target's registers in GDB's order, and their description in XML, both from one table. */
import type { CpuView } from '../vm-control.ts';

export interface GdbRegister {
  readonly name: string;
  readonly bits: number;
  /** GDB's type. */
  readonly type: string;
  /** What the monitor calls it, where that is another name. */
  readonly from?: string;
  readonly group?: 'general' | 'float';
}

export interface GdbTarget {
  readonly architecture: string;
  readonly feature: string;
  readonly registers: readonly GdbRegister[];
}

const general = (name: string, type = 'int32', from = name): GdbRegister => ({ name, bits: 32, type, from });
const float = (name: string): GdbRegister => ({ name, bits: 32, type: 'int', group: 'float' });

/** GDB's feature org.gnu.gdb.i386.core prescribes names and order. */
export const GDB_I386: GdbTarget = {
  architecture: 'i386',
  feature: 'org.gnu.gdb.i386.core',
  registers: [
    ...['eax', 'ecx', 'edx', 'ebx'].map((name) => general(name)),
    ...['esp', 'ebp'].map((name) => general(name, 'data_ptr')),
    ...['esi', 'edi'].map((name) => general(name)),
    general('eip', 'code_ptr'),
    general('eflags', 'i386_eflags'),
    ...['cs', 'ss', 'ds', 'es', 'fs', 'gs'].map((name) => general(name)),
    ...[0, 1, 2, 3, 4, 5, 6, 7].map((i): GdbRegister => ({ name: `st${i}`, bits: 80, type: 'i387_ext' })),
    ...['fctrl', 'fstat', 'ftag', 'fiseg', 'fioff', 'foseg', 'fooff', 'fop'].map(float),
  ],
};

/** EFLAGS bit by bit, so that GDB prints names. */
const EFLAGS = [
  ['', 22, 31],
  ['ID', 21, 21],
  ['VIP', 20, 20],
  ['VIF', 19, 19],
  ['AC', 18, 18],
  ['VM', 17, 17],
  ['RF', 16, 16],
  ['', 15, 15],
  ['NT', 14, 14],
  ['IOPL', 12, 13],
  ['OF', 11, 11],
  ['DF', 10, 10],
  ['IF', 9, 9],
  ['TF', 8, 8],
  ['SF', 7, 7],
  ['ZF', 6, 6],
  ['AF', 4, 4],
  ['PF', 2, 2],
  ['CF', 0, 0],
] as const;

export function targetXml({ architecture, feature, registers }: GdbTarget): string {
  const flags = [...EFLAGS]
    .reverse()
    .filter(([name]) => name !== '')
    .map(([name, first, last]) => `<field name="${name}" start="${first}" end="${last}"/>`);
  const lines = registers.map(
    ({ name, bits, type, group }) =>
      `<reg name="${name}" bitsize="${bits}" type="${type}"${group === undefined ? '' : ` group="${group}"`}/>`,
  );
  return [
    '<?xml version="1.0"?>',
    '<!DOCTYPE target SYSTEM "gdb-target.dtd">',
    '<target version="1.0">',
    `<architecture>${architecture}</architecture>`,
    `<feature name="${feature}">`,
    `<flags id="i386_eflags" size="4">${flags.join('')}</flags>`,
    ...lines,
    '</feature>',
    '</target>',
  ].join('\n');
}

const bytesOf = ({ bits }: GdbRegister): number => bits / 8;

/** Little-endian; a register that the processor has not reads as zeros. */
export function readRegister(cpu: CpuView, register: GdbRegister): Uint8Array {
  let value = cpu.register(register.from ?? register.name) ?? 0n;
  return Uint8Array.from({ length: bytesOf(register) }, () => {
    const byte = Number(value & 0xffn);
    value >>= 8n;
    return byte;
  });
}

/** False if the register can't be changed, or the size is wrong. */
export function writeRegister(cpu: CpuView, register: GdbRegister, bytes: Uint8Array): boolean {
  if (bytes.length !== bytesOf(register)) return false;
  const value = bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  const name = register.from ?? register.name;
  return cpu.register(name) === value || cpu.writeRegister(name, value);
}
