/**
 * Runs x87 instructions on real silicon (or under qemu-i386) and in our FPU, from the same states.
 *
 * A case is an FSAVE image, an operand in memory and an instruction; a C program built on the spot reads cases, executes
 * FRSTOR, the instruction and FNSAVE, and writes the images that result.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Bytes of a case: FSAVE image (108), instruction number or resulting EFLAGS (4), memory operand (16). */
export const CASE_BYTES = 128;
const EFLAGS_OFFSET = 108;
const MEMORY_OFFSET = 112;

/** The FPU's exports: i32 as number, i64 as bigint. */
export interface Fpu {
  /** Calls an export by its name. */
  readonly call: (name: string, ...args: (number | bigint)[]) => number | bigint | undefined;
}

export interface Instruction {
  /** AT&T assembly; the memory operand is `(%2)`. */
  readonly asm: string;
  /** The same by our exports; `memory` is the operand. Returns EFLAGS bits for FCOMI. */
  readonly run: (fpu: Fpu, memory: DataView) => number | undefined;
}

export interface Outcome {
  readonly status: number;
  readonly tags: number;
  /** ST0 to ST7, as 'sign-exponent:significand' in hexadecimal. */
  readonly registers: readonly string[];
  readonly memory: string;
  readonly eflags: number;
}

const DIRECTORY = mkdtempSync(join(tmpdir(), 'lockstep-fpu-'));
const here = dirname(fileURLToPath(import.meta.url));

/** Removes the programs that were built; for `afterAll`. */
export function removeOracles(): void {
  rmSync(DIRECTORY, { recursive: true, force: true });
}

/** Says why no native oracle can be had, or nothing. */
export function oracleMissing(): string | undefined {
  const probe = join(DIRECTORY, 'probe.c');
  writeFileSync(probe, 'int main(void) { return 0; }\n');
  const built = spawnSync('gcc', ['-m32', '-static', '-o', join(DIRECTORY, 'probe'), probe]);
  if (built.status !== 0) return 'no gcc that builds 32-bit programs (Debian: gcc, gcc-multilib)';
  if (spawnSync(join(DIRECTORY, 'probe')).status !== 0) return 'this machine does not run i386 programs';
  return undefined;
}

export function qemuMissing(): string | undefined {
  return spawnSync('qemu-i386', ['--version']).status === 0 ? undefined : 'no qemu-i386 (Debian: qemu-user)';
}

/** Builds the program that executes `instructions`; returns its path. */
export function buildOracle(name: string, instructions: readonly Instruction[]): string {
  const cases = instructions.map(
    ({ asm }, i) =>
      `case ${i}: asm volatile("pushl $0x8d7\\n popfl\\n frstor (%0)\\n ${asm.replaceAll('%st', '%%st')}\\n fnsave (%1)\\n" \
"pushfl\\n popl ${EFLAGS_OFFSET}(%1)\\n" :: "r"(in), "r"(out), "r"(out + ${MEMORY_OFFSET}) : "memory", "cc", "eax"); break;`,
  );
  const source = `#include <stdio.h>
#include <string.h>
static unsigned char buffer[${CASE_BYTES} * 512], result[${CASE_BYTES} * 512];
static __attribute__((noinline)) void run(unsigned op, unsigned char *in, unsigned char *out) {
  switch (op) {
    ${cases.join('\n    ')}
  }
}
int main(void) {
  size_t n;
  while ((n = fread(buffer, ${CASE_BYTES}, 512, stdin)) > 0) {
    for (size_t i = 0; i < n; i++) {
      unsigned char *in = buffer + ${CASE_BYTES} * i, *out = result + ${CASE_BYTES} * i;
      memcpy(out, in, ${CASE_BYTES});
      run(*(unsigned *)(in + ${EFLAGS_OFFSET}), in, out);
    }
    fwrite(result, ${CASE_BYTES}, n, stdout);
  }
  return 0;
}
`;
  const file = join(DIRECTORY, `${name}.c`);
  const program = join(DIRECTORY, name);
  writeFileSync(file, source);
  execFileSync('gcc', ['-m32', '-static', '-O1', '-fomit-frame-pointer', '-o', program, file]);
  return program;
}

/** Runs all cases; `emulator` is a program that runs the oracle (qemu-i386), or none for this machine's processor. */
export function runOracle(program: string, cases: Uint8Array, emulator?: string): Uint8Array {
  const [command, args] = emulator === undefined ? [program, []] : [emulator, [program]];
  const done = spawnSync(command, args, { input: cases, maxBuffer: 1 << 30 });
  if (done.status !== 0 || done.stdout.length !== cases.length) {
    throw new Error(`${command} ended with status ${done.status}, signal ${done.signal}: ${done.stderr}`);
  }
  return new Uint8Array(done.stdout);
}

/** Our FPU, compiled for the test, with a memory of its own. */
export function compileFpu(): Fpu {
  const root = join(here, '../../../..');
  const out = join(DIRECTORY, 'fpu.wasm');
  const flags = '--runtime stub --importMemory --sharedMemory --initialMemory 1 --maximumMemory 65536 --noAssert -O3';
  const args = [
    join(here, 'native/fpu/index.ts'),
    '-o',
    out,
    ...flags.split(' '),
    '--enable',
    'threads,simd,bulk-memory',
  ];
  execFileSync(process.execPath, [join(root, 'node_modules/assemblyscript/bin/asc.js'), ...args], { cwd: root });
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true });
  const abort = (): never => {
    throw new Error('BUG: the FPU aborted');
  };
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(out)), { env: { memory, abort } });
  return {
    call: (name, ...args) => {
      const run = exports[name];
      if (typeof run !== 'function') throw new Error(`BUG: the FPU exports no ${name}`);
      return run(...args);
    },
  };
}

export function runOurs(fpu: Fpu, instructions: readonly Instruction[], cases: Uint8Array): Uint8Array {
  const result = cases.slice();
  const view = new DataView(result.buffer);
  for (let at = 0; at < result.length; at += CASE_BYTES) {
    const instruction = instructions[view.getUint32(at + EFLAGS_OFFSET, true)];
    if (instruction === undefined) throw new Error('BUG: a case of no instruction');
    fpu.call('fldcw', view.getUint16(at, true));
    fpu.call('set_status', view.getUint16(at + 4, true));
    fpu.call('set_tag_word', view.getUint16(at + 8, true));
    for (let i = 0; i < 8; i++) {
      const reg = at + 28 + 10 * i;
      fpu.call('set_st', i, view.getBigUint64(reg, true), view.getUint16(reg + 8, true));
    }
    const eflags = instruction.run(fpu, new DataView(result.buffer, at + MEMORY_OFFSET, 16));
    view.setUint32(at + EFLAGS_OFFSET, eflags ?? 0x8d7, true);
    view.setUint16(at, Number(fpu.call('fnstcw')), true);
    view.setUint16(at + 4, Number(fpu.call('fnstsw')), true);
    view.setUint16(at + 8, Number(fpu.call('tag_word')), true);
    for (let i = 0; i < 8; i++) {
      const reg = at + 28 + 10 * i;
      view.setBigUint64(reg, BigInt.asUintN(64, BigInt(fpu.call('st_low', i) ?? 0)), true);
      view.setUint16(reg + 8, Number(fpu.call('st_high', i)), true);
    }
  }
  return result;
}

const hex = (value: number | bigint, digits: number): string => value.toString(16).padStart(digits, '0');

export function outcomeOf(cases: Uint8Array, index: number): Outcome {
  const view = new DataView(cases.buffer, cases.byteOffset + index * CASE_BYTES, CASE_BYTES);
  const registers: string[] = [];
  for (let i = 0; i < 8; i++) {
    const reg = 28 + 10 * i;
    registers.push(`${hex(view.getUint16(reg + 8, true), 4)}:${hex(view.getBigUint64(reg, true), 16)}`);
  }
  return {
    status: view.getUint16(4, true),
    tags: view.getUint16(8, true),
    registers,
    memory: Array.from({ length: 10 }, (_, i) => hex(view.getUint8(MEMORY_OFFSET + 9 - i), 2)).join(''),
    eflags: view.getUint32(EFLAGS_OFFSET, true) & 0x8d5,
  };
}

function isSame(a: Uint8Array, b: Uint8Array, from: number, length: number): boolean {
  for (let i = from; i < from + length; i++) if (a[i] !== b[i]) return false;
  return true;
}

export type Difference = { readonly index: number; readonly text: string };

/** Cases whose outcomes differ, told with the state they began from. `ignoreStatus`: status bits not compared. */
export function differences(
  instructions: readonly Instruction[],
  cases: Uint8Array,
  expected: Uint8Array,
  actual: Uint8Array,
  ignoreStatus: (index: number) => number = () => 0,
): Difference[] {
  const found: Difference[] = [];
  const input = new DataView(cases.buffer, cases.byteOffset);
  for (let index = 0; index * CASE_BYTES < cases.length; index++) {
    const start = index * CASE_BYTES;
    if (isSame(expected, actual, start + 4, 6) && isSame(expected, actual, start + 28, CASE_BYTES - 28)) continue;
    const wanted = outcomeOf(expected, index);
    const got = outcomeOf(actual, index);
    const lines: string[] = [];
    const line = (what: string, a: string, b: string): void => {
      if (a !== b) lines.push(`  ${what}: expected ${a}, got ${b}`);
    };
    const mask = 0xffff & ~ignoreStatus(index);
    line('status', hex(wanted.status & mask, 4), hex(got.status & mask, 4));
    line('tags', hex(wanted.tags, 4), hex(got.tags, 4));
    for (let i = 0; i < 8; i++) line(`st${i}`, wanted.registers[i] ?? '', got.registers[i] ?? '');
    line('memory', wanted.memory, got.memory);
    line('eflags', hex(wanted.eflags, 3), hex(got.eflags, 3));
    if (lines.length === 0) continue;
    const at = start;
    const from = outcomeOf(cases, index);
    const asm = instructions[input.getUint32(at + EFLAGS_OFFSET, true)]?.asm;
    const state = `cw=${hex(input.getUint16(at, true), 4)} sw=${hex(from.status, 4)} tags=${hex(from.tags, 4)}`;
    const operands = `st0=${from.registers[0]} st1=${from.registers[1]} memory=${from.memory}`;
    found.push({ index, text: [`${asm}: ${state} ${operands}`, ...lines].join('\n') });
  }
  return found;
}
