/** An assembler for tests, derived from the rows of rv64i.ts: labels, `.dword`, and a few pseudo-instructions. */
import { rv64i } from './rv64i.ts';

const PSEUDO: Readonly<Record<string, (args: string) => string>> = {
  nop: () => 'addi x0, x0, 0',
  mv: (args) => `addi ${args}, 0`,
  li: (args) => `addi ${args.replace(',', ', x0,')}`,
  j: (args) => `jal x0, ${args}`,
  call: (args) => `jal x1, ${args}`,
  ret: () => 'jalr x0, 0(x1)',
};

function encodeLine(text: string, pc: bigint, labels: ReadonlyMap<string, bigint>): number {
  const [, name = '', args = ''] =
    /^(\S+)\s*(.*)$/.exec(PSEUDO[text.split(/\s/)[0] ?? '']?.(text.replace(/^\S+\s*/, '')) ?? text) ?? [];
  const row = rv64i[name];
  if (!row) throw new Error(`no instruction '${name}'`);
  // The row's operand list becomes a regular expression that takes the operands apart.
  const names: string[] = [];
  const source = row.asm
    .replace(/[()]/g, '\\$&')
    .replace(/@?[a-z]\w*/g, (field) => {
      names.push(field);
      return /^r[ds]/.test(field) ? 'x(\\d+)' : field.startsWith('@') ? '(\\w+)' : '(-?\\w+)';
    })
    .replace(/, /g, '\\s*,\\s*');
  const m = new RegExp(`^${source}$`).exec(args.trim());
  if (!m) throw new Error(`${name} takes '${row.asm}', not '${args}'`);
  const operands: Record<string, number> = {};
  names.forEach((field, i) => {
    const token = m[i + 1] as string;
    if (!field.startsWith('@')) operands[field] = Number(token);
    else operands[field.slice(1)] = Number(BigInt.asIntN(64, (labels.get(token) ?? BigInt(token)) - pc));
  });
  return row.encode(operands);
}

/** Machine code of a program that begins at `origin`. A line is `label:`, an instruction, `.dword value` or a `#` comment. */
export function assemble(source: string, origin: bigint): Uint8Array<ArrayBuffer> {
  const lines = source
    .split('\n')
    .map((l) => l.replace(/#.*/, '').trim())
    .filter((l) => l !== '');
  const labels = new Map<string, bigint>();
  let pc = origin;
  for (const line of lines) {
    if (line.endsWith(':')) labels.set(line.slice(0, -1), pc);
    else pc += line.startsWith('.dword') ? 8n : 4n;
  }
  const code = new Uint8Array(Number(pc - origin));
  const view = new DataView(code.buffer);
  let at = 0;
  for (const line of lines) {
    if (line.endsWith(':')) continue;
    if (line.startsWith('.dword')) {
      view.setBigUint64(at, BigInt.asUintN(64, BigInt(line.slice(6).trim())), true);
      at += 8;
    } else {
      view.setUint32(at, encodeLine(line, origin + BigInt(at), labels), true);
      at += 4;
    }
  }
  return code;
}
