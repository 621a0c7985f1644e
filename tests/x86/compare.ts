/** Finds and describes where results differ: the code, the state it started in, what both made of it. */
import { createX86FrontEnd } from '../../src/cpu/isa/x86/front-end.ts';
import { M_CS32, M_SS32 } from '../../src/cpu/isa/x86/mode.ts';
import type { Input, Instance } from './instance.ts';
import { FPU_BYTES, RESULT_WORDS, WINDOW, WINDOW_BYTES } from './layout.ts';

const REGISTERS = ['edi', 'esi', 'ebp', '(esp)', 'ebx', 'edx', 'ecx', 'eax'] as const;
const OUTER = ['vector', 'error', 'eip', 'cs', 'eflags', 'esp', 'ss'] as const;
const SELECTORS = ['gs', 'fs', 'es', 'ds'] as const;
const VM_SELECTORS = ['vm es', 'vm ds', 'vm fs', 'vm gs'] as const;
const WORDS: readonly string[] = [...REGISTERS, ...SELECTORS, ...OUTER, ...VM_SELECTORS, 'cr2', 'dr6'];
/** PUSHA's image of the handler's own ESP says nothing. */
const IGNORED = new Set([REGISTERS.indexOf('(esp)')]);
/** A word of a result by its name. */
export const wordOf = (result: ResultView, name: string): number => result.words[WORDS.indexOf(name)] as number;

/** A difference that is known, with the reason. */
export interface KnownDifference {
  /** Of which forms (their text); all if absent. */
  readonly forms?: RegExp;
  /** Bits of a word of the result. Without it: the whole result, and `when` says in which cases. */
  readonly word?: string;
  readonly mask?: number;
  /** Bytes of the x87 image, or of the window, by a mask of what is not compared. */
  readonly bytes?: (instance: Instance, input: Input, want: ResultView, got: ResultView) => void;
  readonly when?: (instance: Instance, input: Input, want: ResultView, got: ResultView) => boolean;
  readonly why: string;
}

const hex = (n: number, digits = 8): string => (n >>> 0).toString(16).padStart(digits, '0');
const FLAG_NAMES = 'CF,,PF,,AF,,ZF,SF,TF,IF,DF,OF,,,NT,,RF,VM,AC,,,ID'.split(',');
const flagText = (eflags: number): string =>
  `${hex(eflags)} (${FLAG_NAMES.filter((name, i) => name !== '' && (eflags >>> i) & 1).join(' ')})`;

const frontEnd = createX86FrontEnd();
function disassemble(instance: Instance): string {
  const { bytes, mode } = instance;
  const bits = (mode.code32 ? M_CS32 : 0) | (mode.stack32 ? M_SS32 : 0);
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const { text, length } = frontEnd.disassemble(at, 0, bits, (pc) => bytes[pc] ?? 0xcc);
    lines.push(
      `${bytes
        .slice(at, at + length)
        .map((b) => hex(b, 2))
        .join(' ')}  ${text}`,
    );
    at += Math.max(length, 1);
  }
  return lines.join('; ');
}
function stateText(instance: Instance, input: Input): string {
  const names = [
    'gs',
    'fs',
    'es',
    'ds',
    'edi',
    'esi',
    'ebp',
    '',
    'ebx',
    'edx',
    'ecx',
    'eax',
    'eip',
    'cs',
    'eflags',
    'esp',
    'ss',
  ];
  const registers = names.map((name, i) =>
    name === '' ? '' : `${name}=${name === 'eflags' ? flagText(input.frame[i] ?? 0) : hex(input.frame[i] ?? 0)}`,
  );
  const fpu = input.fpu ? ` x87 ${Buffer.from(input.fpu).toString('hex')}` : '';
  return `${instance.mode.name}, ${registers.filter((r) => r !== '').join(' ')}${fpu}`;
}

export interface ResultView {
  readonly words: Uint32Array;
  readonly fpu: Uint8Array;
  readonly window: Uint8Array;
}
/** The results of all inputs, in order. */
export function* resultsOf(
  instances: readonly Instance[],
  bytes: Uint8Array,
): Generator<readonly [Instance, Input, ResultView]> {
  let at = 0;
  const take = (n: number): Uint8Array => bytes.slice(at, (at += n));
  for (const instance of instances) {
    for (const input of instance.inputs) {
      const words = new Uint32Array(take(4 * RESULT_WORDS).buffer);
      const fpu = take(instance.x87 ? FPU_BYTES : 0);
      yield [instance, input, { words, fpu, window: take(WINDOW_BYTES) }];
    }
  }
}

function differences(
  instance: Instance,
  input: Input,
  want: ResultView,
  got: ResultView,
  known: readonly KnownDifference[],
): string[] {
  const found: string[] = [];
  const applying = known.filter(
    ({ forms, when }) =>
      (forms === undefined || instance.forms.some((f) => forms.test(f))) &&
      (when?.(instance, input, want, got) ?? true),
  );
  if (applying.some(({ word, bytes }) => word === undefined && bytes === undefined)) return [];
  for (const { bytes } of applying) bytes?.(instance, input, want, got);
  want.words.forEach((value, i) => {
    if (IGNORED.has(i)) return;
    const name = WORDS[i] as string;
    const mask = applying.reduce((bits, k) => (k.word === name ? bits & ~(k.mask ?? -1) : bits), -1);
    const other = got.words[i] as number;
    if (((value ^ other) & mask) === 0) return;
    const text = name === 'eflags' ? flagText : hex;
    found.push(`${name} is ${text(other)}, in QEMU ${text(value)}`);
  });
  const compareBytes = (name: string, base: number, before: Uint8Array, a: Uint8Array, b: Uint8Array): void => {
    const n = a.findIndex((byte, i) => byte !== b[i]);
    if (n < 0) return;
    const show = (x: Uint8Array): string => Buffer.from(x.subarray(n, n + 10)).toString('hex');
    found.push(`${name} ${hex(base + n)}: ${show(b)}, in QEMU ${show(a)} (before: ${show(before)})`);
  };
  compareBytes('memory', WINDOW, input.window, want.window, got.window);
  compareBytes('x87 image', 0, input.fpu ?? want.fpu, want.fpu, got.fpu);
  return found;
}

/** Every difference, in words; nothing if the results agree. */
export function mismatches(
  instances: readonly Instance[],
  theirs: Uint8Array,
  ours: Uint8Array,
  known: readonly KnownDifference[],
): string[] {
  const found: string[] = [];
  if (Buffer.compare(theirs, ours) === 0) return found;
  const got = resultsOf(instances, ours);
  for (const [instance, input, want] of resultsOf(instances, theirs)) {
    const [, , result] = got.next().value as readonly [Instance, Input, ResultView];
    const problems = differences(instance, input, want, result, known);
    if (problems.length === 0) continue;
    found.push(
      `${instance.forms.join('; ')}: ${disassemble(instance)}\n  ${problems.join('\n  ')}\n  from ${stateText(instance, input)}`,
    );
  }
  return found;
}
