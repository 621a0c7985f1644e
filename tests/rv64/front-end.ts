/** RV64I as a target of the engine: proof that engine and IR are ready for 64-bit guests. Not shipped. */
import type { IrBlock } from '../../src/cpu/ir/block.ts';
import type { FetchByte, FrontEnd } from '../../src/cpu/isa/front-end.ts';
import { ILLEGAL_INSTRUCTION, Rv64Emitter } from './emitter.ts';
import type { AnyOperands, Insn } from './encoding.ts';
import { rv64i } from './rv64i.ts';

interface NamedInsn {
  readonly name: string;
  readonly insn: Insn<Rv64Emitter>;
}
/** Rows by their low seven bits, the major opcode. */
const byOpcode: readonly NamedInsn[][] = Array.from({ length: 128 }, () => []);
for (const [name, insn] of Object.entries(rv64i)) byOpcode[insn.match & 0x7f]?.push({ name, insn });

/** The row that an instruction word matches. */
export function find(word: number): NamedInsn | undefined {
  return byOpcode[word & 0x7f]?.find(({ insn }) => (word & insn.mask) === insn.match);
}

/** An operand list of a row, as assembly. */
export function operandText(asm: string, operands: AnyOperands, pc: bigint): string {
  return asm.replace(/(@?)([a-z]\w*)/g, (_, relative: string, name: string) => {
    const value = operands[name] ?? 0;
    if (relative === '@') return `0x${BigInt.asUintN(64, pc + BigInt(value)).toString(16)}`;
    return /^r[ds]/.test(name) ? `x${value}` : String(value);
  });
}

const PAGE_MASK = ~0xfff;

/** The 32 bits at an address, low byte first; -1 if a byte of them can't be fetched, 2^32 or more never. */
function fetchWord(fetch: FetchByte, pcLo: number, pcHi: number): number {
  let word = 0;
  for (let i = 0; i < 4; i++) {
    // Instructions are aligned to 4 bytes, so that there is no carry into the high half.
    const byte = fetch((pcLo + i) | 0, pcHi);
    if (byte < 0) return -1;
    word += byte * 2 ** (8 * i);
  }
  return word;
}

export function createRv64(): FrontEnd {
  return {
    name: 'rv64',
    va: 'i64',
    slots: Array.from({ length: 32 }, (_, i) => ({ name: `x${i}`, ty: 'i64' as const })),
    helpers: [],
    ccSlot: -1,
    stackSlots: [2],
    translate(block: IrBlock, fetch: FetchByte, maxInsns: number): void {
      const emitter = new Rv64Emitter(block);
      for (let offset = 0; ; offset += 4) {
        const pcLo = (block.pcLo + offset) | 0;
        const pageEnd = ((pcLo ^ block.pcLo) & PAGE_MASK) !== 0;
        const full = pageEnd || block.insns >= maxInsns || !block.roomy;
        const word = full ? -1 : fetchWord(fetch, pcLo, block.pcHi);
        if (word < 0) {
          if (block.insns > 0) block.goto(offset);
          return;
        }
        block.beginInsn(offset);
        block.bytes = offset + 4;
        emitter.offset = offset;
        const row = find(word | 0);
        if (row) row.insn.execute(emitter, row.insn.decode(word | 0));
        else block.raise(ILLEGAL_INSTRUCTION, word | 0);
        if (block.ended) return;
      }
    },
    disassemble(pcLo, pcHi, _mode, fetch) {
      const word = fetchWord(fetch, pcLo, pcHi);
      const row = word < 0 ? undefined : find(word | 0);
      const pc = (BigInt(pcHi) << 32n) | BigInt(pcLo >>> 0);
      if (!row) return { text: `.word 0x${Math.max(word, 0).toString(16)}`, length: 4 };
      return { text: `${row.name} ${operandText(row.insn.asm, row.insn.decode(word | 0), pc)}`.trim(), length: 4 };
    },
  };
}
