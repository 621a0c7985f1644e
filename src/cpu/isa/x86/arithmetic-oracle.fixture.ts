/** This machine's own processor as the judge of arithmetic instructions: a C program built on the spot, fed with cases. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** EAX = `a` and ECX = `b` before, EDX = `d`, EFLAGS' arithmetic flags = `flags`. */
export interface Case {
  readonly a: number;
  readonly b: number;
  readonly d: number;
  readonly flags: number;
}
/** EAX, EDX and the arithmetic flags afterwards. */
export interface Outcome {
  readonly a: number;
  readonly d: number;
  readonly flags: number;
}

const directory = mkdtempSync(join(tmpdir(), 'lockstep-arithmetic-'));

export function oracleMissing(): string | undefined {
  const source = join(directory, 'probe.c');
  writeFileSync(source, 'int main(void) { return 0; }\n');
  const built = spawnSync('gcc', ['-m32', '-static', '-o', join(directory, 'probe'), source]);
  if (built.status !== 0) return 'no gcc that builds 32-bit programs (Debian: gcc, gcc-multilib)';
  return spawnSync(join(directory, 'probe')).status === 0 ? undefined : 'this machine does not run i386 programs';
}

/** Runs each instruction (AT&T syntax, operands in EAX, ECX, EDX) on its cases. */
export function runOnHost(programs: readonly { readonly asm: string; readonly cases: readonly Case[] }[]): Outcome[][] {
  const bodies = programs.map(
    ({ asm }, i) => `case ${i}: __asm__ volatile("pushl %3; popfl; ${asm}; pushfl; popl %2"
      : "+a"(c[0]), "+d"(c[2]), "=r"(f) : "r"(c[3] | 2), "c"(c[1]) : "cc", "memory"); break;`,
  );
  const source = join(directory, 'oracle.c');
  writeFileSync(
    source,
    `#include <stdio.h>
    int main(void) { unsigned n, c[4], f; for (unsigned op = 0; fread(&n, 4, 1, stdin) == 1; op++) while (n--) {
      if (fread(c, 16, 1, stdin) != 1) return 1;
      switch (op) { ${bodies.join('\n')} }
      unsigned out[3] = { c[0], c[2], f & 0x8d5 }; fwrite(out, 12, 1, stdout); } return 0; }\n`,
  );
  const program = join(directory, 'oracle');
  const built = spawnSync('gcc', ['-m32', '-O1', '-static', '-o', program, source]);
  if (built.status !== 0) throw new Error(built.stderr.toString());
  const total = programs.reduce((sum, { cases }) => sum + cases.length, 0);
  const input = new Uint32Array(programs.length + 4 * total);
  let at = 0;
  for (const { cases } of programs) {
    input[at++] = cases.length;
    for (const { a, b, d, flags } of cases) {
      input.set([a, b, d, flags], at);
      at += 4;
    }
  }
  const run = spawnSync(program, { input: new Uint8Array(input.buffer), maxBuffer: 1 << 28 });
  if (run.status !== 0) throw new Error(`oracle: status ${run.status}`);
  const output = new Uint32Array(run.stdout.buffer.slice(run.stdout.byteOffset, run.stdout.byteOffset + 12 * total));
  let next = 0;
  return programs.map(({ cases }) =>
    cases.map(() => {
      const [a, d, flags] = output.subarray(next, next + 3) as unknown as [number, number, number];
      next += 3;
      return { a, d, flags };
    }),
  );
}
