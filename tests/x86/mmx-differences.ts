/** What MMX does to the x87 state, where QEMU 7.2's TCG leaves it out: QEMU's results as the manual has them. */
import { type KnownDifference, type ResultView, wordOf } from './compare.ts';
import type { Input, Instance } from './instance.ts';

const DB = 1;
const BP = 3;
const PF = 14;
/** Names of all forms but EMMS. */
const MMX = /^(mov[dq]|p(add|sub|mul|madd|cmp|ack|unpck|and|or|xor|s[lr]l|sra)\w*) \(0F /;

// In the image of FNSAVE.
const STATUS = 4;
const TAGS = 8;
const REGISTERS = 28;
const tagOf = (fpu: Uint8Array, i: number): number =>
  (((fpu[TAGS + (i >> 2)] as number) >> (2 * (i & 3))) & 3) as number;

/** Physical register that an instruction writes, or -1. */
function destination({ bytes }: Instance): number {
  const at = bytes.indexOf(0x0f);
  const opcode = bytes[at + 1] as number;
  const modrm = bytes[at + 2] as number;
  if (opcode === 0x7e || (opcode === 0x7f && modrm < 0xc0)) return -1;
  return opcode === 0x7f || (opcode >= 0x71 && opcode <= 0x73) ? modrm & 7 : (modrm >> 3) & 7;
}
const hasCompleted = (result: ResultView): boolean => [DB, BP].includes(wordOf(result, 'vector'));

/** Bits 64 to 79 become ones, which FNSAVE's tag word shows as special. */
function writeOnes(instance: Instance, fpu: Uint8Array): void {
  const i = destination(instance);
  if (i < 0) return;
  fpu.fill(0xff, REGISTERS + 10 * i + 8, REGISTERS + 10 * i + 10); // TOP is 0
  fpu[TAGS + (i >> 2)] = ((fpu[TAGS + (i >> 2)] as number) & ~(3 << (2 * (i & 3)))) | (2 << (2 * (i & 3)));
}
/** TOP becomes 0, so that the image begins with another register. */
function clearTop(fpu: Uint8Array): void {
  const top = ((fpu[STATUS + 1] as number) >> 3) & 7;
  const before = fpu.slice();
  for (let i = 0; i < 8; i++) {
    fpu.set(before.subarray(REGISTERS + 10 * i, REGISTERS + 10 * (i + 1)), REGISTERS + 10 * ((i + top) & 7));
  }
  fpu[STATUS + 1] = (fpu[STATUS + 1] as number) & ~0x38;
}
/** The image shows the state of before, but for the tag word, which is made anew from what is not empty. */
function isUntouched(before: Uint8Array, after: Uint8Array): boolean {
  const same = (from: number, to: number): boolean =>
    Buffer.compare(before.subarray(from, to), after.subarray(from, to)) === 0;
  const sameTag = (i: number): boolean => (tagOf(before, i) === 3) === (tagOf(after, i) === 3);
  return same(STATUS, STATUS + 2) && same(REGISTERS, before.length) && [0, 1, 2, 3, 4, 5, 6, 7].every(sameTag);
}

export const MMX_DIFFERENCES: readonly KnownDifference[] = [
  {
    forms: MMX,
    when: (_instance, _input, want) => hasCompleted(want),
    bytes: (instance, _input, want) => writeOnes(instance, want.fpu),
    why: 'TCG leaves sign and exponent of a register that MMX writes; processors set them to ones (SDM volume 3, table 12-1)',
  },
  {
    forms: MMX,
    when: (_instance, { fpu }: Input, want, got) =>
      wordOf(want, 'vector') === PF && fpu !== undefined && isUntouched(fpu, got.fpu),
    bytes: (_instance, _input, want, got) => want.fpu.set(got.fpu),
    why: 'TCG sets TOP and tags before it reads or writes memory, even if that faults',
  },
  {
    forms: /^emms /,
    when: (_instance, _input, want) => hasCompleted(want),
    bytes: (_instance, _input, want) => clearTop(want.fpu),
    why: 'TCG leaves TOP; EMMS makes it 0 (SDM volume 3, table 12-1)',
  },
];
