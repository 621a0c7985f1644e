/**
 * Filetests: text files of IR with initial and expected state that every engine must agree on. A file is
 *
 *     target test64                          which test target, from here on; test32 at the start
 *     test shl takes its count modulo 32     a case: its ops follow, as print.ts writes them
 *       r0 = shl r1, r2
 *     run r1=1 r2=33 => r0=2                 any number of runs: initial state => what changes
 *
 * Without `block` and `----` lines the ops are one instruction of 4 bytes at 0x1000; without an end they go on at
 * 0x1004. State is `slot=value`, `@address=value` (control word or CPU field of 32 bits) and `[address]=bytes` (in
 * hexadecimal; maps the page). Slots that are not named hold patterns, and everything that is not named after `=>` must
 * be as it was. How the block ended comes last, after `->`: an address; `leave address code arg`; `interrupt address`;
 * `fault address code error`, for a page fault with the address that faulted. Without `->`: at 0x1004.
 */
import { VmError } from '../../../util/errors.ts';
import type { IrBlock } from '../block.ts';
import { parseBlock } from '../parse.ts';
import { printBlock } from '../print.ts';
import type { IrTarget } from '../target.ts';
import { type FiletestEngine, type GuestState, type Outcome, PAGE_FAULT, PAGE_SIZE } from './engine.ts';
import { TEST32, TEST64 } from './test-target.ts';

export interface FiletestRun {
  readonly line: number;
  readonly initial: GuestState;
  readonly expected: GuestState;
  readonly outcome: Outcome;
}
export interface Filetest {
  readonly title: string;
  readonly target: typeof TEST32;
  readonly block: IrBlock;
  readonly runs: readonly FiletestRun[];
}

const TARGETS: Readonly<Record<string, typeof TEST32>> = { test32: TEST32, test64: TEST64 };
const HEADER = 'block 0x1000 mode 0 context 0 bytes 4\n---- 0x1000\n';
const NEXT = 0x1004n;

/** A pattern that tells slots, and halves of them, apart. */
const pattern = (i: number, target: IrTarget): bigint =>
  target.slots[i]?.ty === 'i64' ? 0xf00d_0000_beef_0000n + 0x1_0000_0001n * BigInt(i) : 0x5a5a_0000n + BigInt(i);

export function initialState(target: IrTarget): GuestState {
  return { slots: target.slots.map((_, i) => pattern(i, target)), words: new Map(), memory: new Map() };
}
export function copyState(state: GuestState): GuestState {
  return {
    slots: [...state.slots],
    words: new Map(state.words),
    memory: new Map(Array.from(state.memory, ([address, bytes]) => [address, bytes.slice()])),
  };
}

class FileParser {
  readonly #tests: Filetest[] = [];
  #line = 0;
  #target = TEST32;

  #fail(why: string): never {
    throw new VmError(`filetest line ${this.#line}: ${why}`);
  }
  #integer(text: string, bits: number): bigint {
    if (!/^-?(0x[\da-f]+|\d+)$/i.test(text)) this.#fail(`'${text}' is not a number`);
    const value = text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text);
    if (value < -(1n << BigInt(bits - 1)) || value >= 1n << BigInt(bits)) this.#fail(`'${text}' exceeds ${bits} bits`);
    return BigInt.asUintN(bits, value);
  }
  #address(text: string | undefined): bigint {
    return this.#integer(text ?? '', this.#target.va === 'i32' ? 32 : 64);
  }
  /** Put `name=value` into a state. */
  #assign(state: GuestState, text: string): void {
    const [name = '', value = ''] = text.split('=');
    if (name.startsWith('@')) {
      state.words.set(Number(this.#integer(name.slice(1), 32)), Number(this.#integer(value, 32)));
      return;
    }
    if (name.startsWith('[')) {
      const at = this.#address(name.slice(1, -1));
      for (let i = 0; i < value.length; i += 2) {
        const address = BigInt.asUintN(this.#target.va === 'i32' ? 32 : 64, at + BigInt(i / 2));
        const page = address & ~BigInt(PAGE_SIZE - 1);
        const bytes = state.memory.get(page) ?? new Uint8Array(PAGE_SIZE);
        bytes[Number(address - page)] = Number(this.#integer(`0x${value.slice(i, i + 2)}`, 8));
        state.memory.set(page, bytes);
      }
      return;
    }
    const slot = this.#target.slots.findIndex((s) => s.name === name);
    const ty = this.#target.slots[slot]?.ty;
    if (ty === undefined) this.#fail(`no slot '${name}'`);
    state.slots[slot] = this.#integer(value, ty === 'i32' ? 32 : 64);
  }
  #outcome(words: readonly string[], block: IrBlock): Outcome {
    const insns = block.insns;
    const number = (i: number): number => Number(BigInt.asIntN(32, this.#integer(words[i] ?? '', 32)));
    const kind = words[0];
    if (kind === undefined) return { kind: 'continue', pc: NEXT, insns };
    if (kind === 'interrupt') return { kind, pc: this.#address(words[1]), insns };
    if (kind === 'leave') return { kind, pc: this.#address(words[1]), insns, code: number(2), arg: number(3) };
    if (kind !== 'fault') return { kind: 'continue', pc: this.#address(kind), insns };
    const pc = this.#address(words[1]);
    const start = (BigInt(block.pcHi >>> 0) << 32n) | BigInt(block.pcLo >>> 0);
    const insn = block.insnOffset.subarray(0, insns).indexOf(Number(pc - start));
    if (insn < 0) this.#fail(`no instruction at ${words[1]}`);
    const code = number(2);
    const address = code === PAGE_FAULT ? { address: this.#address(words[4]) } : {};
    return { kind, pc, insns: insn, code, arg: number(3), ...address };
  }
  #run(text: string, block: IrBlock): FiletestRun {
    const parts = /^run\b(.*?)=>(.*?)(?:->(.*))?$/.exec(text);
    if (!parts) this.#fail('expected `run … => …`');
    const words = (part: string | undefined): string[] => (part ?? '').split(/\s+/).filter((w) => w !== '');
    const initial = initialState(this.#target);
    for (const word of words(parts[1])) this.#assign(initial, word);
    const expected = copyState(initial);
    for (const word of words(parts[2])) this.#assign(expected, word);
    // Words that are only expected start at zero; pages that are only expected do not exist.
    for (const address of expected.words.keys()) if (!initial.words.has(address)) initial.words.set(address, 0);
    for (const page of expected.memory.keys())
      if (!initial.memory.has(page)) this.#fail(`nothing maps 0x${page.toString(16)}`);
    return { line: this.#line, initial, expected, outcome: this.#outcome(words(parts[3]), block) };
  }
  #block(ops: readonly string[], firstLine: number): IrBlock {
    const text = ops.join('\n');
    if (/^block/m.test(text)) return parseBlock(this.#target, text, undefined, firstLine);
    const block = parseBlock(this.#target, HEADER + text, undefined, firstLine - 2);
    if (!block.ended) block.goto(Number(NEXT) - block.pcLo);
    return block;
  }
  parse(text: string): readonly Filetest[] {
    let title = '';
    let ops: string[] = [];
    let first = 1;
    let current: { block: IrBlock; runs: FiletestRun[] } | undefined;
    for (const content of text.split('\n')) {
      this.#line++;
      const line = content.replace(/;.*/, '').trim();
      if (line.startsWith('target ')) {
        this.#target = TARGETS[line.slice(7).trim()] ?? this.#fail(`no target '${line.slice(7)}'`);
      } else if (line.startsWith('test ')) {
        title = line.slice(5);
        ops = [];
        first = this.#line + 1;
        current = undefined;
      } else if (line.startsWith('run')) {
        if (!current) {
          current = { block: this.#block(ops, first), runs: [] };
          this.#tests.push({ title, target: this.#target, ...current });
        }
        current.runs.push(this.#run(line, current.block));
      } else if (current && line !== '') this.#fail("ops after 'run': a new 'test' is missing");
      else ops.push(content);
    }
    return this.#tests;
  }
}

/** Read a filetest; a VmError names the line that is wrong. */
export function parseFiletest(text: string): readonly Filetest[] {
  return new FileParser().parse(text);
}

const shown = (state: GuestState, target: IrTarget): Record<string, string> => ({
  ...Object.fromEntries(target.slots.map((s, i) => [s.name, `0x${(state.slots[i] ?? 0n).toString(16)}`])),
  ...Object.fromEntries(Array.from(state.words, ([a, v]) => [`@0x${a.toString(16)}`, `0x${(v >>> 0).toString(16)}`])),
});

/** What differs between two states, in words; nothing when they are equal. */
export function differences(target: IrTarget, expected: GuestState, got: GuestState): string[] {
  const want = shown(expected, target);
  const have = shown(got, target);
  const found = Object.keys(want).flatMap((k) => (want[k] === have[k] ? [] : [`${k} is ${have[k]}, not ${want[k]}`]));
  for (const [page, bytes] of expected.memory) {
    const other = got.memory.get(page);
    const at = bytes.findIndex((byte, i) => other?.[i] !== byte);
    if (at >= 0) {
      found.push(
        `byte 0x${(page + BigInt(at)).toString(16)} is ${other?.[at]?.toString(16)}, not ${bytes[at]?.toString(16)}`,
      );
    }
  }
  return found;
}

const describeOutcome = (o: Outcome): string =>
  [
    `${o.kind} 0x${o.pc.toString(16)} after ${o.insns}`,
    ...(o.code === undefined ? [] : [`code ${o.code}`]),
    ...(o.arg === undefined ? [] : [`arg ${o.arg}`]),
    ...(o.address === undefined ? [] : [`address 0x${o.address.toString(16)}`]),
  ].join(' ');

/** Differences between two outcomes, in words. */
export const outcomeDifferences = (expected: Outcome, got: Outcome): string[] =>
  describeOutcome(expected) === describeOutcome(got)
    ? []
    : [`ended with ${describeOutcome(got)}, not ${describeOutcome(expected)}`];

/** Run all of a case's runs; returns what went wrong, with the block, or nothing. */
export function runFiletest(test: Filetest, engine: FiletestEngine): string[] {
  return test.runs.flatMap((run) => {
    const state = copyState(run.initial);
    const outcome = engine.run(test.target, test.block, state);
    const wrong = [...outcomeDifferences(run.outcome, outcome), ...differences(test.target, run.expected, state)];
    if (wrong.length === 0) return [];
    return [`${engine.name}, line ${run.line}: ${wrong.join('; ')}\n${printBlock(test.target, test.block)}`];
  });
}
