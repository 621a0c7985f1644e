/** Our own modules as text, for logs and tools: the sections ModuleBuilder writes, and the instructions of opcodes.ts. */
import { I32, I64, VOID, W } from './opcodes.ts';

/** `i32.load8_u` for the opcode table's `i32Load8U`. */
function textName(key: string): string {
  const snake = key.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);
  return snake.replace(/^(i32|i64|f32|f64|v128|local|global|memory|table)_/, '$1.');
}
const NAMES = new Map<number, string>(Object.entries(W).map(([key, code]) => [code, textName(key)]));
const TYPES = new Map<number, string>([
  [I32, 'i32'],
  [I64, 'i64'],
  [0x7d, 'f32'],
  [0x7c, 'f64'],
  [0x7b, 'v128'],
]);
const typeName = (type: number): string => TYPES.get(type) ?? `type ${type}`;

const FIRST_ACCESS = 0x28;
const LAST_ACCESS = 0x3e;
const F32_CONST = 0x43;
const F64_CONST = 0x44;

class Reader {
  readonly bytes: Uint8Array;
  at: number;
  constructor(bytes: Uint8Array, at: number) {
    this.bytes = bytes;
    this.at = at;
  }
  byte(): number {
    const b = this.bytes[this.at++];
    if (b === undefined) throw new Error('the module ends early');
    return b;
  }
  u(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const b = this.byte();
      value += (b & 127) * 2 ** shift;
      if (b < 128) return value;
    }
  }
  signed(bits: 32 | 64): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const b = this.byte();
      value |= BigInt(b & 127) << shift;
      if (b < 128) return BigInt.asIntN(bits, b & 64 ? value - (1n << (shift + 7n)) : value);
    }
  }
  text(): string {
    const length = this.u();
    return String.fromCharCode(...Array.from({ length }, () => this.byte()));
  }
  list<T>(read: () => T): T[] {
    return Array.from({ length: this.u() }, read);
  }
}

interface Names {
  readonly functions: readonly string[];
  /** What lies at an address of the memory, if anything is worth saying. */
  address(offset: number): string | undefined;
}

/** Immediates of an instruction as text; undefined for an opcode that is not ours. */
function immediates(op: number, r: Reader, names: Names): string | undefined {
  const blockType = (): string => {
    const type = r.byte();
    return type === VOID ? '' : ` (result ${typeName(type)})`;
  };
  switch (op) {
    case W.block:
    case W.loop:
    case W.if:
      return blockType();
    case W.br:
    case W.brIf:
    case W.localGet:
    case W.localSet:
    case W.localTee:
      return ` ${r.u()}`;
    case W.call:
    case W.returnCall: {
      const index = r.u();
      return ` ${names.functions[index] ?? index}`;
    }
    case W.callIndirect:
    case W.returnCallIndirect: {
      const type = r.u();
      const table = r.u();
      return ` (type ${type})${table === 0 ? '' : ` table ${table}`}`;
    }
    case W.brTable:
      return ` ${[...r.list(() => r.u()), r.u()].join(' ')}`;
    case W.i32Const:
      return ` ${r.signed(32)}`;
    case W.i64Const:
      return ` ${r.signed(64)}`;
    case F32_CONST:
    case F64_CONST:
      r.at += op === F32_CONST ? 4 : 8;
      return ' …';
  }
  if (op >= FIRST_ACCESS && op <= LAST_ACCESS) {
    r.u(); // alignment: a hint
    const offset = r.u();
    const what = names.address(offset);
    return `${offset === 0 ? '' : ` offset=0x${offset.toString(16)}`}${what === undefined ? '' : ` ;; ${what}`}`;
  }
  return NAMES.has(op) ? '' : undefined;
}

function functionText(r: Reader, end: number, names: Names): string[] {
  const lines: string[] = [];
  const locals = r.list(() => `${r.u()} ${typeName(r.byte())}`);
  if (locals.length > 0) lines.push(`  (local ${locals.join(', ')})`);
  let depth = 1;
  while (r.at < end) {
    const op = r.byte();
    const operands = immediates(op, r, names);
    if (operands === undefined) {
      const rest = Array.from(r.bytes.subarray(r.at - 1, end), (b) => b.toString(16).padStart(2, '0'));
      lines.push(`${'  '.repeat(depth)};; unknown opcode: ${rest.join(' ')}`);
      r.at = end;
      break;
    }
    if (op === W.end || op === W.else) depth--;
    if (depth === 0) break; // the body's own end
    lines.push(`${'  '.repeat(depth)}${NAMES.get(op)}${operands}`);
    if (op === W.block || op === W.loop || op === W.if || op === W.else) depth++;
  }
  return lines;
}

/** A module as text, one instruction a line. `address` names what lies at constant offsets of memory accesses. */
export function disassembleModule(
  bytes: Uint8Array,
  { address = () => undefined }: { address?: Names['address'] } = {},
): string {
  const r = new Reader(bytes, 8);
  const types: string[] = [];
  const functions: string[] = [];
  const signatures: number[] = [];
  const exported = new Set<number>();
  const lines: string[] = [];
  while (r.at < bytes.length) {
    const id = r.byte();
    const end = r.u() + r.at;
    if (id === 1) {
      types.push(
        ...r.list(() => {
          r.byte();
          const [params, results] = [r.list(() => typeName(r.byte())), r.list(() => typeName(r.byte()))];
          return `(param ${params.join(' ')}) (result ${results.join(' ')})`;
        }),
      );
    } else if (id === 2) {
      for (let left = r.u(); left > 0; left--) {
        r.text();
        const name = r.text();
        const kind = r.byte();
        if (kind === 0) {
          functions.push(name);
          signatures.push(r.u());
        } else {
          if (kind === 1) r.byte();
          const flags = r.byte();
          r.u();
          if (flags & 1) r.u();
        }
      }
    } else if (id === 3) {
      for (const type of r.list(() => r.u())) {
        functions.push(`$${functions.length}`);
        signatures.push(type);
      }
    } else if (id === 7) {
      for (let left = r.u(); left > 0; left--) {
        const name = r.text();
        const kind = r.byte();
        const index = r.u();
        if (kind !== 0) continue;
        functions[index] = name;
        exported.add(index);
      }
    } else if (id === 10) {
      const count = r.u();
      for (let i = functions.length - count; i < functions.length; i++) {
        const bodyEnd = r.u() + r.at;
        const name = functions[i] as string;
        lines.push(`func ${name}${exported.has(i) ? ' export' : ''} ${types[signatures[i] as number]}`);
        lines.push(...functionText(r, bodyEnd, { functions, address }));
        r.at = bodyEnd;
      }
    }
    r.at = end;
  }
  return `${lines.join('\n')}\n`;
}
