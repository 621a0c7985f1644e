/** Runs the programs on an engine, whole and in slices, and compares engines with one another. */
import type { FrontEnd } from '../../src/cpu/isa/front-end.ts';
import { LEAVE_ECALL } from './emitter.ts';
import { copyImage, type Image, type Rv64Engine } from './engine.ts';
import { imageOf, type Program } from './programs.ts';

const MANY = 10_000_000;

/** What differs between two images, in words. */
export function imageDifferences(want: Image, got: Image): string[] {
  const found = want.x.flatMap((v, i) =>
    v === got.x[i] ? [] : [`x${i} is 0x${got.x[i]?.toString(16)}, not 0x${v.toString(16)}`],
  );
  if (want.pc !== got.pc) found.push(`pc is 0x${got.pc.toString(16)}, not 0x${want.pc.toString(16)}`);
  for (const [page, bytes] of want.memory) {
    const other = got.memory.get(page);
    const at = bytes.findIndex((byte, i) => byte !== other?.[i]);
    if (at >= 0) found.push(`byte 0x${(page + BigInt(at)).toString(16)} is ${other?.[at]}, not ${bytes[at]}`);
  }
  return found;
}

/** Run a program to its end; what went wrong, in words. */
export function runProgram(frontEnd: FrontEnd, program: Program, engine: Rv64Engine): string[] {
  const image = imageOf(program);
  const stop = engine.run(frontEnd, image, MANY);
  const problems: string[] = [];
  if (stop.kind !== 'leave' || stop.code !== LEAVE_ECALL) {
    problems.push(`stopped with ${stop.kind} ${stop.code} at 0x${image.pc.toString(16)} after ${stop.insns}`);
  }
  if (image.x[10] !== program.x10) {
    problems.push(`x10 is 0x${image.x[10]?.toString(16)}, not 0x${program.x10.toString(16)}`);
  }
  return problems.map((p) => `${engine.name}, ${program.name}: ${p}`);
}

/** Two engines side by side in slices of these many instructions, over and over: equal at every boundary? */
export function runInSlices(
  frontEnd: FrontEnd,
  program: Program,
  reference: Rv64Engine,
  engine: Rv64Engine,
  slices: readonly number[],
): string[] {
  const want = imageOf(program);
  const got = copyImage(want);
  let total = 0;
  for (let i = 0; total < MANY; i++) {
    const slice = slices[i % slices.length] as number;
    const stopWanted = reference.run(frontEnd, want, slice);
    const stop = engine.run(frontEnd, got, slice);
    total += stopWanted.insns;
    const problems = imageDifferences(want, got);
    if (JSON.stringify(stop) !== JSON.stringify(stopWanted)) {
      problems.push(`stopped with ${JSON.stringify(stop)}, not ${JSON.stringify(stopWanted)}`);
    }
    if (problems.length > 0) return [`${engine.name}, ${program.name}, after ${total}: ${problems.join('; ')}`];
    if (stopWanted.kind !== 'budget') break;
  }
  return [];
}
