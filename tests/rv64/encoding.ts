/**
 * Instructions as rows. A row's pattern is the manual's own notation, `imm[12|10:5] rs2:5 rs1:5 000 imm[4:1|11]
 * 1100011`; decoder, encoder, assembler and disassembler derive from it, and TypeScript its operands.
 */
type Name<T extends string> = T extends `${infer N}[${string}` ? N : T extends `${infer N}:${string}` ? N : never;
type Names<S extends string> = S extends `${infer T} ${infer R}` ? Name<T> | Names<R> : Name<S>;
export type Operands<S extends string> = { readonly [K in Names<S>]: number };
export type AnyOperands = Readonly<Record<string, number>>;

export interface Insn<B> {
  readonly mask: number;
  readonly match: number;
  /** Operands as assembly writes them: names of fields; `r…` are registers, `@imm` is an address relative to the pc. */
  readonly asm: string;
  decode(word: number): AnyOperands;
  /** Throws a RangeError where an operand does not fit. */
  encode(operands: AnyOperands): number;
  execute(b: B, operands: AnyOperands): void;
}

/** `width` bits of operand `name`, from its bit `lo`, at bit `at` of the instruction. */
interface Piece {
  readonly name: string;
  readonly lo: number;
  readonly width: number;
  readonly at: number;
}

function parsePattern(pattern: string): { mask: number; match: number; pieces: readonly Piece[] } {
  let at = 32;
  let mask = 0;
  let match = 0;
  const pieces: Piece[] = [];
  for (const token of pattern.split(/\s+/)) {
    const field = /^([a-z]\w*)(?:\[(.+)\]|:(\d+))$/.exec(token);
    if (!field) {
      for (const bit of token) {
        at--;
        mask |= 1 << at;
        if (bit === '1') match |= 1 << at;
      }
      continue;
    }
    const name = field[1] as string;
    const ranges = field[3] === undefined ? (field[2] as string).split('|') : [`${Number(field[3]) - 1}:0`];
    for (const range of ranges) {
      const [hi = 0, lo = hi] = range.split(':').map(Number);
      at -= hi - lo + 1;
      pieces.push({ name, lo, width: hi - lo + 1, at });
    }
  }
  if (at !== 0) throw new Error(`BUG: pattern '${pattern}' covers ${32 - at} bits`);
  return { mask, match, pieces };
}

const ones = (width: number): number => 2 ** width - 1;

/** `imm` is sign-extended (Unprivileged ISA 2.2); every other field is not. */
export function insn<B>() {
  return <const S extends string>(pattern: S, asm: string, execute: (b: B, o: Operands<S>) => void): Insn<B> => {
    const { mask, match, pieces } = parsePattern(pattern);
    const names = [...new Set(pieces.map((p) => p.name))];
    const bitsOf = (name: string): number =>
      Math.max(...pieces.filter((p) => p.name === name).map((p) => p.lo + p.width));
    const immBits = names.includes('imm') ? bitsOf('imm') : 0;
    return {
      mask,
      match,
      asm,
      execute: execute as Insn<B>['execute'],
      decode(word) {
        const o: Record<string, number> = {};
        for (const p of pieces) o[p.name] = (o[p.name] ?? 0) | (((word >>> p.at) & ones(p.width)) << p.lo);
        if (immBits > 0) o['imm'] = ((o['imm'] as number) << (32 - immBits)) >> (32 - immBits);
        return o;
      },
      encode(operands) {
        let word = match;
        for (const name of names) {
          const value = operands[name] ?? 0;
          const bits = bitsOf(name);
          const signed = name === 'imm';
          if (value < (signed ? -(2 ** (bits - 1)) : 0) || value > ones(signed ? bits - 1 : bits)) {
            throw new RangeError(`${name} ${value} does not fit ${bits} bits`);
          }
          for (const p of pieces) if (p.name === name) word |= ((value >> p.lo) & ones(p.width)) << p.at;
        }
        for (const name of names) {
          if (this.decode(word)[name] !== (operands[name] ?? 0))
            throw new RangeError(`${name} ${operands[name]} is odd`);
        }
        return word >>> 0;
      },
    };
  };
}
